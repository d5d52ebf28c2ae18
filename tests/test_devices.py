"""A device sends for its patient, reads nothing, and ends when somebody says so."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from novamind import clock
from novamind.accounts.models import DeviceToken, User
from novamind.accounts.tokens import digest
from novamind.audit.models import AuditEvent
from patients.devices import DeviceKind, enrol
from patients.models import Patient
from tests.one_of_everything import CANARIES
from tests.urls_of_novamind import every_url, values_for

pytestmark = pytest.mark.django_db
TABLE = b"timestamp,date,activity\n" + b"".join(
    f"2024-01-08 {minute // 60:02}:{minute % 60:02}:00,2024-01-08,{minute % 50}\n".encode() for minute in range(1440)
)


@pytest.fixture
def token(patient):
    return enrol(patient=patient, kind=DeviceKind.PHONE)


def sends(token, patient):
    return Client().post(
        "/api/v1/actigraphy/upload",
        {"file": SimpleUploadedFile("zqxfile.csv", TABLE), "patient_id": str(patient.pk)},
        headers={"Authorization": f"Bearer {token}"},
    )


def test_a_device_sends_for_its_patient_and_is_told_no_more_than_an_id(token, patient):
    answer = sends(token, patient)
    assert (answer.status_code, set(answer.json())) == (201, {"recording_id"})
    assert (sends(token, patient).status_code, set(sends(token, patient).json())) == (200, {"recording_id"})
    assert DeviceToken.objects.get().last_used_at is not None


def test_when_it_last_sent_is_kept_to_the_minute(token, patient):
    """A write for each batch would let the batches of one device wait for each other."""
    sends(token, patient)
    for ago, moves in ((timedelta(seconds=50), False), (timedelta(seconds=70), True)):
        then = clock.now() - ago
        DeviceToken.objects.update(last_used_at=then)
        sends(token, patient)
        assert (DeviceToken.objects.get().last_used_at > then) is moves


def test_it_sends_for_nobody_else(token, make_patient, team):
    assert sends(token, make_patient(team)).status_code == 404


@pytest.mark.exhaustive
def test_it_reads_nothing_anywhere(token, chart, patient):
    headers = {"Authorization": f"Bearer {token}"}
    device = DeviceToken.objects.get(digest=digest(token)).user
    opened = []
    for url in every_url():
        for method in ("GET", "POST", "PUT", "PATCH", "DELETE"):
            answer = Client().generic(method, url.of(values_for(url, chart, device)), headers=headers)
            assert not CANARIES.search(answer.content), (url.name, method)
            if answer.status_code < 300:
                opened.append(url.name)
    assert set(opened) <= OPEN_TO_ALL
    assert Patient.objects.visible_to(device).count() == 1  # by its grant; its role opens no page of it


OPEN_TO_ALL = {
    *("account_login", "account_inactive", "socialaccount_login_cancelled", "live", "ready", "schema", "docs"),
}


@pytest.mark.parametrize("how", ["revoked", "expired", "closed", "another role"])
def test_it_ends(token, patient, how):
    if how == "revoked":
        DeviceToken.objects.revoke()
    elif how == "expired":
        DeviceToken.objects.update(expires_at=clock.now() - timedelta(seconds=1))
    elif how == "closed":
        User.objects.filter(device_tokens__isnull=False).update(is_active=False)
    else:
        DeviceToken.objects.get().user.groups.clear()
    assert sends(token, patient).status_code == 401


def test_only_a_digest_is_kept(token):
    assert token not in str(list(DeviceToken.objects.values()))
    assert len(token) > 40


def test_the_page_adds_and_ends_one(client, psychiatrist, patient):
    client.force_login(psychiatrist)
    page = reverse("patients:devices", args=[patient.pk])
    assert client.post(page, {"kind": "toaster"}).status_code == 422
    shown = re.search(r"nvd_[\w-]+", client.post(page, {"kind": "wearable"}).content.decode())[0]
    assert sends(shown, patient).status_code == 201
    again = client.get(page).content.decode()
    assert "Wearable" in again
    assert shown not in again
    device = User.objects.get(device_tokens__isnull=False)
    assert client.post(reverse("patients:end-device", args=[patient.pk, device.pk])).status_code == 302
    assert sends(shown, patient).status_code == 401
    assert "ended" in client.get(page).content.decode()


def test_a_new_token_replaces_the_old_one_also_after_its_90_days(client, psychiatrist, patient, token):
    client.force_login(psychiatrist)
    device = User.objects.get(device_tokens__isnull=False)
    renew, page = (reverse(f"patients:{name}", args=args) for name, args in (
        ("renew-device", [patient.pk, device.pk]), ("devices", [patient.pk])))  # fmt: skip
    DeviceToken.objects.update(expires_at=clock.now() - timedelta(seconds=1))
    assert "needs a new token" in client.get(page).content.decode()
    for _ in range(2):
        shown = re.search(r"nvd_[\w-]+", client.post(renew).content.decode())[0]
        assert sends(token, patient).status_code == 401
        assert sends(shown, patient).status_code in {200, 201}
        token = shown
    assert DeviceToken.objects.alive().get().user == device
    events = AuditEvent.objects.filter(action="patients:renew-device")
    assert {event.object_id for event in events} == {str(device.pk)}
    assert shown not in client.get(page).content.decode()


def test_a_device_that_was_ended_gets_no_new_token(client, psychiatrist, patient, token):
    client.force_login(psychiatrist)
    device = User.objects.get(device_tokens__isnull=False)
    client.post(reverse("patients:end-device", args=[patient.pk, device.pk]))
    assert client.post(reverse("patients:renew-device", args=[patient.pk, device.pk])).status_code == 404
    assert not DeviceToken.objects.alive().exists()


def test_another_patients_device_is_not_ended_here(client, psychiatrist, patient, make_patient, team):
    theirs = make_patient(team)
    token = enrol(patient=theirs, kind=DeviceKind.PHONE)
    client.force_login(psychiatrist)
    device = User.objects.get(device_tokens__isnull=False)
    assert client.post(reverse("patients:end-device", args=[patient.pk, device.pk])).status_code == 404
    assert client.post(reverse("patients:end-device", args=[patient.pk, psychiatrist.pk])).status_code == 404
    assert client.post(reverse("patients:renew-device", args=[patient.pk, device.pk])).status_code == 404
    assert client.post(reverse("patients:renew-device", args=[patient.pk, psychiatrist.pk])).status_code == 404
    assert sends(token, theirs).status_code == 201
    psychiatrist.refresh_from_db()
    assert psychiatrist.is_active


def test_disposal_ends_them(token, patient):
    from patients.disposal import Reason, dispose

    dispose(patient.pk, reason=next(iter(Reason)), by="test")
    assert not DeviceToken.objects.alive().exists()
    assert sends(token, patient).status_code == 401
