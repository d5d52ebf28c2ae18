"""The timeline: everything of a patient in order, each kind under the rules of its own page, in few queries."""

from __future__ import annotations

import re
from datetime import date, timedelta
from types import SimpleNamespace
from typing import Any
from urllib.parse import parse_qs, urlencode
from uuid import uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from insights.models import EncounterNote, Insight
from insights.notes.formats import format_of
from insights.notes.writing import change_note, discard_note, sign_note, start_note
from insights.timeline.page import SHOWN, Place, timeline_of
from insights.timeline.sources import KINDS, SOURCES
from novamind import clock
from novamind.accounts.roles import RIGHTS
from patients.consent import record_consent
from patients.models import Appointment, CheckIn, Message, MessageThread, PsychotherapyNote
from patients.services import assign_patient, join_team
from patients.treatment.diagnosing import change_condition, record_condition
from patients.treatment.prescribing import prescribe
from patients.vocabularies import PartialDate
from tests.one_of_everything import one_of_everything

pytestmark = pytest.mark.django_db


@pytest.fixture
def page(patient: Any) -> str:
    return f"/patients/{patient.pk}/timeline/"


@pytest.fixture
def chart(patient: Any, psychiatrist: Any) -> SimpleNamespace:
    """One row of every kind, with a signed note and the patient's consent to models."""
    made = one_of_everything(patient)
    made.appointment.at = clock.now() - timedelta(days=1)
    made.appointment.save()
    sign_note(EncounterNote.objects.get(pk=made.encounter.pk), version=1, by=psychiatrist)
    made.taken = prescribe(patient=patient, name="sertraline", by=psychiatrist, started=PartialDate(date(2026, 3, 1)))
    made.known = record_condition(patient=patient, text="Zqxcondition", by=psychiatrist)
    for stream in ("questionnaires", "actigraphy"):
        record_consent(patient=patient, purpose="models", stream=stream, given=True, how="written", by=psychiatrist)
    return made


def tags(html: str) -> set[str]:
    """The kinds that have a line."""
    return set(re.findall(r'</time> <span class="tag">([^<]+)</span>', html))


def lines(html: str) -> list[str]:
    return re.findall(r'</span> <span><a href="[^"]+">([^<]+)</a>', html)


def test_every_kind_has_its_line_and_leads_to_its_page(chart, page, signed_in, psychiatrist):
    browser = signed_in(psychiatrist)
    html = browser.get(page).content.decode()
    assert tags(html) == {one.label for one in KINDS.values()}
    for address in set(re.findall(r'</span> <span><a href="([^"]+)">', html)):
        assert browser.get(address).status_code == 200, address


def test_words_of_notes_messages_and_check_ins_are_not_on_it(chart, page, signed_in, psychiatrist):
    Message.objects.create(
        patient=chart.patient, thread=chart.thread, by=psychiatrist, by_patient=False, text="Zqxwrote"
    )
    html = signed_in(psychiatrist).get(page).content.decode()
    for kind in ("notes", "messages", "check-ins"):
        told = lines(signed_in(psychiatrist).get(page, {"kind": kind}).content.decode())
        assert told
        assert not any("Zqx" in one for one in told)
    assert "Zqxwrote" not in html


def test_a_diagnosis_of_today_stands_on_no_earlier_day(patient, page, signed_in, psychiatrist):
    made = record_condition(patient=patient, code="F32.1", text="first", by=psychiatrist)
    change_condition(made, version=made.version, by=psychiatrist, code="F31.3", text="later")
    told = lines(signed_in(psychiatrist).get(page, {"kind": "conditions"}).content.decode())
    assert ["F31.3" in one for one in told] == [True, False]
    assert ["F32.1" in one for one in told] == [False, True]


def test_what_is_asked_for_alone_is_alone(chart, page, signed_in, psychiatrist):
    browser = signed_in(psychiatrist)
    for kind, one in KINDS.items():
        assert tags(browser.get(page, {"kind": kind}).content.decode()) == {one.label}


