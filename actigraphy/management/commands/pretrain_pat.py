"""``manage.py pretrain_pat OUT``: an encoder of our own, its decoder, and the card that says what it is."""

from __future__ import annotations

import getpass
import json
import time
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import CommandError
from django.db import DatabaseError

from actigraphy import training
from actigraphy.science import pat
from actigraphy.science.pat.pretraining import LOSSES, Epoch, Pretrained, PretrainingError, Recipe, pretrain
from novamind import clock
from novamind.audit.commands import WatchedCommand

CHECKPOINT = "checkpoint.npz"


class Command(WatchedCommand):
    """Killed at any time, it goes on with ``--resume`` and ends with the same numbers."""

    help = "Pretrain PAT as a masked autoencoder; OUT receives encoder.h5, decoder.h5, cohort.json and card.json."

    def add_arguments(self, parser: Any) -> None:
        parser.add_argument("out", metavar="OUT", type=Path)
        parser.add_argument("--size", choices=["S", "M", "L"], default="S")
        parser.add_argument("--patch", choices=["linear", "conv"], default="linear")
        parser.add_argument("--data", nargs="+", metavar="FOLDER", type=Path, default=[], help="one file per person")
        parser.add_argument("--device", help="of the recordings, where the files do not say it")
        parser.add_argument("--tz", default=settings.CLINIC_TIME_ZONE, help="IANA zone of the devices' clocks")
        parser.add_argument("--simulated", type=int, default=0, metavar="N", help="N simulated people instead")
        parser.add_argument("--weeks", type=int, default=4, help="of each simulated person")
        parser.add_argument("--cohort", required=True, type=Path, help="from build_reference_cohort")
        parser.add_argument("--loss", choices=LOSSES, default="masked", help="all: every minute, as published")
        parser.add_argument("--resume", action="store_true", help="go on from OUT's checkpoint")
        parser.add_argument("--by", default=f"operator:{getpass.getuser()}", help="who trains, for the record")
        for name in ("epochs", "batch", "decoded", "patience", "plateau", "seed"):
            parser.add_argument(f"--{name}", type=int, help="see Recipe; by default as published")

    def handle(self, *args: Any, **options: Any) -> None:
        recipe = _recipe(options)
        checkpoint = options["out"] / CHECKPOINT
        if checkpoint.exists() and not options["resume"]:
            raise CommandError("OUT holds a checkpoint: go on with --resume, or name another folder.")
        if bool(options["data"]) == bool(options["simulated"]):
            raise CommandError("Name --data, or --simulated N people; not both.")
        try:
            cohort = pat.load_cohort(options["cohort"])
            people = self._people(options).normalized(cohort)
            self.stdout.write(f"{people.count} people, {len(people.weeks)} weeks.")
            with training.on_record(f"PAT-{recipe.size}", options["by"]) as run:
                progress = _Progress(recipe.epochs, self.stdout)
                trained = pretrain(people.weeks, people.person, recipe, checkpoint=checkpoint, on_epoch=progress.step)
                card = self._write(options["out"], people, cohort, options["cohort"].read_bytes(), trained)
                run.more["weights_sha256"] = card["sha256"]["encoder"]
        except (training.NoWeeks, pat.CohortError, PretrainingError, ValueError) as error:
            raise CommandError(f"Not trained: {error}.") from None
        except DatabaseError:
            raise CommandError("The database is not ready; run manage.py migrate_locked first.") from None

    def _people(self, options: dict[str, Any]) -> training.People:
        if options["simulated"]:
            return training.simulated_people(options["simulated"], weeks=options["weeks"])
        return training.recorded_people(
            options["data"], tz=clock.zone(options["tz"]), device=options["device"], refuse=self._refuse
        )

    def _refuse(self, path: Path, why: str) -> None:
        self.stderr.write(f"{path.name}: left out. {why}")

    def _write(
        self, out: Path, people: training.People, cohort: pat.ReferenceCohort, cohort_file: bytes, trained: Pretrained
    ) -> dict[str, Any]:
        files = {**_files(trained), "cohort": cohort_file}
        card = training.card(people, cohort, trained, files)
        names = {"encoder": "encoder.h5", "decoder": "decoder.h5", "cohort": "cohort.json"}
        for name, content in files.items():
            (out / names[name]).write_bytes(content)
        (out / "card.json").write_text(json.dumps(card, indent=1, ensure_ascii=False) + "\n")
        gain = card["held_out"]["gain_over_cohort_mean"]
        self.stdout.write(
            f"Epoch {trained.best.number} of {len(trained.epochs)} is kept: {gain['value']:.1%} less error than the "
            f"cohort's mean ({gain['low']:.1%} to {gain['high']:.1%})."
        )
        return card


def _recipe(options: dict[str, Any]) -> Recipe:
    size = f"Conv-{options['size']}" if options["patch"] == "conv" else options["size"]
    names = ("epochs", "batch", "decoded", "patience", "plateau", "seed")
    chosen = {name: options[name] for name in names if options[name] is not None}
    return Recipe.published(size, loss=options["loss"], **chosen)


def _files(trained: Pretrained) -> dict[str, bytes]:
    """Encoder and decoder as their files."""
    recipe = trained.recipe
    encoder = pat.weights_bytes({name: trained.tensors[name] for name in recipe.pat.tensor_shapes()})
    decoder = pat.decoder_bytes(
        {name: trained.tensors[name] for name in recipe.pat.decoder_shapes()},
        encoder_sha256=pat.identify(encoder)[1],
        bounded=recipe.loss == "all",
        together=recipe.together,
    )
    return {"encoder": encoder, "decoder": decoder}


class _Progress:
    """A line per epoch, with the time that the remaining ones would take at most."""

    def __init__(self, epochs: int, out: Any) -> None:
        self.epochs, self.out, self.began, self.done = epochs, out, time.monotonic(), 0

    def step(self, epoch: Epoch) -> None:
        """One more epoch is done."""
        self.done += 1
        left = (time.monotonic() - self.began) / self.done * (self.epochs - epoch.number)
        self.out.write(
            f"epoch {epoch.number}/{self.epochs}  loss {epoch.loss:.4f}  held out {epoch.held_out_loss:.4f}  "
            f"rate {epoch.learning_rate:.1e}  at most {left / 60:.0f} min left"
        )
        self.out.flush()
