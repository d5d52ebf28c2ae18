"""How sure: intervals whose coverage was measured on people the model never saw, and corrected as a person's days come.

Split conformal prediction, for each day ahead by itself, on errors in units of the person's own spread; both ends by
themselves, since scores crowd at the floor of a scale. Exchangeable are people, not days: with many days of few people
coverage on average holds, and the finite-sample bound is that of the days of one person each.

References
----------
Vovk, Gammerman & Shafer (2005) Algorithmic Learning in a Random World; Lei et al. (2018) JASA 113:1094-1111 (split);
Gibbs & Candès (2021) NeurIPS, Adaptive conformal inference under distribution shift, eq. 2 and prop. 4.1.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Self

import numpy as np

from .panel import Bools, Floats, Ints

#: Wanted coverage by its name.
LEVELS: Final = {"80": 0.80, "95": 0.95}
#: Shares of misses that are tabulated, 0 to 1 in steps of half a per cent; one in between is rounded down.
_GRID: Final = 200
#: How far a miss moves a person's interval. With larger steps people who are missed too often widen at once while those
#: covered too often narrow slowly, and pooled coverage rises above what was wanted (docs/forecasting.md has figures).
STEP: Final = 0.005


@dataclass(frozen=True, eq=False)
class Conformal:
    """Ends of intervals for each tolerated share of misses.

    Attributes
    ----------
    lower, upper : ndarray of float64, shape (horizon, 201)
        Distance of both ends from the forecast in spreads, for shares of misses 0, 0.005, …, 1; infinite where the
        calibration days are too few for that share.
    """

    lower: Floats
    upper: Floats

    @classmethod
    def of(cls, residual: Floats) -> Self:
        """From errors of people left out, (score that came - forecast) / spread, shape (m, horizon); NaN is missing.

        Raises
        ------
        ValueError
            Some day ahead has no error.
        """
        ends = [_ends(column[np.isfinite(column)]) for column in residual.T]
        return cls(np.stack([low for low, _ in ends]), np.stack([high for _, high in ends]))

    def interval(self, points: Floats, spread: Floats, miss: float | Floats) -> tuple[Floats, Floats]:
        """Ends (m, horizon) around forecasts (m, horizon), neither clipped nor on the grid.

        Parameters
        ----------
        points : ndarray, shape (m, horizon)
        spread : ndarray, shape (m,)
            Of each person, in score units.
        miss : float or ndarray, shape (m,)
            Tolerated share of misses; below 0 the interval is everything, from 1 on it is one point.
        """
        at = np.clip(np.floor(np.asarray(miss) * _GRID + 1e-9), -1, _GRID).astype(np.int64)
        at = np.broadcast_to(at, (len(points),))
        everything = (at < 0)[:, None]
        low = np.where(everything, -np.inf, self.lower[:, at].T) * spread[:, None]
        high = np.where(everything, np.inf, self.upper[:, at].T) * spread[:, None]
        return points + low, points + high


def _ends(errors: Floats) -> tuple[Floats, Floats]:
    if not len(errors):
        raise ValueError("a day ahead has no error to calibrate on")
    n, ranked = len(errors), np.concatenate(([-np.inf], np.sort(errors), [np.inf]))
    half = np.arange(_GRID + 1) / _GRID / 2
    # Half of the misses on each side, the ends rounded outwards: (n + 1) as in Lei et al.
    below = np.floor((n + 1) * half + 1e-9).astype(np.int64)
    low, high = ranked[below], ranked[n + 1 - below]
    return low, np.maximum(high, low)


@dataclass(frozen=True, slots=True)
class Adapted:
    """Intervals of one person, window after window, each made from what was known on its day.

    Attributes
    ----------
    low, high : ndarray of float64, shape (w, horizon)
    miss : ndarray of float64, shape (w,)
        The tolerated share of misses that each was made with.
    """

    low: Floats
    high: Floats
    miss: Floats


def adaptive(
    conformal: Conformal,
    *,
    origin: Ints,
    points: Floats,
    spread: Floats,
    future: Floats,
    coverage: float,
    step: float = STEP,
) -> Adapted:
    """Intervals of one person that widen after misses and narrow after hits.

    On each day the share of misses among the forecasts made for that day, whichever day they were made on, moves the
    tolerated share. Nothing after a window's day enters its interval.

    Parameters
    ----------
    conformal : Conformal
    origin : ndarray of int64, shape (w,)
        Days of the forecasts, ascending.
    points, future : ndarray of float64, shape (w, horizon)
        Forecasts, and what came (NaN: missing, or not yet).
    spread : ndarray of float64, shape (w,)
    coverage : float
        Wanted, between 0 and 1.
    step : float
        0 for intervals that never change.
    """
    low, high = np.empty_like(points), np.empty_like(points)
    misses = np.full(points.shape, np.nan)
    wanted = miss = 1.0 - coverage
    used = np.empty(len(origin))
    at = 0
    for day in range(int(origin[0]), int(origin[-1]) + 1) if len(origin) else ():
        miss += step * _surprise(misses, origin[:at], day, wanted)
        if origin[at] != day:
            continue
        here = slice(at, at + 1)
        low[here], high[here] = conformal.interval(points[here], spread[here], miss)
        missed = (future[at] < low[at]) | (future[at] > high[at])
        misses[at] = np.where(np.isfinite(future[at]), missed, np.nan)
        used[at] = miss
        at += 1
    return Adapted(low, high, used)


def _surprise(misses: Floats, made: Ints, day: int, wanted: float) -> float:
    """Tolerated less observed share of misses among forecasts for this day; 0 where none was made or nothing came."""
    ahead = day - made
    rows = np.flatnonzero(ahead <= misses.shape[1])  # all were made before this day
    of_day = misses[rows, ahead[rows] - 1]
    known: Bools = np.isfinite(of_day)
    return wanted - float(of_day[known].mean()) if known.any() else 0.0
