"""Acceleration in 5-second epochs: ENMO, MAD, the angle of z, and the spread by which a watch on a table is known.

A recording comes in pieces of any length; what is left of a minute waits for the next.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

EPOCH_S: Final = 5
MINUTE_S: Final = 60
PER_MINUTE: Final = MINUTE_S // EPOCH_S


@dataclass(frozen=True, eq=False)
class Epochs:
    """What acceleration is reduced to.

    Attributes
    ----------
    enmo, mad : ndarray, shape (12 m,)
        g, per epoch of 5 s; NaN where samples are missing.
    z_angle : ndarray, shape (12 m,)
        Angle of the sensor's z axis to the horizontal plane, degrees, -90 to 90.
    mean, variance, low, high : ndarray, shape (m, 3)
        Of the samples of each minute and axis, g (variance: g², about the minute's own mean); NaN where missing.
    """

    enmo: Floats
    mad: Floats
    z_angle: Floats
    mean: Floats
    variance: Floats
    low: Floats
    high: Floats

    @property
    def minutes(self) -> int:
        """How many minutes these are."""
        return len(self.mean)

    def all(self) -> tuple[Floats, ...]:
        """Every array, in the order above."""
        return self.enmo, self.mad, self.z_angle, self.mean, self.variance, self.low, self.high

    @classmethod
    def missing(cls, minutes: int) -> Epochs:
        """Of minutes in which nothing was recorded."""
        fine = [np.full(minutes * PER_MINUTE, np.nan) for _ in range(3)]
        return cls(*fine, *(np.full((minutes, 3), np.nan) for _ in range(4)))

    def put(self, minute: int, part: Epochs) -> None:
        """Write a part of the recording at its place."""
        fine = slice(minute * PER_MINUTE, (minute + part.minutes) * PER_MINUTE)
        for name in ("enmo", "mad", "z_angle"):
            getattr(self, name)[fine] = getattr(part, name)
        for name in ("mean", "variance", "low", "high"):
            getattr(self, name)[minute : minute + part.minutes] = getattr(part, name)

    def cut(self, first: int, stop: int) -> Epochs:
        """The minutes of ``[first, stop)``."""
        fine = slice(first * PER_MINUTE, stop * PER_MINUTE)
        return Epochs(
            self.enmo[fine], self.mad[fine], self.z_angle[fine],
            *(values[first:stop] for values in (self.mean, self.variance, self.low, self.high)),
        )  # fmt: skip


class EpochStream:
    """Epochs of a recording that comes in pieces; the pieces' lengths change nothing.

    Parameters
    ----------
    rate_hz : int
        Samples per second.

    References
    ----------
    ENMO: van Hees et al. (2013) PLoS ONE 8:e61691. MAD: Vähä-Ypyä et al. (2015) Clin Physiol Funct Imaging 35:64-70.
    Angle: van Hees et al. (2015) PLoS ONE 10:e0142533, of every sample, without its rolling median.
    """

    def __init__(self, rate_hz: int) -> None:
        if rate_hz < 1:
            raise ValueError("a second has at least one sample")
        self.rate_hz = rate_hz
        self._left: Floats = np.empty((0, 3))

    def add(self, xyz: Floats) -> Epochs:
        """The epochs of the minutes that these samples complete.

        Parameters
        ----------
        xyz : ndarray, shape (n, 3)
            Acceleration in g, calibrated, in the order of time, without a gap and without NaN.
        """
        xyz = np.asarray(xyz, np.float64)
        if len(self._left):
            xyz = np.concatenate([self._left, xyz])
        per_minute = self.rate_hz * MINUTE_S
        minutes = len(xyz) // per_minute
        self._left = xyz[minutes * per_minute :].copy()
        return _epochs(xyz[: minutes * per_minute], minutes, self.rate_hz * EPOCH_S)


def _epochs(xyz: Floats, minutes: int, width: int) -> Epochs:
    from actigraphy.science.kernels import reduce_minutes  # where it runs: web processes start without a compiler

    enmo, mad, angle = (np.empty(minutes * PER_MINUTE) for _ in range(3))
    spread = np.empty((4, minutes, 3))
    reduce_minutes(np.ascontiguousarray(xyz), width, PER_MINUTE, enmo, mad, angle, spread)
    return Epochs(enmo, mad, angle, *spread)
