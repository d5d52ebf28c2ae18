"""What the commands about heads share: their options, the recordings, the encoder, how far they are."""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

from django import forms
from django.conf import settings
from django.core.management.base import CommandError

from actigraphy.forms import parse_columns
from actigraphy.labelled import Folder, LabelsError, read_folder, read_labels
from actigraphy.pat import offline
from actigraphy.science.devices import DEVICES
from actigraphy.science.heads import Recordings, TrainingError, gather
from actigraphy.science.pat import (
    SIZES,
    CohortError,
    Encoder,
    ReferenceCohort,
    WeightsError,
    WeightsFile,
    load_cohort,
    load_weights,
    untrained_weights,
)
from actigraphy.services import column_mapping
from novamind import clock


def add_options(parser: Any) -> None:
    """The options of both commands."""
    parser.add_argument("folder", metavar="DIR", type=Path, help="where the recordings are")
    parser.add_argument("--labels", required=True, metavar="FILE.csv", type=Path, help="file,label[,days][,patient]")
    parser.add_argument("--encoder", metavar="FILE", type=Path, help="PAT weights; without it those in use or mounted")
    parser.add_argument(
        "--cohort", metavar="FILE", type=Path, help="a reference cohort that holds none of these people"
    )
    parser.add_argument("--alert-load", type=_load, help="alerts per 100 recordings; without it as many as positives")
    parser.add_argument("--folds", type=_whole, help="stratified folds of patients; without it each is left out once")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--tz", default=settings.CLINIC_TIME_ZONE, help="IANA zone of the device's clock")
    parser.add_argument("--device", choices=sorted(DEVICES), help="where the files do not say it")
    parser.add_argument("--columns", help="of generic tables: time=…,activity=…")


def _load(text: str) -> float:
    value = float(text)
    if not 0 < value < 100:
        raise argparse.ArgumentTypeError("alerts per 100 are above 0 and below 100")
    return value


def _whole(text: str) -> int:
    value = int(text)
    if value < 2:
        raise argparse.ArgumentTypeError("at least 2 are needed")
    return value


def add_control(parser: Any) -> None:
    """For evaluation only: no head is trained on a network nobody trained."""
    parser.add_argument("--untrained-control", metavar="SEED", type=int, help="a random encoder instead, as a control")
    parser.add_argument("--size", choices=sorted(SIZES), default="S", help="of the untrained control")


@dataclass(frozen=True)
class Given:
    """What a command was given, read and checked."""

    folder: Folder
    recordings: Recordings
    weights: WeightsFile | None
    cohort: ReferenceCohort | None

    @property
    def encoder(self) -> Encoder | None:
        """The encoder, ready to run."""
        return Encoder(self.weights) if self.weights else None


def read_given(options: dict[str, Any], say: TextIO) -> Given:
    """Everything read; ``CommandError`` says what is wrong with labels, weights, cohort or the people."""
    try:
        zone = clock.zone(options["tz"])
        columns = column_mapping(parse_columns(options["columns"]) if options["columns"] else None)
        weights = _weights(options)
        cohort = load_cohort(options["cohort"]) if options["cohort"] else None
        rows = read_labels(options["labels"])
    except forms.ValidationError as error:
        raise CommandError(f"--columns: {error.messages[0]}") from None
    except LabelsError as error:
        raise CommandError(f"--labels: {error}") from None
    except WeightsError as error:
        raise CommandError(f"--encoder: {error}") from None
    except CohortError as error:
        raise CommandError(f"--cohort: {error}") from None
    except ValueError as error:
        raise CommandError(str(error)) from None
    steps = Steps(say)
    folder = read_folder(
        options["folder"], rows, zone=zone, device=options["device"], columns=columns, progress=steps("recordings")
    )
    for refused in folder.refused:
        say.write(f"{refused.file}: {refused.detail}\n")
    try:
        labels, people = [row.label for row in folder.rows], [row.patient for row in folder.rows]
        recordings = gather(folder.materials, labels, people)
    except TrainingError as error:
        raise CommandError(str(error)) from None
    if cohort and cohort.device != recordings.device:
        raise CommandError(f"--cohort: it is of {cohort.device}, the recordings are of {recordings.device}")
    return Given(folder, recordings, weights, cohort)


def population(given: Given) -> str:
    """Who was judged, in a few words for every figure."""
    recordings, label = given.recordings, given.recordings.label
    return f"{len(label)} recordings of {recordings.people} people ({recordings.device}), {int(label.sum())} positive"


def _weights(options: dict[str, Any]) -> WeightsFile | None:
    if (seed := options.get("untrained_control")) is not None:
        if options["encoder"]:
            raise CommandError("--encoder or --untrained-control, not both")
        return load_weights(untrained_weights(options["size"], seed=seed))
    if options["encoder"]:
        return load_weights(options["encoder"])
    return offline.weights_in_folder()


class Steps:
    """How far a command is, a line at each tenth."""

    def __init__(self, say: TextIO) -> None:
        self.say = say

    def __call__(self, what: str) -> Any:
        """A callback for (done, total)."""

        def progress(done: int, total: int) -> None:
            if done == total or 10 * done // total > 10 * (done - 1) // total:
                self.say.write(f"{what}: {done} of {total}\n")
                self.say.flush()

        return progress
