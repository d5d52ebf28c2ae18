"""``manage.py train_head OUT DIR --labels FILE.csv --outcome NAME``: a head as a file, with the figures it earned."""

from __future__ import annotations

import getpass
import hashlib
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError
from django.db import DatabaseError

from actigraphy import training
from actigraphy.management.heads import Given, Steps, add_options, population, read_given
from actigraphy.pat.installing import file_in_production
from actigraphy.science.heads import FEATURE_SETS, Trained, TrainingError, head_bytes, train
from actigraphy.science.heads.tuning import Tuned, tune
from actigraphy.science.pat import CohortError, cohort_bytes, load_weights
from novamind.audit.commands import WatchedCommand


class Command(WatchedCommand):
    """Writes files, and an event into the trail; a person registers (``install_head``) and promotes a head."""

    help = "Train a head for a labelled outcome; its card holds its figures on people left out."

    def add_arguments(self, parser: Any) -> None:
        parser.add_argument("out", metavar="OUT", type=Path, help="the head's file; its cohort and encoder beside it")
        add_options(parser)
        parser.add_argument("--outcome", required=True, metavar="NAME", help="what the label says, for the card")
        parser.add_argument("--features", choices=FEATURE_SETS, default="both")
        parser.add_argument("--by", default=f"operator:{getpass.getuser()}", help="who trains, for the record")
        parser.add_argument("--fine-tune", action="store_true", help="tune the encoder on half of the people (slow)")

    def handle(self, *args: Any, **options: Any) -> None:
        if not options["outcome"].strip():
            raise CommandError("--outcome is empty")
        if not options["out"].resolve().parent.is_dir():
            raise CommandError(f"{options['out']}: there is no such folder")
        try:
            options["encoder"] = options["encoder"] or file_in_production()
        except DatabaseError:
            raise CommandError("The database is not ready; run manage.py migrate_locked first.") from None
        given, steps = read_given(options, sys.stderr), Steps(sys.stderr)
        if options["features"] != "circadian" and given.weights is None:
            raise CommandError("No PAT weights: name them with --encoder, or train on --features circadian.")
        try:
            with training.on_record(f"head: {options['outcome']}", options["by"]) as run:
                trained = self._train(given, options, steps)
                run.more["weights_sha256"] = hashlib.sha256(head_bytes(trained.head)).hexdigest()
        except (TrainingError, CohortError) as error:
            raise CommandError(str(error)) from None
        self._write(options["out"], trained)
        for figure in trained.head.card["validity_internal"]:
            self.stdout.write("{metric}: {value:.3f} ({low:.3f} to {high:.3f})".format(**figure))

    def _train(self, given: Given, options: dict[str, Any], steps: Steps) -> Trained:
        tuned = self._tuned(given, options) if options["fine_tune"] else None
        if tuned is not None:
            given = replace(given, weights=load_weights(tuned.weights), recordings=tuned.others, cohort=tuned.cohort)
        trained = train(
            given.recordings, outcome=options["outcome"], kind=options["features"], population=population(given),
            encoder=given.encoder, cohort=given.cohort, alert_load=options["alert_load"], folds=options["folds"],
            refused=len(given.folder.refused), tuned=tuned is not None, seed=options["seed"], progress=steps("folds"),
        )  # fmt: skip
        if tuned is None:
            return trained
        return replace(trained, encoder=tuned.weights, cohort=None if options["cohort"] else tuned.cohort)

    def _tuned(self, given: Given, options: dict[str, Any]) -> Tuned:
        if options["features"] == "circadian" or given.weights is None:
            raise TrainingError("only an encoder is fine-tuned: --features pat or both")
        return tune(given.weights, given.recordings, cohort=given.cohort, seed=options["seed"], say=self.stderr.write)

    def _write(self, out: Path, trained: Trained) -> None:
        out.write_bytes(head_bytes(trained.head))
        self.stdout.write(f"{out}: {trained.head.kind} head for {trained.head.outcome}")
        if trained.cohort is not None:
            beside = out.with_suffix(".cohort.json")
            beside.write_bytes(cohort_bytes(trained.cohort))
            self.stdout.write(f"{beside}: the reference cohort it needs")
        if trained.encoder is not None:
            beside = out.with_suffix(".encoder.h5")
            beside.write_bytes(trained.encoder)
            self.stdout.write(f"{beside}: the encoder it needs, sha256 {trained.head.encoder_sha256}")
