"""What the models in production say of a course that began lately: computed by a worker, recalled by its input."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from functools import lru_cache, partial
from typing import Any, Final

import numpy as np
from django.conf import settings
from numpy.typing import NDArray

from novamind import clock
from novamind.accounts.models import User
from novamind.audit.models import EventType
from novamind.audit.recording import note_object
from novamind.audit.runs import model_run
from novamind.jobs.models import Job
from novamind.jobs.services import enqueue
from novamind.measures import Abstained, Window
from novamind.registry.inference import hash_of, keep, recall
from novamind.registry.models import InferenceRecord, ModelVersion
from patients.models import Medication, Patient
from patients.treatment.services import today
from twins.response.charts import chart_of, within_12_weeks
from twins.response.installing import NAMES
from twins.response.training import CODE
from twins.science import treatment
from twins.science.treatment.features import BEFORE_DAYS

JOB: Final = "twins.treatment"
NOT_ASKED: Final = Abstained("indeterminate", what="not computed for the chart as it is now")
NOT_PROMOTED: Final = Abstained("not_promoted")
Answer = InferenceRecord | Abstained


@dataclass(frozen=True)
class Served:
    """A version in production, and its model."""

    version: ModelVersion
    model: treatment.TreatmentModel


def open_courses(patient: Patient) -> list[Medication]:
    """Courses that go on and began on a known day of the last 12 weeks, the newest first."""
    rows = Medication.objects.filter(patient=patient, entered_in_error=False, part2=False).exclude(drug="")
    day = today(patient)
    return [row for row in rows if row.coded and row.started_precision in {"", "day"} and within_12_weeks(row, day)]


def serving(target: str) -> Served:
    """What serves for a target.

    Raises
    ------
    Abstained
        not_promoted: also where what was promoted was trained on simulated people; no_weights, weights_mismatch.
    """
    version = ModelVersion.objects.serving(NAMES[target]).first()
    if version is None:
        raise NOT_PROMOTED
    model = loaded(version.weights_file, version.weights_sha256)
    if model.is_simulated:
        raise NOT_PROMOTED
    return Served(version, model)


@lru_cache(maxsize=8)
def loaded(weights_file: str, sha256: str) -> treatment.TreatmentModel:
    """A model by its file and hash; its trees are read where they are asked."""
    path = settings.PAT_WEIGHTS_DIR / weights_file
    if not path.is_file():
        raise Abstained("no_weights")
    try:
        return treatment.load_model(path, sha256=sha256)
    except treatment.ModelError:
        raise Abstained("weights_mismatch") from None


Array = NDArray[np.float32]


def input_of(target: str, chart: treatment.Chart, course: treatment.Course) -> Array:
    """(len(NAMES),) float32: what a version is given.

    Raises
    ------
    Abstained
        indeterminate: response and later total are defined against a total that is not there.
    """
    if target != "risk":
        baseline = treatment.baseline_of(chart, course.started)
        if baseline is None:
            raise Abstained("indeterminate", what="no whole questionnaire within the 4 weeks before the start")
        if target == "response" and baseline < treatment.LEAST_BASELINE:
            raise Abstained("indeterminate", what="the total before the start is too low to be halved")
    return treatment.features_of(chart, course).astype(np.float32)


def ask(patient: Patient, by: User) -> Job:
    """Queue what the models in production say of the courses that began lately; on record as decision support."""
    note_object(EventType.CLINICAL_DECISION_SUPPORT, "patients.Patient", patient.pk)
    return enqueue(JOB, key=_key(patient), actor=by.pk, patient_id=patient.pk)


def _key(patient: Patient) -> str:
    return f"{JOB}:{patient.pk}"


def is_computing(patient: Patient) -> bool:
    """Whether the job waits or runs."""
    return Job.objects.filter(key=_key(patient), state__in=(Job.State.PENDING, Job.State.RUNNING)).exists()


def prepare(patient: Patient) -> Callable[[], None]:
    """Compute now, outside any transaction, and give back what writes the records.

    What abstains for a reason that the page can see by itself leaves none.
    """
    write = [_ran(patient, *one) for one in _askable(patient) if not isinstance(one[-1], Abstained)]

    def store() -> None:
        for each in write:
            each()

    return store


def _askable(patient: Patient) -> Iterator[tuple[Medication, str, Served, Array | Abstained]]:
    """Each open course with each target that is served, and the input or why there is none."""
    courses = {row.pk: row for row in open_courses(patient)}
    served = {target: one for target in NAMES if not isinstance(one := serving_or_why(target), Abstained)}
    charts = {}
    for target, one in served.items() if courses else ():
        if one.model.instrument not in charts:
            charts[one.model.instrument] = _charted(patient, one.model.instrument)
        chart = charts[one.model.instrument]
        for pk, row in courses.items():
            yield row, target, one, chart if isinstance(chart, Abstained) else _input(target, *chart, pk)


def _charted(patient: Patient, instrument: str) -> tuple[treatment.Chart, tuple[Medication, ...]] | Abstained:
    try:
        return chart_of(patient, instrument)
    except Abstained as why:
        return why


def _input(target: str, chart: treatment.Chart, rows: tuple[Medication, ...], pk: Any) -> Array | Abstained:
    course = chart.courses[[row.pk for row in rows].index(pk)]
    try:
        return input_of(target, chart, course)
    except Abstained as why:
        return why


def serving_or_why(target: str) -> Served | Abstained:
    """:func:`serving`, or why nothing does."""
    try:
        return serving(target)
    except Abstained as why:
        return why


def _ran(patient: Patient, row: Medication, target: str, served: Served, array: Any) -> Callable[[], Any]:
    version = served.version
    with model_run(model=version.name, version=version.version, patients=[patient.pk]) as said:
        found = recall(version, patient.pk, hash_of(array), shadow=False)
        said.counted(computed=int(found is None), recalled=int(found is not None))
        if found is not None:
            return lambda: found
        begun = time.monotonic()
        answer = served.model.answer(array)
        took_ms = (time.monotonic() - begun) * 1000
    return partial(
        keep, version=version, patient_id=patient.pk, array=array, window=_window(patient, row), answer=answer,
        shadow=False, duration_ms=took_ms, code_version=CODE.version,
    )  # fmt: skip


def _window(patient: Patient, row: Medication) -> Window:
    """The 28 days before the start, and that day."""
    begin, end = row.started_on - timedelta(days=BEFORE_DAYS), row.started_on + timedelta(days=1)
    return Window(clock.midnight(begin, patient.tz), clock.midnight(end, patient.tz))


@dataclass(frozen=True)
class Expected:
    """A course and, by target, the record of what is said of it as the chart is now, or why there is none."""

    course: Medication
    said: dict[str, Answer]


def expected(patient: Patient) -> list[Expected]:
    """What may be shown now. Without a model in production nothing of the chart is read but its courses."""
    courses = open_courses(patient)
    if not courses:
        return []
    silent = {target: why for target in NAMES if isinstance(why := serving_or_why(target), Abstained)}
    found: dict[Any, dict[str, Answer]] = {row.pk: dict(silent) for row in courses}
    computing = len(silent) < len(NAMES) and is_computing(patient)
    for row, target, served, given in _askable(patient):
        found[row.pk][target] = given if isinstance(given, Abstained) else _recalled(patient, served, given, computing)
    return [Expected(row, {target: found[row.pk][target] for target in NAMES}) for row in courses]


def _recalled(patient: Patient, served: Served, array: Array, computing: bool) -> Answer:
    if record := recall(served.version, patient.pk, hash_of(array), shadow=False):
        return record
    return Abstained("waiting") if computing else NOT_ASKED


def instrument_of(record: InferenceRecord) -> str:
    """The questionnaire that a record's model knows, and its range, in words."""
    version = record.model_version
    return treatment.INSTRUMENTS[loaded(version.weights_file, version.weights_sha256).instrument]


def runner(version: ModelVersion) -> Callable[[Array], dict[str, float]]:
    """What turns an input into an answer by this version; what ``registry.inference.replay`` runs again."""
    return loaded(version.weights_file, version.weights_sha256).answer
