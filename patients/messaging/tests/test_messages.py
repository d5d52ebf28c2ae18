"""Messages: sent once, read by whom they are for, told of without a word of them, never changed."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import pytest
from django.contrib.auth.models import Group
from django.db import DatabaseError, connection, transaction
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from novamind.audit.models import AuditEvent
from novamind.delivery import sending
from novamind.delivery.models import Delivery
from novamind.delivery.templates import TEMPLATES
from patients.emergency import open_emergency
from patients.messaging import services
from patients.messaging.forms import ReplyTemplateForm
from patients.messaging.services import (
    NobodyReads,
    NotYours,
    WrongLabel,
    label_thread,
    mark_in_error,
    mark_read,
    send_message,
    start_thread,
)
from patients.models import Message, MessageMark, MessageThread, ReplyTemplate
from patients.reports.services import KeyReused
from patients.services import join_team, leave_team, link_own_account

WORDS = "Xanthippe-4417 cannot sleep"
MINE = "/patients/mine/messages/"


@pytest.fixture
def own(make_user: Any, patient: Any) -> Any:
    user = make_user("self@clinic.test", "patient")
    link_own_account(patient=patient, user=user)
    return user


@pytest.fixture
def written(patient: Any, own: Any, psychiatrist: Any) -> Message:
    """What the patient wrote first."""
    return start_thread(patient=patient, by=own, by_patient=True, subject="Nights", text=WORDS).message


def answer(written: Message, by: Any, text: str = "Come on Monday.", **more: Any) -> Message:
    seen = written.thread.messages.latest("at").pk
    return send_message(written.thread, by=by, by_patient=False, text=text, seen=seen, **more).message


def read_all(thread: MessageThread, by: Any, *, by_patient: bool) -> int:
    return mark_read(thread, by=by, by_patient=by_patient, seen=thread.messages.latest("at").pk)


def address(message: Message, tail: str = "") -> str:
    return f"/patients/{message.patient_id}/messages/{message.thread_id}/{tail}"


def opens(client: Any, message: Message) -> int:
    reply = client.get(address(message))
    assert (WORDS in reply.content.decode()) == (reply.status_code == 200)
    return reply.status_code


def notices(**of: Any) -> list[str]:
    return sorted(Delivery.objects.filter(**of).values_list("state", flat=True))


def test_subject_and_words_are_ciphertext(written):
    with connection.cursor() as cursor:
        cursor.execute("SELECT text FROM patients_message")
        text = bytes(cursor.fetchone()[0])
        cursor.execute("SELECT subject FROM patients_messagethread")
        subject = bytes(cursor.fetchone()[0])
    assert b"Xanthippe" not in text
    assert b"Nights" not in subject


def test_who_cares_for_the_patient_reads_and_nobody_else(
    written, signed_in, psychiatrist, therapist, nurse, clinical_admin, superuser, researcher
):
    readers = (psychiatrist, therapist, nurse, clinical_admin, superuser, researcher)
    assert [opens(signed_in(user), written) for user in readers] == [200, 200, 404, 403, 403, 403]


def test_whoever_left_the_team_or_is_deactivated_reads_no_more(written, signed_in, psychiatrist, therapist, team):
    client = signed_in(psychiatrist)
    assert opens(client, written) == 200
    leave_team(team=team, user=psychiatrist)
    assert opens(client, written) == 404
    client = signed_in(therapist)
    therapist.is_active = False
    therapist.save()
    assert client.get(address(written)).status_code == 302  # to the sign-in


def test_an_emergency_reads_and_does_not_write(written, signed_in, nurse, own):
    open_emergency(patient=written.patient, user=nurse, reason="medical_emergency", explanation="On arrival, alone")
    client = signed_in(nurse)
    assert opens(client, written) == 200
    assert client.post(address(written), {"text": "x"}).status_code == 403
    assert client.post(address(written, "read/")).status_code == 403
    assert WORDS not in (inbox := client.get("/patients/messages/").content.decode())
    assert "Nights" not in inbox


def test_a_patient_reads_and_answers_the_own_threads_alone(written, signed_in, own, make_user, make_patient, team):
    other = make_patient(team, mrn="OTHER-7")
    stranger = make_user("other@clinic.test", "patient")
    link_own_account(patient=other, user=stranger)
    client = signed_in(stranger)
    assert client.get(f"{MINE}{written.thread_id}/").status_code == 404
    assert client.post(f"{MINE}{written.thread_id}/", {"text": "x"}).status_code == 404
    assert "Nights" not in client.get(MINE).content.decode()
    assert client.get(f"/api/v1/patients/{written.patient_id}/messages").status_code == 404
    client = signed_in(own)
    assert "Nights" in client.get(MINE).content.decode()
    assert WORDS in client.get(f"{MINE}{written.thread_id}/").content.decode()
    assert client.get(address(written)).status_code == 403


def test_older_words_are_shown_to_who_has_just_signed_in_and_writing_needs_no_such_thing(written, signed_in, own):
    client = signed_in(own)
    session = client.session
    for entry in session["account_authentication_methods"]:
        entry["at"] -= 3600
    session.save()
    for page in (MINE, f"{MINE}{written.thread_id}/"):
        reply = client.get(page)
        assert (reply.status_code, reply.headers["Location"].split("?")[0]) == (302, reverse("account_reauthenticate"))
    assert client.get(f"{MINE}new/").status_code == 200
    once = "7c3f8b4e-2a58-4a53-8f5e-0d8ffb7cb6a1"
    typed = client.post(f"{MINE}{written.thread_id}/", {"text": " ", "once": once})
    assert typed.status_code == 422
    assert WORDS not in typed.content.decode()
    sent = client.post(f"{MINE}{written.thread_id}/", {"text": "Better now.", "once": once})
    assert sent.status_code == 200
    assert Message.objects.count() == 2


def test_where_a_patient_writes_it_says_that_nobody_is_monitoring_and_whom_to_call(written, signed_in, own, settings):
    settings.CRISIS_TEXT = "Call 113."
    client = signed_in(own)
    for page in (MINE, f"{MINE}new/", f"{MINE}{written.thread_id}/"):
        said = client.get(page).content.decode()
        assert "Call 113." in said
        assert "Nobody is monitoring messages, at any hour." in said
    once = "7c3f8b4e-2a58-4a53-8f5e-0d8ffb7cb6a2"
    sent = client.post(f"{MINE}new/", {"subject": "S", "text": "T", "once": once})
    assert "Call 113." in sent.content.decode()


def test_a_page_sent_twice_is_one_message_and_other_words_under_its_key_are_refused(signed_in, own, psychiatrist):
    client = signed_in(own)
    sent = {"subject": "S", "text": "T", "once": "7c3f8b4e-2a58-4a53-8f5e-0d8ffb7cb6a3"}
    assert [client.post(f"{MINE}new/", sent).status_code for _ in range(2)] == [200, 200]
    assert client.post(f"{MINE}new/", sent | {"text": "Other"}).status_code == 409
    assert (MessageThread.objects.count(), Message.objects.count()) == (1, 1)


def test_two_at_once_under_one_key_are_one_thread(patient, own, psychiatrist, monkeypatch):
    first = start_thread(patient=patient, by=own, by_patient=True, subject="S", text="T", key="k")
    found = iter([None])
    kept = services._kept
    monkeypatch.setattr(services, "_kept", lambda *args: next(found, False) or (kept(*args) if found_all() else None))
    calls: list[int] = []

    def found_all() -> bool:
        calls.append(1)
        return len(calls) > 1

    second = start_thread(patient=patient, by=own, by_patient=True, subject="S", text="T", key="k")
    assert (second.message.pk, second.created) == (first.message.pk, False)
    assert MessageThread.objects.count() == 1


def test_clinicians_are_told_once_in_a_thread_until_it_is_read(written, own, psychiatrist, therapist):
    assert Delivery.objects.count() == 1  # the therapist came later
    for text in ("And again", "And again."):
        send_message(written.thread, by=own, by_patient=True, text=text)
    told = Delivery.objects.filter(about_id=written.pk)
    assert {(row.template, row.channel) for row in told} == {("message", "email")}
    assert {row.user for row in told} == {psychiatrist, therapist}
    assert Delivery.objects.count() == 2
    assert read_all(written.thread, psychiatrist, by_patient=False) == 3
    assert notices() == ["cancelled", "cancelled"]
    send_message(written.thread, by=own, by_patient=True, text="Once more")
    assert notices() == ["cancelled", "cancelled", "waiting", "waiting"]


def test_an_answer_counts_as_having_read_and_the_patient_is_told_once(written, own, psychiatrist):
    answer(written, psychiatrist)
    answer(written, psychiatrist, "At nine.")
    mark = MessageMark.objects.get()
    assert (mark.message_id, mark.what, mark.by) == (written.pk, "read", psychiatrist)
    assert notices(patient_id=written.patient_id) == ["waiting"]
    assert read_all(written.thread, own, by_patient=True) == 2
    assert notices(patient_id=written.patient_id) == ["cancelled"]


def test_what_came_after_a_page_was_opened_is_not_read_by_what_is_sent_from_it(written, own, psychiatrist, signed_in):
    client = signed_in(psychiatrist)
    page = client.get(address(written)).content.decode()
    assert f'name="seen" value="{written.pk}"' in page
    later = send_message(written.thread, by=own, by_patient=True, text="I took all of them").message
    client.post(address(written, "read/"), {"seen": str(written.pk)})
    client.post(address(written), {"text": "Come.", "seen": str(written.pk), "once": str(uuid4())})
    assert {mark.message_id for mark in MessageMark.objects.all()} == {written.pk}
    assert set(Delivery.objects.filter(about_id=later.pk).values_list("state", flat=True)) <= {"waiting"}
    said = client.get("/patients/messages/").content.decode()
    assert "not read" in said
    client.post(address(written), {"text": "Come.", "once": str(uuid4())})  # says nothing of what it has seen
    assert MessageMark.objects.filter(what="read", message__by_patient=True).count() == 1


def test_a_patient_s_old_page_proves_no_reading(written, own, psychiatrist, signed_in, monkeypatch):
    told = answer(written, psychiatrist, "Take one.")
    client = signed_in(own)
    monkeypatch.setattr("patients.messaging.views.mine.just_signed_in", lambda request: False)
    sent = {"text": "Words sent later", "seen": str(told.pk), "once": str(uuid4())}
    assert client.post(f"{MINE}{written.thread_id}/", sent).status_code == 200
    assert not MessageMark.objects.filter(message=told).exists()
    monkeypatch.undo()
    assert client.post(f"{MINE}{written.thread_id}/", sent | {"once": str(uuid4())}).status_code == 200
    assert MessageMark.objects.filter(message=told, what="read").exists()


def test_who_loses_a_thread_by_its_label_is_told_of_nothing_in_it(written, therapist, psychiatrist, own):
    send_message(written.thread, by=own, by_patient=True, text="More")
    thread = written.thread
    thread.part2 = True
    thread.save()
    services._call_off_notices(thread)
    may = {user.pk for user in services.readers(thread)}
    assert {row.user_id for row in Delivery.objects.filter(state="waiting")} <= may


def test_a_notice_says_nothing_and_waits_until_quiet_hours_are_over(written, psychiatrist, settings, monkeypatch):
    template = TEMPLATES["message"]
    assert not template.urgent
    assert (template.subject, template.text) == (
        "You have a message",
        "You have a message. Sign in to read it: {site}\n",
    )
    settings.QUIET_HOURS = "21:00-08:00"
    night = datetime(2027, 3, 1, 23, tzinfo=UTC)
    monkeypatch.setattr("novamind.clock.now", lambda: night)
    row = Delivery.objects.get()
    assert row.key == f"message:{written.pk}:{psychiatrist.pk}"
    sending.send(row.pk)
    row.refresh_from_db()
    assert row.state == "waiting"


def test_a_message_stays_as_it_was_sent(written):
    with pytest.raises(TypeError):
        Message.objects.update(by_patient=False)
    with pytest.raises(TypeError):
        Message.objects.all().delete()


def test_the_database_refuses_to_change_a_message(written, psychiatrist, request):
    if request.config.getoption("nomigrations"):
        pytest.skip("triggers come with migrations")
    answer(written, psychiatrist)
    for change in ("UPDATE patients_message SET by_patient = NOT by_patient",
                   "UPDATE patients_messagemark SET what = 'error'"):  # fmt: skip
        with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(change)


def test_a_message_sent_in_error_is_struck_through_by_its_sender_alone(
    written, signed_in, own, psychiatrist, therapist
):
    wrong = answer(written, psychiatrist, "For somebody else.")
    assert signed_in(therapist).post(address(wrong, f"{wrong.pk}/error/")).status_code == 403
    with pytest.raises(NotYours):
        mark_in_error(written, by=psychiatrist, why="")
    assert signed_in(psychiatrist).post(address(wrong, f"{wrong.pk}/error/"), {"why": "Mixed up"}).status_code == 302
    mark_in_error(wrong, by=psychiatrist, why="again")
    assert notices(patient_id=wrong.patient_id) == ["cancelled"]
    said = signed_in(own).get(f"{MINE}{wrong.thread_id}/").content.decode()
    assert "<del><p>For somebody else.</p></del>" in said
    assert "Mixed up" in said
    assert MessageMark.objects.filter(what="error").count() == 1


def test_who_corrects_a_message_before_its_notice_left_is_still_told_of(written, psychiatrist, own):
    """The notice was the first message's; it is cancelled with it, and the second's takes its place."""
    wrong = answer(written, psychiatrist, "Take two.")
    right = answer(written, psychiatrist, "Take one.")
    assert notices(patient_id=wrong.patient_id) == ["waiting"]
    mark_in_error(wrong, by=psychiatrist, why="")
    assert sorted(notices(patient_id=wrong.patient_id)) == ["cancelled", "waiting"]
    assert Delivery.objects.get(patient_id=wrong.patient_id, state="waiting").about_id == right.pk
    mark_in_error(right, by=psychiatrist, why="")
    assert sorted(notices(patient_id=wrong.patient_id)) == ["cancelled", "cancelled"]


def test_nobody_is_written_to_who_could_not_read_it(patient, psychiatrist, own, team):
    Group.objects.get(name="patient").user_set.clear()
    own.is_active = False
    own.save()
    with pytest.raises(NobodyReads):
        start_thread(patient=patient, by=psychiatrist, by_patient=False, subject="S", text="T")
    leave_team(team=team, user=psychiatrist)
    with pytest.raises(NobodyReads):
        start_thread(patient=patient, by=own, by_patient=True, subject="S", text="T")


def test_a_labelled_thread_is_for_who_may_have_part_2_records(
    patient, own, psychiatrist, therapist, signed_in, make_user
):
    from patients.models import CareTeam
    from patients.services import assign_patient

    programme = CareTeam.objects.create(name="Programme", part2_programme=True)
    assign_patient(team=programme, patient=patient)
    counsellor = make_user("counsellor@clinic.test", "therapist")
    join_team(team=programme, user=counsellor)
    with pytest.raises(WrongLabel):
        start_thread(patient=patient, by=psychiatrist, by_patient=False, subject="S", text=WORDS, part2=True)
    assert not MessageThread.objects.exists()
    labelled = start_thread(
        patient=patient, by=counsellor, by_patient=False, subject="S", text=WORDS, part2=True
    ).message  # fmt: skip
    assert [opens(signed_in(user), labelled) for user in (counsellor, psychiatrist)] == [200, 404]
    send_message(labelled.thread, by=own, by_patient=True, text="Yes.")
    assert list(Delivery.objects.filter(user__isnull=False).values_list("user", flat=True)) == [counsellor.pk]
    assert signed_in(psychiatrist).get(f"/api/v1/patients/{patient.pk}/messages").json()["results"] == []
    label_thread(labelled.thread, by=counsellor, part2=False)
    assert opens(signed_in(psychiatrist), labelled) == 200


def test_every_look_and_every_word_is_on_record(written, signed_in, psychiatrist, own):
    signed_in(psychiatrist).get(address(written))
    signed_in(own).post(f"{MINE}{written.thread_id}/", {"text": "T", "once": "7c3f8b4e-2a58-4a53-8f5e-0d8ffb7cb6a4"})
    signed_in(own).get(f"{MINE}{written.thread_id}/")
    rows = AuditEvent.objects.filter(action__contains="thread").order_by("at")
    assert [(row.action, row.event_type, row.purpose) for row in rows] == [
        ("patients:thread", "DATA_ACCESS", "TREAT"),
        ("patients:my-thread", "CREATION", "PATRQT"),
        ("patients:my-thread", "DATA_ACCESS", "PATRQT"),
    ]
    assert {tuple(row.patients.values_list("patient_id", flat=True)) for row in rows} == {(written.patient_id,)}


def test_the_inbox_has_the_unread_first_and_of_them_what_has_waited_longest(written, own, psychiatrist, signed_in):
    client = signed_in(psychiatrist)
    client.get("/patients/messages/")
    with CaptureQueriesContext(connection) as one:
        client.get("/patients/messages/")
    started = [
        start_thread(patient=written.patient, by=own, by_patient=True, subject=subject, text="T").message
        for subject in ("Second", "Third")
    ]
    read_all(started[0].thread, psychiatrist, by_patient=False)
    with CaptureQueriesContext(connection) as three:
        said = client.get("/patients/messages/").content.decode()
    assert said.index("Nights") < said.index("Third") < said.index("Second")
    assert WORDS not in said
    assert len(three) == len(one)


def test_a_reply_of_the_clinic_is_put_beneath_what_was_typed_and_nothing_is_sent(written, signed_in, psychiatrist):
    kept = ReplyTemplate.objects.create(name="Desk", text="Call the desk.")
    sent = {"text": "Dear you", "insert": "1", "template": str(kept.pk), "once": "7c3f8b4e-2a58-4a53-8f5e-0d8ffb7cb6a5"}
    client = signed_in(psychiatrist)
    said = client.post(address(written), sent).content.decode()
    assert "Dear you\n\nCall the desk." in said
    assert "Dear you" in client.post(address(written), sent | {"template": "no id"}).content.decode()
    assert Message.objects.count() == 1


@pytest.mark.parametrize("text", ["Dear {name}", "Dear <name>", "[date]", "%(name)s", "$name", "{{ patient }}"])
def test_a_reply_of_the_clinic_has_no_placeholder(db, text):
    assert not ReplyTemplateForm({"name": "N", "text": text}).is_valid()
    assert ReplyTemplateForm({"name": "N", "text": "50 % of 20 $, please."}).is_valid()


def test_a_notice_is_sent_again_by_hand_while_it_is_unread(written, signed_in, psychiatrist):
    sent = answer(written, psychiatrist)
    client = signed_in(psychiatrist)
    client.post(address(sent, f"{sent.pk}/notify/"))
    assert notices(patient_id=sent.patient_id) == ["waiting"]
    Delivery.objects.filter(patient_id=sent.patient_id).update(state="failed")
    client.post(address(sent, f"{sent.pk}/notify/"))
    assert notices(patient_id=sent.patient_id) == ["failed", "waiting"]
    assert "failed" in client.get(address(sent)).content.decode()


def api(message: Message, tail: str = "") -> str:
    return f"/api/v1/patients/{message.patient_id}/messages{tail}"


def test_the_api_lists_reads_and_sends_once_for_each_key(written, signed_in, own, psychiatrist):
    client = signed_in(own)
    answer(written, psychiatrist)
    (listed,) = client.get(api(written)).json()["results"]
    assert (listed["subject"], listed["unread"]) == ("Nights", True)
    one = api(written, f"/{written.thread_id}")
    whole = client.get(one).json()
    assert [(line["text"], line["by_patient"]) for line in whole["messages"]] == [
        (WORDS, True), ("Come on Monday.", False)
    ]  # fmt: skip
    assert set(whole["help"]) == {"crisis_text"}
    assert client.post(f"{one}/read", {}, content_type="application/json").status_code == 400
    seen = {"seen": whole["messages"][-1]["id"]}
    assert client.post(f"{one}/read", seen, content_type="application/json").json() == {"read": 1}
    sent = [
        client.post(one, {"text": "T"}, content_type="application/json", headers={"Idempotency-Key": "k1"})
        for _ in range(2)
    ]
    assert [reply.status_code for reply in sent] == [201, 200]
    assert sent[0].json()["id"] == sent[1].json()["id"]
    other = client.post(one, {"text": "U"}, content_type="application/json", headers={"Idempotency-Key": "k1"})
    assert (other.status_code, other.json()["code"]) == (422, "key_reused")
    begun = client.post(api(written), {"subject": "S", "text": "T", "part2": True}, content_type="application/json")
    assert begun.status_code == 201
    assert not MessageThread.objects.get(pk=begun.json()["thread_id"]).part2
    assert Message.objects.count() == 4


def test_the_api_refuses_who_may_not(written, signed_in, nurse, clinical_admin):
    assert signed_in(nurse).get(api(written, f"/{written.thread_id}")).status_code == 404
    assert signed_in(clinical_admin).get(api(written)).status_code == 403


def test_messages_have_a_rate_of_their_own(written, signed_in, own, monkeypatch):
    from novamind.throttle.rates import RATES, Rate

    monkeypatch.setattr("novamind.throttle.callers.RATES", dict(RATES) | {"message": Rate(1, 3600, "messages")})
    client = signed_in(own)
    sent = {"content_type": "application/json"}
    assert [client.post(api(written), {"subject": "S", "text": "T"}, **sent).status_code for _ in range(2)] == [
        201,
        429,
    ]
    assert client.get(api(written)).status_code == 200


def test_words_under_a_key_that_was_used_for_others_are_refused(written, own):
    send_message(written.thread, by=own, by_patient=True, text="A", key="k")
    assert not send_message(written.thread, by=own, by_patient=True, text="A", key="k").created
    with pytest.raises(KeyReused):
        send_message(written.thread, by=own, by_patient=True, text="B", key="k")
