"""Notes: written by their author, signed once, added to, and never changed after that."""

from __future__ import annotations

import re
from datetime import date, timedelta
from typing import Any

import pytest
from django.db import DatabaseError, connection, transaction

from insights.models import EncounterNote, NoteAddendum
from insights.notes.formats import format_of, formats
from insights.notes.writing import WrongNote, amend_note, change_note, is_as_signed, sign_note, start_note
from novamind import clock
from novamind.audit import triggers
from novamind.audit.models import AuditEvent
from patients.consent import record_consent
from patients.models import Appointment
from patients.services import StaleEdit, assign_patient, join_team

pytestmark = pytest.mark.django_db


@pytest.fixture
def note(patient: Any, psychiatrist: Any) -> EncounterNote:
    """A draft with a sentence in it."""
    made = start_note(patient=patient, author=psychiatrist, form=format_of("soap"), encounter_on=date(2026, 3, 2))
    change_note(made, version=1, texts={"plan": "Zqxplan: see again."}, encounter_on=date(2026, 3, 2), part2=False)
    return EncounterNote.objects.get(pk=made.pk)


@pytest.fixture
def chart(note: EncounterNote) -> str:
    return f"/patients/{note.patient_id}/notes/"


def signed(note: EncounterNote, by: Any) -> EncounterNote:
    sign_note(note, version=note.version, by=by)
    return EncounterNote.objects.get(pk=note.pk)


def test_the_whole_way_of_a_note_by_its_pages(signed_in, psychiatrist, therapist, patient):
    browser, home = signed_in(psychiatrist), f"/patients/{patient.pk}/notes/"
    begun = browser.post(f"{home}new/", {"format": "soap", "encounter_on": "2026-03-02"})
    page = begun.url.removesuffix("edit/")
    form = browser.get(begun.url).content.decode()
    assert [title for title in ("Subjective", "Objective", "Assessment", "Plan") if title not in form] == []
    changed = {"version": 1, "encounter_on": "2026-03-01", "section_subjective": "Sleeps badly.\r\nTired."}
    assert browser.post(begun.url, changed).url == page
    stale = browser.post(begun.url, changed | {"section_subjective": "Typed in another window."})
    assert stale.status_code == 409
    assert "Typed in another window." in stale.content.decode()
    assert browser.post(f"{page}amend/", {"text": "Too early."}).status_code == 422
    assert browser.post(f"{page}sign/", {"version": 1}).status_code == 409
    assert browser.post(f"{page}sign/", {"version": 2}).url == page
    assert browser.post(begun.url, changed | {"version": 3}).status_code == 404
    colleague = signed_in(therapist)
    assert colleague.post(f"{page}amend/", {"text": "He called later."}).url == page
    read = colleague.get(page).content.decode()
    assert re.search(r"Sleeps badly\.<br>Tired\.", read)
    assert "He called later." in read
    assert 'class="tag good">amended' in colleague.get(home).content.decode()


def test_a_draft_is_its_authors_alone(note, chart, signed_in, psychiatrist, therapist):
    assert "Zqxplan" in signed_in(psychiatrist).get(f"{chart}{note.pk}/").content.decode()
    colleague = signed_in(therapist)
    assert colleague.get(f"{chart}{note.pk}/").status_code == 404
    assert "There is no note" in colleague.get(chart).content.decode()
    signed(note, psychiatrist)
    assert "Zqxplan" in colleague.get(f"{chart}{note.pk}/").content.decode()
    assert colleague.post(f"{chart}{note.pk}/sign/", {"version": 3}).status_code == 404


def test_the_list_says_no_word_of_a_note(note, chart, signed_in, psychiatrist):
    assert "Zqxplan" not in signed_in(psychiatrist).get(chart).content.decode()


def test_two_who_sign_or_change_at_once_are_told(note, psychiatrist):
    read = EncounterNote.objects.get(pk=note.pk)
    signed(note, psychiatrist)
    with pytest.raises(StaleEdit):
        sign_note(read, version=2, by=psychiatrist)
    with pytest.raises(StaleEdit):
        change_note(read, version=3, texts={"plan": "Later."}, encounter_on=date(2026, 3, 2), part2=False)
    assert is_as_signed(EncounterNote.objects.get(pk=note.pk))


