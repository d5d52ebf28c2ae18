"""Fewer alerts for one person without losing one: snoozed patients, and what is above a day's budget.

Both hide and silence alerts that can wait, from that person alone: never one about self-harm, about a contraindicated
drug or of severity high. What is hidden is counted on the pages, and timers go on to the others.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, time, timedelta
from types import MappingProxyType
from typing import Any, Final
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import Count, Q

from novamind import clock
from novamind.accounts.models import User
from novamind.audit.models import EventType
from novamind.audit.recording import aggregates, note_object
from novamind.delivery.models import Delivery
from patients.models import Alert, AlertKind, AlertSnooze, Patient

#: What may be chosen, and how it is called.
SNOOZES: Final = MappingProxyType(
    {"4h": "for 4 hours", "tomorrow": "until tomorrow, 8:00", "week": "until this day next week, 8:00"}
)
MORNING: Final = time(8)
#: Alerts that can wait, of one day, that one person is shown and told of; as many of rules, which many people compose
#: and any of which may alert too much, and as many of everything else. Ours.
BUDGET_A_DAY: Final = 10


def end_of(choice: str, moment: datetime) -> datetime:
    """When a snooze that begins at this moment ends; mornings are the clinic's, whatever its clocks do that night.

    Raises
    ------
    ValueError
        There is no such choice.
    """
    if choice == "4h":
        return moment + timedelta(hours=4)
    if choice not in SNOOZES:
        raise ValueError(f"one of {', '.join(SNOOZES)}")
    tz = clock.zone(settings.CLINIC_TIME_ZONE)
    day = moment.astimezone(tz).date() + timedelta(days=1 if choice == "tomorrow" else 7)
    return clock.resolve_local(datetime.combine(day, MORNING), tz)


def snooze_alerts(patient: Patient, user: User, choice: str) -> AlertSnooze:
    """From now until then; one that holds is ended by it."""
    moment = clock.now()
    with transaction.atomic():
        end_snooze(patient, user)
        kept: AlertSnooze = AlertSnooze.objects.create(
            patient=patient, user=user, at=moment, until=end_of(choice, moment)
        )
    note_object(EventType.CREATION, "patients.AlertSnooze", kept.pk)
    return kept


def end_snooze(patient: Patient, user: User) -> None:
    """Show and tell everything again."""
    for row in AlertSnooze.objects.select_for_update().filter(patient=patient, user=user, ended_at__isnull=True):
        row.ended_at = min(clock.now(), row.until)
        row.save(update_fields=["ended_at"])


def _running(user: Any) -> Any:
    return AlertSnooze.objects.filter(user=user, ended_at__isnull=True, until__gt=clock.now())


def snooze_of(patient: Patient, user: Any) -> dict[str, Any] | None:
    """The one that this person has running on this patient, with what it hides; else None."""
    found = _running(user).filter(patient=patient).first()
    return None if found is None else _told(found)


def _told(snooze: AlertSnooze) -> dict[str, Any]:
    """Until when it runs; how many alerts of which kinds it hides, and how many of them came since it began."""
    with aggregates():
        rows = Alert.objects.filter(patient=snooze.patient_id).unresolved().can_wait().order_by()
        kinds = dict(rows.values_list("kind").annotate(n=Count("pk")))
        new = rows.filter(raised_at__gt=snooze.at).count()
    return {
        "patient": snooze.patient,
        "until": snooze.until,
        "hidden": sum(kinds.values()),
        "new": new,
        "kinds": [(AlertKind(kind).label, n) for kind, n in kinds.items()],
    }


@dataclass(frozen=True, slots=True)
class Sorted:
    """A person's unresolved alerts by id: shown, and held back until tomorrow; and the snoozes with what they hide."""

    shown: list[UUID]
    held_back: list[UUID]
    snoozes: list[dict[str, Any]]


def sorted_for(user: Any) -> Sorted:
    """What this person is shown, of the patients they may see. What somebody has taken on is never held back."""
    running = list(_running(user).filter(patient__in=Patient.objects.visible_to(user)).select_related("patient"))
    snoozed = {row.patient_id for row in running}
    with aggregates():
        rows = Alert.objects.visible_to(user).unresolved().order_by("raised_at")
        waiting = {pk for pk in rows.unacknowledged().can_wait().values_list("pk", flat=True)}
        can_wait = set(rows.can_wait().values_list("pk", flat=True))
        named = list(rows.values_list("pk", "patient", "raised_at", "kind"))
    left = [(pk, at, kind) for pk, patient, at, kind in named if pk not in can_wait or patient not in snoozed]
    today = [(pk, kind == AlertKind.RULE) for pk, at, kind in left if pk in waiting and at >= _midnight()]
    over = {pk for by_rule in (True, False) for pk in [pk for pk, one in today if one == by_rule][BUDGET_A_DAY:]}
    shown, held_back = [pk for pk, *_ in left if pk not in over], [pk for pk, _ in today if pk in over]
    return Sorted(shown, held_back, [_told(row) for row in running])


def is_snoozed(user: User, alert: Alert) -> bool:
    """Whether this person has put away the patient of an alert for now."""
    with aggregates():
        return bool(_running(user).filter(patient=alert.patient_id).exists())


def is_within_budget(user: User, alert: Alert) -> bool:
    """Whether this person has been told of fewer alerts of this kind today than :data:`BUDGET_A_DAY`."""
    with aggregates():
        today = Alert.objects.filter(raised_at__gte=_midnight()).can_wait().exclude(pk=alert.pk)
        rules = Q(kind=AlertKind.RULE)
        today = today.filter(rules if alert.kind == AlertKind.RULE else ~rules)
        told = Delivery.objects.filter(user=user, about_id__in=today.values("pk"))
        return bool(told.values("about_id").distinct().count() < BUDGET_A_DAY)


def next_morning() -> datetime:
    """8:00 of tomorrow in the clinic, when what is held back today is told."""
    return end_of("tomorrow", clock.now())


def _midnight() -> datetime:
    tz = clock.zone(settings.CLINIC_TIME_ZONE)
    return clock.midnight(clock.now().astimezone(tz).date(), tz)
