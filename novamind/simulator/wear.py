"""When the watch is on the wrist, and when what it measured arrives."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from novamind.simulator.effects import Effects
from novamind.simulator.grid import Grid
from novamind.simulator.persona import Persona

# Chances per day for usual carelessness and mood; chosen for a compliant study (Depresjon files have few gaps
# within the study days), not fitted.
_SHOWER, _DAY_OFF, _NIGHT_OFF = 0.5, 0.06, 0.02
_BATTERY, _NO_SYNC = 0.006, 0.006
_MORE_PER_UNIT = 0.35  # log odds of being off the wrist per unit of latent low mood


def wear(
    persona: Persona,
    grid: Grid,
    days: int,
    low_mood: NDArray[np.float64],
    bed_s: NDArray[np.int64],
    up_s: NDArray[np.int64],
    effects: Effects,
    rng: np.random.Generator,
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Worn and recorded minutes.

    Parameters
    ----------
    persona : Persona
    grid : Grid
        n minutes.
    days : int
        Days until the watch is taken off for good; the rest of the grid is the tail a device records in a drawer.
    low_mood : ndarray of float64, shape (grid days,)
        Latent low mood; zeros for no effect of mood.
    bed_s, up_s : ndarray of int64, shape (nights,)
        To bed and up again, UTC seconds; the morning of night k is on day k.
    effects : Effects
        ``missing`` is heeded.
    rng : numpy.random.Generator
        Consumed alike whichever effects are on.

    Returns
    -------
    worn : ndarray of bool, shape (n,)
        On the wrist; a count outside is a true zero of a still device.
    recorded : ndarray of bool, shape (n,)
        The device ran and its data arrived; outside there is no sample at all.
    """
    worn, recorded = np.ones(len(grid), dtype=bool), np.ones(len(grid), dtype=bool)
    more = np.exp(_MORE_PER_UNIT * low_mood)
    first_s = int(grid.utc_s[0])
    for day in range(days):
        u, z = rng.random(10), rng.standard_normal(3)
        if not effects.missing:
            continue
        off = persona.carelessness * more[day]
        wake = int(up_s[day])
        midday = first_s + 86_400 * day + 43_200
        if u[0] < _SHOWER:
            _clear(worn, first_s, wake + 300 + 1800 * u[1], 600 * np.exp(0.3 * z[0]))
        if u[2] < _odds(_DAY_OFF, off):
            _clear(worn, first_s, midday + 3600 * (10 * u[3] - 4), 5400 * np.exp(0.7 * z[1]))
        if u[4] < _odds(_NIGHT_OFF, off):
            _clear(worn, first_s, bed_s[day + 1] - 600, up_s[day + 1] - bed_s[day + 1] + 1200)
        if u[5] < _BATTERY:
            _clear(recorded, first_s, midday + 86_400 * (u[6] - 0.5), 3600 * (4 + 26 * u[7]))
        if u[8] < _odds(_NO_SYNC, off):
            recorded[grid.day == day] = False
    worn[grid.day >= days] = False
    return worn, recorded


def _odds(chance: float, factor: float) -> float:
    odds = chance / (1 - chance) * factor
    return odds / (1 + odds)


def _clear(mask: NDArray[np.bool_], first_s: int, at_s: float, length_s: float) -> None:
    begin = max(int(at_s - first_s) // 60, 0)
    mask[begin : max(begin + int(length_s) // 60, 0)] = False
