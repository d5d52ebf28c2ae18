"""Activity that streams in, on the road of an uploaded recording: cut into stretches of eight weeks, each a recording.

A stretch begins at noon of a Monday, so that it cuts no night, and always at the same ones, so that a day which comes
in belongs to one stretch and every other stretch stays as it was analyzed.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from datetime import UTC, date, datetime, time, timedelta
from typing import Final
from uuid import UUID

from django.db import IntegrityError, transaction

from actigraphy.catalogue import SOURCES
from actigraphy.days import read_samples
from actigraphy.models import Recording, Source, Sync
from actigraphy.science.devices import DEVICES
from actigraphy.services import ANALYZE, STREAM, analysis_key
from novamind import clock
from novamind.clock import from_epoch
from novamind.jobs.services import enqueue

ACTIVITY: Final = "activity"
EPOCH_S: Final = 60
#: Eight weeks: enough for every number of rhythm and for weeks against earlier ones, and still analyzed at once.
DAYS: Final = 56
_FIRST_MONDAY: Final = date(1970, 1, 5).toordinal()
_DEFAULT_DEVICE: Final = "generic_wrist"


def queue_changed(sync_id: UUID) -> None:
    """Queue the recordings whose activity a batch has changed, and no others."""
    sync = Sync.objects.get(pk=sync_id)
    found = []
    for source_id in sorted(sync.days):
        if days := sync.days[source_id].get(ACTIVITY):
            source = Source.objects.select_related("patient").get(pk=source_id, patient=sync.patient_id)
            for number in stretches_of(map(date.fromisoformat, days), source.patient.zone):
                recording = keep_stretch(source, number)
                if recording is not None:
                    found.append(recording)
    for recording in sorted(found, key=analysis_key):
        enqueue(ANALYZE, key=analysis_key(recording), recording_id=recording.pk)


def stretches_of(days: Iterable[date], zone: str) -> list[int]:
    """The stretches that these UTC days touch; a day over a Monday's noon touches two."""
    tz, found = clock.zone(zone), set()
    for day in days:
        first = datetime.combine(day, time(), UTC)
        for moment in (first, first + timedelta(days=1, seconds=-1)):
            found.add((clock.night_of(moment, tz).toordinal() - _FIRST_MONDAY) // DAYS)
    return sorted(found)


def window_of(number: int, zone: str) -> tuple[datetime, datetime]:
    """From the noon a stretch begins to the one it ends, UTC."""
    tz, first = clock.zone(zone), date.fromordinal(_FIRST_MONDAY + number * DAYS)
    return clock.noon(first, tz), clock.noon(first + timedelta(days=DAYS), tz)


def keep_stretch(stream: Source, number: int) -> Recording | None:
    """The recording of one stretch, as long as its samples reach by now; ``None`` while it has less than two."""
    start, end = window_of(number, stream.patient.zone)
    samples = read_samples(stream, ACTIVITY, start=start, end=end)
    if len(samples) < 2:
        return None
    reach = {"start": from_epoch(int(samples.at_s[0])), "end": from_epoch(int(samples.at_s[-1]) + EPOCH_S)}
    digest = hashlib.sha256(f"{stream.pk}:{number}".encode()).hexdigest()
    recording = _known(stream, digest) or _new(stream, digest, reach)
    for name, value in reach.items():
        setattr(recording, name, value)
    if recording.state == Recording.State.FAILED:
        recording.state, recording.error_code, recording.error_detail = Recording.State.PENDING, "", ""
    recording.save(update_fields=[*reach, "state", "error_code", "error_detail"])
    return recording


def _known(stream: Source, digest: str) -> Recording | None:
    return Recording.objects.filter(patient=stream.patient_id, sha256=digest).first()


def _new(stream: Source, digest: str, reach: dict[str, datetime]) -> Recording:
    """A recording without a file: its samples are the stream's."""
    device = stream.device_type if stream.device_type in DEVICES else _DEFAULT_DEVICE
    source = Source(
        patient_id=stream.patient_id, kind=Source.Kind.STREAM, device_type=device, device_model=stream.device_model,
        device_serial=stream.device_serial, stream=stream,
    )  # fmt: skip
    recording = Recording(
        patient_id=stream.patient_id, source=source, sha256=digest, size=0, file_name=sent_by(stream),
        storage_name="", file_key=b"", format=STREAM, zone=stream.patient.zone, epoch_s=EPOCH_S, **reach,
    )  # fmt: skip
    try:
        with transaction.atomic():
            source.save()
            recording.save()
    except IntegrityError:  # two batches at once: the other one was first
        return Recording.objects.get(patient=stream.patient_id, sha256=digest)
    return recording


def sent_by(source: Source) -> str:
    """What measured, in words."""
    device = DEVICES.get(source.device_type)
    return device.label if device else SOURCES.get(source.device_type, source.device_type)
