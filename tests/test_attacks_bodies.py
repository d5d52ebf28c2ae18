"""Large bodies from whoever has proved nothing: refused by their length at every URL, and not a byte is read."""

from __future__ import annotations

from typing import Any

import jwt
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.test.client import BOUNDARY, MULTIPART_CONTENT, FakePayload, encode_multipart

from novamind.accounts.tokens import DEVICE_PREFIX
from novamind.limits import MB, STRANGER_BYTES
from novamind.phi.uploads import EncryptedUploadHandler
from tests.test_uploads import GOOD
from tests.trail import PASSWORD, bearer
from tests.urls_of_novamind import every_url, values_for

API = "/api/v1/actigraphy/upload"
MADE_UP = {
    "nothing": {},
    "a bearer": {"HTTP_AUTHORIZATION": "Bearer made-up"},
    "a device's": {"HTTP_AUTHORIZATION": f"Bearer {DEVICE_PREFIX}{'a' * 43}"},
    "a signature of somebody else's": {
        "HTTP_AUTHORIZATION": "Bearer " + jwt.encode({"user_id": "1", "aud": "novamind-api"}, "x" * 32, "HS256")
    },
    "another scheme": {"HTTP_AUTHORIZATION": "Basic YTpi"},
}


@pytest.fixture
def handled(monkeypatch: Any) -> list[str]:
    """Names of the files that an upload handler was given."""
    seen: list[str] = []
    real = EncryptedUploadHandler.new_file

    def note(self: Any, field: str, name: str, *rest: Any) -> None:
        seen.append(name)
        real(self, field, name, *rest)

    monkeypatch.setattr(EncryptedUploadHandler, "new_file", note)
    return seen


class Counted(FakePayload):
    """A body that notes how much of it was read."""

    def __init__(self, content: bytes) -> None:
        super().__init__(content)
        self.taken = 0

    def read(self, *args: Any, **kwargs: Any) -> bytes:
        piece = super().read(*args, **kwargs)
        self.taken += len(piece)
        return piece


def form(patient: Any, size: int) -> bytes:
    file = SimpleUploadedFile("large.csv", GOOD + b"\n" * (size - len(GOOD)))
    return encode_multipart(BOUNDARY, {"file": file, "patient_id": str(patient.pk)})


def sent(
    client: Client, path: str, body: bytes, method: str = "POST", kind: str = MULTIPART_CONTENT, **headers: Any
) -> tuple[Any, Counted]:
    payload = Counted(body)
    return client.generic(method, path, body, kind, **{"wsgi.input": payload} | headers), payload


@pytest.mark.exhaustive
@pytest.mark.parametrize("claim", MADE_UP)
def test_nothing_of_a_large_body_is_read_for_whoever_proves_nothing(chart, handled, claim):
    body, client, asked = form(chart.patient, MB), Client(enforce_csrf_checks=True), 0
    for url in every_url():
        address = url.of(values_for(url, chart, chart.patient))
        for method in ("POST", "PUT", "PATCH", "DELETE"):
            answer, payload = sent(client, address, body, method, **MADE_UP[claim])
            assert answer.status_code in {302, 401, 404, 405, 413}, (address, answer.status_code)
            assert payload.taken == 0, address
            asked += 1
    assert (asked > 300, handled) == (True, [])


@pytest.mark.parametrize("path", ["/accounts/login/", "/api/v1/auth/login", "/api/v1/auth/refresh", "/accounts/code/"])
def test_a_door_that_is_open_to_all_takes_a_form_and_no_more(db, handled, path):
    client = Client()
    kind = "application/json" if path.startswith("/api/") else "application/x-www-form-urlencoded"
    small, taken = sent(client, path, b"x" * STRANGER_BYTES, kind=kind)
    assert (small.status_code != 413, taken.taken > 0) == (True, True)
    large, taken = sent(client, path, b"x" * (STRANGER_BYTES + 1))
    assert (large.status_code, taken.taken, handled) == (413, 0, [])


def test_a_password_without_its_second_factor_sends_no_file(chart, psychiatrist, handled, settings):
    client = Client()
    client.post("/accounts/login/", {"username": psychiatrist.email, "password": PASSWORD})
    assert client.get("/patients/").status_code == 302  # signed in, and not let in
    for path in (API, f"/patients/{chart.patient.pk}/actigraphy/upload/", "/accounts/2fa/reauthenticate/"):
        answer, payload = sent(client, path, form(chart.patient, MB))
        assert (answer.status_code, payload.taken, handled) == (413, 0, []), path


def test_an_ended_token_is_told_401_unread_and_a_good_one_is_taken_in(transactional_db, patient, psychiatrist, handled):
    good, client, body = bearer(psychiatrist), Client(), form(patient, MB)
    answer, _ = sent(client, API, body, **good)
    assert (answer.status_code, handled) == (201, ["large.csv"])
    psychiatrist.token_families.all().end("logout")
    answer, payload = sent(client, API, body, **good)
    assert (answer.status_code, payload.taken, handled) == (401, 0, ["large.csv"])
