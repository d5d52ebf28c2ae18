"""A patient's chart as the models of treatments look at it: of what the patient lets models use, at this moment."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Final

from novamind.measures import Abstained
from patients.consent import allows
from patients.instruments.catalogue import instrument as printed
from patients.models import (
    Assessment,
    Certainty,
    Condition,
    ConsentStream,
    Genotype,
    Medication,
    Patient,
)
from patients.treatment.services import today
from twins.datasets import plausible
from twins.features import BIOMETRICS, MODELS_MAY, SYMPTOMS, daily_of
from twins.science import treatment
from twins.science.datasets import Gates, gated
from twins.science.treatment import features
from twins.science.treatment.charts import DAILY, Floats

#: Without these two nothing is known of a course; of any other stream that is withheld nothing is read.
NEEDED: Final = (ConsentStream.MEDICATION, ConsentStream.QUESTIONNAIRES)
#: Days before today that devices are asked for at most; of an older course these means are missing.
MOST_DAYS: Final = 3 * 365
_EVERY: Final = BIOMETRICS | SYMPTOMS
#: Only what a day says of itself: to hold it against the person's other days would let later ones decide.
GATES: Final = Gates(
    plausible={name: plausible(name, _EVERY[name]) for name in DAILY}, fenced=(), least_days=0, most_failed=1.0
)


def chart_of(patient: Patient, instrument: str) -> tuple[treatment.Chart, tuple[Medication, ...]]:
    """The chart, and the rows of its courses in the same order.

    A course counts whose drug is coded and whose first day is known. What is labelled under 42 CFR Part 2 does not.

    Raises
    ------
    Abstained
        consent_withheld: medication or questionnaires may not be used by models.
    """
    if not all(_may(patient, stream) for stream in NEEDED):
        raise Abstained("consent_withheld")
    rows = tuple(_begun(patient))
    courses = tuple(_course(row, today(patient)) for row in rows)
    first, days = _days(patient, courses)
    chart = treatment.Chart(
        instrument=instrument,
        born=patient.date_of_birth,
        seen_until=today(patient),
        totals=tuple(_totals(patient, instrument)),
        courses=courses,
        conditions=tuple(_conditions(patient)) if _may(patient, ConsentStream.NOTES) else (),
        phenotypes=tuple(_phenotypes(patient)) if _may(patient, ConsentStream.GENOTYPE) else (),
        first=first,
        days=days,
    )
    return chart, rows


def _may(patient: Patient, stream: str) -> bool:
    return all(allows(patient, purpose, stream) for purpose in MODELS_MAY)


def _begun(patient: Patient) -> Iterator[Medication]:
    rows = Medication.objects.filter(patient=patient, entered_in_error=False, part2=False).order_by("started_on", "pk")
    for row in rows:
        if row.coded and row.started_precision in {"", "day"} and row.started_on <= today(patient):
            yield row


def _course(row: Medication, day: date) -> treatment.Course:
    assert row.coded is not None  # only such rows are given
    if row.state_on(day) not in {"past", "stopped"}:
        return treatment.Course(row.coded.drug_class, row.started_on)
    known = row.ended_on if row.ended_precision in {"", "day"} else None
    return treatment.Course(row.coded.drug_class, row.started_on, known, row.stop_reason, stopped=True)


def _totals(patient: Patient, instrument: str) -> Iterator[treatment.Total]:
    """Those of the wording that is printed now; another version may number its items otherwise."""
    form = printed(instrument)
    rows = Assessment.objects.filter(patient=patient, instrument=instrument, instrument_version=form.version)
    for row in rows.order_by("at", "recorded_at"):
        answered = {item: place for item, place in row.answers.items() if place is not None}
        points = {item: float(form.item(item).choices[place].score) for item, place in answered.items()}
        total = treatment.total_without_safety(instrument, points)
        if total is not None:
            yield treatment.Total(row.at.astimezone(patient.tz).date(), total)


def _conditions(patient: Patient) -> Iterator[treatment.Condition]:
    rows = Condition.objects.filter(patient=patient, entered_in_error=False, part2=False).exclude(code="")
    for row in rows.exclude(certainty=Certainty.REFUTED).order_by("recorded_at"):
        yield treatment.Condition(row.code, row.recorded_at.astimezone(patient.tz).date())


def _phenotypes(patient: Patient) -> Iterator[treatment.Phenotype]:
    rows = Genotype.objects.filter(patient=patient, entered_in_error=False, state=Genotype.State.CALLED)
    for row in rows.order_by("recorded_at"):
        yield treatment.Phenotype(row.gene, row.phenotype or "", row.recorded_at.astimezone(patient.tz).date())


def _days(patient: Patient, courses: tuple[treatment.Course, ...]) -> tuple[date, Floats]:
    """From 28 days before the first course on, and (len(DAILY), days) of those that can be true."""
    begun = min((one.started for one in courses), default=today(patient))
    wanted = (today(patient) - begun).days + features.BEFORE_DAYS
    daily = daily_of(patient, days=min(wanted, MOST_DAYS), only=DAILY)
    rows = [list(_EVERY).index(name) for name in DAILY]
    values, _ = gated(daily.values[rows].T, DAILY, GATES)
    return daily.first, values.T


def within_12_weeks(row: Medication, day: date) -> bool:
    """Whether the course goes on and began so lately that what will come of it is still open."""
    lately = timedelta(0) <= day - row.started_on <= timedelta(days=treatment.LATER_DAYS[1])
    return lately and row.state_on(day) == "current"
