"""Writing encounter notes: begun, changed until signed or discarded, signed, and added to."""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Mapping
from datetime import date, datetime
from typing import Any, Final

from django.db import transaction
from django.db.models import F

from insights.models import EncounterNote, NoteAddendum, NoteAttachment, NoteDraft
from insights.notes.formats import Format
from novamind import clock
from novamind.accounts.models import User
from novamind.accounts.roles import RIGHTS
from novamind.audit.models import EventType
from novamind.audit.recording import aggregates, note_object
from novamind.phi.models import ErasedFile
from patients.consent import require
from patients.models import Appointment, ConsentPurpose, ConsentStream, Patient
from patients.services import StaleEdit
from patients.treatment.services import is_in_programme

LABEL: Final = "insights.EncounterNote"
#: What a patient must allow for notes to be read and written.
NOTES: Final = (ConsentPurpose.TREATMENT, ConsentStream.NOTES)


class WrongNote(ValueError):
    """It cannot be so; ``field`` says what, the text says why, fit for a page."""

    def __init__(self, field: str, detail: str, *, code: str = "invalid") -> None:
        super().__init__(detail)
        self.field, self.detail, self.code = field, detail, code


def start_note(
    *,
    patient: Patient,
    author: User,
    form: Format,
    encounter_on: date,
    part2: bool = False,
    appointment: Appointment | None = None,
) -> EncounterNote:
    """An empty draft, its author's alone. ``WrongNote``, ``ConsentWithheld``."""
    require(patient, *NOTES)
    _check_date(patient, encounter_on)
    _require_label_of_visit(appointment and appointment.pk, part2)
    said = {
        "salt": secrets.token_hex(16),
        "sections": [{"id": one.id, "title": one.title, "text": ""} for one in form.sections],
    }
    with transaction.atomic():
        note = EncounterNote.objects.create(
            patient=patient, author=author, encounter_on=encounter_on, appointment=appointment, format=form.id,
            format_version=form.version, said=said, part2=part2,
        )  # fmt: skip
        _require_readable(note, author)
    note_object(EventType.CREATION, LABEL, note.pk)
    return note


def change_note(
    note: EncounterNote, *, version: int, texts: Mapping[str, str], encounter_on: date, part2: bool
) -> None:
    """Change a draft that still is of this version; else ``StaleEdit``. ``texts`` by the id of the section."""
    require(note.patient_id, *NOTES)
    _check_date(note.patient, encounter_on)
    with transaction.atomic():
        take(note, version)
        if note.part2 and not part2:
            _require_programme(note)
        _require_label_of_visit(note.appointment_id, part2)
        sections = [one | {"text": texts.get(one["id"], one["text"])} for one in note.sections]
        note.said = note.said | {"sections": sections}
        note.encounter_on, note.part2, note.version = encounter_on, part2, version + 1
        note.save(update_fields=["said", "encounter_on", "part2", "version"])
        with aggregates():
            note.attachments.update(part2=part2)
        _require_readable(note, note.author)
    note_object(EventType.MODIFICATION, LABEL, note.pk)


def sign_note(note: EncounterNote, *, version: int, by: User, checked: bool = False) -> None:
    """From now on the note stays as it is. The version is the one that was read; of another, ``StaleEdit``.

    ``checked``: the author says to have read what a program drafted; without that no such note is signed.
    """
    require(note.patient_id, *NOTES)
    if is_drafted(note) and not checked:
        raise WrongNote("checked", "Say that you have read and checked what a program drafted.")
    if not any(one["text"].strip() for one in note.sections):
        raise WrongNote("", "There is nothing in this note yet.")
    with transaction.atomic():
        take(note, version)
        _require_label_of_visit(note.appointment_id, note.part2, field="")
        note.version, note.signed_at, note.signed_as = version + 1, clock.now(), role_of(by)
        note.digest = digest_of(note)
        note.save(update_fields=["version", "signed_at", "signed_as", "digest"])
    note_object(EventType.MODIFICATION, LABEL, note.pk)


