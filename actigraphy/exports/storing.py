"""Exports of wearables: taken in, read on a worker, kept as events; every write about them."""

from __future__ import annotations

from typing import Final
from uuid import UUID

from django.core.files.storage import default_storage
from django.db import IntegrityError, transaction

from actigraphy.catalogue import TYPE_OF_CHANNEL, TYPES
from actigraphy.exports import Asked, Collected, UnreadableExport, detect_export, read_export
from actigraphy.exports.collecting import pieces
from actigraphy.models import Export
from actigraphy.services import TREATING, WITHHELD
from actigraphy.streams.held import allowed_types
from actigraphy.streams.sent import Batch
from actigraphy.streams.storing import store_batch
from novamind import clock
from novamind.accounts.models import User
from novamind.audit.models import EventType
from novamind.audit.recording import note_object, note_type, on_rollback
from novamind.jobs.models import Job
from novamind.jobs.services import enqueue
from novamind.limits import LIMITS
from novamind.measures import Abstained
from novamind.phi.models import ErasedFile
from novamind.phi.uploads import EncryptedUpload, erase_due, seal, unseal
from patients import consent
from patients.models import Patient

READ: Final = "actigraphy.read_export"
NOT_ALLOWED: Final = "not_allowed"
TABLE: Final = Export._meta.db_table


def export_key(export: Export) -> str:
    """The key of the job that reads an export."""
    return f"{READ}:{export.pk}"


def ingest_export(*, patient: Patient, upload: EncryptedUpload, by: User) -> tuple[Export, bool] | None:
    """Store an upload that is an export and queue its reading; ``None`` if it is not one. The same file twice returns
    the first export, and one that could not be read is tried again.

    Raises
    ------
    UnreadableExport
        A ZIP that is not even looked into; nothing of it is kept.
    ConsentWithheld
        The patient does not allow it; nothing is read.
    """
    consent.require(patient, *TREATING)
    kind = detect_export(upload.plaintext())
    if kind is None:
        return None
    known = Export.objects.select_for_update().filter(patient=patient, sha256=upload.sha256).first()
    if known is not None and not _has_failed(known):
        note_type(EventType.DATA_ACCESS)  # nothing is changed
        return known, False
    export = known or Export(patient=patient, sha256=upload.sha256, size=upload.size, uploaded_by=by.pk)
    export.file_name, export.format, export.uploaded_by = (upload.name or "export")[:255], kind, by.pk
    export.state, export.error_code, export.error_detail = Export.State.PENDING, "", ""
    return _keep(export, upload)


def _has_failed(export: Export) -> bool:
    """Whether it could not be read: it says so, or it waits and its newest job has come to nothing."""
    if export.state != Export.State.PENDING:
        return export.state == Export.State.FAILED
    jobs = Job.objects.filter(key=export_key(export)).order_by("-created_at")
    return jobs.values_list("state", flat=True).first() in Job.RETRYABLE


def _keep(export: Export, upload: EncryptedUpload) -> tuple[Export, bool]:
    if export.storage_name:  # of one that was withheld, or that no job could read
        _put_up_for_erasure(export)
    name, key = seal(upload, owner=export.patient_id, table=TABLE, row=export.pk)
    export.storage_name, export.file_key = name, key
    on_rollback(lambda: default_storage.delete(name))
    try:
        with transaction.atomic():
            export.save()
    except IntegrityError:  # the same file, sent twice at once: the other one was first
        default_storage.delete(name)
        return Export.objects.get(patient=export.patient_id, sha256=export.sha256), False
    enqueue(READ, key=export_key(export), actor=export.uploaded_by, export_id=export.pk)
    note_object(EventType.DATA_COLLECTION, "actigraphy.Export", export.pk)
    return export, True


def read_stored(export: Export) -> tuple[Batch, Collected]:
    """A stored export, decrypted and read as a stream.

    Raises
    ------
    UnreadableExport
        Also where nothing in it is kept here.
    """
    patient = export.patient
    born_s = max(0, int(clock.midnight(patient.date_of_birth, patient.tz).timestamp()))
    latest_s = int(clock.now().timestamp()) + 60 * LIMITS["future"].value
    with unseal(export.storage_name, export.file_key, table=TABLE, row=export.pk) as content:
        taken = read_export(content, export.format, Asked(born_s, latest_s, patient.tz))
    batch = taken.batch()
    if not (batch.columns or batch.points or batch.sessions):
        raise UnreadableExport("nothing_kept")
    return batch, taken


