"""What the worklist shows: who needs this person today, and why, on one screen.

First alerts, then messages that nobody has read for days, questionnaires that were left out, devices that fell silent,
and what has changed. Reasons are told from numbers of rows and dates; only the charts that are shown are opened.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from django.db.models import Count, Max, Q

from insights.models import Insight
from insights.services import said_of, still_allowed
from insights.statements import Tier
from novamind import clock
from novamind.audit.recording import aggregates
from patients.consent import allowing
from patients.models import (
    Alert,
    AlertKind,
    AlertSeverity,
    ConsentPurpose,
    ConsentStream,
    MessageThread,
    Patient,
    Reminder,
)
from patients.schedules import TASKS

#: Patients on one screen; below the number of charts that the weekly review takes for many.
SHOWN: Final = 20
OVERDUE_DAYS: Final = 14
#: Without one for so long, daily check-ins have stopped; a single one left out is no reason to call.
NO_CHECK_IN: Final = timedelta(days=3)
CHECK_IN: Final = "check-in"
#: A message of a patient that nobody has read for so long is a reason: nobody is told of it a second time.
NOT_READ: Final = timedelta(days=2)

_SEVERITIES: Final = {severity: place for place, severity in enumerate(AlertSeverity)}
_MESSAGES, _QUESTIONS, _SILENT, _CHANGED = range(len(_SEVERITIES), len(_SEVERITIES) + 4)
OF_DEVICES: Final = (ConsentStream.ACTIGRAPHY, ConsentStream.HEART, ConsentStream.BODY)
QUESTIONNAIRES: Final = (ConsentPurpose.TREATMENT, ConsentStream.QUESTIONNAIRES)


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a patient is on the list; ``place`` orders kinds of reasons, ``weight`` those of a kind."""

    patient_id: UUID
    place: int
    weight: float
    id: UUID | None = None
    words: str = ""

    @property
    def order(self) -> tuple[int, float]:
        return self.place, self.weight


def worklist_of(user: Any) -> dict[str, Any]:
    """The context of the page. The number of queries does not depend on the number of patients."""
    found: dict[UUID, list[Reason]] = defaultdict(list)
    with aggregates():
        for reason in [*_alerts(user), *_messages(user), *_questions(user), *_changes(user)]:
            found[reason.patient_id].append(reason)
    order = sorted(found, key=lambda one: (min(reason.order for reason in found[one]), str(one)))
    patients = Patient.objects.visible_to(user).in_order(order[:SHOWN])
    said = _words({reason.id for one in patients for reason in found[one.pk] if reason.id})
    return {
        "entries": [_entry(one, sorted(found[one.pk], key=lambda reason: reason.order), said) for one in patients],
        "more": max(0, len(order) - SHOWN),
        "now": clock.now(),
    }


def _alerts(user: Any) -> Iterator[Reason]:
    rows = Alert.objects.visible_to(user).unresolved().order_by()
    named = list(rows.values_list("pk", "patient", "kind", "severity", "raised_at"))
    silent = _may_be_silent({patient for _, patient, kind, *_ in named if kind == AlertKind.SILENT_STREAM})
    for pk, patient, kind, severity, raised_at in named:
        if kind == AlertKind.SILENT_STREAM and patient not in silent:
            continue
        place = _SILENT if kind == AlertKind.SILENT_STREAM else _SEVERITIES[AlertSeverity(severity)]
        yield Reason(patient, place, raised_at.timestamp(), pk)


def _may_be_silent(patients: set[UUID]) -> set[UUID]:
    """Of whom some stream of devices is still allowed: nobody chases a device that the patient has withdrawn."""
    return {one for stream in OF_DEVICES for one in allowing(patients, ConsentPurpose.TREATMENT, stream)}


def _messages(user: Any) -> Iterator[Reason]:
    """Of each patient in one's care what has waited longest to be read."""
    if not user.may("answer_messages"):
        return
    rows = MessageThread.objects.in_care_of(user).with_unread(by_patient=True).order_by("unread_since")
    waiting: dict[UUID, datetime] = {}
    late = rows.filter(unread_since__lte=clock.now() - NOT_READ)
    for patient, since in late.values_list("patient", "unread_since"):
        waiting.setdefault(patient, since)
    for patient, since in waiting.items():
        words = f"A message that nobody has read for {(clock.now() - since).days} days"
        yield Reason(patient, _MESSAGES, since.timestamp(), words=words)


def _questions(user: Any) -> Iterator[Reason]:
    """What was asked, is over, and was not answered since."""
    now = clock.now()
    rows = (
        Reminder.objects.filter(
            patient__in=Patient.objects.visible_to(user), schedule__active=True, expires_at__lt=now,
            expires_at__gte=now - timedelta(days=OVERDUE_DAYS),
        )
        .exclude(outcome=Reminder.Outcome.WITHHELD)
        .order_by()
        .values("patient", "schedule__what")
        .annotate(missed=Max("expires_at", filter=Q(done_at__isnull=True)), done=Max("done_at"), n=Count(
            "pk", filter=Q(done_at__isnull=True)))
    )  # fmt: skip
    overdue = [row for row in rows if _is_overdue(row["schedule__what"], row["missed"], row["done"], row["n"])]
    asked = allowing({row["patient"] for row in overdue}, *QUESTIONNAIRES)
    for row in overdue:
        if row["patient"] in asked:
            words = f"{TASKS.get(row['schedule__what'], row['schedule__what'])}: {_left_out(row['n'], row['done'])}"
            yield Reason(row["patient"], _QUESTIONS, row["missed"].timestamp(), words=words)


def _is_overdue(what: str, missed: datetime | None, done: datetime | None, n: int) -> bool:
    if missed is None:
        return False
    if what == CHECK_IN:
        return n >= NO_CHECK_IN.days if done is None else missed - done >= NO_CHECK_IN
    return done is None or done < missed


def _left_out(n: int, done: datetime | None) -> str:
    times = "once" if n == 1 else f"{n} times"
    return f"left out {times} in {OVERDUE_DAYS} days" + ("" if done else ", never answered in them")


def _changes(user: Any) -> Iterator[Reason]:
    rows = Insight.objects.visible_to(user).holding().filter(dismissed=False, tier__gte=Tier.LOOK).ranked()
    for row in still_allowed(rows.values_list("pk", "patient_id", "key", "needs", "tier", "strength", named=True)):
        yield Reason(row.patient_id, _CHANGED, -1000.0 * row.tier - row.strength, row.pk)


def _words(ids: set[UUID]) -> dict[UUID, dict[str, Any]]:
    """Alerts and statements of the charts that are shown. Two queries."""
    alerts = Alert.objects.filter(pk__in=ids).select_related("owner")
    insights = Insight.objects.filter(pk__in=ids)
    return {one.pk: {"alert": one} for one in alerts} | {
        one.pk: {"insight": one, "said": said_of(one)} for one in insights
    }


def _entry(patient: Patient, reasons: list[Reason], said: dict[UUID, dict[str, Any]]) -> dict[str, Any]:
    lines = [said[reason.id] if reason.id else {"words": reason.words} for reason in reasons]
    return {"patient": patient, "lines": lines[:3], "more": max(0, len(lines) - 3)}
