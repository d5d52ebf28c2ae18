"""Samples whose times wander, on a regular grid: blocks of samples in, whole seconds at a rate that counts know out."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from actigraphy.science.counts import RATES

from .raw import Seconds
from .reading import UnreadableRecording

Floats = NDArray[np.float64]

#: A block that takes this much more or less than its nominal time is beside a gap.
_TOLERANCE = 0.1
#: The end of one block may lie beyond the beginning of the next by this much, s.
_OVERLAP_S = 2


def rate_for(nominal_hz: float) -> int:
    """The rate to bring samples to: the nearest below for which counts are published.

    Raises
    ------
    UnreadableRecording
        unsupported_rate: it is slower than all of them.
    """
    below = [rate for rate in RATES if rate <= nominal_hz + 0.5]
    if not below:
        raise UnreadableRecording("unsupported_rate", rates=f"{min(RATES)} or more")
    return max(below)


class Resampler:
    """Linear interpolation between the samples, whose times are spread evenly between the stamps of their blocks.

    Parameters
    ----------
    nominal_hz : float
        What the device is set to; it may wander by a tenth. Beyond, there is a gap.
    rate_hz : int
        Of the result.
    outline : bool
        Whether only the places of the samples are wanted; they are all zero then.
    """

    def __init__(self, nominal_hz: float, rate_hz: int, *, outline: bool = False) -> None:
        self.nominal_hz, self.rate_hz, self.outline = nominal_hz, rate_hz, outline
        self._pending: tuple[float, Floats] | None = None
        self._times: list[Floats] = []
        self._samples: list[Floats] = []
        self._next_s: int | None = None

    def add(self, start: float, samples: Floats) -> Iterator[Seconds]:
        """Take a block: the wall second of its first sample, and samples in g, shape (n, 3)."""
        if self._pending is not None:
            held, block = self._pending
            nominal = len(block) / self.nominal_hz
            took = start - held
            joined = abs(took - nominal) <= _TOLERANCE * nominal
            self._hold(held, block, took if joined else nominal)
            if not joined:
                yield from self._flush()
        self._pending = start, samples

    def piece(self, *, last: bool = False) -> Iterator[Seconds]:
        """The whole seconds of the blocks so far."""
        if last and self._pending is not None:
            held, block = self._pending
            self._hold(held, block, len(block) / self.nominal_hz)
            self._pending = None
        yield from self._flush(keep=not last)

    def _hold(self, start: float, block: Floats, took: float) -> None:
        self._times.append(start + np.arange(len(block), dtype=np.float64) * (took / len(block)))
        self._samples.append(block)

    def _flush(self, *, keep: bool = False) -> Iterator[Seconds]:
        """Give the whole seconds; ``keep`` holds what a block that follows without a gap goes on from."""
        if not self._times:
            return
        times, samples = np.concatenate(self._times), np.concatenate(self._samples)
        first, stop = int(np.ceil(times[0] - 1e-6)), int(np.floor(times[-1] + 1.5 / self.nominal_hz))
        if keep:
            stop = int(np.floor(times[-1]))  # the grid needs a sample beyond its last point
        if self._next_s is not None and 0 < self._next_s - first <= _OVERLAP_S:
            first = self._next_s
        if stop > first:
            yield Seconds(first, self._interpolated(first, stop, times, samples))
            self._next_s = stop
        from_here = int(np.searchsorted(times, stop)) - 1 if keep else len(times)
        from_here = max(0, from_here)
        self._times, self._samples = ([times[from_here:]], [samples[from_here:]]) if keep else ([], [])

    def _interpolated(self, first: int, stop: int, times: Floats, samples: Floats) -> Floats:
        n = (stop - first) * self.rate_hz
        if self.outline:
            return np.zeros((n, 3))
        grid = first + np.arange(n) / self.rate_hz
        return np.stack([np.interp(grid, times, samples[:, axis]) for axis in range(3)], axis=1)
