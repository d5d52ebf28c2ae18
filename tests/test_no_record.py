"""No record, no answer: what cannot be written down is neither shown nor changed."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from actigraphy.models import Recording
from actigraphy.tests.recording_files import depresjon, minutes
from novamind.audit.models import AuditEvent
from novamind.audit.recording import IncompleteAudit
from novamind.jobs.models import Job
from novamind.phi.keys import forget_keys
from novamind.phi.models import DataKey
from patients.models import Patient
from tests.signing_in import code_of, sign_in
from tests.test_uploads import stored_files
from tests.trail import CANARIES, NEW, PASSWORD, new_patient, no_audit, requests


def test_a_change_that_is_refused_is_rolled_back_and_on_record(doctor, make_patient, team):
    make_patient(team, mrn="TAKEN")
    before = Patient.objects.count()
    answer = doctor.post("/api/v1/patients", NEW | {"mrn": "taken"}, content_type="application/json")
    assert answer.status_code == 409
    assert Patient.objects.count() == before
    assert AuditEvent.objects.get(method="POST").outcome == "refused"
    forget_keys()
    assert doctor.post("/api/v1/patients", NEW | {"mrn": "free"}, content_type="application/json").status_code == 201


def test_a_refused_change_leaves_no_key_that_later_data_depends_on(doctor, team):
    """The first chart of a new clinic is refused; nothing encrypted afterwards may depend on what was rolled back."""
    DataKey.objects.all().delete()
    forget_keys()
    assert (
        doctor.post("/api/v1/patients", {**NEW, "mrn": "A-1", "zone": "x"}, content_type="application/json").status_code
        == 400
    )
    with no_audit():
        assert (
            doctor.post("/api/v1/patients", {**NEW, "mrn": "A-1"}, content_type="application/json").status_code == 503
        )
    made = doctor.post("/api/v1/patients", {**NEW, "mrn": "A-2"}, content_type="application/json").json()
    forget_keys()  # another process looks
    assert str(Patient.objects.get(mrn_index="a-2").pk) == made["id"]
    assert Patient.objects.get(pk=made["id"]).first_name == "Zqxnew"


@pytest.mark.parametrize("table", ["audit_auditevent", "audit_auditeventpatient"])
def test_no_record_no_chart(doctor, patient, table):
    with no_audit(table):
        for path in (
            f"/patients/{patient.pk}/actigraphy/",
            f"/api/v1/patients/{patient.pk}",
            "/patients/",
            "/api/v1/patients",
        ):
            answer = doctor.get(path)
            assert answer.status_code == 503, path
            whole = answer.content.decode() + str(answer.headers)
            assert not [canary for canary in CANARIES if canary in whole]
            if path.startswith("/api/"):
                assert answer.json()["code"] == "audit_unavailable"
    assert doctor.get(f"/api/v1/patients/{patient.pk}").status_code == 200


def test_no_record_no_change_and_no_file(doctor, patient, settings):
    content = depresjon(minutes("2024-01-08T12:00:00", 1440), [(at * 37) % 400 for at in range(1440)])
    before = Patient.objects.count()
    with no_audit():
        assert new_patient(doctor).status_code == 503
        for path, more in (
            ("/api/v1/actigraphy/upload", {"patient_id": str(patient.pk)}),
            (f"/patients/{patient.pk}/actigraphy/upload/", {}),
        ):
            answer = doctor.post(path, {"file": SimpleUploadedFile("a.csv", content)} | more)
            assert answer.status_code == 503
            assert not [canary for canary in CANARIES if canary in answer.content.decode()]
    assert Patient.objects.count() == before
    assert not Recording.objects.exists()
    assert not Job.objects.exists()
    assert stored_files(settings) == []


def test_no_record_no_sign_in(transactional_db, psychiatrist, team):
    client = Client(raise_request_exception=False)
    form = {"username": psychiatrist.email, "password": PASSWORD}
    body = {"email": psychiatrist.email, "password": PASSWORD, "code": code_of(psychiatrist)}
    client.post("/accounts/login/", form)
    with no_audit():
        assert client.post("/accounts/code/", {"code": code_of(psychiatrist)}).status_code == 503
        code_of(psychiatrist)  # the one above is used, record or not
        answer = client.post("/api/v1/auth/login", body, content_type="application/json")
        assert answer.status_code == 503
        assert b"access" not in answer.content
    assert client.get("/patients/").status_code == 302
    assert sign_in(client, psychiatrist).status_code == 302
    assert client.get("/patients/").status_code == 200


def test_an_incomplete_record_undoes_the_change_and_its_file(doctor, patient, settings, monkeypatch):
    content = depresjon(minutes("2024-01-08T12:00:00", 1440), [(at * 37) % 400 for at in range(1440)])

    def incomplete(*args: Any) -> None:
        raise IncompleteAudit("planted")

    monkeypatch.setattr("novamind.audit.recording.require_complete", incomplete)
    path = f"/patients/{patient.pk}/actigraphy/upload/"
    assert doctor.post(path, {"file": SimpleUploadedFile("a.csv", content)}).status_code == 500
    assert stored_files(settings) == []
    assert not Recording.objects.exists()


@pytest.mark.django_db
def test_a_key_that_is_gone_is_503_on_pages_and_api(signed_in, psychiatrist, patient):
    DataKey.objects.filter(patient_id=patient.pk).delete()
    forget_keys()
    client = signed_in(psychiatrist)
    for path in (f"/patients/{patient.pk}/actigraphy/", f"/api/v1/patients/{patient.pk}"):
        answer = client.get(path)
        assert answer.status_code == 503, path
        assert b"key" not in answer.content.replace(b"keys_unavailable", b"")
    assert set(requests().values_list("outcome", flat=True)) == {"failed"}


def test_a_chart_that_cannot_be_opened_does_not_close_the_list(signed_in, psychiatrist, patient, make_patient, team):
    make_patient(team, last_name="Readable")
    DataKey.objects.filter(patient_id=patient.pk).delete()
    forget_keys()
    answer = signed_in(psychiatrist).get("/patients/")
    assert answer.status_code == 200
    assert "Readable" in answer.content.decode()
    assert "cannot be opened" in answer.content.decode()


def test_nothing_reads_a_streamed_answer_before_its_record():
    """The ledger closes when the view returns: a stream would read charts after it. The trail's own does not."""
    root = Path(__file__).resolve().parents[1]
    found = [
        str(path.relative_to(root))
        for app in ("novamind", "patients", "actigraphy", "twins", "insights")
        for path in (root / app).rglob("*.py")
        if "tests" not in path.parts
        and any(
            isinstance(node, ast.Name) and node.id == "StreamingHttpResponse"
            for node in ast.walk(ast.parse(path.read_text()))
        )
    ]
    assert found == ["novamind/audit/exporting.py"]  # test_account.py: it reads no chart, and records its end
