"""Patients whose alerts no clinician may answer are named to whoever can change it, and to nobody else."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest
from django.urls import reverse

from novamind.audit.models import AuditEventPatient
from patients.models import CareTeam, Patient
from patients.services import assign_patient, join_team, link_own_account

pytestmark = pytest.mark.django_db
PAGE = "/patients/without-a-clinician/"


@pytest.fixture
def admin_client(client: Any, clinical_admin: Any) -> Any:
    client.force_login(clinical_admin)
    return client


def seen(client: Any) -> str:
    answer = client.get(PAGE)
    assert answer.status_code == 200
    return answer.content.decode()


def test_a_patient_on_no_team_is_named_and_one_in_care_is_not(admin_client, make_patient, patient, psychiatrist):
    make_patient(first_name="Zqlonely", last_name="Zqfirst", mrn="MRN-LONELY")
    page = seen(admin_client)
    assert all(said in page for said in ("Zqlonely", "Zqfirst", "MRN-LONELY", "1 patient whose"))
    assert str(patient.pk) not in page


def test_each_name_that_was_shown_is_on_record_and_opens_no_chart(admin_client, make_patient):
    lonely = make_patient()
    seen(admin_client)
    (row,) = AuditEventPatient.objects.filter(patient_id=lonely.pk, event__action="patients:unattended")
    assert row.purpose == "HOPERAT"
    assert admin_client.get(reverse("patients:home", args=[lonely.pk])).status_code == 404


def test_a_team_with_a_clinician_takes_the_patient_on(admin_client, make_patient, team, psychiatrist):
    lonely = make_patient()
    empty = CareTeam.objects.create(name="Zqempty")
    assign_patient(team=empty, patient=lonely)
    page = seen(admin_client)
    assert reverse("admin:patients_careteam_change", args=[empty.pk]) in page
    assert f'<option value="{empty.pk}"' not in page
    refused = admin_client.post(PAGE, {"patient": lonely.pk, "team": empty.pk})
    assert refused.status_code == 422
    assert admin_client.post(PAGE, {"patient": lonely.pk, "team": team.pk}).status_code == 302
    assert lonely in Patient.objects.visible_to(psychiatrist)
    assert str(lonely.pk) not in seen(admin_client)


def test_the_name_of_a_programme_stands_beside_no_patient(admin_client, make_patient):
    """Whoever is treated there would be told by it (42 CFR 2.13)."""
    lonely = make_patient(last_name="Zqlast")
    assign_patient(team=CareTeam.objects.create(name="Zqprogramme", part2_programme=True), patient=lonely)
    page = seen(admin_client)
    assert "Zqlast" in page
    assert "Zqprogramme" not in page


def test_a_patient_in_care_is_put_on_no_team_from_here(admin_client, patient, psychiatrist, other_team, make_user):
    join_team(team=other_team, user=make_user("second@clinic.test", "psychiatrist"))
    for key in (patient.pk, uuid4()):
        assert admin_client.post(PAGE, {"patient": key, "team": other_team.pk}).status_code == 404
    assert not patient.assignments.filter(team=other_team).exists()


def test_ones_own_chart_is_not_among_them(admin_client, make_patient, clinical_admin):
    own = make_patient(last_name="Zqown")
    assert "Zqown" in seen(admin_client)
    link_own_account(patient=own, user=clinical_admin)
    assert "Zqown" not in seen(admin_client)


def test_whoever_does_not_run_the_clinic_is_told_no_name(client, psychiatrist, make_patient):
    make_patient()
    client.force_login(psychiatrist)
    assert client.get(PAGE).status_code == 403
