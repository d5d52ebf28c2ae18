"""A daily series before and after a day, held against how much it moves by itself: observational, never an effect."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from novamind.measures import Abstained

#: Days before and after; whole weeks, so that every day of the week counts alike.
SPAN: Final = 28
#: Days with a value that a window needs, and days that must have passed since.
LEAST: Final = 14
#: Earlier pairs of windows without which nothing is said of how much the series moves by itself.
LEAST_PAIRS: Final = 28


@dataclass(frozen=True, slots=True)
class Side:
    """The days with a value on one side of a day: how many, and their mean; too few abstain."""

    known: int
    mean: float | Abstained


@dataclass(frozen=True, slots=True)
class Around:
    """The means of both windows, and how unusual their difference is for this person.

    Attributes
    ----------
    before, after : float
        Means of the days with a value, in units of the series.
    known_before, known_after : int
        How many these are.
    pairs : int
        Pairs of windows of the same lengths, one day after another, that lie wholly before the day.
    as_large : int
        Of these, pairs whose means differ at least as much, whichever way.
    """

    before: float
    after: float
    known_before: int
    known_after: int
    pairs: int
    as_large: int

    @property
    def difference(self) -> float:
        """After less before."""
        return self.after - self.before


def around(values: NDArray[np.float64], at: int) -> Around:
    """Compare the four weeks before a day with up to four from that day on.

    Parameters
    ----------
    values : (days,) float64
        One value a day, NaN where missing; the last one is of the last day that is over.
    at : int
        Index of the day, which is the first of the window after.

    Raises
    ------
    Abstained
        too_few_days: fewer than ``LEAST`` days have a value before or after, or too few pairs of windows lie before
        the day to tell how much the series moves by itself. no_variation: it never moved.

    Notes
    -----
    The pairs overlap, so their share is a description of this person's history and no p-value.
    """
    late = min(SPAN, len(values) - at)
    before, after = _windows(values, at)
    for window in (before, after):
        if _known(window) < LEAST:
            raise Abstained("too_few_days", needed=LEAST, got=_known(window))
    moves = [
        float(np.nanmean(values[day : day + late]) - np.nanmean(values[day - SPAN : day]))
        for day in range(SPAN, at - late + 1)
        if _known(values[day : day + late]) >= min(LEAST, late) and _known(values[day - SPAN : day]) >= LEAST
    ]
    if len(moves) < LEAST_PAIRS:
        raise Abstained("too_few_days", needed=SPAN + late + LEAST_PAIRS - 1, got=_known(values[:at]))
    if not np.any(np.abs(moves) > 0):
        raise Abstained("no_variation")
    found = float(np.nanmean(after) - np.nanmean(before))
    as_large = int(np.sum(np.abs(moves) >= abs(found)))
    return Around(
        float(np.nanmean(before)), float(np.nanmean(after)), _known(before), _known(after), len(moves), as_large
    )


def sides(values: NDArray[np.float64], at: int) -> tuple[Side, Side]:
    """The four weeks before a day and up to four from that day on, each by itself; arguments as of ``around``."""
    before, after = _windows(values, at)
    return _side(before), _side(after)


def _side(window: NDArray[np.float64]) -> Side:
    known = _known(window)
    enough = known >= LEAST
    return Side(known, float(np.nanmean(window)) if enough else Abstained("too_few_days", needed=LEAST, got=known))


def _windows(values: NDArray[np.float64], at: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    return values[max(0, at - SPAN) : at], values[at : at + SPAN]


def _known(window: NDArray[np.float64]) -> int:
    return int(np.sum(~np.isnan(window)))
