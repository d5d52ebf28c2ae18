"""Scores by person and day, the scale they live on, and what was known on a day."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

#: Days ahead.
HORIZON: Final = 14
#: A forecast looks back half a year; what is older says little about a person's usual days now.
LOOKBACK: Final = 182
COLUMNS: Final = ("person", "day", "score")
_LONGEST: Final = 3_660


class PanelError(Exception):
    """A table that holds no series to forecast, and why; names no person."""


@dataclass(frozen=True, slots=True)
class Scale:
    """The range and the grid of an instrument.

    Attributes
    ----------
    low, high : float
        Lowest and highest score that can be given.
    step : float
        Distance of neighbouring scores; 0 where any number can be given.
    """

    low: float
    high: float
    step: float = 0.0

    def __post_init__(self) -> None:
        if not (np.isfinite([self.low, self.high, self.step]).all() and self.low < self.high and self.step >= 0):
            raise ValueError(f"no scale: {self.low} to {self.high} in steps of {self.step}")

    @classmethod
    def seen(cls, scores: Floats) -> Self:
        """The range of given scores, whole numbers as grid where all of them are whole.

        Raises
        ------
        PanelError
            All scores are the same, or there is none.
        """
        known = scores[np.isfinite(scores)]
        if not len(known) or known.min() == known.max():
            raise PanelError("the scores do not vary")
        return cls(float(known.min()), float(known.max()), float((known == np.rint(known)).all()))

    def holds(self, scores: Floats) -> None:
        """``PanelError`` where a score lies outside of the range."""
        if (scores < self.low).any() or (scores > self.high).any():
            raise PanelError(f"a score lies outside of {self.low:g} to {self.high:g}")

    def nearest(self, values: Floats) -> Floats:
        """Values moved onto the grid and into the range."""
        return self._within(np.rint(self._steps(values)) if self.step else values)

    def below(self, values: Floats) -> Floats:
        """The next score at or below each value, so that an interval's lower end stays outside."""
        return self._within(np.floor(self._steps(values) + 1e-9) if self.step else values)

    def above(self, values: Floats) -> Floats:
        """The next score at or above each value."""
        return self._within(np.ceil(self._steps(values) - 1e-9) if self.step else values)

    def _steps(self, values: Floats) -> Floats:
        steps: Floats = (values - self.low) / self.step
        return steps

    def _within(self, values: Floats) -> Floats:
        scores = self.low + values * self.step if self.step else values
        clipped: Floats = np.clip(scores, self.low, self.high)
        return clipped


@dataclass(frozen=True, eq=False)
class Panel:
    """Daily scores of n people.

    Attributes
    ----------
    people : tuple of str
        Whose row it is.
    scores : ndarray of float64, shape (n, days)
        Each row begins on the person's own first day; NaN where nothing was reported, and after the last day.
    """

    people: tuple[str, ...]
    scores: Floats

    @classmethod
    def from_rows(cls, people: Sequence[str], days: Sequence[int], scores: Sequence[float]) -> Self:
        """From one row per person and day in any order; days not named are missing.

        Raises
        ------
        PanelError
            No row, a day of a person twice, or a series of more than ten years.
        """
        if not len(people):
            raise PanelError("there is no row")
        names, row = np.unique(np.asarray(people, dtype=str), return_inverse=True)
        day = np.asarray(days, dtype=np.int64)
        first = np.full(len(names), np.iinfo(np.int64).max)
        np.minimum.at(first, row, day)
        column = day - first[row]
        if column.max() >= _LONGEST:
            raise PanelError("a series is longer than ten years")
        if len(np.unique(row * _LONGEST + column)) < len(row):
            raise PanelError("a person has two scores on one day")
        table = np.full((len(names), int(column.max()) + 1), np.nan)
        table[row, column] = scores
        return cls(tuple(names.tolist()), table)

    def of(self, rows: Ints) -> Panel:
        """These people alone."""
        return Panel(tuple(self.people[at] for at in rows), self.scores[rows])

    def __len__(self) -> int:
        return len(self.people)


def read_table(path: Path) -> Panel:
    """A CSV file with the columns ``person``, ``day`` (a whole number or YYYY-MM-DD) and ``score`` (empty: missing).

    Raises
    ------
    PanelError
        It cannot be read, a column is missing, or a line holds what is no day or no score; the line is named.
    """
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            rows = csv.DictReader(file)
            if absent := [name for name in COLUMNS if name not in (rows.fieldnames or [])]:
                raise PanelError(f"there is no column {', '.join(absent)}")
            return _parsed(rows)
    except OSError as error:
        raise PanelError(f"it cannot be read: {error.strerror}") from None
    except (UnicodeDecodeError, csv.Error):
        raise PanelError("it is not a CSV file") from None


def _parsed(rows: Iterable[dict[str, str]]) -> Panel:
    people: list[str] = []
    days: list[int] = []
    scores: list[float] = []
    for number, row in enumerate(rows, start=2):
        try:
            person, day, score = (row[name].strip() for name in COLUMNS)
            days.append(date.fromisoformat(day).toordinal() if "-" in day[1:] else int(float(day)))
            scores.append(float(score) if score else np.nan)
        except (ValueError, OverflowError, AttributeError):
            raise PanelError(f"line {number} is not a person, a day and a score") from None
        if not person or np.isinf(scores[-1]):
            raise PanelError(f"line {number} is not a person, a day and a score")
        people.append(person)
    return Panel.from_rows(people, days, scores)


@dataclass(frozen=True, eq=False)
class Windows:
    """What was known on m days, and what came.

    Attributes
    ----------
    person, origin : ndarray of int64, shape (m,)
        Row and column of the panel; the origin is the last day that was known.
    history : ndarray of float64, shape (m, d)
        Scores up to and with the origin in the last column; NaN where missing or before the first day.
    future : ndarray of float64, shape (m, horizon)
        Scores of the days after it.
    """

    person: Ints
    origin: Ints
    history: Floats
    future: Floats

    def __len__(self) -> int:
        return len(self.person)

    def where(self, chosen: Bools | Ints) -> Windows:
        """Some of them."""
        return Windows(self.person[chosen], self.origin[chosen], self.history[chosen], self.future[chosen])


def cut(panel: Panel, *, least_points: int, horizon: int = HORIZON, every: int = 1) -> Windows:
    """Every day of everybody on which at least ``least_points`` scores were known and one of the next days' came.

    Parameters
    ----------
    panel : Panel
        n people, their days.
    least_points : int
        Scores within the lookback.
    horizon : int
        Days ahead.
    every : int
        Only each so-manieth day of a person, counted from the first that qualifies for anybody.

    Returns
    -------
    Windows
        By person, then by day; none where nobody has enough.
    """
    days = panel.scores.shape[1]
    deep = min(LOOKBACK, days)
    padded = np.pad(panel.scores, ((0, 0), (deep - 1, horizon)), constant_values=np.nan)
    view = np.lib.stride_tricks.sliding_window_view(padded, deep + horizon, axis=1)
    known = np.isfinite(view[:, :, :deep]).sum(axis=2) >= least_points
    comes = np.isfinite(view[:, :, deep:]).any(axis=2)
    on_turn = (np.arange(days) - (least_points - 1)) % every == 0
    person, origin = np.nonzero(known & comes & on_turn)
    whole = view[person, origin]
    return Windows(person.astype(np.int64), origin.astype(np.int64), whole[:, :deep].copy(), whole[:, deep:].copy())
