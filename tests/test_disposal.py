"""Disposal: nothing of a patient can be read afterwards, here or from a dump, and nothing else breaks."""

from __future__ import annotations

from io import StringIO
from types import SimpleNamespace
from typing import Any

import boto3
import pytest
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.socialaccount.models import SocialAccount
from auditlog.models import LogEntry
from botocore.stub import Stubber
from django.contrib.admin.models import LogEntry as AdminEntry
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import DatabaseError, connection, transaction
from django.test import Client

from actigraphy.models import Recording
from novamind.accounts.adapters import secrets_of
from novamind.accounts.models import SignIn, TokenFamily, User
from novamind.audit.models import AuditEvent
from novamind.phi import uploads
from novamind.phi.fields import Ciphertext
from novamind.phi.keys import KeyLost, forget_keys
from novamind.phi.models import DataKey, ErasedFile
from novamind.phi.tests.scanning import find_in_database
from patients.identifiers import scan_everything
from patients.models import Patient, PsychotherapyNote
from patients.services import find_patients, link_own_account
from tests.one_of_everything import one_of_everything
from tests.signing_in import sign_in, tokens_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def chart(patient) -> SimpleNamespace:
    """Everything there can be of a patient, with a real file."""
    made = one_of_everything(patient)
    made.recording.storage_name, made.recording.file_key = uploads.seal(
        uploads.sealed_upload(b"counts", "a.awd"),
        owner=patient.pk,
        table="actigraphy_recording",
        row=made.recording.pk,
    )
    made.recording.save()
    return made


def dispose(patient: Any, *more: str) -> str:
    out = StringIO()
    call_command("dispose_patient", str(patient.pk), "--reason", "retention-ended", *more, stdout=out)
    return out.getvalue()


def dump() -> dict[str, list[tuple[Any, ...]]]:
    """Every row of every table, as it is stored."""
    rows = {}
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f'SELECT * FROM "{table}"')
            rows[table] = cursor.fetchall()
    return rows


def restore(table: str, rows: list[tuple[Any, ...]]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f'DELETE FROM "{table}"')
        for row in rows:
            cursor.execute(f'INSERT INTO "{table}" VALUES ({", ".join(["%s"] * len(row))})', row)


def test_without_yes_or_with_another_reason_nothing_is_done(chart, patient):
    with pytest.raises(CommandError, match="--yes"):
        dispose(patient)
    with pytest.raises(CommandError):
        call_command("dispose_patient", str(patient.pk), "--reason", "Mrs Zqxlast asked", "--yes")
    with pytest.raises(CommandError, match="no such"):
        dispose(SimpleNamespace(pk="00000000-0000-0000-0000-000000000000"), "--yes")
    assert Patient.objects.get(pk=patient.pk).first_name == "Zqxfirst"


def test_what_is_left_names_no_person_and_no_measurement(chart, patient, make_patient, team):
    other = make_patient(team, first_name="Other", last_name="Person", mrn="O-1")
    dispose(patient, "--yes")
    found = Patient.objects.get(pk=patient.pk)
    assert (found.last_name_index, found.mrn_index, found.sex, found.phone) == (None, None, "unknown", None)
    left = {hit.split(".")[0] for hit in find_in_database([str(patient.pk), patient.pk.hex])}
    assert left <= {
        "patients_patient", "phi_datakey", "audit_auditevent", "audit_auditeventpatient", "audit_change",
        "auditlog_logentry",
    }  # fmt: skip
    assert not PsychotherapyNote.objects.exists()
    forget_keys()
    assert Patient.objects.get(pk=other.pk).name == "Person, Other"


def test_the_files_are_gone_and_every_key_too(chart, patient):
    name = chart.recording.storage_name
    assert "2 keys destroyed" in dispose(patient, "--yes")
    assert not default_storage.exists(name)
    assert not DataKey.objects.filter(patient_id=patient.pk).exclude(wrapped=b"").exists()


def test_keys_that_a_rotation_retired_are_destroyed_with_the_others(chart, patient):
    call_command("rotate_keys", "--patient", str(patient.pk), stdout=StringIO())
    assert "4 keys destroyed, " in dispose(patient, "--yes")
    assert not DataKey.objects.filter(patient_id=patient.pk, destroyed_at=None).exists()
    assert ErasedFile.objects.filter(name=chart.recording.storage_name).count() == 1


