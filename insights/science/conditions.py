"""Conditions of alert rules over days: three-valued, so that what is not known neither holds nor fails to."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from insights.science.normal import Floats, spread
from insights.science.own_week import LEAST_OWN, OWN_DAYS

#: An episode ends when its condition has not held for so many days: until then it is the same one.
EPISODE_ENDS_AFTER: Final = 7
#: An episode that lasts is told again after so many days.
TOLD_AGAIN_AFTER: Final = 28
#: A signal counts as one that can be missed if it was known so often in the four weeks before it stopped.
USED_DAYS, USED_LEAST = 28, 7


def beyond(values: Floats, *, below: bool, limit: float, days: int) -> Floats:
    """Whether each of the last ``days`` days was below, or above, a limit.

    Parameters
    ----------
    values : ndarray, shape (n_days,)
        One number a day; NaN where not known.

    Returns
    -------
    ndarray, shape (n_days,)
        1 it was, 0 a known day was not, NaN where that hangs on a day that is not known, or before the first.
    """
    says = np.where(np.isnan(values), np.nan, values < limit if below else values > limit)
    return _each(says, days)


def rises(values: Floats, *, falling: bool, a_week: float, days: int) -> Floats:
    """Whether the Theil-Sen slope of the last ``days`` days is at least ``a_week`` a week, that way.

    Returns
    -------
    ndarray, shape (n_days,)
        1 or 0; NaN where fewer than half of those days are known.

    References
    ----------
    Theil (1950) Proc K Ned Akad Wet 53:386-392.
    """

    def holds(window: Floats) -> float:
        at = np.flatnonzero(~np.isnan(window))
        if at.size < max(2, days / 2):
            return np.nan
        first, later = np.triu_indices(at.size, 1)
        slope = 7 * float(np.median((window[at[later]] - window[at[first]]) / (at[later] - at[first])))
        return float((-slope if falling else slope) >= a_week)

    return _windows(values, days, holds)


def leaves_usual(values: Floats, *, below: bool, spreads: float, days: int, step: float = 0.0) -> Floats:
    """Whether the median of the last ``days`` days is that many spreads below, or above, that of the 56 before.

    Parameters
    ----------
    step : float
        Distance of two answers of a rating; 0 of what is measured.

    Returns
    -------
    ndarray, shape (n_days,)
        1 or 0; NaN below 28 known days before, half of the last days, or where half of the days before are one value.

    References
    ----------
    Leys et al. (2013) J Exp Soc Psychol 49:764-766 (median and MAD).
    """

    def holds(window: Floats) -> float:
        own, last = (part[~np.isnan(part)] for part in (window[:OWN_DAYS], window[OWN_DAYS:]))
        if own.size < LEAST_OWN or last.size < days / 2:
            return np.nan
        wide = spread(own, step)
        if wide == 0:
            return np.nan
        away = float(np.median(last) - np.median(own)) / wide
        return float((-away if below else away) >= spreads)

    return _windows(values, OWN_DAYS + days, holds)


def is_missing(values: Floats, *, days: int) -> Floats:
    """Whether nothing was known on the last ``days`` days of a signal that was in use in the four weeks before.

    Returns
    -------
    ndarray, shape (n_days,)
        1 or 0; NaN where it was known on fewer than 7 of those 28: what is not used is not missed.
    """

    def holds(window: Floats) -> float:
        known = ~np.isnan(window)
        if known[USED_DAYS:].any():
            return 0.0
        return 1.0 if known[:USED_DAYS].sum() >= USED_LEAST else np.nan

    return _windows(values, USED_DAYS + days, holds)


def all_of(parts: list[Floats]) -> Floats:
    """1 where all hold, 0 where one does not, else NaN (Kleene's "and")."""
    held = np.vstack(parts)
    return np.where((held == 0).any(axis=0), 0.0, np.where(np.isnan(held).any(axis=0), np.nan, 1.0))


def any_of(parts: list[Floats]) -> Floats:
    """1 where one holds, 0 where none does, else NaN (Kleene's "or")."""
    held = np.vstack(parts)
    return np.where((held == 1).any(axis=0), 1.0, np.where(np.isnan(held).any(axis=0), np.nan, 0.0))


def alerts_on(held: Floats) -> list[int]:
    """The places of the days on which a rule alerts: an episode begins, or has lasted for four more weeks."""
    found: list[int] = []
    last_held = -np.inf
    for day in np.flatnonzero(held == 1):
        if day - last_held > EPISODE_ENDS_AFTER or day - found[-1] >= TOLD_AGAIN_AFTER:
            found.append(int(day))
        last_held = float(day)
    return found


def _each(says: Floats, days: int) -> Floats:
    found = np.full(says.shape, np.nan)
    if says.size >= days:
        found[days - 1 :] = all_of(list(sliding_window_view(says, days).T))
    return found


def _windows(values: Floats, size: int, holds: Callable[[Floats], float]) -> Floats:
    found = np.full(values.shape, np.nan)
    for end in range(size, values.size + 1):
        found[end - 1] = holds(values[end - size : end])
    return found
