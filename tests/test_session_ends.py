"""How a session ends, and what a password may be."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.test import Client

from tests.signing_in import PASSWORD, sign_in

LONG = "a whole sentence that nobody else would think of, and then some more of it: " * 2


def signed_in_by_password(user: Any, password: str = PASSWORD) -> Client:
    client = Client()
    assert sign_in(client, user, password).status_code == 302
    return client


def test_signing_out_ends_the_session_and_empties_the_browser(psychiatrist, settings):
    client = signed_in_by_password(psychiatrist)
    stolen = client.cookies[settings.SESSION_COOKIE_NAME].value
    answer = client.post("/accounts/logout/")
    assert answer.headers["Clear-Site-Data"] == '"cache", "cookies", "storage"'
    thief = Client(headers={"Cookie": f"{settings.SESSION_COOKIE_NAME}={stolen}"})
    assert thief.get("/patients/").status_code == 302
    assert "Clear-Site-Data" not in thief.get("/accounts/login/").headers


def test_a_new_sign_in_is_a_new_session(client, psychiatrist, settings):
    client.get("/accounts/login/")
    first = signed_in_by_password(psychiatrist).cookies[settings.SESSION_COOKIE_NAME].value
    second = signed_in_by_password(psychiatrist).cookies[settings.SESSION_COOKIE_NAME].value
    assert first != second


def test_a_new_password_ends_every_other_session(psychiatrist):
    elsewhere = signed_in_by_password(psychiatrist)
    assert elsewhere.get("/patients/").status_code == 200
    psychiatrist.set_password(LONG)
    psychiatrist.save()
    assert elsewhere.get("/patients/").status_code == 302


def test_a_password_of_any_length_and_letters_is_taken_as_it_is(psychiatrist):
    assert len(LONG) > 128
    validate_password(LONG, psychiatrist)
    psychiatrist.set_password(LONG)
    psychiatrist.save()
    assert signed_in_by_password(psychiatrist, LONG)
    cut = Client().post("/accounts/login/", {"username": psychiatrist.email, "password": LONG[:-1]})
    assert cut.status_code == 200


@pytest.mark.django_db
@pytest.mark.parametrize("weak", ["eleven char", "password1234"])
def test_a_short_or_common_password_is_refused(weak):
    with pytest.raises(ValidationError):
        validate_password(weak)
