"""What is known of a person on the day a course starts, as numbers with gaps."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta
from typing import Final

import numpy as np

from patients.vocabularies import drugs
from twins.science.treatment.charts import DAILY, Chart, Course, Floats
from twins.science.treatment.targets import baseline_of

#: Days before the start whose mean is taken, and how many of them must be known.
BEFORE_DAYS: Final = 28
LEAST_KNOWN: Final = 7
CLASSES: Final = tuple(sorted({one.drug_class for one in drugs().values()}))
#: How earlier courses ended, as treatment codes it.
ENDED: Final = ("remission", "no_effect", "side_effects")
#: Group -> first and last ICD-10 category. Substance use (42 CFR Part 2) and self-harm are in none of them.
GROUPS: Final = {
    "psychosis": ("F20", "F29"), "bipolar": ("F30", "F31"), "depression": ("F32", "F33"),
    "other_mood": ("F34", "F39"), "anxiety": ("F40", "F41"), "compulsion": ("F42", "F42"),
    "trauma": ("F43", "F43"), "eating": ("F50", "F50"), "sleep": ("F51", "F51"),
    "personality": ("F60", "F69"), "attention": ("F90", "F90"),
}  # fmt: skip
GENES: Final = ("CYP2D6", "CYP2C19", "CYP2B6", "CYP2C9", "CYP3A4")
#: A metabolizer's speed, in the order of CPIC's terms.
SPEED: Final = {"poor": 0.0, "intermediate": 1.0, "normal": 2.0, "rapid": 3.0, "ultrarapid": 4.0}
_YEAR_DAYS: Final = 365.25
NAMES: Final = (
    "baseline_total", "age", "earlier_courses",
    *(f"earlier:{how}" for how in ENDED),
    *(f"class:{name}" for name in CLASSES),
    *(f"condition:{name}" for name in GROUPS),
    *(f"gene:{name}" for name in GENES),
    *(f"before:{name}" for name in DAILY),
)  # fmt: skip


def features_of(chart: Chart, course: Course) -> Floats:
    """(len(NAMES),) float64 of what is dated on the day of the start or earlier; NaN where missing.

    In this order: points of the baseline; years; earlier courses, and how many of them had ended so; the drug's class,
    and groups of conditions on record, each 0 or 1; speed of metabolizers as reported (:data:`SPEED`);
    means of the 28 days before the start, where 7 of them are known. The day of the start is none of them.
    """
    start = course.started
    baseline = baseline_of(chart, start)
    earlier = [one for one in chart.courses if one.started < start]
    return np.array(
        [
            np.nan if baseline is None else baseline,
            (start - chart.born).days / _YEAR_DAYS,
            len(earlier),
            *_ended(earlier, start),
            *(float(course.drug_class == name) for name in CLASSES),
            *_conditions(chart, start),
            *_genes(chart, start),
            *_means(chart, start),
        ],
        dtype=np.float64,
    )


def _ended(earlier: list[Course], start: date) -> Iterable[float]:
    known = [one.stop_reason for one in earlier if one.ended is not None and one.ended <= start]
    return (float(known.count(how)) for how in ENDED)


def _conditions(chart: Chart, start: date) -> Iterable[float]:
    codes = [one.code[:3] for one in chart.conditions if one.known_on <= start]
    return (float(any(first <= code <= last for code in codes)) for first, last in GROUPS.values())


def _genes(chart: Chart, start: date) -> Iterable[float]:
    """The newest result of each gene that was on file, where its words begin as CPIC's terms do."""
    held = {
        one.gene: one.words for one in sorted(chart.phenotypes, key=lambda one: one.known_on) if one.known_on <= start
    }
    return (SPEED.get((held.get(gene, "").casefold().split() or [""])[0], np.nan) for gene in GENES)


def _means(chart: Chart, start: date) -> Iterable[float]:
    at = (start - timedelta(days=BEFORE_DAYS) - chart.first).days
    for row in chart.days[:, max(at, 0) : max(at + BEFORE_DAYS, 0)]:
        known = row[np.isfinite(row)]
        yield float(known.mean()) if len(known) >= LEAST_KNOWN else np.nan
