"""The lines of the compliance page about keys: each holds, and fails when it should."""

from __future__ import annotations

from datetime import timedelta

import pytest
from allauth.mfa.models import Authenticator
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import connection

from novamind.audit import keys
from novamind.audit.recording import recorded
from novamind.clock import now
from novamind.frame import Check, compliance_checks
from novamind.phi.keys import forget_keys
from novamind.phi.models import DataKey
from novamind.phi.uploads import seal, sealed_upload
from tests.one_of_everything import fill_chart
from tests.signing_in import code_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def chart(patient):
    made = fill_chart(patient)
    made.recording.storage_name, made.recording.file_key = seal(
        sealed_upload(b"counts", "a.awd"), owner=patient.pk, table="actigraphy_recording", row=made.recording.pk
    )
    made.recording.save()
    made.export.storage_name, made.export.file_key = "", b""  # of one that could not be read nothing is kept
    made.export.save()
    return made


def line(key: str) -> Check:
    forget_keys()
    with recorded(actor_label="x", request_id="x") as ledger:
        found = {check.key: check for check in keys.checks()}
    assert ledger.complete
    assert ledger.patients == set()
    assert found.keys() <= {check.key for check in compliance_checks()}
    return found[key]


def test_of_a_sound_clinic_every_line_holds(chart):
    states = {key: line(key).state for key in ("encryption_opens", "master_key_age", "data_key_age", "files_encrypted")}
    assert set(states.values()) == {"holds"}, states
    assert line("encryption_opens").fact.startswith("11 values")


def test_a_value_that_does_not_open_is_seen_and_its_table_named(chart):
    with connection.cursor() as cursor:
        cursor.execute("UPDATE patients_patient SET phone = email")
    check = line("encryption_opens")
    assert (check.state, check.fact.endswith("patients.Patient: 1")) == ("fails", True)


def test_a_second_factor_that_does_not_open_is_seen(chart, psychiatrist, therapist):
    code_of(psychiatrist), code_of(therapist)
    assert line("encryption_opens").fact.startswith("13 values")
    apps = Authenticator.objects.filter(type="totp")
    apps.filter(user=therapist).update(data=apps.get(user=psychiatrist).data)
    check = line("encryption_opens")
    assert (check.state, check.fact.endswith("mfa.Authenticator: 1")) == ("fails", True)


def test_a_master_key_that_is_gone_fails_and_breaks_no_page(chart, settings, tmp_path):
    settings.MASTER_KEY_FILE = tmp_path / "none"
    assert line("encryption_opens").state == "fails"
    assert line("master_key_age").state == "fails"


def test_keys_past_their_age_fail(chart, settings):
    settings.KEY_MAX_AGE_DAYS = 30
    DataKey.objects.update(created_at=now() - timedelta(days=29), wrapped_at=now() - timedelta(days=29))
    assert {line("master_key_age").state, line("data_key_age").state} == {"holds"}
    DataKey.objects.update(created_at=now() - timedelta(days=31))
    assert (line("master_key_age").state, line("data_key_age").state) == ("holds", "fails")
    DataKey.objects.update(wrapped_at=now() - timedelta(days=31))
    assert line("master_key_age").state == "fails"


def test_a_key_wrapped_by_another_master_key_fails(chart):
    DataKey.objects.filter(purpose="data").update(master_key_id="another")
    assert line("master_key_age").fact.endswith("; 1 keys are wrapped by another")
    assert line("master_key_age").state == "fails"


def test_a_rotation_that_does_not_end_fails(chart, patient):
    DataKey.objects.filter(patient_id=patient.pk).update(retired_at=now() - timedelta(days=3))
    assert line("data_key_age").state == "fails"


@pytest.mark.parametrize("content", [b"date,counts\n", None])
def test_a_file_in_clear_or_missing_fails(chart, content):
    name = chart.recording.storage_name
    default_storage.delete(name)
    if content:
        default_storage.save(name, ContentFile(content))
    assert line("files_encrypted").state == "fails"


def test_whether_kms_holds_the_master_key(chart, settings):
    from novamind.phi.compliance import _kms

    assert line("kms").state == "not configured"
    settings.KMS_KEY_ID = "alias/novamind"
    assert _kms().state == "holds"
