"""The last week of a person beside that person's own weeks before; the twin's test says whether it has changed."""

from __future__ import annotations

from dataclasses import dataclass
from math import pi, sqrt
from typing import Final

import numpy as np

from insights.science.normal import Floats, inflation, memory, spread
from novamind.measures import Abstained

WEEK: Final = 7
OWN_DAYS: Final = 56
#: Days that must be known: more than half of the week, half of the eight weeks before it.
LEAST_OF_WEEK: Final = 4
LEAST_OWN: Final = 28


@dataclass(frozen=True, slots=True)
class OwnWeek:
    """A week beside the person's own weeks before it.

    Attributes
    ----------
    value, usual : float
        Median of the week, and of the 56 days before it; the unit of the series.
    spread : float
        Of those days: 1.4826 times their median absolute deviation, at least half a step; above 0.
    z : float
        Difference of the medians in standard errors.
    n, own_n : int
        Days known of either.
    """

    value: float
    usual: float
    spread: float
    z: float
    n: int
    own_n: int


def week_median(values: Floats) -> float:
    """Median of the last 7 of the days; ``too_few_days`` where fewer than 4 of them are known."""
    return _median(values[-WEEK:], LEAST_OF_WEEK)


def usual_median(values: Floats) -> float:
    """The usual: median of the 56 days before the last 7; ``too_few_days`` where fewer than 28 are known."""
    return _median(values[-(OWN_DAYS + WEEK) : -WEEK], LEAST_OWN)


def _median(values: Floats, least: int) -> float:
    known = values[~np.isnan(values)]
    if known.size < least:
        raise Abstained("too_few_days", needed=least, got=known.size)
    return float(np.median(known))


def against_own_weeks(values: Floats, step: float = 0.0) -> OwnWeek:
    """The last 7 days against the 56 before.

    The standard error of a median of normal values is sqrt(pi / 2) times that of their mean; the variance of each is
    widened by the day-to-day memory of the 56 days.

    Parameters
    ----------
    values : ndarray, shape (n_days,), n_days >= 63
        One number a day, the newest last; NaN where not known. Clock times unwrapped.
    step : float
        Distance of two answers of a rating; 0 of what is measured.

    Raises
    ------
    Abstained
        too_few_days (4 of the week, 28 of the weeks before), or no_variation (half of those days are equal, of
        what is measured).

    References
    ----------
    Leys et al. (2013) J Exp Soc Psychol 49:764-766 (median and MAD); Kenney & Keeping (1962), Mathematics of
    Statistics, 211 (error of a median); Bayley & Hammersley (1946) Suppl J R Stat Soc 8:184-197 (memory).
    """
    own, week = values[-(OWN_DAYS + WEEK) : -WEEK], values[-WEEK:]
    usual, value = usual_median(values), week_median(values)
    known, of_week = own[~np.isnan(own)], week[~np.isnan(week)]
    wide = spread(known, step)
    if wide == 0:
        raise Abstained("no_variation")
    remembers = memory(own, step)
    shares = sum(inflation(remembers, n) / n for n in (of_week.size, known.size))
    error = wide * sqrt(pi / 2 * shares)
    return OwnWeek(value, usual, wide, (value - usual) / error, int(of_week.size), int(known.size))
