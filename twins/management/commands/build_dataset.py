"""``manage.py build_dataset PURPOSE OUT``: days of the clinic's people who allow it, to train on."""

from __future__ import annotations

import getpass
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any
from uuid import uuid4

from django.core.management.base import CommandError
from django.db import DatabaseError

from novamind.audit.commands import WatchedCommand
from novamind.audit.models import EventType, Outcome, Purpose
from novamind.audit.recording import recorded, write_event
from twins import datasets
from twins.science.datasets import DatasetError


class Command(WatchedCommand):
    """Writes a folder; everybody whose days are in it stands in the trail before the first byte is written."""

    help = "Write a training data set (pseudonyms, day numbers, a manifest with its hash) of patients who allow models."

    def add_arguments(self, parser: Any) -> None:
        parser.add_argument("purpose", choices=list(datasets.SPECS))
        parser.add_argument("out", metavar="OUT", type=Path, help="a folder that is not there yet")
        parser.add_argument("--salt", required=True, help="names the line of data sets; the same one, the same parts")
        parser.add_argument("--days", type=int, default=datasets.LOOKBACK, help="looked back on")
        parser.add_argument("--cut", type=date.fromisoformat, help="YYYY-MM-DD: what is told from this day on is later")
        parser.add_argument("--by", default=f"operator:{getpass.getuser()}", help="who builds it, for the record")

    def handle(self, *args: Any, **options: Any) -> None:
        out: Path = options["out"]
        if out.exists() or not out.resolve().parent.is_dir():
            raise CommandError(f"{out.name}: it is there already, or there is no folder for it.")
        try:
            with _on_record(options["by"], options["purpose"]) as said:
                built = datasets.build_dataset(
                    options["purpose"], salt=options["salt"], days=options["days"], cut=options["cut"]
                )
                said |= {
                    "sha256": built.dataset.sha256,
                    "people": len(built.dataset.pseudonyms),
                    "rows": len(built.dataset.windows),
                }
            datasets.write(built, out)
        except DatasetError as error:
            raise CommandError(f"No data set: {error}.") from None
        except OSError as error:
            raise CommandError(f"{out.name}: cannot be written: {error.strerror}.") from None
        except DatabaseError:
            raise CommandError("The database is not ready; run manage.py migrate_locked first.") from None
        counts = built.manifest["counts"]
        self.stdout.write(f"{sum(counts['people'].values())} people, {len(built.dataset.windows)} windows")
        self.stdout.write(f"sha256 {built.manifest['sha256']}")


@contextmanager
def _on_record(by: str, what: str) -> Iterator[dict[str, Any]]:
    """The event of everybody whose days were read, whether or not a data set came of it."""
    said: dict[str, Any] = {}
    begun, outcome = time.monotonic(), Outcome.FAILED
    with recorded(actor_label=by, request_id=str(uuid4())) as ledger:
        try:
            yield said
            outcome = Outcome.SUCCESS
        finally:
            write_event(
                ledger, event_type=EventType.EXPORT, action="build_dataset", outcome=outcome,
                object_label=f"dataset {what}", object_id=said.get("sha256", ""), purpose=Purpose.OPERATIONS,
                contents=True, duration_ms=round((time.monotonic() - begun) * 1000), details=said,
            )  # fmt: skip
