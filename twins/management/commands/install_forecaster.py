"""``manage.py install_forecaster FILE.npz``: an operator's forecaster with its card, registered."""

from __future__ import annotations

import getpass
import json
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError
from django.db import DatabaseError

from novamind.audit.commands import WatchedCommand
from novamind.registry.services import MoveRefused
from twins.installing import install_file
from twins.science.forecasting import ModelError


class Command(WatchedCommand):
    """A draft, or in shadow; a person promotes it on the Models page."""

    help = "Register a forecaster (from train_forecaster) with the card beside it."

    def add_arguments(self, parser: Any) -> None:
        parser.add_argument("file", metavar="FILE.npz", type=Path)
        parser.add_argument("--card", type=Path, metavar="ANSWERS.json", help="attributes of the card by their keys")
        parser.add_argument("--shadow", action="store_true", help="let it run beside the one that serves")
        parser.add_argument("--reason", default="", help="why, for the record")
        parser.add_argument("--by", default=f"operator:{getpass.getuser()}", help="who installs it, for the record")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            version, created = install_file(
                options["file"], answers=_answers(options["card"]), shadow=options["shadow"], by=options["by"],
                reason=options["reason"],
            )  # fmt: skip
        except MoveRefused as refusal:
            raise CommandError("\n".join([refusal.detail, *refusal.missing])) from None
        except ModelError as error:
            raise CommandError(f"{options['file'].name}: {error}.") from None
        except DatabaseError:
            raise CommandError("The database is not ready; run manage.py migrate_locked first.") from None
        self.stdout.write(f"{version.name} {version.version}: {version.get_stage_display()}. {version.training_data}")
        if not created:
            self.stdout.write("It was registered before, with the card it has.")


def _answers(path: Path | None) -> dict[str, Any]:
    if path is None:
        return {}
    try:
        said = json.loads(path.read_bytes())
    except (OSError, ValueError) as error:
        raise CommandError(f"--card: {type(error).__name__}: not a JSON file") from None
    if not isinstance(said, dict):
        raise CommandError("--card: an object of attributes is needed")
    return said
