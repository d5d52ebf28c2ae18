"""A draft that is thrown away: by its author alone, before it is signed, for good, and on record."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from django.db import IntegrityError, transaction

from insights.models import EncounterNote, NoteDraft
from insights.notes.drafting import draft
from insights.notes.formats import format_of
from insights.notes.writing import change_note, discard_note, sign_note, start_note
from novamind import clock
from novamind.audit.models import AuditEvent
from novamind.audit.recording import recorded
from patients.models import CheckIn
from patients.services import StaleEdit

pytestmark = pytest.mark.django_db
ON = date(2026, 3, 2)


@pytest.fixture
def note(patient: Any, psychiatrist: Any) -> EncounterNote:
    """A draft with a sentence in it."""
    made = start_note(patient=patient, author=psychiatrist, form=format_of("soap"), encounter_on=ON)
    change_note(made, version=1, texts={"plan": "Zqxplan: see again."}, encounter_on=ON, part2=False)
    return EncounterNote.objects.get(pk=made.pk)


@pytest.fixture
def page(note: EncounterNote) -> str:
    return f"/patients/{note.patient_id}/notes/{note.pk}/"


@pytest.fixture
def drafted(note: EncounterNote, psychiatrist: Any) -> NoteDraft:
    """What a program put together for it."""
    CheckIn.objects.create(patient=note.patient, at=clock.now(), by_patient=True, day=clock.now().date(), mood=4)
    with recorded(actor_label="test", request_id="t"):
        made = draft(note, by=psychiatrist)()
    assert made is not None
    return made


def test_a_discarded_draft_is_gone_from_every_page(note, drafted, page, signed_in, psychiatrist):
    browser = signed_in(psychiatrist)
    assert "Discard this draft" in browser.get(page).content.decode()
    assert browser.post(f"{page}discard/", {"version": 2}).status_code == 422
    answer = browser.post(f"{page}discard/", {"version": 2, "discard": "on"}, follow=True)
    assert "The draft is thrown away." in answer.content.decode()
    assert "There is no note yet" in answer.content.decode()
    for asked in (page, f"{page}edit/"):
        assert browser.get(asked).status_code == 404
    for doing in ("sign", "edit", "draft", "discard", f"draft/{drafted.pk}"):
        assert browser.post(f"{page}{doing}/", {"version": 3, "discard": "on"}).status_code == 404


def test_its_words_and_what_a_program_drafted_are_erased(note, drafted):
    discard_note(note, version=2)
    row = EncounterNote.objects.get(pk=note.pk)
    assert {one["text"] for one in row.sections} == {""}
    assert row.said.keys() == {"salt", "sections"}
    assert (row.encounter_on, row.format, row.author_id) == (ON, "soap", note.author_id)
    assert row.discarded_at is not None
    assert not NoteDraft.objects.filter(note=note).exists()


def test_who_discarded_which_draft_and_when_is_on_record(note, page, signed_in, psychiatrist):
    signed_in(psychiatrist).post(f"{page}discard/", {"version": 2, "discard": "on"})
    event = AuditEvent.objects.get(action="insights:discard-note")
    assert (event.event_type, event.object_label, event.object_id, event.actor_id) == (
        "DELETION", "insights.EncounterNote", str(note.pk), psychiatrist.pk
    )  # fmt: skip
    assert event.outcome == "success"


def test_nobody_but_its_author_discards_it_and_nobody_what_is_signed(note, page, signed_in, psychiatrist, therapist):
    assert signed_in(therapist).post(f"{page}discard/", {"version": 2, "discard": "on"}).status_code == 404
    sign_note(note, version=2, by=psychiatrist)
    browser = signed_in(psychiatrist)
    assert "Discard this draft" not in browser.get(page).content.decode()
    assert browser.post(f"{page}discard/", {"version": 3, "discard": "on"}).status_code == 404
    with pytest.raises(StaleEdit):
        discard_note(EncounterNote.objects.get(pk=note.pk), version=3)


def test_of_a_draft_that_was_changed_meanwhile_nothing_is_discarded(note, page, signed_in, psychiatrist):
    refused = signed_in(psychiatrist).post(f"{page}discard/", {"version": 1, "discard": "on"})
    assert refused.status_code == 409
    assert "Zqxplan" in refused.content.decode()
    assert EncounterNote.objects.get(pk=note.pk).discarded_at is None


def test_a_discarded_draft_is_signed_by_no_road(note, psychiatrist):
    read = EncounterNote.objects.get(pk=note.pk)
    discard_note(note, version=2)
    for version in (2, 3):
        with pytest.raises(StaleEdit):
            sign_note(read, version=version, by=psychiatrist)
    with pytest.raises(IntegrityError), transaction.atomic():
        EncounterNote.objects.filter(pk=note.pk).update(signed_at=clock.now(), digest="0" * 64)


def test_what_a_worker_was_still_drafting_for_it_is_not_kept(note, psychiatrist):
    CheckIn.objects.create(patient=note.patient, at=clock.now(), by_patient=True, day=clock.now().date(), mood=4)
    with recorded(actor_label="test", request_id="t"):
        store = draft(note, by=psychiatrist)
    discard_note(note, version=2)
    assert store() is None
    assert not NoteDraft.objects.exists()
