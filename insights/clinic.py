"""Counts and medians over many patients, in fixed groups, small cells hidden: see docs/clinic-numbers.md."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any, Final
from uuid import UUID

import numpy as np
from django.conf import settings

from insights.cohort import DAYS, NO_COMMON_UNIT, Floats, allowing_all, kept_series, last_day, totals
from insights.rules.series import FEATURES
from insights.science.suppression import SMALLEST, median_to_tell, suppressed
from novamind import clock
from novamind.accounts.models import User
from novamind.audit.recording import aggregates
from novamind.measures import Abstained
from patients.instruments import Instrument, instruments
from patients.models import Alert, AlertKind, ConsentPurpose, ConsentStream, Patient, Reminder

#: Days of a series, and of what fell due.
LATELY: Final = 28
NOT_KNOWN: Final = "not known, or not allowed"
_QUESTIONNAIRES: Final = ConsentStream.QUESTIONNAIRES
#: What alerts rest on. Those of the clinic's own rules are left out: each asks for consents of its own.
_ALERT_STREAMS: Final = (
    _QUESTIONNAIRES, ConsentStream.MEDICATION, ConsentStream.GENOTYPE, ConsentStream.ACTIGRAPHY, ConsentStream.HEART,
    ConsentStream.BODY,
)  # fmt: skip
_ANSWERED: Final = ("none answered", "up to half answered", "more than half answered", "all answered")
_ALERTS: Final = ("no alert", "one still to be done", "all done, one was useful", "all done, none said to be useful")


@dataclass(frozen=True, slots=True)
class Table:
    """One partition of the same people.

    Attributes
    ----------
    group, label, unit : str
        ``series``, ``scores``, ``engagement`` or ``alerts``; what it is of.
    cells : tuple of (str, int or None)
        Everybody is in one of them; ``None`` where the number is not told.
    median : float or None
        Of one number a person, in ``unit``; ``None`` where there is none to tell.
    """

    name: str
    group: str
    label: str
    unit: str
    cells: tuple[tuple[str, int | None], ...]
    median: float | None


@dataclass(frozen=True, slots=True)
class ClinicNumbers:
    """All tables over the same people; ``people`` is ``None`` and there is no table where they are too few."""

    people: int | None
    purposes: tuple[str, ...]
    first: date
    last: date
    tables: tuple[Table, ...] = ()
    abstentions: dict[str, Abstained] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Known:
    """One person's cell, and the number behind it where there is one."""

    cell: str
    value: float | None = None


def purposes_of(user: User) -> tuple[str, ...]:
    """What a patient must allow to be counted: treatment, and research where the reader treats nobody."""
    if user.may("see_patients"):
        return (ConsentPurpose.TREATMENT,)
    return (ConsentPurpose.TREATMENT, ConsentPurpose.RESEARCH)


def clinic_numbers(user: User) -> ClinicNumbers:
    """The numbers of everybody whom this user may see, of what each allows. Nothing can be chosen: two answers of one
    day differ by nobody.

    The number of queries does not depend on how many people there are.
    """
    last, purposes = last_day(), purposes_of(user)
    first = last - timedelta(days=DAYS - 1)
    with aggregates():  # counts: nobody is shown
        everybody = set(Patient.objects.visible_to(user).order_by().values_list("pk", flat=True))
        if len(everybody) < SMALLEST:
            few = Abstained("too_few_people", needed=SMALLEST)
            return ClinicNumbers(None, purposes, first, last, abstentions={"people": few})
        streams = {feature.stream for feature in FEATURES.values()} | set(_ALERT_STREAMS)
        allowed = {stream: allowing_all(everybody, purposes, stream) for stream in streams}
        tables = (*_series(allowed, len(everybody), last), *_reported(allowed, len(everybody), last))
    return ClinicNumbers(len(everybody), purposes, first, last, tables)


def _table(name: str, about: tuple[str, str, str], cells: tuple[str, ...], known: dict[UUID, _Known], n: int) -> Table:
    """Of ``n`` people those in ``known`` stand in their cells, the others in :data:`NOT_KNOWN`."""
    group, label, unit = about
    names = (*cells, NOT_KNOWN)
    counts = [sum(one.cell == cell for one in known.values()) for cell in cells]
    shown = dict(zip(names, suppressed([*counts, n - len(known)]), strict=True))
    numbers = [one for one in known.values() if one.value is not None]
    told = [len(cells) == 1 or shown[one.cell] is not None for one in numbers]
    values = [one.value for one in numbers if one.value is not None]
    return Table(name, group, label, unit, tuple(shown.items()), median_to_tell(values, n, told))


