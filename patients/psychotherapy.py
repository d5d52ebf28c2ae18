"""Writing psychotherapy notes: new, changed until signed, and opened to one colleague by written authorization."""

from __future__ import annotations

from datetime import date
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Exists, F, OuterRef

from novamind import clock
from novamind.accounts.models import User
from novamind.accounts.roles import RIGHTS
from novamind.audit.models import EventType
from novamind.audit.recording import aggregates, note_object
from patients.models import Grant, Patient, PsychotherapyAuthorization, PsychotherapyNote
from patients.services import StaleEdit

LABEL = "patients.PsychotherapyNote"


class AlreadyAuthorized(Exception):
    """This colleague may read the note already."""


def write_note(*, patient: Patient, author: User, text: str, part2: bool) -> PsychotherapyNote:
    """A new note, its author's alone."""
    note = PsychotherapyNote.objects.create(patient=patient, author=author, text=text, part2=part2)
    note_object(EventType.CREATION, LABEL, note.pk)
    return note


def change_note(note: PsychotherapyNote, *, version: int, text: str, part2: bool) -> None:
    """Change an unsigned note if it is still the version the change was made from; else ``StaleEdit``."""
    with transaction.atomic():
        with aggregates():
            unsigned = PsychotherapyNote.objects.filter(pk=note.pk, version=version, signed_at__isnull=True)
            if not unsigned.update(version=F("version") + 1):
                raise StaleEdit
        note.text, note.part2, note.version = text, part2, version + 1
        note.save(update_fields=["text", "part2", "version"])
    note_object(EventType.MODIFICATION, LABEL, note.pk)


def sign_note(note: PsychotherapyNote) -> None:
    """From now on the note stays as it is."""
    note.signed_at = clock.now()
    note.save(update_fields=["signed_at"])
    note_object(EventType.MODIFICATION, LABEL, note.pk)


def possible_readers(note: PsychotherapyNote) -> Any:
    """Colleagues who treat the patient and may read such notes at all."""
    caring = Grant.objects.valid().exclude(reason=Grant.Reason.BREAK_GLASS)
    treats = caring.filter(user=OuterRef("pk"), content_object=note.patient_id)
    people = User.objects.filter(Exists(treats), is_active=True, groups__name__in=RIGHTS["psychotherapy_notes"])
    return people.exclude(pk=note.author_id).distinct()


def authorize_reader(
    note: PsychotherapyNote, *, reader: User, signed_on: date, valid_until: date | None
) -> PsychotherapyAuthorization:
    """Record that the patient authorized this reader in writing; ``AlreadyAuthorized`` where that holds already."""
    try:
        with transaction.atomic():
            authorization = PsychotherapyAuthorization.objects.create(
                patient_id=note.patient_id, note=note, reader=reader, signed_on=signed_on, valid_until=valid_until
            )
    except IntegrityError:
        raise AlreadyAuthorized from None
    note_object(EventType.CREATION, "patients.PsychotherapyAuthorization", authorization.pk)
    return authorization


def withdraw_authorization(authorization: PsychotherapyAuthorization) -> None:
    """The reader no longer opens the note, from the next request on."""
    authorization.withdrawn_at = clock.now()
    authorization.save(update_fields=["withdrawn_at"])
    note_object(EventType.MODIFICATION, "patients.PsychotherapyAuthorization", authorization.pk)