@pytest.mark.parametrize(
    ("stream", "gone"),
    [("notes", {"Visits", "Notes", "Conditions"}), ("questionnaires", {"Questionnaires", "Check-ins", "Digital twin"}),
     ("medication", {"Medication"}), ("genotype", {"Genotype"}), ("actigraphy", {"Recordings", "Statements"})],
)  # fmt: skip
def test_what_the_patient_withholds_is_not_listed_and_said_so(chart, page, signed_in, psychiatrist, stream, gone):
    record_consent(
        patient=chart.patient, purpose="treatment", stream=stream, given=False, how="spoken", by=psychiatrist
    )
    html = signed_in(psychiatrist).get(page).content.decode()
    assert tags(html) == {one.label for one in KINDS.values()} - gone
    by_row = {"Statements", "Digital twin"}
    for label in gone - by_row:
        assert f"{label.lower()} (the patient has not consented to this use)" in html
    assert ("of this time rests on" in html) is bool(gone & by_row)


def test_the_twin_is_told_of_as_its_page_does(chart, page, signed_in, psychiatrist):
    record_consent(
        patient=chart.patient, purpose="models", stream="questionnaires", given=False, how="spoken", by=psychiatrist
    )
    html = signed_in(psychiatrist).get(page, {"kind": "twin"}).content.decode()
    assert not lines(html)
    assert "1 statement or version of the digital twin of this time rests on" in html


def test_a_role_sees_the_kinds_of_its_rights_and_reads_why_not_others(chart, page, signed_in, make_user, team):
    admin = make_user("runs@clinic.test", "clinical admin")
    join_team(team=team, user=admin)
    html = signed_in(admin).get(page).content.decode()
    rights = {one.label: one.right for one in KINDS.values()}
    assert tags(html) == {label for label, right in rights.items() if "clinical admin" in RIGHTS[right]}
    assert "notes (your role does not open them)" in html
    assert not lines(signed_in(admin).get(page, {"kind": "notes"}).content.decode())


def test_labelled_rows_are_told_to_whom_part_2_lets_read_them(
    chart, page, signed_in, psychiatrist, therapist, other_team
):
    for row in (chart.appointment, chart.known, chart.taken, chart.thread):
        type(row).objects.filter(pk=row.pk).update(part2=True)
    unread = signed_in(therapist).get(page).content.decode()
    assert not {"Visits", "Messages"} & tags(unread)
    assert "sertraline" not in unread
    assert "Zqxcondition" not in unread
    assert "42 CFR part 2 prohibits" not in unread
    other_team.part2_programme = True
    other_team.save()
    join_team(team=other_team, user=psychiatrist)
    assign_patient(team=other_team, patient=chart.patient)
    read = signed_in(psychiatrist).get(page).content.decode()
    assert {"Visits", "Messages"} <= tags(read)
    assert "sertraline" in read
    assert "42 CFR part 2 prohibits" in read


def test_psychotherapy_notes_and_drafts_are_on_no_timeline(patient, page, signed_in, psychiatrist):
    PsychotherapyNote.objects.create(patient=patient, author=psychiatrist, text="Zqxsession", signed_at=clock.now())
    note = start_note(patient=patient, author=psychiatrist, form=format_of("soap"), encounter_on=date(2026, 3, 2))
    html = signed_in(psychiatrist).get(page).content.decode()
    assert not lines(html)
    assert "There is nothing to list" in html
    assert "Private (psychotherapy) notes are on no timeline" in html
    discard_note(note, version=1)
    assert not lines(signed_in(psychiatrist).get(page).content.decode())


def test_of_several_check_ins_of_a_day_the_last_is_the_days_line(patient, page, signed_in, psychiatrist):
    now = clock.now() - timedelta(hours=1)
    for mood in (2, 7):
        CheckIn.objects.create(
            patient=patient, at=now + timedelta(minutes=mood), by_patient=True, day=now.date(), mood=mood
        )
    assert [one.split(": ")[1] for one in lines(signed_in(psychiatrist).get(page).content.decode())] == [
        "mood 7 (0 to 10)"
    ]