def store_export(export: Export, found: tuple[Batch, Collected]) -> Export:
    """Keep the events of an export in the caller's transaction, as far as the patient allows each type.

    Pieces of as many days as a device may send at once, the oldest first, so that little is in memory; overlapping
    exports leave the same rows.
    """
    consent.require(export.patient_id, *TREATING)
    batch, taken = found
    allowed = {kind.name for kind in allowed_types(export.patient)}
    by = User.objects.get(pk=export.uploaded_by)
    counts = _counts(batch)
    batch = _only(batch, allowed)
    for piece in pieces(batch, LIMITS["batch_days"].value - 1):
        told = _counts(piece)
        piece.data_types, piece.accepted, piece.lines = set(told), sum(told.values()), sum(told.values())
        store_batch(patient=export.patient, batch=piece, by=by, export=export)
    export.kept = {name: n for name, n in counts.items() if name in allowed}
    withheld = [[name, NOT_ALLOWED, n] for name, n in counts.items() if name not in allowed]
    export.left_out = withheld + [[what, why, n] for (what, why), n in sorted(taken.left_out.items())]
    export.state, export.error_code, export.error_detail = Export.State.STORED, "", ""
    export.save(update_fields=["kept", "left_out", "state", "error_code", "error_detail"])
    note_object(EventType.DATA_COLLECTION, "actigraphy.Export", export.pk)
    return export


def _only(batch: Batch, allowed: set[str]) -> Batch:
    return Batch(
        columns={where: parts for where, parts in batch.columns.items() if TYPE_OF_CHANNEL[where[1]].name in allowed},
        points=[one for one in batch.points if one.data_type in allowed],
        sessions=[one for one in batch.sessions if one.kind in allowed],
    )


def _counts(batch: Batch) -> dict[str, int]:
    """How many entries of each type, in the order of the catalogue."""
    found = dict.fromkeys(TYPES, 0)
    for (_, channel), parts in batch.columns.items():
        found[TYPE_OF_CHANNEL[channel].name] += sum(len(at_s) for at_s, _ in parts)
    for point in batch.points:
        found[point.data_type] += 1
    for session in batch.sessions:
        found[session.kind] += 1
    return {name: n for name, n in found.items() if n}


def fail_export(export: Export, code: str, detail: str) -> Export:
    """The file cannot be read: nothing of it is kept but the sentence that says why."""
    _put_up_for_erasure(export)
    export.storage_name, export.file_key = "", b""
    return _failed(export, code, detail, "storage_name", "file_key")


def withhold_export(export: Export) -> Export:
    """The patient does not allow the reading: the file waits, and says so."""
    return _failed(export, WITHHELD, f"{Abstained(WITHHELD).reason.capitalize()}.")


def _failed(export: Export, code: str, detail: str, *columns: str) -> Export:
    export.state, export.error_code, export.error_detail = Export.State.FAILED, code[:40], detail[:300]
    export.save(update_fields=["state", "error_code", "error_detail", *columns])
    return export


def _put_up_for_erasure(export: Export) -> None:
    ErasedFile.objects.create(name=export.storage_name, due_at=clock.now())
    transaction.on_commit(erase_due)


def read_withheld(patient_id: UUID) -> int:
    """Queue what stood still, or was left out, for want of consent, now that the patient allows more; how many."""
    if not consent.allows(patient_id, *TREATING):
        return 0
    exports = Export.objects.filter(patient=patient_id).exclude(storage_name="").order_by("pk")
    waiting = [
        one for one in exports if one.error_code == WITHHELD or NOT_ALLOWED in {why for _, why, _ in one.left_out}
    ]
    for export in waiting:
        export.state, export.error_code, export.error_detail = Export.State.PENDING, "", ""
        export.save(update_fields=["state", "error_code", "error_detail"])
        enqueue(READ, key=export_key(export), actor=export.uploaded_by, export_id=export.pk)
    return len(waiting)
