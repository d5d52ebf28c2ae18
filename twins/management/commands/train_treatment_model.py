"""``manage.py train_treatment_model TARGET OUT``: what comes of a course, learnt; a file with its card."""

from __future__ import annotations

import getpass
import hashlib
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

from django.core.management.base import CommandError
from django.db import DatabaseError

from actigraphy.training import on_record
from novamind.audit.commands import WatchedCommand
from novamind.audit.models import EventType, Outcome, Purpose
from novamind.audit.recording import recorded, write_event
from twins.response import training
from twins.science.treatment import INSTRUMENTS, TARGETS, TooFew, model_bytes


class Command(WatchedCommand):
    """Writes a file, and an event into the trail with everybody whose chart was read; a person promotes a model."""

    help = (
        "Train a model of treatment response, outcome or risk of stopping early on the clinic's or simulated courses."
    )

    def add_arguments(self, parser: Any) -> None:
        parser.add_argument("target", choices=list(TARGETS))
        parser.add_argument("out", metavar="OUT", type=Path)
        parser.add_argument("--clinic", action="store_true", help="patients who allow models to use what it reads")
        parser.add_argument("--simulated", type=int, default=0, metavar="N", help="N simulated people instead")
        parser.add_argument("--instrument", choices=list(INSTRUMENTS), default="phq9", help="whose total is read")
        parser.add_argument("--seed", type=int, default=0)
        parser.add_argument("--threads", type=int, default=1)
        parser.add_argument("--by", default=f"operator:{getpass.getuser()}", help="who trains, for the record")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["clinic"] == bool(options["simulated"]):
            raise CommandError("Name --clinic, or --simulated N people; one of them.")
        if not options["out"].resolve().parent.is_dir():
            raise CommandError(f"{options['out']}: there is no such folder.")
        try:
            material = _material(options)
            with on_record(f"treatment {options['target']}", options["by"]) as run:
                model = training.train(
                    material, options["target"], seed=options["seed"], threads=max(options["threads"], 1)
                )
                content = model_bytes(model)
                run.more["weights_sha256"] = hashlib.sha256(content).hexdigest()
        except TooFew as error:
            raise CommandError(f"Not trained: {error}.") from None
        except DatabaseError:
            raise CommandError("The database is not ready; run manage.py migrate_locked first.") from None
        options["out"].write_bytes(content)
        self._tell(options["out"], content, model.card)

    def _tell(self, out: Path, content: bytes, card: dict[str, Any]) -> None:
        self.stdout.write(f"{out}: {len(content) / 1e3:.0f} kB. {card['model']}: {card['target']}.")
        self.stdout.write(f"{training.training_of(card)}.")
        for each in card["figures"]:
            self.stdout.write("{metric}: {value:.3f} ({low:.3f} to {high:.3f})".format(**each))
        if not card["better"]:
            self.stdout.write("It is not better than saying the same of everybody, and will not be registered.")
        for sentence in card["is_not"]:
            self.stdout.write(sentence)


def _material(options: dict[str, Any]) -> training.Material:
    if options["simulated"]:
        return training.simulated(options["simulated"], seed=options["seed"])
    with _read(options) as said:
        material = training.of_clinic(options["instrument"])
        said |= {"people": len(material.charts)}
    return material


@contextmanager
def _read(options: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The event of everybody whose chart was read, whether or not a model comes of it."""
    said: dict[str, Any] = {}
    begun, outcome = time.monotonic(), Outcome.FAILED
    with recorded(actor_label=options["by"], request_id=str(uuid4())) as ledger:
        try:
            yield said
            outcome = Outcome.SUCCESS
        finally:
            write_event(
                ledger, event_type=EventType.DATA_ACCESS, action="train_treatment_model", outcome=outcome,
                object_label=f"charts to train {options['target']}", purpose=Purpose.OPERATIONS, contents=True,
                duration_ms=round((time.monotonic() - begun) * 1000), details=said,
            )  # fmt: skip
