"""Psychotherapy notes are their author's alone, and leave no trace anywhere else."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection

from novamind import clock
from novamind.audit.models import AuditEvent
from novamind.phi.models import DataKey
from patients.consent import record_consent
from patients.emergency import open_emergency
from patients.models import REDISCLOSURE_NOTICE, PsychotherapyAuthorization, PsychotherapyNote
from patients.psychotherapy import authorize_reader, write_note
from patients.services import join_team, leave_team, share_patient

WORDS = "Xanthippe-9931 dreamt of the sea"


@pytest.fixture
def note(patient, psychiatrist):
    return write_note(patient=patient, author=psychiatrist, text=WORDS, part2=False)


def test_the_author_who_left_the_care_does_not_come_back_by_emergency(note, signed_in, psychiatrist, team):
    leave_team(team=team, user=psychiatrist)
    assert opens(signed_in, psychiatrist, note) == 404
    open_emergency(patient=note.patient, user=psychiatrist, reason="medical_emergency", explanation="On arrival, alone")
    assert signed_in(psychiatrist).get(f"/patients/{note.patient_id}/consents/").status_code == 200
    assert opens(signed_in, psychiatrist, note) == 404


def address(note, tail=""):
    return f"/patients/{note.patient_id}/psychotherapy/{note.pk}/{tail}"


def authorize(note, reader, **more):
    return authorize_reader(note, reader=reader, signed_on=clock.now().date(), valid_until=None, **more)


def opens(signed_in, user, note):
    answer = signed_in(user).get(address(note))
    assert (WORDS in answer.content.decode()) == (answer.status_code == 200)
    return answer.status_code


def test_only_the_author_opens_a_note(note, signed_in, make_user, team, psychiatrist, therapist, nurse, patient):
    both = make_user("both@clinic.test", "psychiatrist", is_superuser=True, is_staff=True)
    share_patient(patient=patient, user=both)
    open_emergency(patient=patient, user=nurse, reason="medical_emergency", explanation="In the waiting room, alone")
    assert [opens(signed_in, user, note) for user in (psychiatrist, therapist, nurse, both)] == [200, 404, 404, 404]


def test_an_authorization_opens_one_note_for_one_reader_until_it_is_withdrawn(
    note, signed_in, psychiatrist, therapist, make_user, team, patient
):
    other = write_note(patient=patient, author=psychiatrist, text=WORDS, part2=False)
    third = make_user("third@clinic.test", "therapist")
    join_team(team=team, user=third)
    client = signed_in(psychiatrist)
    sent = {"reader": therapist.pk, "signed_on": clock.now().date().isoformat()}
    assert client.post(address(note, "authorize/"), sent).status_code == 302
    assert client.post(address(note, "authorize/"), sent).status_code == 422
    assert [opens(signed_in, therapist, n) for n in (note, other)] == [200, 404]
    assert opens(signed_in, third, note) == 404
    standing = PsychotherapyAuthorization.objects.get()
    assert signed_in(therapist).post(address(note, f"authorizations/{standing.pk}/withdraw/")).status_code == 404
    assert signed_in(psychiatrist).post(address(note, f"authorizations/{standing.pk}/withdraw/")).status_code == 302
    assert opens(signed_in, therapist, note) == 404


def test_an_authorization_ends_on_its_day_and_with_the_care(note, signed_in, therapist, team, monkeypatch):
    standing = authorize(note, therapist)
    assert opens(signed_in, therapist, note) == 200
    standing.valid_until = clock.now().date() - timedelta(days=1)
    standing.save()
    assert opens(signed_in, therapist, note) == 404
    standing.valid_until = None
    standing.save()
    leave_team(team=team, user=therapist)
    assert opens(signed_in, therapist, note) == 404


def test_nobody_outside_the_patients_care_can_be_authorized(note, signed_in, psychiatrist, nurse):
    sent = {"reader": nurse.pk, "signed_on": clock.now().date().isoformat()}
    assert signed_in(psychiatrist).post(address(note, "authorize/"), sent).status_code == 422
    assert not PsychotherapyAuthorization.objects.exists()


def test_a_reader_changes_signs_and_passes_on_nothing(note, signed_in, therapist):
    authorize(note, therapist)
    client = signed_in(therapist)
    assert client.get(address(note, "edit/")).status_code == 404
    for tail in ("edit/", "sign/", "authorize/"):
        assert client.post(address(note, tail), {"text": "x", "version": 1}).status_code == 404


def test_a_note_is_changed_until_it_is_signed(note, signed_in, psychiatrist):
    client = signed_in(psychiatrist)
    assert client.post(address(note, "edit/"), {"text": "second", "version": 1}).status_code == 302
    assert client.post(address(note, "edit/"), {"text": "from an old form", "version": 1}).status_code == 409
    assert client.post(address(note, "sign/")).status_code == 302
    assert client.post(address(note, "edit/"), {"text": "third", "version": 2}).status_code == 404
    assert PsychotherapyNote.objects.get().text == "second"


def test_a_note_has_a_key_of_its_own(note, patient):
    keys = DataKey.objects.filter(patient_id=patient.pk)
    assert set(keys.values_list("purpose", flat=True)) == {"data", "therapy"}
    with connection.cursor() as cursor:
        cursor.execute("SELECT text FROM patients_psychotherapynote")
        stored = bytes(cursor.fetchone()[0])
    assert int.from_bytes(stored[1:5], "big") == keys.get(purpose="therapy").number
    assert WORDS.encode() not in stored


def test_every_opening_is_recorded_by_the_notes_id(note, signed_in, psychiatrist, therapist):
    opens(signed_in, psychiatrist, note)
    opens(signed_in, therapist, note)
    events = AuditEvent.objects.filter(action="patients:psychotherapy-note").order_by("at")
    assert [(e.outcome, e.actor_id) for e in events] == [("success", psychiatrist.pk), ("refused", therapist.pk)]
    assert (events[0].object_label, events[0].object_id) == ("patients.PsychotherapyNote", str(note.pk))
    assert list(events[0].patients.values_list("patient_id", flat=True)) == [note.patient_id]


@pytest.mark.exhaustive
def test_its_words_are_on_no_other_page(note, signed_in, psychiatrist, clinical_admin, patient):
    from tests.urls_of_novamind import every_url

    share_patient(patient=patient, user=clinical_admin)
    asked = 0
    for user in (psychiatrist, clinical_admin):
        client = signed_in(user)
        client.raise_request_exception = False
        for url in every_url():
            if set(url.parameters) <= {"patient_id", "pk"} and url.named and not url.name.startswith("mfa_"):
                asked += 1
                answer = client.get(url.of({"patient_id": patient.pk, "pk": patient.pk}))
                assert WORDS not in answer.content.decode(errors="replace"), url.name
        assert WORDS not in client.post("/patients/search/", {"q": "Xanthippe"}).content.decode()
    assert asked > 60


def test_a_labelled_note_needs_the_patients_part_2_consent_beside_the_authorization(
    patient, psychiatrist, therapist, signed_in
):
    note = write_note(patient=patient, author=psychiatrist, text=WORDS, part2=True)
    authorize(note, therapist)
    assert [opens(signed_in, user, note) for user in (psychiatrist, therapist)] == [200, 404]
    decide = {"patient": patient, "purpose": "treatment", "stream": "part2", "how": "written", "by": None}
    record_consent(given=True, **decide)
    assert REDISCLOSURE_NOTICE in signed_in(therapist).get(address(note)).content.decode()
    record_consent(given=False, **decide)
    assert opens(signed_in, therapist, note) == 404
    plain = write_note(patient=patient, author=psychiatrist, text=WORDS, part2=False)
    assert REDISCLOSURE_NOTICE not in signed_in(psychiatrist).get(address(plain)).content.decode()


def test_labelled_rows_are_for_the_programme_the_consented_and_the_medical_emergency(
    patient, psychiatrist, therapist, nurse, team
):
    note = write_note(patient=patient, author=psychiatrist, text=WORDS, part2=True)
    plain = write_note(patient=patient, author=psychiatrist, text=WORDS, part2=False)

    def released(user):
        return set(PsychotherapyNote.objects.releasable_to(user))

    assert released(nurse) == set()
    assert released(therapist) == {plain}
    open_emergency(patient=patient, user=nurse, reason="covering", explanation="The colleague is not here now")
    assert released(nurse) == {plain}
    open_emergency(patient=patient, user=nurse, reason="medical_emergency", explanation="Unconscious, on arrival")
    assert released(nurse) == {plain, note}
    team.part2_programme = True
    team.save()
    assert released(therapist) == {plain, note}


@pytest.mark.parametrize(("method", "tail", "status"), [("get", "edit/", 200), ("post", "authorize/", 422)])
def test_a_note_is_on_record_by_its_id_also_where_a_form_shows_it(method, tail, status, note, signed_in, psychiatrist):
    answer = getattr(signed_in(psychiatrist), method)(address(note, tail))
    assert (answer.status_code, WORDS in answer.content.decode()) == (status, True)
    event = AuditEvent.objects.get(request_id=answer["X-Request-ID"])
    assert (event.object_label, event.object_id) == ("patients.PsychotherapyNote", str(note.pk))
