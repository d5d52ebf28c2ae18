"""``manage.py install_treatment_model FILE``: a model of ``train_treatment_model``, registered."""

from __future__ import annotations

import getpass
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError
from django.db import DatabaseError

from novamind.audit.commands import WatchedCommand
from novamind.registry.services import MoveRefused
from twins.response.installing import install_file
from twins.science.treatment import ModelError


class Command(WatchedCommand):
    """A draft; a person promotes it on the Models page."""

    help = "Register a model of treatments (from train_treatment_model) with the card inside it."

    def add_arguments(self, parser: Any) -> None:
        parser.add_argument("file", metavar="FILE", type=Path)
        parser.add_argument("--reason", default="", help="why, for the record")
        parser.add_argument("--by", default=f"operator:{getpass.getuser()}", help="who installs it, for the record")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            version, created = install_file(options["file"], by=options["by"], reason=options["reason"])
        except MoveRefused as refusal:
            raise CommandError("\n".join([refusal.detail, *refusal.missing])) from None
        except ModelError as error:
            raise CommandError(f"{options['file'].name}: {error}.") from None
        except DatabaseError:
            raise CommandError("The database is not ready; run manage.py migrate_locked first.") from None
        self.stdout.write(f"{version.name} {version.version}: {version.get_stage_display()}. {version.training_data}")
        if not created:
            self.stdout.write("It was registered before, with the card it has.")
