"""The jobs of an uploaded recording: analyzed, then read by models."""

from __future__ import annotations

from collections.abc import Generator
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.conf import settings

from novamind.jobs.finish import Finish
from novamind.jobs.kinds import job, periodic, subscribes
from novamind.jobs.work import current_work, step


@job("actigraphy.analyze", queue="ml")
def analyze(recording_id: UUID) -> Finish:
    """Reader → quality → sleep → rhythm. Science runs outside any transaction; the runner stores what is returned in
    one, if this attempt is still the current one."""
    from actigraphy import services
    from actigraphy.analysis import analyze as analyze_read
    from actigraphy.analysis import code_version
    from actigraphy.models import Recording
    from actigraphy.readers import UnreadableRecording
    from novamind.audit.runs import model_run
    from patients.consent import allows

    recording = Recording.objects.select_related("patient", "source").get(pk=recording_id)
    if not allows(recording.patient_id, *services.TREATING):
        return Finish(save=lambda: services.withhold_recording(recording))
    try:
        with step("read"):
            read = services.read_stored(recording)
    except UnreadableRecording as error:
        code, detail = error.code, error.detail
        return Finish(save=lambda: services.fail_recording(recording, code, detail))
    of = [recording.patient_id]
    with step("sleep_and_rhythm"), model_run(model="sleep and rhythm", version=code_version(), patients=of):
        analyzed = analyze_read(read, device_type=recording.source.device_type)
    work = current_work()
    return Finish(
        save=lambda: services.store_analysis(recording, analyzed, requested_by=work.actor if work else None),
        publish=[("recording.analyzed", {"recording_id": recording_id, "patient_id": recording.patient_id})],
    )


@subscribes("biometrics.synced", key="actigraphy.analyze_synced:{sync_id}", once=True)
@job("actigraphy.analyze_synced")
def analyze_synced(sync_id: UUID) -> Finish:
    """Nights, rhythm and PAT anew of exactly the stretches whose activity a batch has changed; what the patient has
    withdrawn meanwhile abstains in their own jobs, and is taken up again with the consent."""
    from actigraphy.streams.stretches import queue_changed

    return Finish(save=lambda: queue_changed(sync_id))


@job("actigraphy.read_export", queue="ml")
def read_export(export_id: UUID) -> Finish:
    """The file of a wearable, read outside any transaction; its events are kept in one, or nothing of it is."""
    from actigraphy.exports import UnreadableExport, storing
    from actigraphy.models import Export
    from patients.consent import allows

    export = Export.objects.select_related("patient").get(pk=export_id)
    if export.state == Export.State.FAILED:
        return Finish()
    if not allows(export.patient_id, *storing.TREATING):
        return Finish(save=lambda: storing.withhold_export(export))
    try:
        with step("read_export"):
            found = storing.read_stored(export)
    except UnreadableExport as error:
        code, detail = error.code, error.detail
        return Finish(save=lambda: storing.fail_export(export, code, detail))
    return Finish(save=lambda: storing.store_export(export, found))


@periodic("actigraphy.silent_streams", every=timedelta(hours=6), offset=timedelta(hours=1))
def silent_streams() -> Finish:
    """Somebody should ask before a week is lost: an alert for what a device has not measured for two days."""
    from actigraphy.streams.silence import raise_silent

    return Finish(save=lambda: raise_silent() and None)


def _embed_together(questions: list[Any]) -> list[Any]:
    from actigraphy.pat.serving import answer_together

    return answer_together(questions)


@subscribes("recording.analyzed", key="actigraphy.embed:{recording_id}")
@job("actigraphy.embed", queue="ml", together=_embed_together, most=settings.PAT_BATCH_SIZE)
def embed(recording_id: UUID, version_id: UUID | None = None) -> Generator[Any, Any, Finish]:
    """The weeks of a recording through the encoder that serves, or one on trial; several patients' in one pass."""
    from actigraphy import readings, services
    from actigraphy.models import Recording
    from actigraphy.pat import serving
    from novamind.audit.runs import model_run
    from novamind.measures import Abstained
    from patients.consent import allows

    recording = Recording.objects.select_related("source").get(pk=recording_id)
    analysis = services.newest_analysis(recording)
    if analysis is None or not allows(recording.patient_id, *services.TREATING):
        return Finish()
    if not allows(recording.patient_id, *services.BY_MODELS):
        return Finish(save=lambda: readings.withhold(analysis, readings.EMBEDDING, version_id))
    try:
        version = serving.version_to_run(version_id)
        name, number = (version.name, version.version) if version else (settings.PAT_MODEL_ID, "")
        with model_run(model=name, version=number, patients=[recording.patient_id]) as run:
            if version is None:
                raise Abstained("no_weights")
            reading = serving.reading_of(analysis, version)
            question, answer = reading.question, None
            run.counted(computed=len(question.weeks), recalled=len(reading.weeks) - len(question.weeks))
            if len(question.weeks):
                answer = yield question
            if isinstance(answer, Abstained):
                raise answer
    except Abstained as why:
        reason = why  # the name after "as" ends with its block, and the function below runs later
        return Finish(save=lambda: readings.store_abstention(analysis, reason, version_id))
    return Finish(save=lambda: readings.store_embeddings(analysis, reading, answer))


