"""What models make of an analysis: the rows that say which of their records are shown, and the jobs that make them."""

from __future__ import annotations

from typing import Final
from uuid import UUID

from actigraphy import services
from actigraphy.analysis import OF_HEADS, OF_PAT, code_version
from actigraphy.models import Analysis, Recording, WeekExplanation, WeekReading
from actigraphy.pat import heads
from actigraphy.pat.explained import encoder_for, explained, head_explained, weeks_to_explain
from actigraphy.pat.runs import Runs
from actigraphy.pat.serving import Answer, Reading, on_trial
from actigraphy.pat.weeks import Week
from actigraphy.science.pat.reference import summarize
from actigraphy.science.pipeline import RestActivity
from novamind.audit.recording import aggregates
from novamind.audit.runs import model_run
from novamind.jobs.services import enqueue
from novamind.measures import Abstained
from novamind.registry.inference import OF_THE_MOMENT, input_of, keep
from novamind.registry.models import InferenceRecord, ModelVersion
from patients import consent

EMBEDDING, ANOMALY, HEAD = WeekReading.Task.EMBEDDING, WeekReading.Task.ANOMALY, WeekReading.Task.HEAD
#: The jobs by what they make; each takes a recording, and perhaps a version that is on trial.
EMBED: Final = "actigraphy.embed"
JUDGE: Final = "actigraphy.judge"
SCORE: Final = "actigraphy.score"
EXPLAIN: Final = "actigraphy.explain"
JOBS: Final = {EMBEDDING: EMBED, ANOMALY: JUDGE, HEAD: SCORE}


def store_embeddings(analysis: Analysis, reading: Reading, answer: Answer | None) -> None:
    """Keep what the encoder made of the weeks it had not read before, in the caller's transaction; who reads the
    analysis is shown these weeks from now on. A shadow run is kept for comparison and shown to nobody."""
    consent.require(analysis.patient_id, *services.TREATING)
    if not consent.allows(analysis.patient_id, *services.BY_MODELS):
        withhold(analysis, EMBEDDING, reading.version.pk if reading.shadow else None)
        return
    embeddings = iter(answer.embeddings if answer else ())

    def kept(week: Week) -> InferenceRecord:
        assert answer is not None  # a week without a record was asked about
        return keep(
            version=reading.version,
            patient_id=analysis.patient_id,
            array=week.minutes,
            window=week.window,
            answer=[float(number) for number in next(embeddings)],
            shadow=reading.shadow,
            duration_ms=answer.duration_ms,
            batch_size=answer.batch_size,
            summary=summarize(week.minutes),
            scaled_by=reading.cohort,
            code_version=code_version(OF_PAT),
        )

    records = [known or kept(week) for week, known in zip(reading.weeks, reading.known, strict=True)]
    if reading.shadow:
        return
    _replace(analysis, EMBEDDING, [WeekReading(record=record) for record in records])
    _try_beside(analysis, EMBED, reading.version.name)
    explain_again(analysis)


def store_runs(analysis: Analysis, task: str, runs: Runs) -> None:
    """Keep what a model gave for an analysis, in the caller's transaction, as :func:`store_embeddings`."""
    consent.require(analysis.patient_id, *services.TREATING)
    name = runs.version.name
    if not consent.allows(analysis.patient_id, *services.BY_MODELS):
        withhold(analysis, task, runs.version.pk if runs.shadow else None, model=name)
        return
    records = runs.kept()
    if runs.shadow:
        return
    _replace(analysis, task, [WeekReading(record=record, model=name) for record in records], model=name)
    _try_beside(analysis, JOBS[WeekReading.Task(task)], name)
    if task == HEAD:
        explain_again(analysis)


def scored(analysis: Analysis, rest: RestActivity, version: ModelVersion) -> Runs | Abstained:
    """What one head says of an analyzed recording, on record as a run of it."""
    try:
        with model_run(model=version.name, version=version.version, patients=[analysis.patient_id]) as run:
            runs = heads.score(analysis, rest, version)
            runs.count(run)
    except Abstained as why:
        return why
    return runs


def store_scores(
    analysis: Analysis, outcomes: list[tuple[ModelVersion, Runs | Abstained]], version_id: UUID | None
) -> None:
    """Keep what each head said, or why it says nothing, in the caller's transaction."""
    for version, outcome in outcomes:
        if isinstance(outcome, Runs):
            store_runs(analysis, HEAD, outcome)
        else:
            store_abstention(analysis, outcome, version_id, task=HEAD, model=version.name)


def store_abstention(
    analysis: Analysis, why: Abstained, version_id: UUID | None = None, *, task: str = EMBEDDING, model: str = ""
) -> None:
    """Keep why a model says nothing of an analysis; of one on trial nobody is told."""
    if version_id is None:
        _replace(analysis, task, [WeekReading(abstention=why.as_json(), model=model)], model=model)


