"""``manage.py install_reference_cohort FILE``: check, keep and register the cohort of a device."""

from __future__ import annotations

import getpass
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError
from django.db import DatabaseError

from actigraphy.pat import cohorts
from actigraphy.science.pat.reference import CohortError
from novamind.audit.commands import WatchedCommand
from novamind.registry.services import MoveRefused


class Command(WatchedCommand):
    help = "Register a reference cohort (from build_reference_cohort) and put it into production for its device."

    def add_arguments(self, parser: Any) -> None:
        parser.add_argument("file", type=Path)
        parser.add_argument("--reason", default="", help="why it is to serve, for the record")
        parser.add_argument("--by", default=f"operator:{getpass.getuser()}", help="who installs it, for the record")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            version, created = cohorts.install(options["file"], by=options["by"], reason=options["reason"])
        except MoveRefused as refusal:
            raise CommandError(f"{refusal.detail} (--reason)") from None
        except OSError as error:
            raise CommandError(f"{options['file']} cannot be opened: {error.strerror}.") from None
        except CohortError as error:
            raise CommandError(f"{options['file']}: {error}") from None
        except DatabaseError:
            raise CommandError("The database is not ready; run manage.py migrate_locked first.") from None
        self.stdout.write(f"{version.name}: {version.training_data}; {version.get_stage_display().lower()}.")
        if not created:
            self.stdout.write("It was registered before; nothing changed.")
