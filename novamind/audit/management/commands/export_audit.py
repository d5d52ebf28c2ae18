"""``manage.py export_audit``: events as FHIR R4 AuditEvent, one JSON object a line."""

from __future__ import annotations

import getpass
import json
from datetime import date
from typing import Any
from uuid import uuid4

from django.conf import settings
from django.core.management.base import CommandError

from novamind import clock
from novamind.audit.commands import WatchedCommand
from novamind.audit.exporting import Ending
from novamind.audit.fhir import resource
from novamind.audit.models import AuditEvent, Outcome
from novamind.audit.questions import Days
from novamind.audit.recording import recorded


class Command(WatchedCommand):
    """Goes to standard output; that it was taken out is an event with the rows and the SHA-256 of what was written."""

    help = "Write the audit trail as FHIR R4 AuditEvent resources (NDJSON). Days are the clinic's, both included."

    def add_arguments(self, parser: Any) -> None:
        parser.add_argument("--from", dest="first", type=date.fromisoformat, required=True)
        parser.add_argument("--to", dest="last", type=date.fromisoformat, required=True)
        parser.add_argument("--by", default=f"operator:{getpass.getuser()}", help="who takes it out, for the record")

    def handle(self, *args: Any, first: date, last: date, by: str, **options: Any) -> None:
        if first > last:
            raise CommandError("--from is after --to")
        days = Days(first, last, clock.zone(settings.CLINIC_TIME_ZONE))
        events = days.of(AuditEvent.objects.all()).order_by("at", "id").prefetch_related("patients")
        with recorded(actor_label=by, request_id=str(uuid4())) as ledger:
            ending = Ending(ledger, "trail as FHIR", f"{first}/{last}")
            try:
                for event in events.iterator(chunk_size=2_000):
                    line = json.dumps(resource(event), separators=(",", ":"), ensure_ascii=False) + "\n"
                    self.stdout.write(line, ending="")
                    ending.hash.update(line.encode())
                    ending.rows += 1
            except BaseException:
                ending.write(Outcome.FAILED)
                raise
            ending.write(Outcome.SUCCESS)
