"""Attacks 3 and 4: callers who want to break or forge their record, and writes that no record speaks of."""

from __future__ import annotations

from itertools import cycle, islice

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client

from actigraphy.tests.recording_files import depresjon, minutes
from novamind.audit.models import AuditEvent, Change
from novamind.jobs.runner import run_waiting
from patients.models import Patient
from tests.trail import NEW, bearer, requests

REQUESTS = 500
FORGED = [
    {"HTTP_X_FORWARDED_FOR": "not-an-ip"},
    {"HTTP_X_FORWARDED_FOR": "203.0.113.9"},
    {"HTTP_X_FORWARDED_FOR": ", ".join(["203.0.113.9"] * 400)},
    {"HTTP_X_FORWARDED_FOR": "\x00"},
    {"HTTP_X_FORWARDED_FOR": "2001:db8::1%eth0"},
    {"HTTP_X_REAL_IP": "203.0.113.9"},
    {"HTTP_FORWARDED": "for=203.0.113.9;host=evil.test"},
    {"HTTP_X_CORRELATION_ID": "x" * 300},
    {"HTTP_X_REQUEST_ID": "00000000-0000-0000-0000-000000000000"},
    {"HTTP_X_REQUEST_ID": "'; DROP TABLE audit_auditevent; --"},
    {"HTTP_X_FORWARDED_PORT": "99999999999"},
    {"HTTP_X_FORWARDED_HOST": "evil.test"},
    {"HTTP_X_HTTP_METHOD_OVERRIDE": "DELETE"},
    {"HTTP_USER_AGENT": "\x00" * 9 + "é" * 5000},
    {"HTTP_USER_AGENT": ""},
    {"HTTP_REFERER": "https://evil.test/?q=Zqxlast"},
    {"HTTP_ACCEPT_LANGUAGE": "x" * 5000},
    {"HTTP_COOKIE": "sessionid=../../etc/passwd"},
    {"REMOTE_PORT": "99999999999"},
    {"QUERY_STRING": "%00=%ff&a[]=1&" + "b" * 3000},
]


@pytest.mark.exhaustive
@pytest.mark.slow
def test_500_requests_with_forged_headers_leave_500_true_records(transactional_db, psychiatrist, patient):
    client = Client(raise_request_exception=False)
    known = Patient.objects.count()
    identity, answered, made = bearer(psychiatrist), set(), 0
    for number, forged in enumerate(islice(cycle(FORGED), REQUESTS)):
        more = forged | identity
        if number % 5 == 4:
            answer = client.post("/api/v1/patients", NEW, content_type="application/json", **more)
            assert answer.status_code == 201, forged
            made += 1
        else:
            answer = client.get(f"/api/v1/patients/{patient.pk}", **more)
            assert answer.status_code == 200, forged
        answered.add(answer["X-Request-ID"])
    events = requests()
    assert set(events.values_list("request_id", flat=True)) == answered
    assert events.count() == len(answered) == REQUESTS
    assert set(events.values_list("ip", "actor_id")) == {("127.0.0.1", psychiatrist.pk)}
    assert Patient.objects.count() - known == made == events.filter(event_type="CREATION").count()
    assert events.filter(event_type="DATA_ACCESS", patients__patient_id=patient.pk).count() == REQUESTS - made
    assert "Zqxlast" not in str(list(events.values()))


@pytest.mark.postgres
@pytest.mark.skipif(connection.vendor != "postgresql", reason="needs PostgreSQL: SQLite notes no writes")
def test_every_write_of_a_clinics_day_is_in_an_event_of_somebody(doctor, psychiatrist, patient, nurse):
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM audit_change")  # the cast was made by nobody
    chart = f"/patients/{patient.pk}"
    content = depresjon(minutes("2024-01-08T12:00:00", 1440), [(at * 37) % 400 for at in range(1440)])
    made = doctor.post("/api/v1/patients", NEW, content_type="application/json").json()
    doctor.patch(f"/api/v1/patients/{made['id']}", {"version": 1, "pronouns": "x"}, content_type="application/json")
    decision = {"purpose": "research", "streams": ["actigraphy"], "decision": "given", "how": "written"}
    emergency = {"mrn": "ZQX-MRN-7781", "reason": "covering", "explanation": "Nobody else answers tonight."}
    for path, sent in (
        (f"{chart}/consents/record/", decision),
        (f"{chart}/psychotherapy/new/", {"text": "A note of my own."}),
        (f"{chart}/actigraphy/upload/", {"file": SimpleUploadedFile("a.csv", content)}),
    ):
        assert doctor.post(path, sent).status_code == 302, path
    other = Client()
    other.force_login(nurse)
    assert other.post("/patients/emergency/", emergency).status_code == 302
    assert other.post(f"{chart}/emergency/end/").status_code == 302
    run_waiting()
    written = Change.objects.all()
    assert {
        "patients_patient",
        "patients_consent",
        "patients_emergencyaccess",
        "patients_psychotherapynote",
        "actigraphy_recording",
        "actigraphy_analysis",
        "actigraphy_night",
    } <= set(written.values_list("table_name", flat=True))
    spoken = set(AuditEvent.objects.values_list("request_id", "patients__patient_id"))
    assert [str(row) for row in written if (row.request_id, row.patient_id) not in spoken] == []
    assert set(written.values_list("actor", flat=True)) == {str(psychiatrist.pk), str(nurse.pk)}
