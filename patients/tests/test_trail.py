"""Who saw this chart: what the page tells those who treat the patient, and the patient."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from novamind import clock
from novamind.audit.models import AuditEvent, AuditEventPatient, Purpose
from novamind.audit.recording import recorded, saw, write_event
from patients.emergency import open_emergency
from patients.models import Grant, Patient
from patients.services import view_permission

pytestmark = pytest.mark.django_db


def seen_by(user, *patients, **more):
    """An event as a request of this user would leave it."""
    ids = [patient.pk for patient in patients]
    with recorded(actor_label=user.email, actor_id=user.pk, role=user.role_label, request_id="r") as ledger:
        for pk in ids:
            saw(pk)
        return write_event(ledger, event_type="DATA_ACCESS", action="actigraphy:patient", **more)


def page_of(patient):
    return f"/patients/{patient.pk}/access/"


def rows(answer):
    return [(row["who"], row["event"].role, row["emergency"]) for row in answer.context["rows"]]


@pytest.fixture
def own_account(make_user, patient):
    """The patient, who signs in."""
    user = make_user("zqxself@mail.test", "patient")
    permission = view_permission()
    Grant.objects.create(user=user, content_object=patient, permission=permission, reason=Grant.Reason.SELF)
    return user


def test_who_opened_the_chart_is_named_with_role_and_purpose(signed_in, psychiatrist, therapist, patient):
    seen_by(therapist, patient)
    answer = signed_in(psychiatrist).get(page_of(patient))
    assert rows(answer) == [("therapist", "therapist", False)]
    assert "Treatment" in answer.content.decode()
    # looking is itself on record
    assert rows(signed_in(psychiatrist).get(page_of(patient)))[0] == ("psychiatrist", "psychiatrist", False)


def test_emergency_access_is_marked_and_does_not_show_the_page(signed_in, nurse, psychiatrist, patient):
    open_emergency(patient=patient, user=nurse, reason="covering", explanation="Nobody else answers tonight.")
    refused = signed_in(nurse).get(page_of(patient))
    assert refused.status_code == 403
    assert "care for the patient" in refused.content.decode()
    tabs = signed_in(nurse).get(f"/patients/{patient.pk}/actigraphy/").content.decode()
    assert page_of(patient) not in tabs
    assert rows(signed_in(psychiatrist).get(page_of(patient)))[0] == ("nurse", "nurse practitioner", True)


def test_a_list_with_another_patients_emergency_marks_no_emergency_here(
    signed_in, nurse, psychiatrist, patient, make_patient, other_team
):
    mine = make_patient(other_team, first_name="Someone", last_name="Elsewhere")
    open_emergency(patient=patient, user=nurse, reason="covering", explanation="Nobody else answers tonight.")
    assert signed_in(nurse).get("/patients/").status_code == 200
    listed = AuditEvent.objects.get(action="patients:list")
    assert (listed.purpose, dict(listed.patients.values_list("patient_id", "purpose"))) == (
        Purpose.TREATMENT,
        {patient.pk: Purpose.EMERGENCY, mine.pk: Purpose.TREATMENT},
    )
    answer = signed_in(nurse).get(page_of(mine))
    assert [row["emergency"] for row in answer.context["rows"] if row["event"].action == "patients:list"] == [False]
    assert "Emergency treatment" not in answer.content.decode()
    there = signed_in(psychiatrist).get(page_of(patient))
    assert [row["emergency"] for row in there.context["rows"] if row["event"].action == "patients:list"] == [True]


def test_the_page_names_no_other_patient(signed_in, psychiatrist, therapist, patient, make_patient, team):
    other = make_patient(team, first_name="Someone", last_name="Elsewhere")
    seen_by(therapist, patient, other)
    seen_by(therapist, other)
    answer = signed_in(psychiatrist).get(page_of(patient))
    assert len(rows(answer)) == 1
    assert str(other.pk) not in answer.content.decode()


def test_it_is_narrowed_by_day_person_and_kind(signed_in, psychiatrist, therapist, patient):
    today = clock.now().astimezone(patient.tz).date()
    seen_by(therapist, patient)
    early = seen_by(psychiatrist, patient)
    for table in (AuditEvent.objects.filter(pk=early.pk), AuditEventPatient.objects.filter(event=early)):
        table.update(at=clock.midnight(today, patient.tz) - timedelta(seconds=1))
    client = signed_in(psychiatrist)

    def found(**asked):
        return [who for who, _, _ in rows(client.get(page_of(patient), asked))]

    assert found(last=today - timedelta(days=1)) == ["psychiatrist"]
    assert found(who=therapist.pk) == ["therapist"]
    assert found(what="DELETION") == []
    assert found(who="nobody we know", first=today)[-1] == "therapist"


def test_a_long_trail_has_pages_and_asks_no_more_for_it(signed_in, psychiatrist, therapist, patient):
    client = signed_in(psychiatrist)
    client.get(page_of(patient))  # the patient's key is in memory from here on
    counts = []
    for _ in range(2):
        for _ in range(60):
            seen_by(therapist, patient)
        with CaptureQueriesContext(connection) as queries:
            answer = client.get(page_of(patient), {"who": therapist.pk, "page": 2})
        counts.append(len(queries))
        assert f"who={therapist.pk}" in answer.content.decode()
    assert len(answer.context["rows"]) == 50
    assert counts[0] == counts[1]


def test_a_patient_sees_who_saw_their_own_chart_and_no_page_of_staff(
    signed_in, own_account, patient, psychiatrist, make_patient, team
):
    other = make_patient(team, first_name="Someone", last_name="Elsewhere")
    seen_by(psychiatrist, patient, other)
    seen_by(psychiatrist, other)
    client = signed_in(own_account)
    answer = client.get("/patients/mine/access/")
    assert rows(answer) == [("psychiatrist", "psychiatrist", False)]
    assert psychiatrist.email not in answer.content.decode()
    assert str(other.pk) not in answer.content.decode()
    for path in (page_of(patient), f"/patients/{patient.pk}/actigraphy/", "/patients/"):
        assert client.get(path).status_code == 403
    assert client.get("/").url == "/patients/mine/"
    again = client.get("/patients/mine/access/").content.decode()
    assert "patient&#x27;s own request" in again  # the first visit, which nobody made to treat


def test_a_patients_account_without_a_chart_of_its_own_finds_nothing(signed_in, make_user, patient, own_account):
    stranger = make_user("stranger@mail.test", "patient")
    Grant.objects.create(user=stranger, content_object=patient, permission=view_permission(), reason=Grant.Reason.SHARE)
    assert signed_in(stranger).get("/patients/mine/access/").status_code == 404
    Grant.objects.filter(user=own_account).update(valid_until=clock.now())
    assert signed_in(own_account).get("/patients/mine/access/").status_code == 404
    assert not Patient.objects.own_of(own_account).exists()


def test_the_purpose_of_an_emergency_is_what_marks_it(nurse, patient):
    open_emergency(patient=patient, user=nurse, reason="covering", explanation="Nobody else answers tonight.")
    assert seen_by(nurse, patient).purpose == Purpose.EMERGENCY