@subscribes("recording.analyzed", key="actigraphy.judge:{recording_id}")
@job("actigraphy.judge", queue="ml")
def judge(recording_id: UUID, version_id: UUID | None = None) -> Finish:
    """The weeks of a recording against the person's own earlier ones, by the detector that serves or one on trial."""
    from actigraphy import readings, services
    from actigraphy.models import Recording
    from actigraphy.pat import anomalies, judging
    from actigraphy.science.devices import DEVICES
    from novamind.audit.runs import model_run
    from novamind.measures import Abstained
    from novamind.registry.models import ModelVersion
    from patients.consent import allows

    recording = Recording.objects.select_related("source").get(pk=recording_id)
    analysis = services.newest_analysis(recording)
    if analysis is None or not allows(recording.patient_id, *services.TREATING):
        return Finish()
    name = anomalies.name_of(analysis.device_type)
    if not allows(recording.patient_id, *services.BY_MODELS):
        return Finish(save=lambda: readings.withhold(analysis, readings.ANOMALY, version_id, model=name))
    try:
        version = ModelVersion.objects.get(pk=version_id) if version_id else None
        version = version or anomalies.serving(DEVICES[analysis.device_type])
        with model_run(model=name, version=version.version, patients=[recording.patient_id]) as run, step("anomaly"):
            runs = judging.judge(analysis, readings.earlier_analyses(analysis), version)
            runs.count(run)
    except Abstained as why:
        reason = why
        task = readings.ANOMALY
        return Finish(save=lambda: readings.store_abstention(analysis, reason, version_id, task=task, model=name))
    return Finish(save=lambda: readings.store_runs(analysis, readings.ANOMALY, runs))


@subscribes("recording.analyzed", key="actigraphy.score:{recording_id}")
@job("actigraphy.score", queue="ml")
def score(recording_id: UUID, version_id: UUID | None = None) -> Finish:
    """What the heads in production say of a recording, or one on trial; each fails or abstains by itself."""
    from actigraphy import readings, services
    from actigraphy.analysis import analyze as analyze_read
    from actigraphy.models import Recording
    from actigraphy.pat import heads
    from novamind.registry.models import ModelVersion
    from patients.consent import allows

    recording = Recording.objects.select_related("patient", "source").get(pk=recording_id)
    analysis = services.newest_analysis(recording)
    if analysis is None or not allows(recording.patient_id, *services.TREATING):
        return Finish()
    trial = ModelVersion.objects.filter(pk=version_id) if version_id else []
    versions = list(trial) or heads.serving(analysis.device_type)
    if not versions:
        return Finish()
    if not allows(recording.patient_id, *services.BY_MODELS):
        withheld = [version.name for version in versions]
        return Finish(save=lambda: [readings.withhold(analysis, readings.HEAD, version_id, model=n) for n in withheld])
    with step("read_for_heads"):
        rest = analyze_read(services.read_stored(recording), device_type=analysis.device_type).rest
    outcomes = [(version, readings.scored(analysis, rest, version)) for version in versions]
    return Finish(save=lambda: readings.store_scores(analysis, outcomes, version_id))


@job("actigraphy.explain", queue="batch")
def explain(recording_id: UUID) -> Finish:
    """Where the encoder looked in the newest weeks, and what its answer (or a head's) rests on."""
    from actigraphy import readings, services
    from actigraphy.models import Recording
    from patients.consent import allows

    analysis = services.newest_analysis(Recording.objects.select_related("source").get(pk=recording_id))
    asked = (services.TREATING, services.BY_MODELS)
    if analysis is None or not all(allows(analysis.patient_id, *each) for each in asked):
        return Finish()
    with step("explanation"):
        rows = readings.explain_weeks(analysis)
    return Finish(save=lambda: readings.store_explanations(analysis, rows))


@subscribes("recording.analyzed", key="actigraphy.judge_later:{recording_id}")
@job("actigraphy.judge_later")
def judge_later(recording_id: UUID) -> None:
    """Judge later recordings of the same patient anew: what is usual for them has grown."""
    from actigraphy import readings, services
    from actigraphy.models import Recording
    from patients.consent import allows

    recording = Recording.objects.select_related("source").get(pk=recording_id)
    if allows(recording.patient_id, *services.TREATING):
        readings.judge_later(recording)


@subscribes("model.promoted")
@job("actigraphy.read_again")
def read_again(version_id: UUID) -> None:
    """Read again what was analyzed, when another model or another cohort begins to serve."""
    from actigraphy import readings
    from actigraphy.pat.serving import reads_again

    task, devices = reads_again(version_id)
    for device_type in devices:
        readings.read_again(readings.JOBS[task], device_type)


@subscribes("consent.changed")
@job("actigraphy.resume_consented")
def resume_consented(patient_id: UUID) -> None:
    """Analyze what was uploaded before a withdrawal, and let models read it, once the patient allows it again."""
    from actigraphy import readings, services
    from actigraphy.exports import storing

    services.analyze_withheld(patient_id)
    storing.read_withheld(patient_id)
    readings.read_withheld(patient_id)
