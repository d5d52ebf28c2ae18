"""Recordings in, analyses out: everything that writes about what was measured, and the rows pages read."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any, BinaryIO
from uuid import UUID

import numpy as np
from django.conf import settings
from django.core.files.storage import default_storage
from django.db import IntegrityError, transaction
from django.db.models import Max

from actigraphy import signals
from actigraphy.analysis import Analyzed, code_version, cut, device_for, results
from actigraphy.channels import CHANNELS
from actigraphy.days import read_samples
from actigraphy.models import Analysis, Night, Recording, Source
from actigraphy.numbers import NIGHT
from actigraphy.readers import ColumnMapping, Limits, ReadRecording, read_recording
from novamind.accounts.models import User
from novamind.audit.models import EventType
from novamind.audit.recording import aggregates, note_object, note_type, on_rollback
from novamind.clock import from_epoch, zone
from novamind.jobs.services import enqueue
from novamind.measures import Abstained
from novamind.phi.detection import LayerFailed
from novamind.phi.sanitizing import sanitize
from novamind.phi.uploads import EncryptedUpload, seal, unseal
from patients import consent, identifiers
from patients.models import ConsentPurpose, ConsentStream, Patient

ANALYZE = "actigraphy.analyze"
STREAM = "stream"  # the format of a recording without a file: a stretch of what a device streams
WITHHELD = "consent_withheld"
#: What models that read weeks ask beside it.
BY_MODELS = (ConsentPurpose.MODELS, ConsentStream.ACTIGRAPHY)
TREATING = (ConsentPurpose.TREATMENT, ConsentStream.ACTIGRAPHY)  # what everything here asks the patient's consent for


def ingest_recording(
    *,
    patient: Patient,
    upload: EncryptedUpload,
    by: User | None,
    device_type: str | None = None,
    columns: dict[str, str] | None = None,
    start: datetime | None = None,
    end: datetime | None = None,
    metadata: dict[str, Any] | None = None,
    outline: ReadRecording | None = None,
) -> tuple[Recording, bool]:
    """Store an upload and queue its analysis; the same file twice returns the first recording.

    The file is read once here, so that whoever sends it hears at once what is wrong with it; nothing of a refused
    file is kept. ``outline`` is what a reader would say, where the caller has made the file and knows.

    Returns
    -------
    (recording, created)

    Raises
    ------
    UnreadableRecording, WrongDevice, EmptyWindow
        With a sentence for the person who sent it.
    ConsentWithheld
        The patient does not allow it; nothing is read.
    """
    consent.require(patient, *TREATING)
    if known := Recording.objects.filter(patient=patient, sha256=upload.sha256).first():
        note_type(EventType.DATA_ACCESS)  # nothing is changed
        return known, False
    read = outline or _read(upload.plaintext(), upload.name or "", patient.zone, columns, outline=True)
    device = device_for(read, device_type)
    read = cut(read, start, end)
    source = Source(
        patient=patient,
        kind=Source.Kind.RECORDING,
        device_type=device.key,
        device_model=_without_identifiers(read.device_model or "", patient),
        device_serial=read.device_serial and read.device_serial[:80],
    )
    recording = Recording(
        patient=patient,
        source=source,
        sha256=upload.sha256,
        size=upload.size,
        file_name=(upload.name or "recording")[:255],
        format=read.format,
        columns=columns,
        zone=read.zone,
        start=from_epoch(read.start_s),
        end=from_epoch(read.start_s + len(read) * read.epoch_s),
        epoch_s=read.epoch_s,
        notices=[*_elsewhere(patient, upload.sha256), *({"code": n.code, "detail": n.detail} for n in read.notices)],
        metadata=metadata,
        uploaded_by=by.pk if by else None,
    )
    return _keep(recording, upload)


def _without_identifiers(text: str, patient: Patient) -> str:
    """What a sender calls its device, fit for a column that is not encrypted: people name devices after their owner."""
    text = text.replace("\x00", "")[:80]
    if not text:
        return ""
    try:
        clean = sanitize(text, known=identifiers.of(patient), patient_id=None, level=settings.PAT_PHI_DETECTION_LEVEL)
    except LayerFailed:
        return ""
    return clean.text[:80]


def _elsewhere(patient: Patient, sha256: str) -> list[dict[str, str]]:
    """A notice if another chart holds the same file, which does not say whose: somebody may have the wrong patient."""
    with aggregates():
        if not Recording.objects.filter(sha256=sha256).exclude(patient=patient).exists():
            return []
    return [{"code": "also_elsewhere", "detail": "The same file is in another chart. Is this the right patient?"}]


def _keep(recording: Recording, upload: EncryptedUpload) -> tuple[Recording, bool]:
    name, key = seal(upload, owner=recording.patient_id, table=Recording._meta.db_table, row=recording.pk)
    recording.storage_name, recording.file_key = name, key
    on_rollback(lambda: default_storage.delete(name))
    try:
        with transaction.atomic():
            recording.source.save()
            recording.save()
    except IntegrityError:  # the same file, sent twice at once: the other one was first
        default_storage.delete(name)
        return Recording.objects.get(patient=recording.patient_id, sha256=recording.sha256), False
    enqueue(ANALYZE, key=analysis_key(recording), actor=recording.uploaded_by, recording_id=recording.pk)
    note_object(EventType.DATA_COLLECTION, "actigraphy.Recording", recording.pk)
    return recording, True


def analysis_key(recording: Recording) -> str:
    """The key of the job that analyzes a recording."""
    return f"{ANALYZE}:{recording.pk}"


def _read(
    content: BinaryIO, name: str, zone_name: str, columns: dict[str, str] | None, *, outline: bool = False
) -> ReadRecording:
    limits, mapping = Limits(max_bytes=settings.UPLOAD_LIMIT_MB * 1024 * 1024), column_mapping(columns)
    return read_recording(content, tz=zone(zone_name), filename=name, columns=mapping, limits=limits, outline=outline)


def column_mapping(columns: dict[str, str] | None) -> ColumnMapping | None:
    """A stated mapping (``{"time": …, "activity": …, "date"?: …}``) as the readers take it."""
    return ColumnMapping(**columns) if columns else None  # type: ignore[arg-type]


def read_stored(recording: Recording) -> ReadRecording:
    """A stored recording, decrypted and read again, cut to its window; a stretch out of its stream."""
    if recording.format == STREAM:
        return _read_stretch(recording)
    with unseal(
        recording.storage_name, recording.file_key, table=Recording._meta.db_table, row=recording.pk
    ) as content:
        read = _read(content, recording.file_name, recording.zone, recording.columns)
    return cut(read, recording.start, recording.end)


def _read_stretch(recording: Recording) -> ReadRecording:
    """The activity of a stream on the grid of its minutes, NaN where none was sent."""
    start_s, end_s, epoch_s = int(recording.start.timestamp()), int(recording.end.timestamp()), recording.epoch_s
    samples = read_samples(recording.source, "activity", start=recording.start, end=recording.end)
    activity = np.full((end_s - start_s) // epoch_s, np.nan, dtype=np.float32)
    activity[(samples.at_s - start_s) // epoch_s] = samples.values
    return ReadRecording(
        format=STREAM, device_family="generic", device_model=None, device_serial=None, start_s=start_s,
        epoch_s=epoch_s, activity=activity, channels={}, zone=recording.zone, zone_evidence="given",
    )  # fmt: skip


def store_analysis(recording: Recording, analyzed: Analyzed, *, requested_by: UUID | None) -> Analysis:
    """Write signals, analysis and nights in the caller's transaction; the same input twice is one analysis.

    ``ConsentWithheld`` when the patient withdrew while it was computed: then nothing of it is kept.
    """
    consent.require(recording.patient_id, *TREATING)
    if recording.format != STREAM:  # a stretch's signals are its stream's already
        _store_signals(recording.source, analyzed.read)
    unique = {
        "source": recording.source,
        "window_start": analyzed.start,
        "window_end": analyzed.end,
        "input_hash": analyzed.input_hash,
        "code_version": code_version(),
    }
    analysis, created = Analysis.objects.get_or_create(
        **unique,
        defaults={
            "patient_id": recording.patient_id,
            "zone": analyzed.read.zone,
            "device_type": analyzed.device.key,
            "methods": dict(analyzed.rest.methods),
            "results": results(analyzed),
            "requested_by": requested_by,
        },
    )
    if created:
        Night.objects.bulk_create(night_rows(analysis, analyzed))
    recording.state, recording.error_code, recording.error_detail = Recording.State.ANALYZED, "", ""
    recording.save(update_fields=["state", "error_code", "error_detail"])
    note_object(EventType.DATA_COLLECTION, "actigraphy.Analysis", analysis.pk)
    return analysis


def newest_analysis(recording: Recording) -> Analysis | None:
    """The analysis that pages show of a recording."""
    return recording.source.analyses.order_by("-created_at").first()


def _store_signals(source: Source, read: ReadRecording) -> None:
    channels = {"activity": read.activity, **read.channels}
    for name in sorted(set(channels) & set(CHANNELS)):
        signals.merge(source, name, start_s=read.start_s, epoch_s=read.epoch_s, values=channels[name])


def night_rows(analysis: Analysis, analyzed: Analyzed) -> list[Night]:
    """The nights of an analysis, not yet stored."""
    rows = []
    for night in analyzed.rest.nights:
        row = Night(
            patient_id=analysis.patient_id,
            analysis=analysis,
            date=night.evening,
            worn_h=night.worn_h,
            method=night.method[:200],
            flags=list(night.flags),
            abstentions={},
        )
        for column in ("onset", "offset"):
            _put(row, column, getattr(night, column), from_epoch)
        for column, (name, _, _) in NIGHT.items():
            _put(row, column, getattr(night, name), round if column == "awakenings" else float)
        rows.append(row)
    return rows


def _put(row: Night, column: str, value: Any, convert: Any) -> None:
    if isinstance(value, Abstained):
        row.abstentions[column] = value.as_json()
    else:
        setattr(row, column, convert(value))


def fail_recording(recording: Recording, code: str, detail: str) -> Recording:
    """The stored file cannot be analyzed; says why in a sentence."""
    recording.state, recording.error_code, recording.error_detail = Recording.State.FAILED, code[:40], detail[:300]
    recording.save(update_fields=["state", "error_code", "error_detail"])
    return recording


def last_signal_at(patient_ids: Iterable[UUID]) -> dict[UUID, datetime]:
    """The end of each patient's newest recording; patients without one, or without consent, are absent. One query."""
    with aggregates():
        ends = (
            Recording.objects.consented()
            .filter(patient__in=list(patient_ids))
            .order_by()
            .values("patient")
            .annotate(last=Max("end"))
            .values_list("patient", "last")
        )
        return dict(ends)


def analyze_withheld(patient_id: UUID) -> int:
    """Queue what stood still for want of consent, now that the patient allows it; how many recordings that were."""
    if not consent.allows(patient_id, *TREATING):
        return 0
    waiting = list(Recording.objects.filter(patient=patient_id, error_code=WITHHELD).order_by("pk"))
    for recording in waiting:
        recording.state, recording.error_code, recording.error_detail = Recording.State.PENDING, "", ""
        recording.save(update_fields=["state", "error_code", "error_detail"])
        enqueue(ANALYZE, key=analysis_key(recording), recording_id=recording.pk)
    return len(waiting)


def withhold_recording(recording: Recording) -> Recording:
    """The patient does not allow the analysis: it abstains, and says so."""
    return fail_recording(recording, WITHHELD, f"{Abstained(WITHHELD).reason.capitalize()}.")
