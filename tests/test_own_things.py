"""What people may do to what is their own: an administrator's account, a clinician's chart."""

from __future__ import annotations

from typing import Any

import pytest
from allauth.socialaccount.models import SocialAccount
from django.contrib.auth.models import Group
from django.test import Client

from novamind import clock
from novamind.audit import activity
from novamind.audit.models import AuditEvent
from novamind.compliance.forms import IncidentForm
from patients.models import EmergencyAccess, Grant, Patient
from patients.services import view_permission
from tests.one_of_everything import CANARIES, fill_chart

pytestmark = pytest.mark.django_db


def own_account() -> list[tuple[str, str]]:
    rule = next(rule for rule in activity.rules() if rule.key == "own_account")
    return [(finding.who, finding.fact) for finding in rule.find(activity.Week.of(clock.now()))]


def change(client: Client, user: Any, *groups: Group) -> None:
    sent = {"email": user.email, "display_name": "New", "is_active": "on", "is_staff": "on"}
    sent |= {"groups": [group.pk for group in groups]}
    assert client.post(f"/admin/accounts/user/{user.pk}/change/", sent).status_code == 302


def test_an_administrator_who_changes_the_own_account_is_named(signed_in, clinical_admin, nurse):
    client, groups = signed_in(clinical_admin), list(Group.objects.filter(name__in=["clinical admin", "psychiatrist"]))
    change(client, nurse, *groups)
    assert own_account() == []
    change(client, clinical_admin, *groups)
    sent = {"user": str(clinical_admin.pk), "provider": "clinic", "uid": "mine"}
    assert client.post("/admin/socialaccount/socialaccount/add/", sent).status_code == 302
    sent = {"user": str(nurse.pk), "provider": "clinic", "uid": "theirs"}
    assert client.post("/admin/socialaccount/socialaccount/add/", sent).status_code == 302
    mine = SocialAccount.objects.get(uid="mine")
    deleted = client.post(f"/admin/socialaccount/socialaccount/{mine.pk}/delete/", {"post": "yes"})
    assert deleted.status_code == 302
    assert own_account() == [
        ("admin@clinic.test", "changed: accounts.User"),
        ("admin@clinic.test", "created: socialaccount.SocialAccount"),
        ("admin@clinic.test", "deleted: socialaccount.SocialAccount"),
    ]


def test_an_incident_offers_no_accounts_of_patients_and_devices(make_user, nurse, superuser, outsider):
    patient, device = make_user("own@mail.test", "patient"), make_user("nvd@device.test", "device")
    both = make_user("both@clinic.test", "patient", "therapist")
    offered = set(IncidentForm().fields["account"].queryset)
    assert offered >= {nurse, superuser, outsider, both}
    assert not offered & {patient, device}


@pytest.fixture
def own(patient: Any, psychiatrist: Any) -> Any:
    """The psychiatrist is this patient, and was on the patient's team."""
    fill_chart(patient)
    psychiatrist.groups.add(Group.objects.get_or_create(name="patient")[0])
    Grant.objects.create(
        user=psychiatrist, content_object=patient, permission=view_permission(), reason=Grant.Reason.SELF
    )
    return patient


def test_a_clinician_sees_the_own_chart_as_its_patient_and_not_as_staff(signed_in, own, psychiatrist, therapist):
    client = signed_in(psychiatrist)
    pages = ("actigraphy/", "edit/", "access/", "consents/")
    assert {client.get(f"/patients/{own.pk}/{page}").status_code for page in pages} == {404}
    assert client.get(f"/api/v1/patients/{own.pk}").status_code == 404
    for listed in ("/patients/", "/api/v1/patients", "/api/v1/actigraphy/analyses"):
        assert not CANARIES.search(client.get(listed).content), listed
    assert not Patient.objects.changeable_by(psychiatrist).exists()
    assert not AuditEvent.objects.filter(patients__patient_id=own.pk, actor_id=psychiatrist.pk).exists()
    assert client.get("/patients/mine/access/").status_code == 200
    event = AuditEvent.objects.get(patients__patient_id=own.pk, actor_id=psychiatrist.pk)
    assert event.action == "patients:my-trail"
    assert signed_in(therapist).get(f"/patients/{own.pk}/actigraphy/").status_code == 200


def test_nor_by_emergency(signed_in, own, psychiatrist):
    form = {"reason": "covering", "explanation": "Covering tonight, nobody answers.", "mrn": own.mrn}
    answer = signed_in(psychiatrist).post("/patients/emergency/", form)
    assert (answer.status_code, "your own chart" in answer.content.decode()) == (422, True)
    assert not EmergencyAccess.objects.exists()
