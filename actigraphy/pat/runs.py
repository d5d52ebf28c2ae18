"""What a model that runs one input at a time was given and gave: recalled, or new and not yet kept."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from novamind.audit.runs import Run
from novamind.measures import Abstained, Window
from novamind.registry.inference import OF_THE_MOMENT, hash_of, keep, recall, runs_in_shadow
from novamind.registry.models import InferenceRecord, ModelVersion

Floats = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Answered:
    """One input and its record; or what the model gave just now, to be kept with what is said of the run."""

    array: Floats
    window: Window
    record: InferenceRecord | None
    answer: Any = None
    duration_ms: float = 0.0
    summary: tuple[float, ...] = ()


@dataclass(frozen=True, eq=False)
class Runs:
    """What one version gave for the inputs of one patient; ``shadow``: on trial, and shown to nobody."""

    version: ModelVersion
    patient_id: UUID
    shadow: bool
    code_version: str
    answers: list[Answered]
    scaled_by: ModelVersion | None = None

    def count(self, run: Run) -> None:
        """Say on a run's event how many inputs were computed and how many recalled."""
        known = sum(answered.record is not None for answered in self.answers)
        run.counted(computed=len(self.answers) - known, recalled=known)

    def kept(self) -> list[InferenceRecord]:
        """Their records, written now where they are new, in the caller's transaction."""
        return [answered.record or self._keep(answered) for answered in self.answers]

    def _keep(self, answered: Answered) -> InferenceRecord:
        return keep(
            version=self.version, patient_id=self.patient_id, array=answered.array, window=answered.window,
            answer=answered.answer, shadow=self.shadow, duration_ms=answered.duration_ms, summary=answered.summary,
            scaled_by=self.scaled_by, code_version=self.code_version,
        )  # fmt: skip


def answered(
    version: ModelVersion,
    patient_id: UUID,
    array: Floats,
    window: Window,
    run: Callable[[Floats], Any],
    summary: tuple[float, ...] = (),
) -> Answered:
    """The record there is of this input, or what the model gives for it: JSON values, or an abstention of the input.

    Raises
    ------
    Abstained
        not_promoted: the version is a draft or retired. A reason of the moment (:data:`OF_THE_MOMENT`).
    """
    found = recall(version, patient_id, hash_of(array), shadow=runs_in_shadow(version))
    if found is not None:
        return Answered(array, window, found)
    started = time.monotonic()
    try:
        answer = run(array)
    except Abstained as why:
        if why.code in OF_THE_MOMENT:
            raise
        answer = why
    return Answered(array, window, None, answer, (time.monotonic() - started) * 1000, summary)
