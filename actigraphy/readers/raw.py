"""Raw acceleration of any device: whole seconds in, counts per minute and 5-second epochs out.

The samples are reduced as they are read, so that memory does not grow with the recording's rate. A file is gone through
twice: first for what calibrates the sensor, then for everything else.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from actigraphy.science.acceleration import Epochs, EpochStream
from actigraphy.science.calibration import Calibration, StillWindows, calibrate
from actigraphy.science.counts import CountsStream
from novamind.measures import Abstained

from .grid import check_length, check_present, gap_notices, missing_notice, start_to_utc, year_notice
from .reading import FloatArray, Limits, Notice, Raw, ReadRecording, Request, UnreadableRecording

MINUTE_S: Final = 60
DAY_S: Final = 86_400


@dataclass(frozen=True)
class Info:
    """What a file says of the device and its clock, which is set to the wall's.

    ``scale`` is the steps of one g; ``clock`` the offset from UTC of the clock that set the device, in its own words,
    and ``offset_s`` in seconds, where it says so.
    """

    format: str
    family: str
    rate_hz: int
    scale: float
    model: str | None
    serial: str | None
    clock: str = ""
    offset_s: int | None = None


@dataclass(frozen=True)
class Seconds:
    """Whole seconds without a gap: wall second of the first, and samples of shape (n · rate, 3) in x, y, z."""

    at: int
    samples: NDArray[Any]


def read_raw(pieces: Callable[[], Iterator[Seconds]], info: Info, request: Request) -> ReadRecording:
    """The recording of a device that measures acceleration.

    Parameters
    ----------
    pieces : callable
        Begins to read the samples; called twice, or once for an outline.
    info : Info
    request : Request
    """
    if request.outline:
        outline = RawMinutes(info, request.limits, None, outline=True)
        for piece in pieces():
            outline.add(piece)
        return outline.recording(request)
    minutes = RawMinutes(info, request.limits, _calibration(pieces(), info))
    for piece in pieces():
        minutes.add(piece)
    return minutes.recording(request)


def _calibration(pieces: Iterator[Seconds], info: Info) -> Calibration | Abstained:
    still, after = StillWindows(info.rate_hz), None
    for piece in pieces:
        if piece.at != after:
            still.pause()
        still.add(piece.samples / info.scale)
        after = piece.at + len(piece.samples) // info.rate_hz
    try:
        return calibrate(still.means)
    except Abstained as why:
        return why


class Uncounted:
    """A :class:`CountsStream` that only says which epochs are whole."""

    def __init__(self, rate_hz: int, *, epoch_s: int) -> None:
        self._per_epoch, self._left = rate_hz * epoch_s, 0

    def add(self, xyz: NDArray[np.float64]) -> NDArray[np.int64]:
        """Zeros for the epochs that these samples complete, shape (m, 3)."""
        epochs, self._left = divmod(self._left + len(xyz), self._per_epoch)
        return np.zeros((epochs, 3), np.int64)


class RawMinutes:
    """Counts and epochs of whole minutes, from seconds in the order of time.

    Each stretch without a gap is a recording of its own, from its first whole minute on. Counts are made of what the
    sensor measured, as the device's own software makes them; everything else of the calibrated samples.
    """

    def __init__(
        self, info: Info, limits: Limits, calibration: Calibration | Abstained | None, *, outline: bool = False
    ) -> None:
        self.info, self.limits, self.outline, self._calibration = info, limits, outline, calibration
        self._first: int | None = None
        self._next = self._minute = 0
        self._streams: tuple[CountsStream | Uncounted, EpochStream] | None = None
        self._found: list[tuple[int, NDArray[np.int64]]] = []
        self._epochs: list[tuple[int, Epochs]] = []

    def add(self, seconds: Seconds) -> None:
        """Take the next seconds."""
        if self._first is None:
            self._first = self._next = seconds.at
        at, samples = seconds.at - self._first, seconds.samples
        if seconds.at < self._next:
            raise UnreadableRecording("unordered_timestamps")
        if at > self.limits.max_days * DAY_S:
            raise UnreadableRecording("too_long", limit=f"{self.limits.max_days} days")
        if seconds.at - self._next > self.limits.max_gap_days * DAY_S:
            raise UnreadableRecording("gap_too_long", limit_days=self.limits.max_gap_days)
        if seconds.at > self._next:
            self._streams = None
        self._next = seconds.at + len(samples) // self.info.rate_hz
        if self._streams is None:
            skipped = -at % MINUTE_S
            samples = samples[skipped * self.info.rate_hz :]
            if not len(samples):
                return
            self._minute = (at + skipped) // MINUTE_S
            counter = Uncounted if self.outline else CountsStream
            self._streams = counter(self.info.rate_hz, epoch_s=MINUTE_S), EpochStream(self.info.rate_hz)
        self._reduce(samples, *self._streams)

    def _reduce(self, samples: NDArray[Any], counter: CountsStream | Uncounted, stream: EpochStream) -> None:
        xyz = samples if self.outline else samples / self.info.scale
        counted = counter.add(xyz)
        self._found.append((self._minute, counted))
        if not self.outline:
            calibrated = self._calibration.apply(xyz) if isinstance(self._calibration, Calibration) else xyz
            self._epochs.append((self._minute, stream.add(calibrated)))
        self._minute += len(counted)

    def recording(self, request: Request) -> ReadRecording:
        """What was found, on a grid of minutes."""
        if self._first is None:
            raise UnreadableRecording("no_values")
        n = (self._next - self._first) // MINUTE_S
        check_length(n, MINUTE_S, self.limits)
        grid = np.full((n, 3), np.nan, np.float32)
        for minute, counted in self._found:
            grid[minute : minute + len(counted)] = counted
        missing = missing_notice(grid[:, 0], n)
        if self.outline:
            grid[:] = np.nan
        x, y, z = (np.ascontiguousarray(axis) for axis in grid.T)  # ActiLife's axis 1 is the sensor's y, axis 2 its x
        start_s = start_to_utc(self._first, request.tz)
        check_present(start_s + (n - 1) * MINUTE_S)
        return ReadRecording(
            format=self.info.format,
            device_family=self.info.family,
            device_model=self.info.model,
            device_serial=self.info.serial,
            start_s=start_s,
            epoch_s=MINUTE_S,
            activity=y,
            channels={"axis1": y, "axis2": x, "axis3": z, "vector_magnitude": _magnitude(grid)},
            zone=request.tz.key,
            zone_evidence="given",
            notices=(*year_notice(start_s), *self._gaps(), *missing, *self._other_zone(request, start_s)),
            raw=self._raw(n),
        )

    def _raw(self, minutes: int) -> Raw | None:
        if self._calibration is None:
            return None
        whole = Epochs.missing(minutes)
        for minute, part in self._epochs:
            whole.put(minute, part)
        return Raw(whole, self._calibration)

    def _gaps(self) -> list[Notice]:
        """Between the stretches; a minute they begin or end in is missing with the gap."""
        counted = [(minute, minute + len(counts)) for minute, counts in self._found if len(counts)]
        steps = [1 + after - end for (_, end), (after, _) in pairwise(counted)]
        return gap_notices(np.array(steps, np.int64) * MINUTE_S, MINUTE_S)

    def _other_zone(self, request: Request, start_s: int) -> list[Notice]:
        """The offset of the computer that set the device is in the file, but not always with its summer time."""
        wall = self._first
        assert wall is not None
        if self.info.offset_s is None or abs(wall - start_s - self.info.offset_s) <= 3600:
            return []
        detail = f"The device was set by a clock {self.info.clock} from UTC; its times are read in {request.tz.key}."
        return [Notice("set_elsewhere", detail)]


def _magnitude(grid: FloatArray) -> FloatArray:
    return np.sqrt((grid.astype(np.float64) ** 2).sum(axis=1)).astype(np.float32)
