"""Sleep regularity: how alike two days in a row are, minute by minute."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from actigraphy.science.rhythm import circular_mean_h
from actigraphy.science.thresholds import SOCIAL_JETLAG_NIGHTS, SRI_OVERLAPPING_DAYS
from novamind.clock import DAY_S
from novamind.measures import Abstained

Floats = NDArray[np.float64]


def _pairs(sleep: Floats, epoch_s: int) -> tuple[Floats, Floats, NDArray[np.bool_]]:
    """Each epoch's state, the state 24 h later, and where both are known."""
    lag = DAY_S // epoch_s
    today, tomorrow = sleep[:-lag], sleep[lag:]
    return today, tomorrow, np.isfinite(today) & np.isfinite(tomorrow)


def overlapping_days(sleep: Floats, *, epoch_s: int) -> float:
    """Days' worth of epochs whose state is known there and 24 h later.

    Parameters
    ----------
    sleep : ndarray, shape (n,)
        As for :func:`sleep_regularity_index`.
    epoch_s : int
        Must divide a day.
    """
    return float(_pairs(sleep, epoch_s)[2].sum() * epoch_s / DAY_S)


def sleep_regularity_index(sleep: Floats, *, epoch_s: int, min_days: float = SRI_OVERLAPPING_DAYS) -> float:
    """How often the patient is in the same state, asleep or awake, 24 h apart (SRI).

    Parameters
    ----------
    sleep : ndarray, shape (n,)
        1 asleep, 0 awake, NaN unknown, on a regular UTC grid: pairs are 24 elapsed hours apart, so the night of a clock
        change counts an hour's shift of the wall clock as what it is for the body, none.
    epoch_s : int
        Must divide a day.
    min_days : float
        Days' worth of known pairs that are needed.

    Returns
    -------
    float
        100 is perfectly regular, 0 chance, -100 inverted.

    Raises
    ------
    Abstained
        too_few_days (of overlap, see :func:`overlapping_days`; to one decimal, rounded down), no_variation (never
        asleep or never awake).

    References
    ----------
    Phillips et al. (2017) Sci Rep 7:3216. Windred et al. (2024) Sleep 47:zsad253 for the five days.
    """
    today, tomorrow, known = _pairs(sleep, epoch_s)
    held = known.sum() * epoch_s / DAY_S
    if held < min_days or not held:
        raise Abstained("too_few_days", needed=min_days, got=math.floor(10 * held) / 10)
    same = today[known] == tomorrow[known]
    pair = np.concatenate((today[known], tomorrow[known]))
    if pair.min() == pair.max():
        raise Abstained("no_variation")
    return float(-100 + 200 * same.mean())


def social_jetlag(
    midsleep_h: Floats, weekday: NDArray[np.int64], *, needed: tuple[int, int] = SOCIAL_JETLAG_NIGHTS
) -> float:
    """How far sleep on free days lies from sleep on work days, which are taken to be Monday to Friday.

    Parameters
    ----------
    midsleep_h : ndarray, shape (n,)
        Local clock hours of each night; NaN is left out.
    weekday : ndarray of int, shape (n,)
        Of the evening, Monday 0: the nights after Friday and Saturday are free.
    needed : (int, int)
        Nights before work days and before free days that are needed.

    Returns
    -------
    float
        Hours, 0 to 12, whichever is later; means of clock times are circular.

    Raises
    ------
    Abstained
        too_few_nights (of the kind that is short), indeterminate (midsleep has no mean).

    References
    ----------
    Wittmann et al. (2006) Chronobiol Int 23:497-509.
    """
    known = np.isfinite(midsleep_h)
    free = np.isin(weekday, (4, 5))
    work, rest = midsleep_h[known & ~free], midsleep_h[known & free]
    for nights, least in ((work, needed[0]), (rest, needed[1])):
        if len(nights) < least:
            raise Abstained("too_few_nights", needed=least, got=len(nights))
    apart = abs(circular_mean_h(rest) - circular_mean_h(work)) % 24
    return float(min(apart, 24 - apart))
