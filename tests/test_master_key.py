"""A new master key: data keys are wrapped anew, nothing that they encrypted changes."""

from __future__ import annotations

from io import StringIO

import boto3
import pytest
from botocore.stub import ANY, Stubber
from django.core.management import call_command
from django.core.management.base import CommandError

from novamind.audit.models import AuditEvent
from novamind.phi.keys import KeyLost, KeyUnavailable, forget_keys, living_key, master_key_id
from novamind.phi.models import DataKey
from patients.models import Patient

pytestmark = pytest.mark.django_db


def rotate(*arguments: str) -> str:
    out = StringIO()
    call_command("rotate_keys", *arguments, stdout=out)
    return out.getvalue()


def name_of(patient: Patient) -> str:
    forget_keys()
    return Patient.objects.get(pk=patient.pk).first_name


@pytest.fixture
def own_file(settings, tmp_path):
    """A master key of this test alone."""
    settings.MASTER_KEY_FILE = tmp_path / "master.key"
    forget_keys()
    return settings.MASTER_KEY_FILE


@pytest.fixture
def successor(own_file, patient, settings, tmp_path):
    """A second master key in use, the first one still named."""
    new = tmp_path / "secrets" / "next.key"
    rotate("--new-master", str(new))
    settings.MASTER_KEY_FILE, settings.MASTER_KEY_OLD_FILE = new, str(own_file)
    forget_keys()
    return new


def test_the_next_key_is_written_once_and_readable_by_its_owner_alone(successor):
    assert (len(successor.read_bytes()), successor.stat().st_mode & 0o777) == (32, 0o400)
    with pytest.raises(CommandError, match="there is a file"):
        rotate("--new-master", str(successor))


def test_while_both_are_named_everything_opens_and_new_keys_are_wrapped_by_the_new(successor, patient, make_patient):
    assert name_of(patient) == "Zqxfirst"
    other = make_patient()
    wrapped = {key.patient_id: key.master_key_id for key in DataKey.objects.all()}
    assert wrapped[other.pk] == master_key_id() != wrapped[patient.pk]


def test_afterwards_the_old_key_opens_nothing_and_is_not_needed(successor, patient, settings):
    old_file = settings.MASTER_KEY_OLD_FILE
    before = DataKey.objects.get(patient_id=patient.pk)
    assert rotate("--master").startswith("2 keys wrapped")  # the patient's and the index key
    settings.MASTER_KEY_OLD_FILE = ""
    assert name_of(patient) == "Zqxfirst"
    after = DataKey.objects.get(patient_id=patient.pk)
    assert after.number == before.number
    assert after.wrapped_at > before.wrapped_at
    settings.MASTER_KEY_FILE = type(successor)(old_file)
    with pytest.raises(KeyLost):
        name_of(patient)


def test_it_goes_on_where_it_stopped_and_is_on_record(successor, patient, make_patient, monkeypatch):
    made = [make_patient() for _ in range(3)]
    DataKey.objects.filter(patient_id=made[0].pk).delete()
    monkeypatch.setattr("novamind.phi.rotation.BATCH", 1)
    notes = []
    real = AuditEvent.save

    def save(self, *args, **kwargs):
        notes.append(self.action)
        if len(notes) == 2:
            raise KeyboardInterrupt
        return real(self, *args, **kwargs)

    monkeypatch.setattr(AuditEvent, "save", save)
    with pytest.raises(KeyboardInterrupt):
        rotate("--master")
    assert name_of(patient) == "Zqxfirst"
    assert DataKey.objects.exclude(master_key_id=master_key_id()).count() == 1
    assert rotate("--master").startswith("1 keys wrapped")
    assert rotate("--master").startswith("0 keys wrapped")
    assert AuditEvent.objects.filter(action="keys:rewrap").count() == 2


def test_a_key_that_cannot_be_opened_stops_no_other(successor, patient, make_patient, settings):
    make_patient()
    DataKey.objects.filter(patient_id=patient.pk).update(wrapped=b"damaged" * 9)
    with pytest.raises(SystemExit):
        rotate("--master")
    assert [key.patient_id for key in DataKey.objects.exclude(master_key_id=master_key_id())] == [patient.pk]


@pytest.mark.parametrize("gone", ["MASTER_KEY_FILE", "MASTER_KEY_OLD_FILE"])
def test_a_file_that_is_named_and_not_there_is_an_error_and_is_not_made(successor, gone, settings, tmp_path):
    missing = tmp_path / "missing.key"
    setattr(settings, gone, missing if gone == "MASTER_KEY_FILE" else str(missing))
    forget_keys()
    with pytest.raises(KeyUnavailable, match=gone):
        living_key(None)
    assert not missing.exists()


def test_with_kms_the_next_key_is_wrapped_by_it(own_file, settings, tmp_path, monkeypatch):
    settings.KMS_KEY_ID, settings.AWS_REGION = "alias/novamind", "eu-north-1"
    client = boto3.client("kms", region_name="eu-north-1", aws_access_key_id="x", aws_secret_access_key="x")  # noqa: S106
    monkeypatch.setattr(boto3, "client", lambda name, **options: client)
    with Stubber(client) as stub:
        stub.add_response("encrypt", {"CiphertextBlob": b"wrapped"}, {"KeyId": "alias/novamind", "Plaintext": ANY})
        rotate("--new-master", str(tmp_path / "next.key"))
        stub.assert_no_pending_responses()
    assert (tmp_path / "next.key").read_bytes() == b"wrapped"
