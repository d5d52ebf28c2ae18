"""What of a person's chart may be looked at: totals, courses, conditions, phenotypes and days, each with its date."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Final

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

#: Days of these are looked at, in the order of the rows of :attr:`Chart.days`.
DAILY: Final = ("sleep_duration", "sleep_efficiency", "activity", "mood")
#: Instrument -> its items that are counted. PHQ-9 without item 9, which asks for thoughts of death: PHQ-8 (Kroenke
#: et al. 2009, J Affect Disord 114:163-173). Of no other instrument is anything read, least of all of C-SSRS.
ITEMS: Final[Mapping[str, tuple[str, ...]]] = {
    "phq9": tuple(str(item) for item in range(1, 9)),
    "gad7": tuple(str(item) for item in range(1, 8)),
}


@dataclass(frozen=True, slots=True)
class Total:
    """A questionnaire of that day: the sum of :data:`ITEMS`, in points."""

    on: date
    points: float


@dataclass(frozen=True, slots=True)
class Course:
    """One course of a drug; ``ended`` and ``stop_reason`` are empty while it goes on, or the day is not known.

    ``stopped`` says that it ended, whether or not the day is known.
    """

    drug_class: str
    started: date
    ended: date | None = None
    stop_reason: str = ""
    stopped: bool = False


@dataclass(frozen=True, slots=True)
class Condition:
    """A coded condition (ICD-10), and the day from which on it is in the chart."""

    code: str
    known_on: date


@dataclass(frozen=True, slots=True)
class Phenotype:
    """What a laboratory reported of a gene, in its words, and the day from which on it is in the chart."""

    gene: str
    words: str
    known_on: date


@dataclass(frozen=True, eq=False)
class Chart:
    """A person, as far as these models look.

    Attributes
    ----------
    instrument : str
        A key of :data:`ITEMS`.
    born : date
    seen_until : date
        Last day on which what happened is known.
    first : date
        Of ``days``.
    days : (len(DAILY), days) float64
        Minutes asleep, share of the night asleep, counts of movement, mood 0 to 10; NaN where missing.
    """

    instrument: str
    born: date
    seen_until: date
    totals: tuple[Total, ...] = ()
    courses: tuple[Course, ...] = ()
    conditions: tuple[Condition, ...] = ()
    phenotypes: tuple[Phenotype, ...] = ()
    first: date = date(1970, 1, 1)
    days: Floats = field(default_factory=lambda: np.empty((len(DAILY), 0)))


def total_without_safety(instrument: str, points: Mapping[str, float]) -> float | None:
    """The sum of the counted items; ``None`` where one of them is unanswered, or nothing of the instrument is counted.

    Parameters
    ----------
    instrument : str
    points : mapping of item id to points
        Answered items alone.
    """
    items = ITEMS.get(instrument, ())
    if not items or any(item not in points for item in items):
        return None
    return float(sum(points[item] for item in items))
