"""Files of notes: put to a draft by its author, taken off it, given back; fixed when the note is signed."""

from __future__ import annotations

from django.core.files.storage import default_storage
from django.db import IntegrityError, transaction

from insights.models import EncounterNote, NoteAttachment
from insights.notes.contents import Unsuitable, content_of, name_as
from insights.notes.writing import NOTES, WrongNote, erase_file, take
from novamind.audit.models import EventType
from novamind.audit.recording import aggregates, note_object, on_rollback
from novamind.limits import ATTACHMENT_BYTES, ATTACHMENTS, MB
from novamind.phi.uploads import EncryptedUpload, seal, unseal
from patients.consent import require

LABEL = "insights.NoteAttachment"
_TABLE = NoteAttachment._meta.db_table


def attach_file(note: EncounterNote, upload: EncryptedUpload, *, version: int) -> NoteAttachment:
    """Put a file to a draft of this version. ``WrongNote``: of another kind, too large, too many; ``StaleEdit``."""
    require(note.patient_id, *NOTES)
    check_size(upload.size or 0)
    try:
        with upload.plaintext() as plain:
            content = content_of(plain.read())
    except Unsuitable as error:
        raise WrongNote("file", str(error)) from None
    row = NoteAttachment(
        patient_id=note.patient_id, note=note, part2=note.part2, content=content, size=upload.size,
        sha256=upload.sha256, file_name=name_as(upload.name or "", content),
    )  # fmt: skip
    with transaction.atomic():
        take(note, version)
        with aggregates():
            check_number(NoteAttachment.objects.filter(note=note).count() + 1)
        _keep(row, upload)
    note_object(EventType.CREATION, LABEL, row.pk)
    return row


def remove_file(row: NoteAttachment, *, version: int) -> None:
    """Take a file off a draft of this version, for good. ``StaleEdit``."""
    require(row.patient_id, *NOTES)
    with transaction.atomic():
        take(row.note, version)
        erase_file(row)
    note_object(EventType.DELETION, LABEL, row.pk)


def read_file(row: NoteAttachment) -> bytes:
    """What was attached, decrypted. ``FileNotFoundError`` where storage has lost it."""
    with unseal(row.storage_name, bytes(row.file_key), table=_TABLE, row=row.pk) as plain:
        return plain.read()


def check_size(size: int) -> None:
    """``WrongNote`` for a file of more bytes than one may have."""
    if size > ATTACHMENT_BYTES:
        raise WrongNote("file", f"A file may have at most {ATTACHMENT_BYTES // MB} MB.", code="file_too_large")


def check_number(files: int) -> None:
    """``WrongNote`` for more files than a note may have."""
    if files > ATTACHMENTS:
        raise WrongNote("file", f"A note has at most {ATTACHMENTS} files.")


def _keep(row: NoteAttachment, upload: EncryptedUpload) -> None:
    name, key = seal(upload, owner=row.patient_id, table=_TABLE, row=row.pk)
    on_rollback(lambda: default_storage.delete(name))
    row.storage_name, row.file_key = name, key
    try:
        with transaction.atomic():
            row.save(force_insert=True)
    except IntegrityError:
        default_storage.delete(name)
        raise WrongNote("file", "This file is attached already.") from None