def discard_note(note: EncounterNote, *, version: int) -> None:
    """Throw a draft of this version away: its words, its files, all that a program drafted for it; else ``StaleEdit``.

    What stays says that there was a draft of this author, of which day and format, and when it was thrown away.
    """
    with transaction.atomic():
        take(note, version)
        for drafted in NoteDraft.objects.filter(note=note):
            drafted.delete()
        for attached in NoteAttachment.objects.filter(note=note):
            erase_file(attached)
        note.said = {"salt": "", "sections": [one | {"text": ""} for one in note.sections]}
        note.version, note.discarded_at = version + 1, clock.now()
        note.save(update_fields=["said", "version", "discarded_at"])
    note_object(EventType.DELETION, LABEL, note.pk)


def erase_file(row: NoteAttachment) -> None:
    """Delete a file of a draft, in the caller's transaction; storage is cleared at night, from a list."""
    row = NoteAttachment.objects.select_for_update().get(pk=row.pk)  # a rotation may have stored it anew meanwhile
    ErasedFile.objects.create(name=row.storage_name, due_at=clock.now())
    row.delete()


def amend_note(note: EncounterNote, *, by: User, text: str) -> NoteAddendum:
    """Add to a signed note, of which nothing is changed."""
    require(note.patient_id, *NOTES)
    if note.signed_at is None:
        raise WrongNote("text", "A draft is changed, not added to.")
    added = NoteAddendum.objects.create(
        patient_id=note.patient_id, note=note, by=by, signed_as=role_of(by), text=text, part2=note.part2
    )
    note_object(EventType.CREATION, "insights.NoteAddendum", added.pk)
    return added


def is_drafted(note: EncounterNote) -> bool:
    """Whether sentences of a program were put into it."""
    return bool(note.said.get("draft"))


def digest_of(note: EncounterNote) -> str:
    """SHA-256 of everything that was signed: words, files, whose, of which day, by whom, as what, and when."""
    signed: dict[str, Any] = {
        "note": note.pk, "patient": note.patient_id, "author": note.author_id, "on": note.encounter_on,
        "appointment": note.appointment_id, "format": [note.format, note.format_version], "part2": note.part2,
        "said": note.said, "version": note.version, "created_at": _utc(note.created_at),
        "signed_at": _utc(note.signed_at), "signed_as": note.signed_as,
    }  # fmt: skip
    if files := [[str(one.pk), one.sha256, one.content, one.file_name] for one in note.attachments.order_by("pk")]:
        signed["attachments"] = files  # a note without any is hashed as before there were any
    return hashlib.sha256(json.dumps(signed, sort_keys=True, default=str).encode()).hexdigest()


def is_as_signed(note: EncounterNote) -> bool:
    """Whether a signed note still says what was signed."""
    return secrets.compare_digest(note.digest, digest_of(note))


def role_of(user: User) -> str:
    """The role by which this person writes notes."""
    with aggregates():
        held = sorted(user.groups.filter(name__in=RIGHTS["write_notes"]).values_list("name", flat=True))
    return str(held[0])


def take(note: EncounterNote, version: int) -> None:
    """Hold the row until the transaction ends, if it is a draft of this version."""
    with aggregates():
        drafts = EncounterNote.objects.filter(pk=note.pk, version=version).unsettled()
        if not drafts.update(version=F("version") + 1):
            raise StaleEdit


def _utc(at: datetime | None) -> str:
    return at.astimezone(clock.zone("UTC")).isoformat() if at else ""


def _check_date(patient: Patient, on: date) -> None:
    if on < patient.date_of_birth:
        raise WrongNote("encounter_on", "This is before the patient was born.")
    if on > clock.now().astimezone(patient.tz).date():
        raise WrongNote("encounter_on", "This day is still to come.")


def _require_programme(note: EncounterNote) -> None:
    """Who reads it by consent may not tell it on (42 CFR 2.32), and a note without its label is told to all."""
    if not is_in_programme(note.patient, note.author):
        raise WrongNote("part2", "Only who treats the patient in a programme may take this label off.")


def _require_label_of_visit(visit: Any, part2: bool, *, field: str = "part2") -> None:
    """A note on a visit under the label is about that visit. Asked of the row, which may be labelled meanwhile."""
    with aggregates():
        if not part2 and Appointment.objects.filter(pk=visit, part2=True).exists():
            raise WrongNote(field, "The visit is labelled so, and a note on it has to be as well.")


def _require_readable(note: EncounterNote, by: Any) -> None:
    with aggregates():
        readable = not note.part2 or EncounterNote.objects.filter(pk=note.pk).releasable_to(by).exists()
    if not readable:
        raise WrongNote("part2", "Only who treats the patient in a programme, or with the patient's consent, may.")
