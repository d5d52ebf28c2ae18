"""Whether a series of days rises or falls, and how fast."""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt
from typing import Final

import numpy as np

from insights.science.normal import CHANGED, Floats, inflation, memory, two_sided
from novamind.measures import Abstained

DAYS: Final = 56
LEAST_DAYS: Final = 28


@dataclass(frozen=True, slots=True)
class Trend:
    """A slope a day, its 99.95 % interval (3.5 standard errors), ``z`` of Mann and Kendall's test, ``n`` days known."""

    slope: float
    low: float
    high: float
    z: float
    n: int

    @property
    def found(self) -> bool:
        """Whether the interval leaves out "no trend"."""
        return self.low > 0 or self.high < 0

    @property
    def confidence(self) -> float:
        """1 minus the chance of a score at least as far from zero without a trend, 0 to 1."""
        return 1.0 - two_sided(self.z)


def trend(values: Floats, step: float = 0.0) -> Trend:
    """The median of all slopes between two days, with a rank interval that day-to-day memory widens.

    Parameters
    ----------
    values : ndarray, shape (n_days,)
        One number a day, the newest last; NaN where not known. The last 56 are looked at.
    step : float
        Distance of two answers of a rating; 0 of what is measured.

    Raises
    ------
    Abstained
        too_few_days (needs 28), or no_variation (all are equal).

    References
    ----------
    Theil (1950) Proc K Ned Akad Wet 53; Sen (1968) J Am Stat Assoc 63:1379-1389 (slope, interval, ties);
    Yue & Wang (2004) Water Resour Manag 18:201-218 (variance of the test under memory of a day).
    """
    last = values[-DAYS:]
    at = np.flatnonzero(~np.isnan(last))
    if at.size < LEAST_DAYS:
        raise Abstained("too_few_days", needed=LEAST_DAYS, got=at.size)
    known = last[at]
    if np.ptp(known) == 0:
        raise Abstained("no_variation")
    first, later = np.triu_indices(at.size, 1)
    slopes = np.sort((known[later] - known[first]) / (at[later] - at[first]))
    slope = float(np.median(slopes))
    flat = np.full(last.shape, np.nan)
    flat[at] = known - slope * at
    deviation = sqrt(_variance(known) * inflation(memory(flat, step), at.size))
    low, high = _interval(slopes, deviation)
    score = float(np.sum(np.sign(slopes)))
    z = float(score - np.sign(score)) / deviation  # the continuity correction of the test
    return Trend(slope, low, high, z, int(at.size))


def _variance(known: Floats) -> float:
    """Of Kendall's score, with ties."""
    n = known.size
    _, ties = np.unique(known, return_counts=True)
    return float((n * (n - 1) * (2 * n + 5) - np.sum(ties * (ties - 1) * (2 * ties + 5))) / 18)


def _interval(slopes: Floats, deviation: float) -> tuple[float, float]:
    """The slopes of the ranks (N - C) / 2 and (N + C) / 2 + 1, counted from 1; at most the outermost."""
    wide = CHANGED * deviation
    low = int(np.round((slopes.size - wide) / 2)) - 1
    high = int(np.round((slopes.size + wide) / 2))
    return float(slopes[max(low, 0)]), float(slopes[min(high, slopes.size - 1)])
