"""Autocalibration: at rest a sensor feels 1 g whichever way it lies, and where it does not, its axes are corrected."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from novamind.measures import Abstained

Floats = NDArray[np.float64]

WINDOW_S: Final = 10
#: An axis is still within a window when its standard deviation is below this, g.
STILL_G: Final = 0.013
#: A still window beyond this on an axis measures no gravity, g.
MOST_G: Final = 2.0
#: Every axis must have lain on both sides by this much, g.
SIDE_G: Final = 0.3
#: Still windows that are needed.
WINDOWS: Final = 100
#: The error that may remain, g.
ERROR_G: Final = 0.01
_ROUNDS: Final = 1000
_ENOUGH: Final = 1e-10


@dataclass(frozen=True, eq=False)
class Calibration:
    """A correction of each axis: ``scale * xyz + offset``.

    Attributes
    ----------
    scale, offset : ndarray, shape (3,)
        Without unit, and in g.
    error_before, error_after : float
        Mean distance of the still windows from 1 g, g.
    windows : int
        Still windows it rests on.
    """

    scale: Floats
    offset: Floats
    error_before: float
    error_after: float
    windows: int

    def apply(self, xyz: Floats) -> Floats:
        """Corrected samples, g, shape (n, 3)."""
        return xyz * self.scale + self.offset


class StillWindows:
    """Means of the still windows of 10 s of a recording that comes in pieces.

    Parameters
    ----------
    rate_hz : int
    """

    def __init__(self, rate_hz: int) -> None:
        self._width = rate_hz * WINDOW_S
        self._left: Floats = np.empty((0, 3))
        self._means: list[Floats] = []

    def add(self, xyz: Floats) -> None:
        """Take the next samples, g, shape (n, 3)."""
        if len(self._left):
            xyz = np.concatenate([self._left, xyz])
        windows = len(xyz) // self._width
        self._left = xyz[windows * self._width :].copy()
        axes = np.ascontiguousarray(xyz[: windows * self._width].T).reshape(3, windows, self._width)
        mean = axes.mean(axis=2)
        axes -= mean[:, :, None]
        variance = np.einsum("ijk,ijk->ij", axes, axes) / (self._width - 1)
        self._means.append(mean.T[(variance < STILL_G**2).all(axis=0) & (np.abs(mean) < MOST_G).all(axis=0)])

    def pause(self) -> None:
        """A gap: what is left of a window before it is no part of one after it."""
        self._left = np.empty((0, 3))

    @property
    def means(self) -> Floats:
        """Shape (n, 3), g."""
        return np.concatenate([np.empty((0, 3)), *self._means])


def calibrate(means: Floats) -> Calibration:
    """Fit the correction that brings still windows nearest to 1 g.

    Parameters
    ----------
    means : ndarray, shape (n, 3)
        Mean acceleration of still windows, g.

    Returns
    -------
    Calibration

    Raises
    ------
    Abstained
        indeterminate: too few still windows, the device did not lie on enough of its sides, or the fit leaves more than
        10 mg or more than there was.

    References
    ----------
    van Hees et al. (2014) J Appl Physiol 117:738-744: iterated weighted regression on the nearest points of the unit
    sphere; without temperature.
    """
    if len(means) < WINDOWS:
        raise Abstained("indeterminate", what="the device was still too seldom to be calibrated")
    if (means.min(axis=0) > -SIDE_G).any() or (means.max(axis=0) < SIDE_G).any():
        raise Abstained("indeterminate", what="the device did not lie on enough of its sides to be calibrated")
    scale, offset = np.ones(3), np.zeros(3)
    weight, last = np.ones(len(means)), np.inf
    for _ in range(_ROUNDS):
        now = means * scale + offset
        length = np.linalg.norm(now, axis=1)
        nearest = now / np.maximum(length, 1e-9)[:, None]
        slope, shift = _weighted_lines(now, nearest, weight)
        scale, offset = slope * scale, slope * offset + shift
        residual = float((weight[:, None] * (now * slope + shift - nearest) ** 2).mean())
        weight = np.minimum(1 / np.maximum(np.abs(length - 1), 1e-12), 1 / ERROR_G)
        if abs(residual - last) < _ENOUGH:
            break
        last = residual
    before, after = _error(means), _error(means * scale + offset)
    if after >= before or after > ERROR_G:
        raise Abstained("indeterminate", what="calibration does not bring the device near 1 g at rest")
    return Calibration(scale, offset, before, after, len(means))


def _weighted_lines(x: Floats, y: Floats, weight: Floats) -> tuple[Floats, Floats]:
    """Slope and shift of each axis by weighted least squares."""
    share = (weight / weight.sum())[:, None]
    mean_x, mean_y = (share * x).sum(axis=0), (share * y).sum(axis=0)
    spread = (share * (x - mean_x) ** 2).sum(axis=0)
    slope = (share * (x - mean_x) * (y - mean_y)).sum(axis=0) / spread
    return slope, mean_y - slope * mean_x


def _error(xyz: Floats) -> float:
    return float(np.abs(np.linalg.norm(xyz, axis=1) - 1).mean())
