"""``manage.py install_head HEAD.json --card ANSWERS.json``: a trained head with a complete card, registered."""

from __future__ import annotations

import getpass
import json
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError
from django.db import DatabaseError

from actigraphy.pat import heads
from actigraphy.science.heads import HeadError
from actigraphy.science.pat.reference import CohortError
from actigraphy.science.pat.weights import WeightsError
from novamind.audit.commands import WatchedCommand
from novamind.registry.services import MoveRefused


class Command(WatchedCommand):
    """A draft that a person promotes on the Models page; with ``--promote`` it serves at once."""

    help = "Register a head (from train_head); a person's answers complete its card."

    def add_arguments(self, parser: Any) -> None:
        parser.add_argument("file", metavar="HEAD.json", type=Path)
        parser.add_argument("--card", type=Path, metavar="ANSWERS.json", help="attributes of the card by their keys")
        parser.add_argument("--encoder", type=Path, metavar="FILE", help="its PAT weights, where they lie elsewhere")
        parser.add_argument("--cohort", type=Path, metavar="FILE", help="its reference cohort, where it lies elsewhere")
        parser.add_argument("--promote", action="store_true", help="put it into production")
        parser.add_argument("--reason", default="", help="why, for the record")
        parser.add_argument("--by", default=f"operator:{getpass.getuser()}", help="who installs it, for the record")

    def handle(self, *args: Any, **options: Any) -> None:
        beside = [options[name] for name in ("encoder", "cohort") if options[name]]
        try:
            version, created = heads.install(
                options["file"], answers=_answers(options["card"]), beside=beside, promote=options["promote"],
                by=options["by"], reason=options["reason"],
            )  # fmt: skip
        except MoveRefused as refusal:
            raise CommandError("\n".join([refusal.detail, *refusal.missing])) from None
        except (HeadError, WeightsError, CohortError) as error:
            raise CommandError(f"{options['file']}: {error}") from None
        except DatabaseError:
            raise CommandError("The database is not ready; run manage.py migrate_locked first.") from None
        self.stdout.write(f"{version.name}: {version.card['does']} {version.get_stage_display()}.")
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
