"""What was said in time and may not be told any more: a label, an error, a withdrawal, a programme's visit."""

from datetime import timedelta

import pytest
from django.test import Client

from insights.jobs import derive
from insights.models import Insight
from novamind import clock
from novamind.audit.recording import recorded
from patients.alerts import raise_alert
from patients.consent import record_consent
from patients.models import Appointment, CareTeam, Medication
from patients.services import join_team
from patients.treatment import prescribing

pytestmark = pytest.mark.django_db


@pytest.fixture
def ledger():
    with recorded(actor_label="system:test", request_id="test"):
        yield


@pytest.fixture
def course(ledger, make_patient, team):
    patient = make_patient(team)
    begun = clock.now().date() - timedelta(days=5)
    course = Medication.objects.create(patient=patient, drug="bupropion", started_on=begun, started_precision="day")
    derive(patient.pk).store()
    return course


def pages_of(course, user) -> str:
    reader = Client()
    reader.force_login(user)
    said = Insight.objects.get(patient=course.patient_id, insight_type="medication")
    addresses = [
        f"/provenance/{said.pk}/", f"/patients/{course.patient_id}/brief/",
        f"/api/v1/patients/{course.patient_id}/clinical-insights",
    ]  # fmt: skip
    return "".join(reader.get(address).content.decode() for address in addresses)


def test_a_medicine_is_told_of_where_nothing_forbids_it(course, psychiatrist):
    assert "upropion" in pages_of(course, psychiatrist)


@pytest.mark.parametrize("job_ran", [False, True])
def test_a_medicine_that_was_labelled_since_is_told_of_nowhere(course, psychiatrist, job_ran):
    prescribing.correct_medication(course, version=course.version, by=None, part2=True)
    if job_ran:
        derive(course.patient_id).store()
    assert "upropion" not in pages_of(course, psychiatrist)


def test_a_medicine_entered_in_error_is_told_of_nowhere(course, psychiatrist):
    Medication.objects.filter(pk=course.pk).update(entered_in_error=True)
    assert "upropion" not in pages_of(course, psychiatrist)


def test_a_visit_to_a_programme_is_no_visit_of_the_brief(ledger, make_patient, psychiatrist):
    programme = CareTeam.objects.create(name="Programme", part2_programme=True)
    join_team(team=programme, user=psychiatrist)
    patient = make_patient(programme)
    reader = Client()
    reader.force_login(psychiatrist)
    visit = Appointment.objects.create(patient=patient, at=clock.now() - timedelta(days=3), status="kept", part2=True)
    assert "Since the last visit" not in reader.get(f"/patients/{patient.pk}/brief/").content.decode()
    Appointment.objects.filter(pk=visit.pk).update(part2=False)
    assert "Since the last visit" in reader.get(f"/patients/{patient.pk}/brief/").content.decode()


def withdraw(patient, *streams):
    for stream in streams:
        record_consent(patient=patient, purpose="treatment", stream=stream, given=False, how="written", by=None)


def worklist(user) -> str:
    reader = Client()
    reader.force_login(user)
    return reader.get("/worklist/").content.decode()


def test_one_patients_withheld_statements_hide_no_others(ledger, make_patient, team, psychiatrist):
    withdrew, other = make_patient(team), make_patient(team)
    now = clock.now()
    about = {
        "insight_type": "sleep", "digest": "0", "needs": [["treatment", "actigraphy"]], "tier": 2, "confidence": 0.9,
        "window_start": now, "window_end": now, "input_hash": "0", "code_version": "0",
        "expires_at": now + timedelta(days=3),
        "said": {"description": "x", "method": "m", "confidence_is": "c", "no_confidence": None, "evidence": []},
    }  # fmt: skip
    for at in range(510):
        Insight.objects.create(patient=withdrew, key=f"k{at}", strength=9.0, **about)
    Insight.objects.create(patient=other, key="x", strength=4.0, **about)
    withdraw(withdrew, "actigraphy")
    assert str(other.pk) in worklist(psychiatrist)


def test_nobody_chases_a_device_whose_streams_are_all_withdrawn(ledger, make_patient, team, psychiatrist):
    patient = make_patient(team)
    raise_alert(patient=patient, kind="silent_stream", severity="low", key="s")
    withdraw(patient, "actigraphy", "heart")
    assert str(patient.pk) in worklist(psychiatrist)
    withdraw(patient, "body")
    assert str(patient.pk) not in worklist(psychiatrist)
