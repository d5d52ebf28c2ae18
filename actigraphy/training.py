"""Weeks to train on: of a folder of recordings, or of simulated people; and the card of what was trained on them."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any
from uuid import uuid4
from zoneinfo import ZoneInfo

import numpy as np
from django.db import connection
from numpy.typing import NDArray

from actigraphy.analysis import OF_HEADS, WrongDevice, analyze, code_version
from actigraphy.readers import UnreadableRecording, read_recording
from actigraphy.science import pat
from actigraphy.science.pat.pretraining import Pretrained
from actigraphy.science.pat.simulated import DEVICE, LABEL, simulated_weeks
from novamind.audit.models import AuditEvent, EventType
from novamind.audit.recording import recorded
from novamind.audit.runs import Run, model_run
from novamind.measures import Abstained
from novamind.simulator import Persona

Floats = NDArray[np.float32]

WHAT_IT_IS_NOT = (
    "It predicts nothing clinical: it describes a week. It is not the published PAT and has seen none of the data of "
    "the paper."
)
SYNTHETIC_ONLY = "It was trained on simulated people only: no real person's week was ever shown to it."

ANOMALY_CARD: dict[str, Any] = {
    "task": "Tells parts of the day in which a week is unlike the same person's earlier weeks.",
    "is_not": [
        "It names no disorder and no cause; a journey, a new job or a newborn change a week as well.",
        "Its figures are of simulated people whose changes were put there. How often it is right about real people is "
        "not known.",
    ],
    "interval": "95 %, drawing people again",
}


class NoWeeks(Exception):
    """Nothing to train on, and why."""


@dataclass(frozen=True)
class People:
    """Weeks that do not overlap, not normalized (w, 10080), and whose they are (w,)."""

    weeks: Floats
    person: NDArray[np.int64]
    device: str
    simulated: bool
    source: dict[str, Any]

    @property
    def count(self) -> int:
        """How many people have a week."""
        return len(np.unique(self.person))

    def first_weeks(self) -> Floats:
        """One week per person."""
        return self.weeks[np.unique(self.person, return_index=True)[1]]

    def normalized(self, cohort: pat.ReferenceCohort) -> People:
        """Against the cohort; ``NoWeeks`` where it is of another device."""
        if cohort.device != self.device:
            raise NoWeeks(f"the reference cohort is of {cohort.device}, the recordings are of {self.device}")
        return replace(self, weeks=cohort.normalize(self.weeks))


def recorded_people(
    paths: Iterable[Path], *, tz: ZoneInfo, device: str | None, refuse: Callable[[Path, str], None]
) -> People:
    """The weeks of recordings, one person per file; files that give none are told to ``refuse`` and left out.

    Raises
    ------
    NoWeeks
        No file gives a week, or they come from devices whose counts cannot be compared.
    """
    found: list[Floats] = []
    digest, devices = hashlib.sha256(), set()
    for path in _files(paths):
        try:
            analyzed = analyze(read_recording(path, tz=tz), device_type=device)
            if analyzed.rest.epoch_s != 60:
                raise NoWeeks(f"its epochs are {analyzed.rest.epoch_s} s long; PAT reads minutes")
            starts = pat.weeks_apart(pat.week_starts(analyzed.rest.worn, analyzed.rest.times))
        except UnreadableRecording as error:
            refuse(path, error.detail)
        except Abstained as why:
            refuse(path, why.reason)
        except (WrongDevice, NoWeeks) as error:
            refuse(path, str(error))
        except OSError as error:
            refuse(path, f"The file cannot be opened: {error.strerror}.")
        else:
            found.append(pat.cut_weeks(analyzed.rest.counts, analyzed.rest.worn, starts))
            devices.add(analyzed.device.key)
            digest.update(analyzed.input_hash.encode())
    if len(devices) > 1:
        raise NoWeeks(f"recordings of {', '.join(sorted(devices))} cannot be compared; name one device's")
    return _people(found, devices.pop() if devices else "", False, {"recordings_sha256": digest.hexdigest()})


def simulated_people(people: int, *, weeks: int, first_seed: int = 0) -> People:
    """Simulated people, a seed each; weeks that cannot be read (watch taken off) are left out."""
    found = [simulated_weeks(Persona.draw(first_seed + at), weeks=weeks) for at in range(people)]
    return _people(found, DEVICE, True, {"who": LABEL, "first_seed": first_seed, "drawn": people, "weeks_each": weeks})


def _files(paths: Iterable[Path]) -> Iterator[Path]:
    for path in paths:
        yield from sorted(file for file in path.iterdir() if file.is_file()) if path.is_dir() else (path,)


def _people(found: list[Floats], device: str, simulated: bool, source: dict[str, Any]) -> People:
    weeks = [len(of_person) for of_person in found]
    if not sum(weeks):
        raise NoWeeks("no recording holds seven days worn for 16 hours each")
    return People(np.concatenate(found), np.repeat(np.arange(len(found)), weeks), device, simulated, source)


@contextmanager
def on_record(model: str, by: str) -> Iterator[Run]:
    """Around a training run: an event in the trail. The database is asked before hours are spent."""
    AuditEvent.objects.exists()
    if not connection.in_atomic_block:
        connection.close()  # not held open for hours; the event opens it again
    kind = EventType.MODEL_TRAINING
    with (
        recorded(actor_label=by, request_id=str(uuid4())),
        model_run(model=model, version=code_version(OF_HEADS), kind=kind) as run,
    ):
        yield run


def card(people: People, cohort: pat.ReferenceCohort, trained: Pretrained, files: dict[str, bytes]) -> dict[str, Any]:
    """What was trained, on whom, how, how well, and what it is not; people are normalized."""
    model = pat.Reconstructor.from_files(files["encoder"], files["decoder"])
    held_out = np.isin(people.person, trained.held_out_people)
    errors = pat.compare(model, people.weeks[held_out], seed=trained.recipe.seed)
    return {
        "model": f"PAT-{trained.recipe.size}, masked autoencoder",
        "is_not": [WHAT_IT_IS_NOT, *([SYNTHETIC_ONLY] if people.simulated else [])],
        "data": {
            "simulated": people.simulated,
            "device": people.device,
            "people": people.count,
            "trained_people": trained.trained_people,
            "held_out_people": len(trained.held_out_people),
            "weeks": len(people.weeks),
            **people.source,
        },
        "cohort": {"label": cohort.label, "people": cohort.people, "simulated": cohort.synthetic},
        "recipe": asdict(trained.recipe),
        "epochs": len(trained.epochs),
        "best_epoch": trained.best.number,
        "held_out": {
            "how": "squared error of masked minutes of the held-out people, who also chose the epoch; cohort SD = 1; "
            "95 % interval over people",
            "weeks": int(held_out.sum()),
            **_figures(errors, people.person[held_out]),
        },
        "sha256": {name: hashlib.sha256(content).hexdigest() for name, content in files.items()},
        "code_version": code_version(OF_HEADS),
    }


def _figures(errors: NDArray[np.float64], person: NDArray[np.int64]) -> dict[str, Any]:
    """Means over weeks, with intervals from drawing people again; gain is 1 - model / other."""
    rows = [np.flatnonzero(person == one) for one in np.unique(person)]
    rng = np.random.default_rng(0)
    drawn = [
        errors[np.concatenate([rows[at] for at in rng.integers(len(rows), size=len(rows))])].mean(axis=0)
        for _ in range(1000)
    ]
    measured, many = errors.mean(axis=0), np.array(drawn)

    def figure(value: float, samples: NDArray[np.float64]) -> dict[str, float]:
        low, high = np.percentile(samples, [2.5, 97.5])
        return {"value": round(float(value), 4), "low": round(float(low), 4), "high": round(float(high), 4)}

    names = ("model", "cohort_mean", "line_between_shown")
    return {
        **{f"mse_{name}": figure(measured[at], many[:, at]) for at, name in enumerate(names)},
        **{
            f"gain_over_{name}": figure(1 - measured[0] / measured[at], 1 - many[:, 0] / many[:, at])
            for at, name in enumerate(names)
            if at
        },
    }
