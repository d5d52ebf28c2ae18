"""What the trail is asked: who saw a chart, and what an account saw. Each is answered by an index."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from django.db.models import Count, Max, Min, Q, QuerySet

from novamind import clock
from novamind.accounts.models import User
from novamind.audit.models import AuditEvent, AuditEventPatient, EventType, Outcome

#: Of a chart's entries those that showed it. A form that comes back changed nothing, so its event is a refusal; but the
#: page around it is the chart's, and whoever sends nonsense is to be counted like whoever opens it.
SHOWN = Q(event__outcome=Outcome.SUCCESS) | Q(event__status_code__in=(409, 422))


@dataclass(frozen=True, slots=True)
class Days:
    """Whole local days, both ends included; ``None`` is open."""

    first: date | None
    last: date | None
    tz: ZoneInfo

    def of(self, rows: QuerySet[Any]) -> QuerySet[Any]:
        """The rows whose ``at`` is within."""
        if self.first is not None:
            rows = rows.filter(at__gte=clock.midnight(self.first, self.tz))
        if self.last is not None:
            rows = rows.filter(at__lt=clock.midnight(self.last + timedelta(days=1), self.tz))
        return rows


@dataclass(frozen=True, slots=True)
class Narrowed:
    """What a page of the trail asks for beside the chart."""

    days: Days
    kind: str = ""
    actor: UUID | None = None


def who_saw(patient_id: UUID, wanted: Narrowed) -> QuerySet[AuditEventPatient]:
    """Entries of this chart with their events, the newest first (index ``audit_by_patient``)."""
    rows = wanted.days.of(AuditEventPatient.objects.filter(patient_id=patient_id))
    if wanted.kind in EventType.values:
        rows = rows.filter(event__event_type=wanted.kind)
    if wanted.actor is not None:
        rows = rows.filter(event__actor_id=wanted.actor)
    return rows.select_related("event").order_by("-at", "-id")


def people_who_saw(patient_id: UUID) -> list[tuple[UUID, str]]:
    """Everybody in this chart's trail, by name: what the page's filter offers."""
    seen = AuditEventPatient.objects.filter(patient_id=patient_id, event__actor_id__isnull=False)
    names = names_of(seen.order_by().values_list("event__actor_id", flat=True).distinct())
    return sorted(names.items(), key=lambda person: person[1].casefold())


def names_of(actors: Iterable[UUID | None]) -> dict[UUID, str]:
    """Names of accounts as they are now. One query; accounts are never deleted."""
    return {pk: str(user) for pk, user in User.objects.in_bulk({pk for pk in actors if pk is not None}).items()}


def what_they_did(actor_id: UUID, days: Days) -> QuerySet[AuditEvent]:
    """An account's events, the newest first (index ``audit_by_actor``)."""
    return days.of(AuditEvent.objects.filter(actor_id=actor_id)).order_by("-at")


@dataclass(frozen=True, slots=True)
class Seen:
    """One chart that an account touched."""

    patient_id: UUID
    events: int
    first: datetime
    last: datetime


@dataclass(frozen=True, slots=True)
class Sight:
    """What an account saw: how many events and charts there are, and the charts touched most."""

    events: int
    patients: int
    charts: list[Seen] = field(default_factory=list)


def what_they_saw(actor_id: UUID, days: Days, *, at_most: int) -> Sight:
    """The charts an account touched. Three queries, whatever the number of events."""
    events = what_they_did(actor_id, days).order_by()
    touched = AuditEventPatient.objects.filter(event__in=events)
    counted = touched.aggregate(patients=Count("patient_id", distinct=True))
    charts = touched.values("patient_id").annotate(events=Count("pk"), first=Min("at"), last=Max("at"))
    return Sight(
        events=events.count(),
        patients=counted["patients"],
        charts=[Seen(**row) for row in charts.order_by("-events", "patient_id")[:at_most]],
    )


HEAD = ["at_utc", "account_id", "account", "role", "kind", "action", "object", "object_id", "outcome", "purpose",
        "patient_id", "method", "path", "status", "ip", "user_agent", "request_id"]  # fmt: skip


def lines_of(events: QuerySet[AuditEvent]) -> Iterator[list[Any]]:
    """One line for each event and patient (``HEAD``), a few thousand events in memory at a time."""
    for event in events.prefetch_related("patients").iterator(chunk_size=2_000):
        before = [event.at.isoformat(), event.actor_id, event.actor_label, event.role, event.event_type, event.action,
                  event.object_label, event.object_id, event.outcome]  # fmt: skip
        after = [event.method, event.path, event.status_code, event.ip, event.user_agent, event.request_id]
        for why, patient_id in [(row.why, row.patient_id) for row in event.patients.all()] or [(event.purpose, None)]:
            yield [*before, why, patient_id, *after]
