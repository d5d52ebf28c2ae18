"""``manage.py calibrate_anomaly FOLDER``: from which score on a week is told, and what that costs and finds."""

from __future__ import annotations

import getpass
import hashlib
import time
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError
from django.db import DatabaseError

from actigraphy import training
from actigraphy.science import pat
from actigraphy.science.pat.anomaly import Rule, rule_bytes
from actigraphy.science.pat.anomaly_trial import cohort_mean_errors, trial
from actigraphy.science.pat.simulated import DEVICE
from novamind.audit.commands import WatchedCommand

#: Far from the seeds of training and of the reference cohort.
CALIBRATION_SEED, TEST_SEED = 20_000, 30_000


class Command(WatchedCommand):
    """The threshold is chosen on some simulated people and reported on others, none of whom trained the model."""

    help = "Choose the anomaly threshold of a pretrained model and write FOLDER/anomaly.json with its measured figures."

    def add_arguments(self, parser: Any) -> None:
        parser.add_argument("folder", metavar="FOLDER", type=Path, help="from pretrain_pat")
        parser.add_argument(
            "--calibration", type=int, default=100, metavar="N", help="people the threshold is chosen on"
        )
        parser.add_argument("--people", type=int, default=100, metavar="N", help="other people it is reported on")
        parser.add_argument("--by", default=f"operator:{getpass.getuser()}", help="who measures, for the record")

    def handle(self, *args: Any, **options: Any) -> None:
        folder = options["folder"]
        try:
            model = pat.Reconstructor.from_files(folder / "encoder.h5", folder / "decoder.h5", threads=1)
            cohort = pat.load_cohort(folder / "cohort.json")
        except (pat.WeightsError, pat.CohortError) as error:
            raise CommandError(f"No model: {error}.") from None
        if cohort.device != DEVICE:
            raise CommandError(f"The simulator counts as {DEVICE} does; the cohort is of {cohort.device}.")
        seeds = [
            range(seed, seed + options[name])
            for seed, name in ((CALIBRATION_SEED, "calibration"), (TEST_SEED, "people"))
        ]
        try:
            with training.on_record(f"PAT-{model.size.name} anomaly", options["by"]) as run:
                said = {"calibration": seeds[0], "test": seeds[1]}
                progress = self._progress(sum(map(len, seeds)))
                threshold, figures = trial(model.errors, cohort, **said, on_person=progress)
                _, figures["with_the_cohort_mean_for_a_model"] = trial(cohort_mean_errors, cohort, **said)
                rule = Rule(threshold, model.encoder_sha256, model.decoder_sha256, cohort.sha256)
                content = rule_bytes(rule, training.ANOMALY_CARD | {"measured": figures})
                (folder / "anomaly.json").write_bytes(content)
                run.more["weights_sha256"] = model.encoder_sha256
        except DatabaseError:
            raise CommandError("The database is not ready; run manage.py migrate_locked first.") from None
        alarms = figures["alarms_per_quarter"]
        self.stdout.write(
            f"Threshold {threshold}: {alarms['value']:.2f} alarms per person and quarter without change "
            f"({alarms['low']:.2f} to {alarms['high']:.2f}); sha256 {hashlib.sha256(content).hexdigest()}."
        )

    def _progress(self, total: int) -> Any:
        began, done = time.monotonic(), 0

        def step(seed: int) -> None:
            nonlocal done
            done += 1
            if done % 10 == 0:
                left = (time.monotonic() - began) / done * (total - done)
                self.stdout.write(f"{done}/{total} people  {left / 60:.0f} min left")
                self.stdout.flush()

        return step
