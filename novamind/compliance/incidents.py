"""Incidents: recorded with the list of who is affected, told, closed."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import Count, Max, Min

from novamind import clock
from novamind.accounts.models import User
from novamind.accounts.rights import Refused
from novamind.audit.models import AuditEventPatient, EventType
from novamind.audit.questions import SHOWN
from novamind.audit.recording import note_object
from novamind.compliance.clocks import may_close
from novamind.compliance.models import Affected, Incident

CHANGED = (
    "judgement", "reasons", "others_affected", "individuals_told_on", "hhs_told_on", "media_told_on",
)  # fmt: skip


class NotToldYet(Refused):
    """403: somebody has not been told, and no reason says why not."""

    def __init__(self) -> None:
        super().__init__("not_told_yet", "Somebody is still to be told, or the reasons for telling nobody are missing.")


def seen_by(account: User, since: datetime, until: datetime) -> Any:
    """Whose charts this account opened from ``since`` to ``until``, by the trail: patient, first, last, how often."""
    events = AuditEventPatient.objects.filter(
        SHOWN, event__actor_id=account.pk, event__at__gte=since, event__at__lte=until
    )
    return (
        events.order_by()
        .values("patient_id")
        .annotate(first_at=Min("event__at"), last_at=Max("event__at"), events=Count("id"))
        .order_by("first_at")
    )


def record_incident(*, by: User, **fields: Any) -> Incident:
    """Keep an incident and freeze the list of whom it affects; what the trail gains later does not change it."""
    with transaction.atomic():
        incident = Incident.objects.create(recorded_by=by, **fields)
        if incident.account and incident.since:
            rows = seen_by(incident.account, incident.since, incident.until or clock.now())
            Affected.objects.bulk_create([Affected(incident=incident, **row) for row in rows], batch_size=500)
    note_object(EventType.CREATION, Incident._meta.label, incident.pk)
    return incident


def update_incident(incident: Incident, *, close: bool, **fields: Any) -> Incident:
    """Write down a judgement, reasons, and who was told when; closing needs all of it (``NotToldYet``)."""
    for name in CHANGED:
        setattr(incident, name, fields[name])
    if close and not may_close(incident):
        raise NotToldYet
    incident.closed_at = (incident.closed_at or clock.now()) if close else None
    incident.save()
    note_object(EventType.MODIFICATION, Incident._meta.label, incident.pk)
    return incident
