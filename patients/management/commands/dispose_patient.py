"""``manage.py dispose_patient UUID --reason REASON --yes``: nothing of the patient can be read any more, for ever."""

from __future__ import annotations

import sys
from typing import Any
from uuid import UUID

from django.core.management.base import CommandError

from novamind.audit.commands import WatchedCommand
from patients.disposal import Reason, dispose
from patients.models import Patient


class Command(WatchedCommand):
    """Destroys keys, chart and files; the trail stays."""

    help = "Destroy a patient's keys, chart and files. Cannot be undone. Exits 1 while a file is left in storage."

    def add_arguments(self, parser: Any) -> None:
        parser.add_argument("patient", type=UUID, metavar="UUID")
        parser.add_argument("--reason", required=True, choices=[str(reason) for reason in Reason])
        parser.add_argument("--yes", action="store_true", help="without it nothing is done")

    def handle(self, *args: Any, **options: Any) -> None:
        if not options["yes"]:
            raise CommandError("this destroys the chart for ever; say --yes")
        try:
            done = dispose(options["patient"], reason=Reason(options["reason"]), by="manage.py dispose_patient")
        except Patient.DoesNotExist:
            raise CommandError("there is no such patient") from None
        self.stdout.write(f"{done.keys} keys destroyed, {done.rows} rows deleted, {done.files_left} files left")
        if done.files_left:
            sys.exit(1)