def withhold(analysis: Analysis, task: str, version_id: UUID | None = None, *, model: str = "") -> None:
    """Keep that the patient does not let models read this; what a model read before is not taken out of its records,
    and shown to nobody while that holds."""
    store_abstention(analysis, Abstained(services.WITHHELD), version_id, task=task, model=model)


def read_withheld(patient_id: UUID) -> int:
    """Queue what no model was allowed to read, now that the patient allows it; how many jobs that are."""
    if not all(consent.allows(patient_id, *asked) for asked in (services.TREATING, services.BY_MODELS)):
        return 0
    waiting = WeekReading.objects.filter(patient=patient_id, abstention__abstained=services.WITHHELD)
    with aggregates():  # ids alone
        pairs = {(task, recording) for task, recording in waiting.values_list("task", "analysis__source__recording")}
    for task, recording_id in sorted(pairs, key=str):
        kind = JOBS[WeekReading.Task(task)]
        enqueue(kind, key=f"{kind}:{recording_id}", recording_id=recording_id)
    return len(pairs)


def _replace(analysis: Analysis, task: str, rows: list[WeekReading], model: str = "") -> None:
    """Of one model where it is named, else of the task: there may be several heads, and one encoder."""
    before = WeekReading.objects.filter(analysis=analysis, task=task)
    for row in before.filter(model=model) if task == WeekReading.Task.HEAD else before:
        row.delete()
    for row in rows:
        row.patient_id, row.analysis, row.task = analysis.patient_id, analysis, task
    WeekReading.objects.bulk_create(rows)


def explain_again(analysis: Analysis) -> None:
    """Queue the explanation of an analysis, now that its weeks are read or a head answered."""
    recording_id = analysis.source.recording.pk
    enqueue(EXPLAIN, key=f"{EXPLAIN}:{recording_id}", recording_id=recording_id)


def explain_weeks(analysis: Analysis) -> list[WeekExplanation]:
    """The explanations, not yet stored, of the newest weeks that have none; a run on record for each model's weeks."""
    of, target, fresh = "", None, []
    records = weeks_to_explain(analysis)
    if records:
        of, target = head_explained(analysis, records[0].model_version)
    known = {row.record_id for row in WeekExplanation.objects.filter(record__in=records, of=of).defer("found")}
    for record in (each for each in records if each.pk not in known):
        row = WeekExplanation(patient_id=analysis.patient_id, record=record, of=of, code_version=code_version(OF_HEADS))
        version = record.model_version
        try:
            with model_run(model=f"{version.name} explained", version=version.version, patients=[analysis.patient_id]):
                row.found = explained(encoder_for(version), input_of(record), target)
        except Abstained as why:
            row.abstention = why.as_json()
        fresh.append(row)
    return fresh


def store_explanations(analysis: Analysis, rows: list[WeekExplanation]) -> None:
    """Keep explanations in the caller's transaction; a reason of the moment is not kept, so that it is tried again."""
    consent.require(analysis.patient_id, *services.TREATING)
    consent.require(analysis.patient_id, *services.BY_MODELS)
    for row in rows:
        if row.abstention is None or row.abstention["abstained"] not in OF_THE_MOMENT:
            row.save()


def _try_beside(analysis: Analysis, kind: str, name: str) -> None:
    recording_id = analysis.source.recording.pk
    for version_id in on_trial(name):
        enqueue(kind, key=f"{kind}:{recording_id}:{version_id}", recording_id=recording_id, version_id=version_id)


def read_again(kind: str, device_type: str | None = None) -> int:
    """Queue every analyzed recording (of a device) for a model, after it or its cohort changed; how many."""
    recordings = Recording.objects.filter(state=Recording.State.ANALYZED)
    if device_type:
        recordings = recordings.filter(source__device_type=device_type)
    with aggregates():
        ids = list(recordings.order_by("pk").values_list("pk", flat=True))
    for pk in ids:
        enqueue(kind, key=f"{kind}:{pk}", recording_id=pk)
    return len(ids)


def judge_later(recording: Recording) -> int:
    """Queue the patient's recordings that begin after this one: it is part of what is usual for them now."""
    later = Recording.objects.filter(
        patient=recording.patient_id, state=Recording.State.ANALYZED, start__gt=recording.start,
        source__device_type=recording.source.device_type,
    )  # fmt: skip
    with aggregates():  # ids alone
        ids = list(later.order_by("pk").values_list("pk", flat=True))
    for pk in ids:
        enqueue(JUDGE, key=f"{JUDGE}:{pk}", recording_id=pk)
    return len(ids)


def earlier_analyses(analysis: Analysis) -> list[Analysis]:
    """The newest analysis of each other recording of the patient by the same device that began before, oldest first."""
    found = Analysis.objects.filter(
        patient=analysis.patient_id, device_type=analysis.device_type, window_start__lt=analysis.window_start,
        source__recording__state=Recording.State.ANALYZED,
    ).exclude(source=analysis.source_id)  # fmt: skip
    newest = {one.source_id: one for one in found.select_related("source").order_by("created_at")}
    return sorted(newest.values(), key=lambda one: one.window_start)
