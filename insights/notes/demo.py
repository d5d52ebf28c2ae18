"""Two notes of the first synthetic patients: one signed and added to, one with a program's draft that waits."""

from __future__ import annotations

from collections.abc import Callable

from insights.models import EncounterNote
from insights.notes.drafting import draft, put_into_note
from insights.notes.formats import format_of
from insights.notes.writing import amend_note, change_note, sign_note, start_note
from novamind import clock
from novamind.accounts.models import User
from novamind.audit.models import EventType
from novamind.audit.recording import aggregates, recorded, write_event
from patients.demo import mrn_of
from patients.models import Patient

AUTHOR = "ada.north@demo.novamind.test"
SIGNED, WAITING = 0, 2  # by place in the list of patients; both are in the author's care and say how they are


def seed(say: Callable[[str], None]) -> None:
    """Written by the same services as any note; once."""
    with recorded(actor_label="system:demo", request_id="demo") as ledger:
        author = User.objects.get(email=AUTHOR)
        with aggregates():
            known = EncounterNote.objects.filter(author=author).exists()
        if not known:
            _signed(Patient.objects.get(mrn_index=mrn_of(SIGNED)), author)
            _begun(Patient.objects.get(mrn_index=mrn_of(WAITING)), author)
        write_event(ledger, event_type=EventType.DATA_COLLECTION, action="demo")
    say("Two notes.")


def _begun(patient: Patient, author: User) -> EncounterNote:
    today = clock.now().astimezone(patient.tz).date()
    note = start_note(patient=patient, author=author, form=format_of("soap"), encounter_on=today)
    draft(note, by=author)()
    return note


def _signed(patient: Patient, author: User) -> None:
    note = _begun(patient, author)
    put_into_note(note, note.drafts.get(), version=1)
    typed = {"plan": "Synthetic patient. Keep the same time of getting up; see again in two weeks."}
    change_note(note, version=2, texts=typed, encounter_on=note.encounter_on, part2=False)
    sign_note(note, version=3, by=author, checked=True)
    amend_note(note, by=author, text="Synthetic patient. The appointment in two weeks was agreed by telephone.")
