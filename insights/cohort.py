"""The days of many patients at once: kept a row a patient, read in a constant number of queries, as far as allowed."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import partial
from types import MappingProxyType
from typing import Final, NamedTuple
from uuid import UUID

import numpy as np
from django.conf import settings
from numpy.typing import NDArray

from insights.models import DayValues
from insights.rules.series import FEATURES
from insights.services import CODE
from novamind import clock
from novamind.audit.recording import aggregates
from patients.consent import allowing
from patients.models import Assessment, ConsentPurpose, ConsentStream, Patient, Reminder
from twins.features import BIOMETRICS, allowed_streams, daily_of

Floats = NDArray[np.float64]
DAYS: Final = 90
QUESTIONNAIRES: Final = ConsentStream.QUESTIONNAIRES
#: Counts as large as their device makes them: of one person they compare, of several they do not.
NO_COMMON_UNIT: Final = frozenset({"activity"})


@dataclass(frozen=True, slots=True)
class CohortMeasure:
    """What a cell of the page is: its words, its unit, and the streams of which one must be allowed to know it."""

    label: str
    unit: str
    streams: tuple[str, ...]


#: Every daily series, and three that are counted from rows: answers, a questionnaire, how much is known.
MEASURES: Final = MappingProxyType(
    {name: CohortMeasure(feature.label, feature.unit, (feature.stream,)) for name, feature in FEATURES.items()}
    | {
        "phq9": CohortMeasure("PHQ-9", "points", (QUESTIONNAIRES,)),
        "adherence": CohortMeasure("Questions answered, of those that fell due", "share", (QUESTIONNAIRES,)),
        "coverage": CohortMeasure(
            "Series of devices that are known, of all", "share",
            tuple(dict.fromkeys(feature.stream for feature in BIOMETRICS.values())),
        ),
    }
)  # fmt: skip


class Total(NamedTuple):
    """One total of a questionnaire; ``on`` is the local day where the patient is."""

    patient: UUID
    at: datetime
    on: date
    instrument: str
    version: str
    score: int


def allowing_all(people: set[UUID], purposes: Iterable[str], stream: str) -> set[UUID]:
    """Which of these patients allow all of these uses of a stream now. One query a purpose."""
    for purpose in purposes:
        people = allowing(people, purpose, stream)
    return people


def totals(patients: Iterable[UUID], last: date, instrument: str | None = None) -> list[Total]:
    """Totals of the last :data:`DAYS` days in every zone, oldest first: some are older, some newer than ``last``, and
    the caller keeps the days it means. One query; who asks has asked for consent."""
    with aggregates():
        rows = Assessment.objects.filter(patient__in=list(patients), score__isnull=False, at__gte=since(last))
        if instrument is not None:
            rows = rows.filter(instrument=instrument)
        told = list(
            rows.order_by("at").values_list(
                "patient", "at", "patient__zone", "instrument", "instrument_version", "score"
            )
        )
    return [
        Total(patient, at, clock.local(at, clock.zone(zone)).date(), name, version, int(score or 0))
        for patient, at, zone, name, version, score in told
    ]


def days_to_keep(patient: Patient) -> Callable[[], DayValues]:
    """The last days of a patient, read outside any transaction; gives back what writes them.

    What the patient does not allow for treatment is not read and not kept.
    """
    daily = daily_of(patient, days=DAYS, allowed=allowed_streams(patient, (ConsentPurpose.TREATMENT,)))
    return partial(_keep, patient, daily.last, daily.values)


def _keep(patient: Patient, last: date, values: Floats) -> DayValues:
    # Locked until the caller's transaction ends: of two jobs of a patient the second waits.
    row = DayValues.objects.select_for_update().filter(patient=patient).first() or DayValues(patient=patient)
    row.last, row.series, row.code_version, row.computed_at = last, list(FEATURES), CODE.version, clock.now()
    row.seal(values)
    row.save()
    return row


def cohort_values(patients: Iterable[UUID], measure: str, last: date) -> tuple[dict[UUID, Floats], datetime | None]:
    """The :data:`DAYS` days up to ``last`` of each patient who allows it, shape (DAYS,), NaN where not known; and when
    the oldest of them was read. Whoever is shown is noted by the caller. At most five queries."""
    wanted, about = list(patients), MEASURES[measure]
    allowed = {stream: allowing(wanted, ConsentPurpose.TREATMENT, stream) for stream in about.streams}
    asked = set().union(*allowed.values())
    if measure in ("phq9", "adherence"):
        read = _phq9 if measure == "phq9" else _adherence
        return read(asked, last), None
    kept = _kept(asked)
    found = {
        one.patient: _shifted(_row(measure, one.patient, one.values, one.series, allowed), one.last, last)
        for one in kept
    }  # fmt: skip
    return found, min((one.at for one in kept), default=None)


def kept_series(patients: Iterable[UUID], last: date) -> dict[UUID, dict[str, Floats]]:
    """Every daily series that is kept of each patient, shape (DAYS,) up to ``last``. Two queries; who asks has asked
    for consent, stream by stream."""
    return {
        one.patient: {name: _shifted(row, one.last, last) for name, row in zip(one.series, one.values, strict=True)}
        for one in _kept(patients)
    }


def last_day() -> date:
    """The newest day that is over in the clinic."""
    return clock.now().astimezone(clock.zone(settings.CLINIC_TIME_ZONE)).date() - timedelta(days=1)


class _Kept(NamedTuple):
    """The row of a patient, opened; ``values`` of shape (len(series), days) up to ``last``."""

    patient: UUID
    last: date
    series: list[str]
    at: datetime
    values: Floats


def _kept(patients: Iterable[UUID]) -> list[_Kept]:
    """What is kept of these patients; of a row that does not open nothing is known, and the compliance page says so.
    One query, and one for the keys that are not in memory.
    """
    with aggregates():
        rows = DayValues.objects.filter(patient__in=list(patients)).order_by()
        stored = list(rows.values_list("patient", "last", "series", "computed_at", "pk", "values"))
    opened = DayValues.opened([(pk, values) for *_, pk, values in stored])
    return [
        _Kept(patient, last, series, at, values.reshape(len(series), -1))
        for (patient, last, series, at, *_), values in zip(stored, opened, strict=True)
        if values is not None
    ]


def _row(measure: str, patient: UUID, values: Floats, series: list[str], allowed: dict[str, set[UUID]]) -> Floats:
    if measure != "coverage":
        at = series.index(measure) if measure in series else None  # kept by a release that did not know it
        return np.full(values.shape[1], np.nan) if at is None else values[at]
    names = [
        name
        for name, feature in BIOMETRICS.items()
        if name in series and patient in allowed[feature.stream]
    ]  # fmt: skip
    known = np.isfinite(values[[series.index(name) for name in names]]).sum(axis=0)
    return known / len(BIOMETRICS)


def _shifted(values: Floats, on: date, last: date) -> Floats:
    """Days kept up to ``on`` as the days up to ``last``: those since are not known."""
    found = np.full(DAYS, np.nan)
    late = (last - on).days
    kept = values[-DAYS:]
    places = np.arange(len(kept)) + DAYS - len(kept) - late
    inside = (places >= 0) & (places < DAYS)
    found[places[inside]] = kept[inside]
    return found


def _phq9(patients: set[UUID], last: date) -> dict[UUID, Floats]:
    """The score on the day of each PHQ-9 that has one; a later one of the same day counts."""
    found = {patient: np.full(DAYS, np.nan) for patient in patients}
    for one in totals(patients, last, "phq9"):
        _put(found[one.patient], one.on, last, one.score)
    return found


def _adherence(patients: set[UUID], last: date) -> dict[UUID, Floats]:
    """Of the questions that fell due on a day and are over: the share that was answered."""
    with aggregates():
        rows = Reminder.objects.filter(
            patient__in=patients, local_date__gt=last - timedelta(days=DAYS), expires_at__lt=clock.now()
        ).exclude(outcome=Reminder.Outcome.WITHHELD)
        told = list(rows.order_by().values_list("patient", "local_date", "done_at"))
    due: dict[tuple[UUID, date], list[bool]] = {}
    for patient, on, done_at in told:
        due.setdefault((patient, on), []).append(done_at is not None)
    found = {patient: np.full(DAYS, np.nan) for patient in patients}
    for (patient, on), answered in due.items():
        _put(found[patient], on, last, sum(answered) / len(answered))
    return found


def since(last: date) -> datetime:
    """Before the first of the days in every zone."""
    return clock.midnight(last - timedelta(days=DAYS + 1), clock.zone("UTC"))


def _put(row: Floats, on: date, last: date, value: float) -> None:
    at = DAYS - 1 - (last - on).days
    if 0 <= at < DAYS:
        row[at] = value
