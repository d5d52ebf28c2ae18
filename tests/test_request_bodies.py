"""What is sent: received before any transaction, by nobody's stranger, and refused in a clean form."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.test.client import BOUNDARY, MULTIPART_CONTENT, FakePayload, encode_multipart

from novamind.audit.middleware import EXEMPT, AuditMiddleware
from novamind.audit.models import AuditEvent
from patients.models import Patient
from tests.test_uploads import GOOD, Unread
from tests.trail import bearer, the_request
from tests.urls_of_novamind import every_url, values_for

JSON = "application/json"
FORM = "application/x-www-form-urlencoded"
UPLOAD = "/patients/{}/actigraphy/upload/"


class Watched(FakePayload):
    """A body that notes whether a transaction was open while it was read."""

    def __init__(self, content: bytes) -> None:
        super().__init__(content)
        self.within: set[bool] = set()

    def read(self, *args: Any, **kwargs: Any) -> bytes:
        self.within.add(connection.in_atomic_block)
        return super().read(*args, **kwargs)


def sent(client: Client, method: str, path: str, body: bytes, kind: str, payload: Any = None, **more: Any) -> Any:
    return client.generic(
        method, path, body, kind, **{"wsgi.input": FakePayload(body) if payload is None else payload} | more
    )


def form(**fields: Any) -> bytes:
    return encode_multipart(BOUNDARY, fields)


@pytest.mark.parametrize("token", [True, False])
@pytest.mark.parametrize(
    ("method", "path", "body", "kind", "status"),
    [
        (
            "POST",
            "/api/v1/patients",
            b'{"first_name": "A", "last_name": "B", "date_of_birth": "1931-02-17"}',
            JSON,
            201,
        ),
        ("PATCH", "/api/v1/patients/{}", b'{"version": 1, "first_name": "Changed"}', JSON, 200),
        ("POST", "/api/v1/actigraphy/upload", b"upload", MULTIPART_CONTENT, 201),
        ("POST", UPLOAD, b"upload", MULTIPART_CONTENT, 302),
        ("POST", "/patients/search/", b"q=zqx", FORM, 302),
    ],
)
def test_a_body_is_received_before_the_transaction(
    doctor, psychiatrist, patient, method, path, body, kind, status, token
):
    if token and not path.startswith("/api/"):
        pytest.skip("pages know no tokens")
    if body == b"upload":
        body = form(file=SimpleUploadedFile("a.csv", GOOD), patient_id=str(patient.pk))
    client, more = (Client(), bearer(psychiatrist)) if token else (doctor, {})
    payload = Watched(body)
    answer = sent(client, method, path.format(patient.pk), body, kind, payload, **more)
    assert answer.status_code == status, answer.content
    assert payload.within == {False}
    if method == "PATCH":
        assert Patient.objects.get(pk=patient.pk).first_name == "Changed"


@pytest.mark.exhaustive
def test_a_stranger_is_turned_away_unread_and_without_a_transaction(chart, monkeypatch):
    def transaction(*args: Any) -> None:
        raise AssertionError("a transaction was opened")

    monkeypatch.setattr(AuditMiddleware, "_change", transaction)
    client, addresses = Client(enforce_csrf_checks=True), 0
    for url in every_url():
        if url.name in EXEMPT:
            continue
        for method in ("POST", "PUT", "PATCH", "DELETE"):
            address = url.of(values_for(url, chart, chart.patient))
            answer = sent(client, method, address, b"x" * 100, MULTIPART_CONTENT, Unread())
            assert answer.status_code in {302, 401, 404, 405, 415}, address
            addresses += 1
    assert addresses > 100
    assert set(AuditEvent.objects.filter(status_code__isnull=False).values_list("outcome", flat=True)) == {"refused"}


class CutOff(FakePayload):
    """A caller who goes away in the middle."""

    def read(self, *args: Any, **kwargs: Any) -> bytes:
        raise OSError("connection reset")


IDNA = {
    "a form in an odd charset": (b"q=\xc3\xa9", FORM + "; charset=idna"),
    "a file in an odd charset": (form(columns="é"), MULTIPART_CONTENT + "; charset=idna"),
}
UNREADABLE = IDNA | {
    "json in an odd charset": ('{"first_name": "é"}'.encode(), JSON + "; charset=idna"),
    "too many fields": ("&".join(f"a{n}=" for n in range(1200)).encode(), FORM),
    "no boundary": (b"x", "multipart/form-data"),
}


def refused(answer: Any, path: str, status: int, code: str) -> None:
    assert answer.status_code == status, answer.content
    if path.startswith("/api/"):
        said = answer.json()
        assert (said["code"], said["request_id"]) == (code, answer.headers["X-Request-ID"])
        assert said["detail"]
    event = the_request()
    assert (event.outcome, event.status_code, event.actor_label) == ("refused", status, "psychiatrist@clinic.test")


@pytest.mark.parametrize("path", ["/api/v1/patients", "/patients/new/"])
@pytest.mark.parametrize("name", UNREADABLE)
def test_what_cannot_be_read_is_400_on_record(doctor, path, name):
    body, kind = UNREADABLE[name]
    if path == "/patients/new/" and kind.startswith(JSON):
        pytest.skip("pages know no JSON")
    refused(sent(doctor, "POST", path, body, kind), path, 400, "parse_error")


@pytest.mark.parametrize("path", ["/api/v1/patients", "/patients/new/"])
@pytest.mark.parametrize("kind", [JSON, FORM, MULTIPART_CONTENT])
def test_a_caller_who_goes_away_is_on_record(doctor, path, kind):
    refused(sent(doctor, "POST", path, b"x" * 100, kind, CutOff()), path, 400, "parse_error")


@pytest.mark.parametrize("method", ["POST", "PATCH"])
@pytest.mark.parametrize("kind", [JSON, FORM])
def test_a_body_larger_than_any_of_ours_is_413(doctor, settings, method, kind):
    body = b"x" * (settings.DATA_UPLOAD_MAX_MEMORY_SIZE + 1)
    refused(sent(doctor, method, "/api/v1/patients", body, kind), "/api/", 413, "too_large")


@pytest.mark.django_db
@pytest.mark.parametrize("path", ["/accounts/login/", "/api/v1/auth/login"])
@pytest.mark.parametrize("name", IDNA)
def test_a_sign_in_that_cannot_be_read_is_400(client, path, name):
    assert sent(client, "POST", path, *IDNA[name]).status_code == 400


@pytest.mark.django_db
@pytest.mark.parametrize("body", ["[" * 100_000, '{"a":' * 100_000, "{", "NaN", "[]", '"x"', "null", ""])
def test_broken_json_is_a_mistake_of_the_sender(signed_in, psychiatrist, body):
    client = signed_in(psychiatrist)
    client.raise_request_exception = False
    answer = client.generic("POST", "/api/v1/patients", body, JSON)
    assert answer.status_code == 400, answer.content
    assert set(answer.json()) >= {"code", "detail", "request_id"}
