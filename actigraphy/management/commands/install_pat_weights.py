"""``manage.py install_pat_weights FILE``: check, keep and register an operator's PAT weights."""

from __future__ import annotations

import getpass
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError
from django.db import DatabaseError

from actigraphy import pat
from actigraphy.science.pat.weights import PUBLISHED, WeightsError
from novamind.audit.commands import WatchedCommand
from novamind.registry.models import ModelVersion
from novamind.registry.services import MoveRefused


class Command(WatchedCommand):
    """Without a file: register whatever lies in the models folder (``PAT_WEIGHTS_DIR``)."""

    help = "Register a PAT weights file (published .h5 layout) and put it into production."

    def add_arguments(self, parser: Any) -> None:
        parser.add_argument("file", nargs="?", type=Path)
        parser.add_argument("--reason", default="", help="why it is to serve, for the record; needed with a file")
        parser.add_argument("--by", default=f"operator:{getpass.getuser()}", help="who installs it, for the record")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["file"] is None:
            for path, found in pat.register_mounted(by=options["by"]):
                self._report(path, found)
            return
        try:
            version, created = pat.install(options["file"], by=options["by"], reason=options["reason"])
        except MoveRefused as refusal:
            raise CommandError(f"{refusal.detail} (--reason)") from None
        except WeightsError as error:
            raise CommandError(f"{options['file']}: {error.code}: {error.detail}") from None
        except DatabaseError:
            raise CommandError("The database is not ready; run manage.py migrate_locked first.") from None
        self._report(options["file"], version)
        if not created:
            self.stdout.write("It was registered before; nothing changed.")

    def _report(self, path: Path, found: ModelVersion | WeightsError) -> None:
        if isinstance(found, WeightsError):
            self.stderr.write(f"{path.name}: refused, {found.code}: {found.detail}")
            return
        self.stdout.write(f"{found.name}: sha256 {found.weights_sha256}; {found.get_stage_display().lower()}.")
        if published := PUBLISHED.get(found.weights_sha256):
            self.stdout.write(f"This is the published {published}.")
        else:
            self.stderr.write("Warning: nobody is known to have published this file. Be sure where it comes from.")
