"""Cutting a recording into the weeks PAT reads: 10,080 minutes from a local midnight on."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from novamind.clock import LocalTimes
from novamind.measures import Abstained

from .architecture import WEEK_MIN

WEEK_DAYS: Final = 7
VALID_DAY_MIN: Final = 16 * 60
_MINUTE_S = 60
_LAST_MINUTE_S = 86_340


def week_starts(worn: NDArray[np.bool_], times: LocalTimes) -> NDArray[np.int64]:
    """Where the PAT weeks of a recording begin.

    A week is seven consecutive local days, each worn at least 16 h, read as 10,080 elapsed minutes from the first one's
    midnight. Days of 23 or 25 hours keep their minutes: when the clocks went forward the week reaches an hour into the
    eighth day, when they went back it ends an hour before the seventh day does, and after the change the minute of
    the week is an hour off the clock. Weeks slide by a day: one begins on every day that six more valid ones follow, so
    that minutes appended later leave the earlier weeks as they were.

    Parameters
    ----------
    worn : ndarray of bool, shape (n,)
        One value per minute: worn, and measured.
    times : LocalTimes
        The wall clock of the same n minutes, on a grid without gaps.

    Returns
    -------
    ndarray of int64, shape (w,)
        Index of each week's first minute, ascending; w is at least 1. Neighbours share six days.

    Raises
    ------
    Abstained
        too_few_days (needed 7; got the longest run of valid days from midnight to midnight), or indeterminate when the
        clocks went forward in the only seven days and the recording ends before 10,080 minutes have passed.
    ValueError
        The grid is not one of minutes, or of another length than ``worn``.
    """
    _check_grid(worn, times)
    if not len(worn):
        raise Abstained("too_few_days", needed=WEEK_DAYS, got=0)
    days, first = np.unique(times.day, return_index=True)
    valid = np.bincount(np.searchsorted(days, times.day), weights=worn) >= VALID_DAY_MIN
    # Only the ends of a gapless recording can be cut; a day's first minute is past midnight where its clock skips one.
    valid[0] &= times.second_of_day[0] < _MINUTE_S
    valid[-1] &= times.second_of_day[-1] >= _LAST_MINUTE_S

    starts, run, longest = [], 0, 0
    for day, is_valid in enumerate(valid):
        run = run + 1 if is_valid else 0
        longest = max(longest, run)
        if run >= WEEK_DAYS:
            starts.append(first[day - WEEK_DAYS + 1])
    found = np.array([start for start in starts if start + WEEK_MIN <= len(worn)], dtype=np.int64)
    if len(found):
        return found
    if longest < WEEK_DAYS:
        raise Abstained("too_few_days", needed=WEEK_DAYS, got=longest)
    raise Abstained("indeterminate", what="the clocks went forward and the recording ends before the week is full")


def weeks_apart(starts: NDArray[np.int64]) -> NDArray[np.int64]:
    """Of the weeks that begin there, the first and every next one that shares no minute with the one before."""
    chosen: list[int] = []
    for start in starts.tolist():
        if not chosen or start >= chosen[-1] + WEEK_MIN:
            chosen.append(start)
    return np.array(chosen, dtype=np.int64)


def weeks_apart_from_last(starts: NDArray[np.int64], length: int = 60 * WEEK_MIN) -> NDArray[np.int64]:
    """Of the weeks that begin there (ascending, UTC seconds), which ones share no minute, counted back from the last.

    Indices into ``starts``, ascending, so that the newest week is always among them.
    """
    chosen: list[int] = []
    for at in range(len(starts) - 1, -1, -1):
        if not chosen or starts[at] + length <= starts[chosen[-1]]:
            chosen.append(at)
    return np.array(chosen[::-1], dtype=np.int64)


def cut_weeks(counts: NDArray[np.float64], worn: NDArray[np.bool_], starts: NDArray[np.int64]) -> NDArray[np.float32]:
    """The minutes of each week.

    Parameters
    ----------
    counts : ndarray, shape (n,)
        One value per minute in the device's unit; NaN for missing.
    worn : ndarray of bool, shape (n,)
    starts : ndarray of int64, shape (w,)
        From :func:`week_starts` of the same recording.

    Returns
    -------
    ndarray of float32, shape (w, 10080)
        A copy, not normalised; NaN where missing or not worn, for a watch on a table counts nothing either.
    """
    minutes = np.where(worn, counts, np.nan).astype(np.float32)
    weeks: NDArray[np.float32] = minutes[starts[:, np.newaxis] + np.arange(WEEK_MIN)]
    return weeks


def _check_grid(worn: NDArray[np.bool_], times: LocalTimes) -> None:
    if worn.ndim != 1 or len(worn) != len(times):
        raise ValueError(f"wear has shape {worn.shape} for {len(times)} minutes")
    if worn.dtype != np.bool_:
        raise ValueError(f"wear is true or false per minute; got {worn.dtype}")
    if (np.diff(times.utc_s) != _MINUTE_S).any():
        raise ValueError("a PAT week is cut from a gapless grid of minutes")
