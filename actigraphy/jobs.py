"""The jobs of an uploaded recording: analyzed, then read by models."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any
from uuid import UUID

from django.conf import settings

from novamind.jobs.finish import Finish
from novamind.jobs.kinds import job, subscribes
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


def _embed_together(questions: list[Any]) -> list[Any]:
    from actigraphy.pat.serving import answer_together

    return answer_together(questions)


@subscribes("recording.analyzed", key="actigraphy.embed:{recording_id}")
@job("actigraphy.embed", queue="ml", together=_embed_together, most=settings.PAT_BATCH_SIZE)
def embed(recording_id: UUID, version_id: UUID | None = None) -> Generator[Any, Any, Finish]:
    """The weeks of a recording through the encoder that serves, or one on trial; several patients' in one pass."""
    from actigraphy import services
    from actigraphy.models import Recording
    from actigraphy.pat import serving
    from novamind.audit.runs import model_run
    from novamind.measures import Abstained
    from patients.consent import allows

    recording = Recording.objects.get(pk=recording_id)
    analysis = services.newest_analysis(recording)
    if analysis is None or not allows(recording.patient_id, *services.TREATING):
        return Finish()
    try:
        version = serving.version_to_run(version_id)
        name, number = (version.name, version.version) if version else (settings.PAT_MODEL_ID, "")
        with model_run(model=name, version=number, patients=[recording.patient_id]) as run:
            if version is None:
                raise Abstained("no_weights")
            reading = serving.reading_of(analysis, version)
            question, answer = reading.question, None
            if len(question.weeks):
                answer = yield question
            else:
                run.recalled()
            if isinstance(answer, Abstained):
                raise answer
    except Abstained as why:
        reason = why  # the name after "as" ends with its block, and the function below runs later
        return Finish(save=lambda: services.store_abstention(analysis, reason, version_id))
    return Finish(save=lambda: services.store_embeddings(analysis, reading, answer))


@subscribes("model.promoted")
@job("actigraphy.embed_again")
def embed_again(version_id: UUID) -> None:
    """Read again what was analyzed, when another encoder or another cohort begins to serve."""
    from actigraphy import services
    from actigraphy.pat.serving import devices_concerned

    for device_type in devices_concerned(version_id):
        services.embed_again(device_type)


@subscribes("consent.changed")
@job("actigraphy.resume_consented")
def resume_consented(patient_id: UUID) -> None:
    """Analyze what was uploaded before a withdrawal, once the patient allows it again."""
    from actigraphy import services

    services.analyze_withheld(patient_id)
