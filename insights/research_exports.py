"""Files for research: asked for, made by a job, taken out, deleted when their time is over."""

from __future__ import annotations

import base64
import logging
from collections.abc import Callable
from datetime import timedelta
from hashlib import sha256
from typing import Final

from django.conf import settings
from django.db.models import Q

from insights.deidentified import PURPOSES, STREAMS, Deidentified, IdentifierFound, deidentified
from insights.models import ResearchExport
from novamind import clock
from novamind.accounts.models import User
from novamind.audit.models import AuditEventPatient, EventType, Purpose
from novamind.audit.recording import aggregates, current, note_object, write_event
from novamind.jobs.services import enqueue
from patients.models import Consent, Patient

LABEL: Final = "research export"
#: What the trail calls the making of a file, with everybody in it.
ACTION: Final = "research_export"
#: So long a file can be taken out.
KEPT: Final = timedelta(days=3)


def ask_export(*, why: str, by: User) -> ResearchExport:
    """Ask for a file of the patients in this user's regular care who allow research; a job makes it."""
    export = ResearchExport.objects.create(by=by, why=ResearchExport.Why(why))
    note_object(EventType.CREATION, "insights.ResearchExport", export.pk)
    enqueue("insights.research_export", key=f"insights.research_export:{export.pk}", actor=by.pk, export_id=export.pk)
    return export


def make_export(export: ResearchExport) -> Callable[[], ResearchExport]:
    """Read and check the rows outside any transaction; gives back what keeps the file and puts everybody in it on
    record as disclosed."""
    try:
        made = deidentified(export.by)
    except IdentifierFound as why:
        logging.getLogger(settings.ADMINS_ALERT_LOGGER).critical(
            "research export %s held back: the last check found identifiers, %s", export.pk, why,
            extra={"severity": "HIGH"},
        )  # fmt: skip
        return lambda: _ended(export, ResearchExport.State.BLOCKED)
    if made is None:
        return lambda: _ended(export, ResearchExport.State.EMPTY)
    return lambda: _keep(export, made)


def _keep(export: ResearchExport, made: Deidentified) -> ResearchExport:
    export.people, export.rows, export.sha256 = made.people, made.rows, sha256(made.content).hexdigest()
    export.content = base64.b64encode(made.content).decode()
    export.expires_at = clock.now() + KEPT
    ledger = current()
    assert ledger is not None  # the job's
    write_event(
        ledger, event_type=EventType.EXPORT, action=ACTION, object_label=LABEL, object_id=export.pk,
        purpose=Purpose.RESEARCH, contents=True,
        details={"people": made.people, "rows": made.rows, "sha256": export.sha256},
    )  # fmt: skip
    return _ended(export, ResearchExport.State.READY)


def _ended(export: ResearchExport, state: str) -> ResearchExport:
    export.state, export.finished_at = state, clock.now()
    export.save()
    return export


def take_out(export: ResearchExport) -> bytes | None:
    """The zip; ``None`` where there is none, or its time is over.

    Where somebody in it may no longer be in it, it is deleted and there is none. Notes nobody: who is in it stands in
    the trail since it was made.
    """
    if export.content is None or export.expires_at is None or export.expires_at <= clock.now():
        return None
    if not _still_may(export):
        _erase(export)
        return None
    return base64.b64decode(export.content)


def _still_may(export: ResearchExport) -> bool:
    """Whether everybody in a file is still in its asker's regular care, and nobody has withdrawn since it was asked for
    what the file asks of them, or let it run out. Which streams are whose is not kept: any of them counts."""
    trail = AuditEventPatient.objects.filter(
        at__gte=export.asked_at, event__action=ACTION, event__object_id=str(export.pk)
    )
    people = set(trail.values_list("patient_id", flat=True))
    if len(people) != export.people:
        return False  # who is in it is not known
    since, now = export.asked_at, clock.now()
    ended = Q(given=False, at__gte=since) | Q(given=True, valid_until__gt=since, valid_until__lte=now)
    with aggregates():
        if Patient.objects.changeable_by(export.by).filter(pk__in=people).count() < len(people):
            return False
        asked = Consent.objects.filter(patient__in=people, purpose__in=PURPOSES, stream__in=STREAMS)
        return not asked.filter(ended).exists()


def _erase(export: ResearchExport) -> None:
    export.content, export.state = None, ResearchExport.State.ENDED
    export.save(update_fields=["content", "state"])


def delete_ended() -> Callable[[], None]:
    """What deletes the files whose time is over; their rows stay."""

    def save() -> None:
        for export in ResearchExport.objects.ended():
            _erase(export)

    return save
