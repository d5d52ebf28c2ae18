"""Whatever is sent to the patients' endpoints is answered, never with a 5xx."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

FIELDS = "first_name last_name date_of_birth mrn sex pronouns zone phone email version id".split()
TEXT = st.text(st.characters(), max_size=90) | st.sampled_from(
    [
        "\x00",
        "a\x00b",
        "\ud800",
        "1931-02-17",
        "0000-01-01",
        "Europe/Oslo",
        "../../etc/passwd",
        "a@b.c",
        "\u202e",
        "9" * 5000,
    ]
)
VALUE = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXT | st.sampled_from([10**400, -(2**63) - 1, 2**63]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=6,
)
GOOD = {"first_name": "Ada", "last_name": "Berg", "date_of_birth": "1980-01-01"}
BODY = st.dictionaries(st.sampled_from(FIELDS), VALUE, max_size=4) | VALUE

often = settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def send(client: Any, method: str, path: str, content: bytes, content_type: str = "application/json") -> Any:
    with transaction.atomic():
        response = client.generic(method, path, content, content_type=content_type)
        transaction.set_rollback(True)
    return response


def encoded(body: Any) -> bytes:
    return json.dumps(body).encode()


@often
@given(body=BODY)
def test_any_json_that_makes_no_patient_is_refused_in_one_form(body, signed_in, psychiatrist):
    content = encoded(GOOD | body if isinstance(body, dict) else body)
    response = send(signed_in(psychiatrist), "POST", "/api/v1/patients", content)
    assert response.status_code in {201, 400, 409}, response.content
    if response.status_code != 201:
        assert set(response.json()) <= {"code", "detail", "fields", "line", "request_id"}


@often
@given(body=BODY)
def test_any_json_that_changes_no_patient_is_refused(body, patient, signed_in, psychiatrist):
    content = encoded({"version": 1} | body if isinstance(body, dict) else body)
    response = send(signed_in(psychiatrist), "PATCH", f"/api/v1/patients/{patient.pk}", content)
    assert response.status_code in {200, 400, 409}, response.content


@pytest.mark.parametrize(
    ("content", "content_type", "status"),
    [
        (b"", "application/json", 400),
        (b"{", "application/json", 400),
        (b"\xff\xfe", "application/json", 400),
        (b'{"first_name": "\\ud800"}', "application/json", 400),
        (b"[" * 100_000, "application/json", 400),
        (b'{"version": ' + b"9" * 5000 + b"}", "application/json", 400),
        (b'{"first_name": NaN, "last_name": Infinity}', "application/json", 400),
        (b"first_name=Ada", "application/x-www-form-urlencoded", 415),
        (b"<a/>", "application/xml", 415),
        (b"{}", "nonsense", 415),
        (b"{}", "application/json; charset=no-such", 400),
        (b"{}", "", 415),
    ],
)
def test_what_is_no_json_is_refused_in_the_same_form(content, content_type, status, signed_in, psychiatrist):
    response = send(signed_in(psychiatrist), "POST", "/api/v1/patients", content, content_type)
    assert response.status_code == status, response.content
    assert {"code", "detail", "request_id"} <= set(response.json())


@pytest.mark.parametrize("name", ["first_name", "last_name", "mrn", "phone", "email", "pronouns", "zone", "sex"])
@pytest.mark.parametrize("text", ["a\x00b", "\ud800"])
def test_text_that_no_database_keeps_is_a_wrong_field(name, text, signed_in, psychiatrist):
    response = send(signed_in(psychiatrist), "POST", "/api/v1/patients", encoded(GOOD | {name: text}))
    assert response.status_code == 400, response.content
    assert list(response.json()["fields"]) == [name]


@pytest.mark.parametrize(
    "path",
    ["/api/v1/patients/nonsense", "/api/v1/patients/a%00b", "/api/v1/patients/0", "/api/v1/actigraphy/recordings/x"],
)
def test_an_id_that_is_none_is_not_found(path, signed_in, psychiatrist):
    assert signed_in(psychiatrist).get(path).status_code == 404


@pytest.mark.parametrize("query", ["cursor=x", "cursor=%00", "page_size=x", "page_size=-1", "page_size=" + "9" * 400])
def test_any_page_that_is_asked_for_is_answered(query, signed_in, psychiatrist, patient):
    assert signed_in(psychiatrist).get(f"/api/v1/patients?{query}").status_code in {200, 404}