@pytest.mark.parametrize("tombstones", [True, False])
def test_a_dump_restored_without_the_keys_opens_nothing(chart, patient, tombstones):
    before, name = dump(), chart.recording.storage_name
    with default_storage.open(name) as source:
        content = source.read()
    dispose(patient, "--yes")
    default_storage.save(name, ContentFile(content))
    tables = (
        "patients_patient", "actigraphy_source", "actigraphy_recording", "patients_psychotherapynote", "phi_phitoken",
    )  # fmt: skip
    for table in tables:
        restore(table, before[table])
    if not tombstones:
        DataKey.objects.filter(patient_id=patient.pk).delete()
    forget_keys()
    found, recording = Patient.objects.get(pk=patient.pk), Recording.objects.get(pk=chart.recording.pk)
    for row, fields in (
        (found, ("first_name", "last_name", "date_of_birth", "mrn", "phone", "email")),
        (recording, ("file_name",)),
        (PsychotherapyNote.objects.get(), ("text",)),
    ):
        for field in fields:
            assert isinstance(row.__dict__[field], Ciphertext)
            with pytest.raises(KeyLost):
                getattr(row, field)
    with (
        pytest.raises(KeyLost),
        uploads.unseal(name, recording.file_key, table="actigraphy_recording", row=recording.pk),
    ):
        pass


def test_lists_searches_and_scans_know_nobody_of_that_name(chart, patient, psychiatrist, signed_in, caplog):
    client = signed_in(psychiatrist)
    assert client.get(f"/api/v1/patients/{patient.pk}").status_code == 200
    dispose(patient, "--yes")
    forget_keys()
    caplog.clear()
    assert client.get("/patients/").status_code == 200
    assert client.get(f"/patients/{patient.pk}/", follow=True).status_code == 404
    assert client.get(f"/api/v1/patients/{patient.pk}").status_code == 404
    assert find_patients(psychiatrist, "Zqxlast", at_most=9) == ([], 0)
    assert not Patient.objects.filter(mrn_index="ZQX-MRN-7781").exists()
    assert scan_everything().unreadable == 0
    assert "cannot be opened" not in caplog.text


OWN = ["zqxmine@mail.test", "Zqxmine"]


@pytest.fixture
def own_account(patient, make_user, client, clinical_admin):
    """The patient's own account with everything that can hang on one: sign-in, app, codes, passkey, sign-on, tokens."""
    user = make_user(OWN[0], "patient")
    User.objects.filter(pk=user.pk).update(display_name="Zqxmine Person")
    user.refresh_from_db()
    link_own_account(patient=patient, user=user)
    tokens_of(Client(), user)
    sign_in(client, user)
    with secrets_of(user):
        RecoveryCodes.activate(user)
    Authenticator.objects.create(user=user, type="webauthn", data={"name": "Zqxmine's phone", "credential": {}})
    SocialAccount.objects.create(user=user, provider="clinic", uid="Zqxmine-subject")
    EmailAddress.objects.create(user=user, email=OWN[0], primary=True)
    admin = Client()
    admin.force_login(clinical_admin)
    form = {"email": OWN[0], "display_name": "Zqxmine Patient", "is_active": "on", "groups": [user.groups.get().pk]}
    answer = admin.post(f"/admin/accounts/user/{user.pk}/change/", form)
    assert answer.status_code == 302
    user.refresh_from_db()
    assert user.display_name == "Zqxmine Patient"
    return user


def test_a_patients_own_account_is_an_id_in_every_trail(own_account):
    """Sign-ins, requests, second factors and what an administrator did: who it was is the account's id."""
    held = {hit.split(".")[0] for hit in find_in_database(OWN)}
    assert held == {"accounts_user", "account_emailaddress", "mfa_authenticator", "socialaccount_socialaccount"}
    labels = set(AuditEvent.objects.filter(actor_id=own_account.pk).values_list("actor_label", flat=True))
    assert labels == {f"account {own_account.pk}"}