def test_an_empty_note_a_day_to_come_and_one_before_birth_are_refused(signed_in, psychiatrist, patient):
    browser, home = signed_in(psychiatrist), f"/patients/{patient.pk}/notes/"
    tomorrow = clock.now().astimezone(patient.tz).date() + timedelta(days=1)
    for on in (tomorrow, date(1931, 2, 16)):
        assert browser.post(f"{home}new/", {"format": "soap", "encounter_on": on}).status_code == 422
    page = browser.post(f"{home}new/", {"format": "contact", "encounter_on": "2026-03-02"}).url.removesuffix("edit/")
    refused = browser.post(f"{page}sign/", {"version": 1})
    assert refused.status_code == 422
    assert "nothing in this note" in refused.content.decode()


@pytest.fixture
def frozen(transactional_db: None) -> Any:
    """The triggers, as every real database has them."""
    triggers.freeze(connection, "insights_encounternote", once="signed_at", sealed=("said",))
    triggers.install(connection, ("insights_noteaddendum",), deletable=True, sealed=("text",))
    yield
    triggers.drop(connection, ("insights_encounternote", "insights_noteaddendum"))


def test_the_database_lets_nobody_change_what_was_signed(frozen, note, psychiatrist):
    EncounterNote.objects.filter(pk=note.pk).update(encounter_on=date(2026, 3, 1))  # a draft changes
    note = signed(EncounterNote.objects.get(pk=note.pk), psychiatrist)
    added = amend_note(note, by=psychiatrist, text="A word more.")
    for rows, changes in (
        (EncounterNote.objects.filter(pk=note.pk), {"encounter_on": date(2026, 2, 1)}),
        (EncounterNote.objects.filter(pk=note.pk), {"signed_at": None, "digest": ""}),
        (EncounterNote.objects.filter(pk=note.pk), {"digest": "0" * 64}),
        (NoteAddendum.objects.filter(pk=added.pk), {"at": clock.now()}),
    ):
        with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
            rows.update(**changes)


def test_a_signed_note_that_says_something_else_is_told_by_its_digest(note, chart, signed_in, psychiatrist):
    note = signed(note, psychiatrist)
    browser, warning = signed_in(psychiatrist), "This is not what was signed"
    assert warning not in browser.get(f"{chart}{note.pk}/").content.decode()
    note.said = note.said | {"sections": [one | {"text": "Forged."} for one in note.sections]}
    note.save(update_fields=["said"])
    assert warning in browser.get(f"{chart}{note.pk}/").content.decode()


def test_notes_are_asked_for_at_each_reading(note, chart, signed_in, psychiatrist, patient):
    browser = signed_in(psychiatrist)
    record_consent(patient=patient, purpose="treatment", stream="notes", given=False, how="spoken", by=psychiatrist)
    assert browser.get(f"{chart}{note.pk}/").status_code == 403
    assert "has not consented" in browser.get(chart).content.decode()
    assert browser.post(f"{chart}{note.pk}/sign/", {"version": 2}).status_code == 403
    assert browser.get(f"{chart}new/").status_code == 403


def test_a_note_on_substance_use_is_read_by_the_programme_alone(
    note, chart, signed_in, psychiatrist, make_user, team, other_team
):
    browser = signed_in(psychiatrist)
    label = {"version": 2, "encounter_on": "2026-03-02", "section_plan": "Zqxplan", "part2": "on"}
    assert browser.post(f"{chart}{note.pk}/edit/", label).status_code == 422  # she could not read it again
    other_team.part2_programme = True
    other_team.save()
    join_team(team=other_team, user=psychiatrist)
    assign_patient(team=other_team, patient=note.patient)
    assert browser.post(f"{chart}{note.pk}/edit/", label).status_code == 302
    signed(EncounterNote.objects.get(pk=note.pk), psychiatrist)
    assert "42 CFR part 2 prohibits" in browser.get(f"{chart}{note.pk}/").content.decode()
    colleague = make_user("north@clinic.test", "psychiatrist")
    join_team(team=team, user=colleague)
    assert signed_in(colleague).get(f"{chart}{note.pk}/").status_code == 404