def _series(allowed: dict[str, set[UUID]], n: int, last: date) -> Iterator[Table]:
    kept = kept_series(set().union(*allowed.values()), last)
    for name, feature in FEATURES.items():
        may = allowed[feature.stream]
        found = {patient: _usual(rows[name]) for patient, rows in kept.items() if patient in may and name in rows}
        known = {
            patient: _Known("known", None if name in NO_COMMON_UNIT else value)
            for patient, value in found.items()
            if value is not None
        }
        yield _table(name, ("series", feature.label, feature.unit), ("known",), known, n)


def _usual(days: Floats) -> float | None:
    """The median of a person's last days, as the cohort page has it of a week: none where half or fewer are known."""
    known = days[-LATELY:][np.isfinite(days[-LATELY:])]
    return float(np.median(known)) if 2 * len(known) > LATELY else None


def _reported(allowed: dict[str, set[UUID]], n: int, last: date) -> Iterator[Table]:
    """Questionnaires, answers of what fell due, and what became of alerts."""
    zone = clock.zone(settings.CLINIC_TIME_ZONE)
    start, end = (clock.midnight(last + timedelta(days=by), zone) for by in (1 - DAYS, 1))
    asked = allowed[_QUESTIONNAIRES]
    newest = {
        (one.patient, one.instrument, one.version): one.score
        for one in totals(asked, last)
        if start <= one.at < end
    }  # fmt: skip
    for one in instruments().values():
        if one.total_range is not None:
            yield _scores(one, newest, n)
    known = {patient: _Known(_answered(share), 100 * share) for patient, share in _shares(asked, last).items()}
    yield _table("answered", ("engagement", "Questions answered, of those that fell due", "%"), _ANSWERED, known, n)
    may = set.intersection(*(allowed[stream] for stream in _ALERT_STREAMS))
    about = ("alerts", "Alerts of safety, medication and silent devices", "")
    yield _table("alerts", about, _ALERTS, _alerts(may, start, end), n)


def _scores(one: Instrument, newest: dict[tuple[UUID, str, str], int], n: int) -> Table:
    known = {
        patient: _Known(one.band(score) or "scored", score)
        for (patient, name, version), score in newest.items()
        if (name, version) == (one.id, one.version)
    }
    cells = tuple(dict.fromkeys(word for _, _, word in one.bands)) or ("scored",)
    return _table(one.id, ("scores", one.short, "points"), cells, known, n)


def _shares(patients: set[UUID], last: date) -> dict[UUID, float]:
    """Of the questions that fell due lately and are over, the share that was answered."""
    rows = Reminder.objects.filter(
        patient__in=patients, local_date__gt=last - timedelta(days=LATELY), local_date__lte=last,
        expires_at__lt=clock.now(),
    ).exclude(outcome=Reminder.Outcome.WITHHELD)  # fmt: skip
    due: dict[UUID, list[bool]] = {}
    for patient, done_at in rows.order_by().values_list("patient", "done_at"):
        due.setdefault(patient, []).append(done_at is not None)
    return {patient: sum(answered) / len(answered) for patient, answered in due.items()}


def _answered(share: float) -> str:
    if share in (0, 1):
        return _ANSWERED[0] if share == 0 else _ANSWERED[-1]
    return _ANSWERED[1] if share <= 1 / 2 else _ANSWERED[2]


def _alerts(patients: set[UUID], start: datetime, end: datetime) -> dict[UUID, _Known]:
    rows = Alert.objects.filter(patient__in=patients, raised_at__gte=start, raised_at__lt=end)
    rows = rows.exclude(kind=AlertKind.RULE)
    found: dict[UUID, list[tuple[str, str]]] = {patient: [] for patient in patients}
    for patient, state, outcome in rows.order_by().values_list("patient", "state", "outcome"):
        found[patient].append((state, outcome))
    return {patient: _Known(_became(told)) for patient, told in found.items()}


def _became(alerts: list[tuple[str, Any]]) -> str:
    none, to_do, useful, rest = _ALERTS
    if not alerts:
        return none
    if any(state != Alert.State.RESOLVED for state, _ in alerts):
        return to_do
    return useful if any(outcome == Alert.Outcome.USEFUL for _, outcome in alerts) else rest
