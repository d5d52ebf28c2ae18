"""``manage.py train_forecaster OUT``: a forecaster as a file, and the card that says what it is."""

from __future__ import annotations

import getpass
import hashlib
import json
import sys
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError
from django.db import DatabaseError

from actigraphy.training import on_record
from novamind.audit.commands import WatchedCommand
from twins import datasets, training
from twins.management.forecasting import add_options, panel_of, scale_of, steps, use_threads
from twins.science.datasets import DatasetError
from twins.science.forecasting import PRESETS, PanelError, forecaster_bytes


class Command(WatchedCommand):
    """Writes files, and an event into the trail; a person registers and promotes a forecaster."""

    help = "Train a forecaster on a CSV file (person, day, score), a data set or simulated people; OUT and its card."

    def add_arguments(self, parser: Any) -> None:
        parser.add_argument("out", metavar="OUT.npz", type=Path)
        parser.add_argument("--data", metavar="FILE.csv", type=Path)
        parser.add_argument("--dataset", metavar="FOLDER", type=Path, help="from build_dataset symptom-forecast")
        parser.add_argument("--simulated", type=int, default=0, metavar="N", help="N simulated people instead")
        parser.add_argument("--days", type=int, default=90, help="of each simulated person")
        parser.add_argument("--by", default=f"operator:{getpass.getuser()}", help="who trains, for the record")
        add_options(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        if sum(bool(options[name]) for name in ("data", "dataset", "simulated")) != 1:
            raise CommandError("Name --data, --dataset, or --simulated N people; one of them.")
        if not options["out"].resolve().parent.is_dir():
            raise CommandError(f"{options['out']}: there is no such folder.")
        try:
            material = self._material(options)
            with on_record("symptom forecaster", options["by"]) as run:
                use_threads(options["threads"])
                trained = training.train(
                    material, preset=PRESETS[options["preset"]], seed=options["seed"], threads=options["threads"],
                    progress=steps(sys.stderr, "members"),
                )  # fmt: skip
                content = forecaster_bytes(trained)
                run.more["weights_sha256"] = hashlib.sha256(content).hexdigest()
        except (PanelError, DatasetError) as error:
            raise CommandError(f"Not trained: {error}.") from None
        except DatabaseError:
            raise CommandError("The database is not ready; run manage.py migrate_locked first.") from None
        self._write(options["out"], content, trained.card)

    def _material(self, options: dict[str, Any]) -> training.Material:
        if options["simulated"]:
            return training.simulated(options["simulated"], days=options["days"], first_seed=options["seed"])
        if options["dataset"]:
            return training.of_dataset(datasets.read(options["dataset"]))
        scale = scale_of(options)
        return training.recorded(panel_of(options["data"], scale), options["data"], scale)

    def _write(self, out: Path, content: bytes, card: dict[str, Any]) -> None:
        out.write_bytes(content)
        beside = out.with_suffix(".card.json")
        said = card | {"sha256": hashlib.sha256(content).hexdigest()}
        beside.write_text(json.dumps(said, indent=1, ensure_ascii=False) + "\n")
        self.stdout.write(f"{out}: {len(content) / 1e6:.2f} MB; {beside}: its card")
        for figure in card["held_out"]["figures"]:
            self.stdout.write("{metric}: {value:.2f} ({low:.2f} to {high:.2f})".format(**figure))
