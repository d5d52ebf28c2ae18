"""The job that analyzes an uploaded recording."""

from __future__ import annotations

from uuid import UUID

from django.conf import settings

from novamind.jobs.finish import Finish
from novamind.jobs.kinds import job, subscribes
from novamind.jobs.work import current_work, step


@job("actigraphy.analyze", queue="ml")
def analyze(recording_id: UUID) -> Finish:
    """Reader → quality → sleep → rhythm → PAT. Science runs outside any transaction; the runner stores what is
    returned in one, if this attempt is still the current one."""
    from actigraphy import pat, services
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
    weights = pat.in_production()
    version = weights.sha256[:12] if weights else ""
    with step("pat"), model_run(model=settings.PAT_MODEL_ID, version=version, patients=of) as run:
        view = pat.view(analyzed.device, weights)
        run.abstained(view)
    work = current_work()
    return Finish(
        save=lambda: services.store_analysis(recording, analyzed, view, requested_by=work.actor if work else None),
        publish=[("recording.analyzed", {"recording_id": recording_id, "patient_id": recording.patient_id})],
    )


@subscribes("consent.changed")
@job("actigraphy.resume_consented")
def resume_consented(patient_id: UUID) -> None:
    """Analyze what was uploaded before a withdrawal, once the patient allows it again."""
    from actigraphy import services

    services.analyze_withheld(patient_id)