def test_a_statement_stands_where_it_was_first_said_in_its_newest_words(chart, page, signed_in, psychiatrist):
    said = chart.insight
    now = clock.now()
    Insight.objects.filter(pk=said.pk).update(ended_at=now, generated_at=now - timedelta(days=3))
    again = Insight.objects.get(pk=said.pk)
    words = again.said | {"description": "Newer words."}
    again.pk, again.ended_at, again.generated_at, again.said = uuid4(), None, now, words
    again._state.adding = True
    again.save(force_insert=True)
    told = lines(signed_in(psychiatrist).get(page, {"kind": "statements"}).content.decode())
    assert told == ["Newer words."]
    Insight.objects.filter(pk=again.pk).update(expires_at=now)
    told = lines(signed_in(psychiatrist).get(page, {"kind": "statements"}).content.decode())
    assert told == ["Newer words. (no longer so)"]


def fill(patient: Any, psychiatrist: Any, number: int) -> None:
    """Rows of many kinds, several at one moment."""
    now = clock.now() - timedelta(days=2)
    thread = MessageThread.objects.create(patient=patient, subject="s")
    for n in range(number):
        at = now - timedelta(minutes=n // 3)
        Appointment.objects.create(patient=patient, at=at, kind="follow_up", place="clinic", status="kept")
        Message.objects.create(patient=patient, thread=thread, by_patient=True, text="t", at=at)
        CheckIn.objects.create(patient=patient, at=at, by_patient=True, day=at.date() - timedelta(days=n), mood=4)
        prescribe(patient=patient, name=f"drug {n}", by=psychiatrist, started=PartialDate(date(2026, 3, 1)))
        record_condition(patient=patient, text=f"condition {n}", by=psychiatrist)
        note = start_note(
            patient=patient, author=psychiatrist, form=format_of("contact"), encounter_on=date(2026, 3, 2)
        )
        section = note.sections[0]["id"]
        change_note(note, version=1, texts={section: "x"}, encounter_on=date(2026, 3, 2), part2=False)
        sign_note(EncounterNote.objects.get(pk=note.pk), version=2, by=psychiatrist)


def test_pages_have_every_line_once_in_order(patient, psychiatrist):
    fill(patient, psychiatrist, 20)
    seen: list[Any] = []
    after: Place | None = None
    for _ in range(9):
        found = timeline_of(patient, psychiatrist, after=after)
        shown = [(line["at"], line["kind"], line["told"].url) for _, group in found["days"] for line in group]
        assert len(shown) <= SHOWN
        seen += shown
        if not found["older"]:
            break
        after = Place.of(parse_qs(found["older"][1:])["after"][0])
        assert after is not None
    assert len(seen) == 6 * 20
    assert [at for at, _, _ in seen] == sorted((at for at, _, _ in seen), reverse=True)
    assert len({one for one in seen if one[1] not in {"Messages", "Check-ins"}}) == 4 * 20


def test_the_number_of_queries_does_not_depend_on_how_much_there_is(chart, page, signed_in, psychiatrist):
    browser = signed_in(psychiatrist)
    browser.get(page)
    with CaptureQueriesContext(connection) as few:
        browser.get(page)
    fill(chart.patient, psychiatrist, 6)
    for number in range(5):
        Insight.objects.create(
            **{field.attname: getattr(chart.insight, field.attname) for field in Insight._meta.concrete_fields
               if field.attname not in {"id", "key", "said"}}, key=f"another:{number}", said=chart.insight.said,
        )  # fmt: skip
    with CaptureQueriesContext(connection) as many:
        assert len(lines(browser.get(page).content.decode())) > 30
    assert len(many) == len(few)


@pytest.mark.parametrize(
    "after",
    ["x", "~~", "2026-01-01T00:00:00+00:00~0~x", "2026-01-01T00:00:00~0~" + "0" * 32,
     "0001-01-01T00:00:00+14:00~0~" + "0" * 32, f"2026-01-01T00:00:00+00:00~{len(SOURCES)}~" + "0" * 32],
)  # fmt: skip
def test_an_address_that_names_no_place_is_the_first_page(chart, page, signed_in, psychiatrist, after):
    browser = signed_in(psychiatrist)
    answer = browser.get(f"{page}?{urlencode({'after': after, 'kind': 'nonsense'})}")
    assert answer.status_code == 200
    assert lines(answer.content.decode()) == lines(browser.get(page).content.decode())


def test_of_an_outsider_there_is_no_timeline(page, signed_in, nurse):
    assert signed_in(nurse).get(page).status_code == 404
