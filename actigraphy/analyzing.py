"""A request to analyze, on its road: readings in, the job that works, and how long somebody waits for it."""

from __future__ import annotations

import time
from threading import BoundedSemaphore
from typing import Final

from actigraphy.analysis import code_version
from actigraphy.models import Recording
from actigraphy.readers import Readings
from actigraphy.services import ANALYZE, TREATING, analysis_key, ingest_recording, newest_analysis
from novamind.accounts.models import User
from novamind.jobs.models import Job, JobQuerySet
from novamind.jobs.services import enqueue
from novamind.phi.uploads import sealed_upload
from patients import consent
from patients.models import Patient

FILE_NAME: Final = "readings"
#: A week of minutes: longer is never waited for.
SHORT_EPOCHS: Final = 7 * 1440
#: Of one process. Whoever finds them all taken is answered 202, so that waiting never takes all threads.
_WAITING: Final = BoundedSemaphore(2)
UNFINISHED: Final = (Job.State.PENDING, Job.State.RUNNING)


def ingest_readings(
    *, patient: Patient, readings: Readings, by: User | None, device_type: str | None = None
) -> tuple[Recording, bool]:
    """Readings on the road of an uploaded file: sealed, a recording, its job. Raises as :func:`ingest_recording`."""
    upload = sealed_upload(readings.as_file(), FILE_NAME)
    outline = readings.outline(patient.zone)
    return ingest_recording(patient=patient, upload=upload, by=by, device_type=device_type, outline=outline)


def analyze_recording(*, recording: Recording, by: User) -> bool:
    """Queue a recording for today's code, unless that has analyzed it or is about to; whether it was queued.

    Raises
    ------
    ConsentWithheld
    """
    consent.require(recording.patient_id, *TREATING)
    known = newest_analysis(recording)
    if known is not None and known.code_version == code_version():
        return False
    if recording.state == Recording.State.FAILED or _of(recording).filter(state__in=UNFINISHED).exists():
        return False
    enqueue(ANALYZE, key=analysis_key(recording), actor=by.pk, recording_id=recording.pk)
    return True


def is_short(recording: Recording) -> bool:
    """Whether somebody may wait for it."""
    return (recording.end - recording.start).total_seconds() / recording.epoch_s <= SHORT_EPOCHS


def is_unfinished(recording: Recording, *, models_too: bool) -> bool:
    """Whether its analysis, or (``models_too``) what models make of it, is still to come. Queries jobs alone."""
    newest = _of(recording).order_by("-created_at").first()
    if newest is None:
        return False
    if not models_too:
        return newest.state in UNFINISHED
    return Job.objects.filter(pipeline_id=newest.pipeline_id, state__in=UNFINISHED).exists()


def wait_for(recording: Recording, *, models_too: bool, seconds: float) -> None:
    """Return when it is finished, after ``seconds``, or at once where too many wait already; opens no transaction."""
    if seconds <= 0 or not is_short(recording) or not _WAITING.acquire(blocking=False):
        return
    try:
        until = time.monotonic() + seconds
        while is_unfinished(recording, models_too=models_too) and (left := until - time.monotonic()) > 0:
            pause(min(0.1, left))
    finally:
        _WAITING.release()


def pause(seconds: float) -> None:
    """Let the workers work."""
    time.sleep(seconds)


def _of(recording: Recording) -> JobQuerySet:
    return Job.objects.filter(key=analysis_key(recording))
