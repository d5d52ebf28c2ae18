"""One recording's weeks through the encoder that serves, together with those of other patients."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from uuid import UUID

import numpy as np
from django.conf import settings
from numpy.typing import NDArray

from actigraphy.minutes import Minutes
from actigraphy.models import Analysis, WeekReading
from actigraphy.pat import anomalies, cohorts
from actigraphy.pat.providers import pat_for
from actigraphy.pat.weeks import Week, weeks_of
from actigraphy.science.devices import DEVICES
from actigraphy.science.pat.architecture import WEEK_MIN
from actigraphy.science.pat.weights import WeightsError
from novamind.measures import Abstained
from novamind.registry.inference import hash_of, is_on_trial, recall
from novamind.registry.models import InferenceRecord, ModelVersion

Floats = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Question:
    """The weeks of one recording that this version has not read yet."""

    version: ModelVersion
    weeks: Floats


@dataclass(frozen=True, eq=False)
class Answer:
    """Their embeddings (b, 96), how long the whole batch took, and how many weeks were in it."""

    embeddings: Floats
    duration_ms: float
    batch_size: int


@dataclass(frozen=True, eq=False)
class Reading:
    """What is to be read of one analysis: every week, and the records of those that were read before."""

    version: ModelVersion
    cohort: ModelVersion
    shadow: bool
    weeks: list[Week]
    known: list[InferenceRecord | None]

    @property
    def question(self) -> Question:
        """The weeks without a record; perhaps none."""
        new = [week.minutes for week, record in zip(self.weeks, self.known, strict=True) if record is None]
        return Question(self.version, np.array(new, np.float32).reshape(-1, WEEK_MIN))


def version_to_run(version_id: UUID | None) -> ModelVersion | None:
    """The version named, or the encoder of ``PAT_MODEL_ID`` in production, if there is one."""
    if version_id is not None:
        return ModelVersion.objects.get(pk=version_id)
    return ModelVersion.objects.serving(settings.PAT_MODEL_ID).first()


def on_trial(name: str) -> list[UUID]:
    """Versions of this model that run in shadow."""
    shadow = ModelVersion.objects.filter(name=name, stage=ModelVersion.Stage.SHADOW)
    return list(shadow.order_by("pk").values_list("pk", flat=True))


def reads_again(version_id: UUID) -> tuple[WeekReading.Task, list[str]]:
    """What is to be made again now that this version serves, and of recordings by which devices."""
    version = ModelVersion.objects.get(pk=version_id)
    if version.kind == ModelVersion.Kind.ANOMALY:
        return WeekReading.Task.ANOMALY, [key for key in DEVICES if version.name == anomalies.name_of(key)]
    if version.kind == ModelVersion.Kind.HEAD:
        return WeekReading.Task.HEAD, [key for key in DEVICES if version.name.endswith(f":{key}")]
    if version.name == settings.PAT_MODEL_ID:
        return WeekReading.Task.EMBEDDING, sorted(DEVICES)
    return WeekReading.Task.EMBEDDING, [key for key in DEVICES if version.name == cohorts.name_of(key)]


def reading_of(analysis: Analysis, version: ModelVersion) -> Reading:
    """What this version, as :func:`version_to_run` has just read it, is to read of an analysis.

    Raises
    ------
    Abstained
        no_reference_cohort, unsupported_device, too_few_days or indeterminate; not_promoted.
    """
    cohort, cohort_version = cohorts.serving(DEVICES[analysis.device_type])
    weeks = weeks_of(Minutes.of(analysis), analysis.zone, analysis.results["epoch_s"], cohort)
    shadow = is_on_trial(version.stage)
    known = [recall(version, analysis.patient_id, hash_of(week.minutes), shadow=shadow) for week in weeks]
    return Reading(version, cohort_version, shadow, weeks, known)


def answer_together(questions: Sequence[Question]) -> list[Answer | Abstained]:
    """Embed the weeks of several patients in as few passes as their number takes.

    Returns
    -------
    list
        For each question its answer, or why there is none: a file that is damaged or not the registered one is an
        abstention of PAT, and stops nothing else.

    Raises
    ------
    ServiceUnavailable
        The provider cannot be reached; the jobs try again.
    """
    answers: dict[int, Answer | Abstained] = {}
    for version in {question.version for question in questions}:
        asked = [at for at, question in enumerate(questions) if question.version == version]
        weeks = [questions[at].weeks for at in asked]
        answers |= zip(asked, _answers(version, weeks), strict=True)
    return [answers[at] for at in range(len(questions))]


def _answers(version: ModelVersion, weeks: list[Floats]) -> list[Answer] | list[Abstained]:
    started = time.monotonic()
    try:
        embeddings = pat_for(version).embed(np.concatenate(weeks))
    except WeightsError as error:
        return [error.as_abstention()] * len(weeks)
    took_ms = (time.monotonic() - started) * 1000
    parts = np.split(embeddings, list(accumulate(map(len, weeks)))[:-1])
    return [Answer(part, took_ms, len(embeddings)) for part in parts]
