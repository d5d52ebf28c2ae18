"""What a patient's days were like before and after a medicine was begun, beside all else that changed then."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Final

from novamind.measures import Abstained
from patients.models import ConsentPurpose, ConsentStream, Medication, Patient
from patients.treatment.services import today
from twins.features import BIOMETRICS, SYMPTOMS, Daily, Feature, allowed_streams, daily_of
from twins.medication.context import Known
from twins.science.around import SPAN, Around, Side, around, sides

DAYS: Final = 365  # how far back is looked
#: What is compared: few enough to be read, none of them a score that looks back over weeks.
SERIES: Final = ("mood", "anxiety", "energy", "sleep_duration", "activity", "steps", "heart_rate")


@dataclass(frozen=True, slots=True)
class Compared:
    """One series around one start: each side by itself, and both compared, or why nothing is said of them."""

    label: str
    unit: str
    before: Side
    after: Side
    found: Around | Abstained

    @property
    def one_sided(self) -> bool:
        """Whether a side has too few days, so that nothing can be compared."""
        return isinstance(self.before.mean, Abstained) or isinstance(self.after.mean, Abstained)


@dataclass(frozen=True, slots=True)
class Start:
    """The beginning of a course, what was compared, and what else began, ended or changed in those eight weeks."""

    course: Medication
    series: tuple[Compared, ...]
    beside: tuple[str, ...]

    @property
    def known_before(self) -> bool:
        """Whether any series has a day before the start."""
        return any(one.before.known for one in self.series)

    @property
    def known_after(self) -> bool:
        """Whether any series has a day from the start on."""
        return any(one.after.known for one in self.series)


def starts_of(patient: Patient, known: Known, series: Collection[str] = SERIES) -> list[Start]:
    """Each course that began on a known day of the last year and has not been planned, the newest first.

    ``series``: what is compared; where that is check-ins alone, nothing else is read. The streams are those that the
    patient lets be used for treatment; the courses those that the reader may see.
    """
    first = today(patient) - timedelta(days=DAYS)
    courses = [one for one in known.courses or () if _begun(one, first, today(patient))]
    if not courses:
        return []
    allowed = allowed_streams(patient, (ConsentPurpose.TREATMENT,))
    if BIOMETRICS.keys().isdisjoint(series):
        allowed &= {ConsentStream.QUESTIONNAIRES}
    daily = daily_of(patient, days=DAYS, allowed=allowed, only=series)
    ordered = sorted(courses, key=lambda one: one.started_on, reverse=True)
    return [
        Start(one, tuple(_compared(one, daily, series)), tuple(_beside(one, known.courses or ()))) for one in ordered
    ]


def _begun(course: Medication, first: date, last: date) -> bool:
    return course.started_precision in {"", "day"} and first < course.started_on < last


def _compared(course: Medication, daily: Daily, series: Collection[str]) -> Iterable[Compared]:
    every: dict[str, Feature] = {**BIOMETRICS, **SYMPTOMS}
    rows = {name: row for row, name in enumerate(every)}
    for name in series:
        feature, values, at = every[name], daily.values[rows[name]], (course.started_on - daily.first).days
        try:
            found: Around | Abstained = around(values, at)
        except Abstained as why:
            found = why
        yield Compared(feature.label, feature.unit, *sides(values, at), found)


def _beside(course: Medication, courses: Iterable[Medication]) -> Iterable[str]:
    """Other courses that began, ended or whose dose changed within the eight weeks, in words."""
    first, last = course.started_on - timedelta(days=SPAN), course.started_on + timedelta(days=SPAN)
    for other in courses:
        events: list[tuple[date, str]] = [] if other.pk == course.pk else [(other.started_on, "began")]
        if other.ended_on is not None:
            events.append((other.ended_on, "ended"))
        events += [(step.from_on, "changed its dose") for step in other.steps() if step.from_on > other.started_on]
        for on, what in sorted(events):
            if first <= on <= last:
                yield f"{other.name} {what} on {on:%d %b %Y}"


def starts_context(patient: Patient, known: Known) -> dict[str, Any]:
    """The context of the page."""
    return {"known": known, "starts": starts_of(patient, known), "span": SPAN, "days": DAYS}