def test_the_patients_own_account_is_ended_and_names_nobody(own_account, chart, patient, client):
    assert client.get("/patients/mine/").status_code == 200
    dispose(patient, "--yes")
    assert find_in_database(OWN) == []
    assert client.get("/patients/mine/").status_code == 302
    assert not TokenFamily.objects.filter(user=own_account, ended_at=None).exists()
    assert not SignIn.objects.filter(user=own_account, ended_at=None).exists()
    own_account.refresh_from_db()
    assert (own_account.is_active, own_account.has_usable_password()) == (False, False)
    assert own_account.email == f"{own_account.pk}@disposed.invalid"


def test_names_that_older_diffs_hold_go_too(own_account, chart, patient):
    LogEntry.objects.get_for_object(own_account).update(changes={"email": ["", OWN[0]]}, object_repr=OWN[1])
    AdminEntry.objects.update(object_repr=OWN[1])
    dispose(patient, "--yes")
    assert find_in_database(OWN) == []


def test_somebody_of_staff_who_was_a_patient_too_keeps_the_account(chart, patient, make_user):
    both = make_user("both@clinic.test", "patient", "therapist")
    link_own_account(patient=patient, user=both)
    dispose(patient, "--yes")
    both.refresh_from_db()
    assert (both.is_active, both.email) == (True, "both@clinic.test")


def test_where_the_chart_was_a_double_the_account_stays(own_account, chart, patient, make_patient, team):
    link_own_account(patient=make_patient(team), user=own_account)
    dispose(patient, "--yes")
    own_account.refresh_from_db()
    assert (own_account.is_active, own_account.email) == (True, OWN[0])


def test_a_grant_given_to_a_tombstone_shows_nothing(chart, patient, psychiatrist):
    from patients.services import share_patient

    dispose(patient, "--yes")
    share_patient(patient=patient, user=psychiatrist)
    assert not Patient.objects.visible_to(psychiatrist).exists()


def test_it_is_on_record_and_all_or_nothing(chart, patient, monkeypatch):
    def fail(*args, **kwargs):
        raise DatabaseError("no")

    with monkeypatch.context() as broken:
        broken.setattr("patients.disposal.write_event", fail)
        with pytest.raises(DatabaseError), transaction.atomic():
            dispose(patient, "--yes")
    forget_keys()
    assert Patient.objects.get(pk=patient.pk).first_name == "Zqxfirst"
    assert default_storage.exists(chart.recording.storage_name)
    dispose(patient, "--yes")
    event = AuditEvent.objects.get(action="dispose_patient:retention-ended")
    assert [row.patient_id for row in event.patients.all()] == [patient.pk]


def test_a_file_that_storage_keeps_is_tried_again(chart, patient, monkeypatch):
    def fail(name):
        raise OSError("storage is away")

    with monkeypatch.context() as broken:
        broken.setattr(uploads, "erase", fail)
        with pytest.raises(SystemExit):
            dispose(patient, "--yes")
    assert default_storage.exists(chart.recording.storage_name)
    assert "0 keys destroyed, 0 rows deleted, 0 files left" in dispose(patient, "--yes")
    assert not default_storage.exists(chart.recording.storage_name)
    assert AuditEvent.objects.filter(action__startswith="dispose").count() == 1


def test_in_a_bucket_with_versions_every_version_is_deleted(monkeypatch):
    resource = boto3.resource("s3", region_name="eu-north-1", aws_access_key_id="x", aws_secret_access_key="x")  # noqa: S106
    bucket = resource.Bucket("files")
    monkeypatch.setattr(uploads, "default_storage", SimpleNamespace(bucket=bucket))
    with Stubber(resource.meta.client) as stub:
        stub.add_response(
            "list_object_versions",
            {
                "Versions": [{"Key": "sealed/a", "VersionId": "1"}, {"Key": "sealed/ab", "VersionId": "2"}],
                "DeleteMarkers": [{"Key": "sealed/a", "VersionId": "3"}],
            },
            {"Bucket": "files", "Prefix": "sealed/a"},
        )
        for version in ("1", "3"):
            stub.add_response("delete_object", {}, {"Bucket": "files", "Key": "sealed/a", "VersionId": version})
        uploads.erase("sealed/a")
        stub.assert_no_pending_responses()