@pytest.fixture
def visit(patient: Any) -> Appointment:
    """A visit of the programme."""
    return Appointment.objects.create(patient=patient, at=clock.now() - timedelta(days=3), kind="follow_up",
                                      place="clinic", part2=True)  # fmt: skip


@pytest.fixture
def consented(patient: Any, psychiatrist: Any) -> None:
    record_consent(patient=patient, purpose="treatment", stream="part2", given=True, how="written", by=psychiatrist)


def test_who_reads_the_label_by_consent_does_not_take_it_off(
    note, chart, consented, signed_in, psychiatrist, other_team
):
    browser, sent = signed_in(psychiatrist), {"encounter_on": "2026-03-02", "section_plan": "Zqxplan"}
    assert browser.post(f"{chart}{note.pk}/edit/", sent | {"version": 2, "part2": "on"}).status_code == 302
    refused = browser.post(f"{chart}{note.pk}/edit/", sent | {"version": 3})
    assert refused.status_code == 422
    assert "may take this label off" in refused.content.decode()
    assert EncounterNote.objects.get(pk=note.pk).part2
    other_team.part2_programme = True
    other_team.save()
    join_team(team=other_team, user=psychiatrist)
    assign_patient(team=other_team, patient=note.patient)
    assert browser.post(f"{chart}{note.pk}/edit/", sent | {"version": 3}).status_code == 302
    assert not EncounterNote.objects.get(pk=note.pk).part2


def test_a_note_on_a_labelled_visit_carries_the_label(consented, visit, patient, signed_in, psychiatrist):
    browser, home = signed_in(psychiatrist), f"/patients/{patient.pk}/notes/"
    sent = {"format": "contact", "encounter_on": "2026-03-02", "appointment": str(visit.pk)}
    assert browser.post(f"{home}new/", sent).status_code == 422
    assert browser.post(f"{home}new/", sent | {"part2": "on"}).status_code == 302
    assert EncounterNote.objects.get().part2


def test_of_a_visit_labelled_after_its_note_nothing_is_told(visit, patient, signed_in, psychiatrist, therapist):
    Appointment.objects.update(part2=False)
    visit.refresh_from_db()
    made = start_note(patient=patient, author=psychiatrist, form=format_of("soap"), encounter_on=date(2026, 3, 2),
                      appointment=visit)  # fmt: skip
    change_note(made, version=1, texts={"plan": "x"}, encounter_on=date(2026, 3, 2), part2=False)
    page = f"/patients/{patient.pk}/notes/{made.pk}/"
    assert "· visit" in signed_in(psychiatrist).get(page).content.decode()
    Appointment.objects.update(part2=True)
    refused = signed_in(psychiatrist).post(f"{page}sign/", {"version": 2})
    assert refused.status_code == 422
    assert "The visit is labelled" in refused.content.decode()
    read = EncounterNote.objects.get(pk=made.pk)
    with pytest.raises(WrongNote, match="visit is labelled"):
        change_note(read, version=2, texts={}, encounter_on=date(2026, 3, 2), part2=False)
    Appointment.objects.update(part2=False)
    signed(EncounterNote.objects.get(pk=made.pk), psychiatrist)
    Appointment.objects.update(part2=True)
    shown = signed_in(therapist).get(page)
    assert shown.status_code == 200
    assert "· visit" not in shown.content.decode()


def test_reading_a_note_is_on_record_by_its_id(note, chart, signed_in, psychiatrist):
    signed_in(psychiatrist).get(f"{chart}{note.pk}/")
    assert AuditEvent.objects.filter(object_label="insights.EncounterNote", object_id=str(note.pk)).exists()


def test_the_formats_are_data_and_a_sites_own_are_added(settings, tmp_path):
    said = {"id": "ward", "version": 1, "title": "Ward round", "task": "clinical",
            "sections": [{"id": "seen", "title": "Seen", "draws": ["measured"]}]}  # fmt: skip
    import json

    (tmp_path / "ward-1.json").write_text(json.dumps(said))
    settings.NOTE_FORMATS_DIR = str(tmp_path)
    assert {one.id for one in formats()} == {"soap", "contact", "ward"}
    assert format_of("ward", 1).sections[0].title == "Seen"
