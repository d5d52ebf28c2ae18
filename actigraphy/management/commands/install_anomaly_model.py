"""``manage.py install_anomaly_model FOLDER``: check, keep and register what tells weeks unlike a person's own."""

from __future__ import annotations

import getpass
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError
from django.db import DatabaseError

from actigraphy.pat import anomalies
from actigraphy.science.pat.anomaly import RuleError
from actigraphy.science.pat.reference import CohortError
from actigraphy.science.pat.weights import WeightsError
from novamind.audit.commands import WatchedCommand
from novamind.registry.services import MoveRefused


class Command(WatchedCommand):
    help = "Register an anomaly detector (from pretrain_pat and calibrate_anomaly) and put it into production."

    def add_arguments(self, parser: Any) -> None:
        parser.add_argument("folder", metavar="FOLDER", type=Path, help="holds encoder, decoder, cohort and threshold")
        parser.add_argument("--reason", default="", help="why it is to serve, for the record")
        parser.add_argument("--by", default=f"operator:{getpass.getuser()}", help="who installs it, for the record")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            version, created = anomalies.install(options["folder"], by=options["by"], reason=options["reason"])
        except MoveRefused as refusal:
            raise CommandError(" ".join([refusal.detail, *refusal.missing])) from None
        except (WeightsError, CohortError, RuleError) as error:
            raise CommandError(f"{options['folder']}: {error}") from None
        except DatabaseError:
            raise CommandError("The database is not ready; run manage.py migrate_locked first.") from None
        self.stdout.write(f"{version.name}: {version.training_data}; {version.get_stage_display().lower()}.")
        if not created:
            self.stdout.write("It was registered before; nothing changed.")
