"""Sign-ins that fail too often stop, on both ways, for whoever tries, and for nobody else."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.backends import ModelBackend
from django.test import Client

from novamind import clock
from novamind.accounts.models import User
from novamind.audit import throttle
from novamind.audit.models import AuditEvent, EventType
from tests.signing_in import code_of, sign_in

pytestmark = pytest.mark.django_db
PASSWORD = "correct horse battery staple"  # noqa: S105  (make_user's)
NOBODY = "nobody@clinic.test"


def by_page(client: Any, email: str, password: str, **meta: Any) -> Any:
    return client.post("/accounts/login/", {"username": email, "password": password}, **meta)


def by_api(client: Any, email: str, password: str, **meta: Any) -> Any:
    user = User.objects.filter(email=email).first()
    body = {"email": email, "password": password, "code": code_of(user) if user else "123456"}
    return client.post("/api/v1/auth/login", body, content_type="application/json", **meta)


def fail(client: Any, email: str, times: int = throttle.PER_ADDRESS, **meta: Any) -> None:
    for number in range(times):
        assert (by_api, by_page)[number % 2](client, email, "wrong", **meta).status_code in {200, 401}


def test_after_five_failures_the_right_password_is_not_even_looked_at(client, psychiatrist, monkeypatch):
    fail(client, psychiatrist.email)
    monkeypatch.setattr(ModelBackend, "authenticate", lambda *args, **kwargs: pytest.fail("a password was hashed"))
    page = by_page(client, "PSYCHIATRIST@clinic.test ", PASSWORD)
    assert page.status_code == 429
    assert "Too many attempts. Try again in 15 minutes." in page.content.decode()
    answer = by_api(client, psychiatrist.email, PASSWORD)
    assert (answer.status_code, answer.json()["code"], answer.headers["Retry-After"]) == (
        429,
        "too_many_attempts",
        "900",
    )
    assert answer.json()["detail"] == "Too many attempts. Try again in 15 minutes."


@pytest.mark.parametrize("attempt", [by_page, by_api])
def test_an_address_that_is_nobodys_is_answered_just_the_same(client, psychiatrist, attempt):
    def answers(email: str) -> list[int]:
        return [attempt(client, email, "wrong").status_code for _ in range(throttle.PER_ADDRESS + 2)]

    assert answers(psychiatrist.email) == answers(NOBODY)


def test_every_attempt_is_one_row_in_the_trail_and_no_row_keeps_the_address(client, psychiatrist):
    fail(client, NOBODY)
    by_page(client, NOBODY, "wrong")
    rows = AuditEvent.objects.filter(event_type=EventType.SIGN_IN_FAILED)
    assert rows.count() == throttle.PER_ADDRESS + 1
    assert NOBODY not in str(list(rows.values()))


def test_failures_elsewhere_lock_nobody_out(client, psychiatrist, therapist):
    fail(client, psychiatrist.email, REMOTE_ADDR="203.0.113.9")
    assert by_api(client, therapist.email, PASSWORD, REMOTE_ADDR="203.0.113.9").status_code == 200
    assert by_api(client, psychiatrist.email, PASSWORD, REMOTE_ADDR="203.0.113.10").status_code == 200


def test_a_hundred_failures_from_one_place_stop_that_place(client, psychiatrist, monkeypatch):
    monkeypatch.setattr(throttle, "PER_IP", 7)
    for number in range(7):
        fail(client, f"guess{number}@clinic.test", times=1)
    assert by_page(client, psychiatrist.email, PASSWORD).status_code == 429
    assert by_api(client, psychiatrist.email, PASSWORD, REMOTE_ADDR="203.0.113.10").status_code == 200


def test_who_guesses_from_the_next_desk_locks_nobody_out_of_their_own_browser(client, psychiatrist, monkeypatch):
    monkeypatch.setattr(throttle, "PER_IP", 12)
    assert sign_in(client, psychiatrist).status_code == 302
    client.post("/accounts/logout/")
    beside = Client()
    fail(beside, psychiatrist.email)
    for number in range(7):
        fail(beside, f"guess{number}@clinic.test", times=1)
    assert by_page(beside, psychiatrist.email, PASSWORD).status_code == 429
    assert sign_in(client, psychiatrist)["Location"] == "/"


def test_a_known_browser_has_its_own_five_attempts_and_no_more(client, psychiatrist, therapist):
    sign_in(client, psychiatrist)
    client.post("/accounts/logout/")
    for _ in range(throttle.PER_ADDRESS):
        assert by_page(client, psychiatrist.email, "wrong").status_code == 200
    assert by_page(client, psychiatrist.email, PASSWORD).status_code == 429


@pytest.mark.parametrize("cookie", ["", "x", "a:b:c", "made-up"])
def test_a_made_up_cookie_makes_nobody_known(client, psychiatrist, cookie):
    fail(client, psychiatrist.email)
    client.cookies["known"] = cookie
    assert by_page(client, psychiatrist.email, PASSWORD).status_code == 429


def test_a_cookie_makes_known_by_its_own_account_alone(client, psychiatrist, therapist):
    sign_in(client, therapist)
    client.post("/accounts/logout/")
    fail(Client(), psychiatrist.email)
    assert by_page(client, psychiatrist.email, PASSWORD).status_code == 429


def test_after_a_quarter_of_an_hour_one_may_try_again(client, psychiatrist, monkeypatch):
    fail(client, psychiatrist.email)
    later = clock.now() + timedelta(minutes=15, seconds=1)
    monkeypatch.setattr(clock, "now", lambda: later)
    assert by_page(client, psychiatrist.email, PASSWORD).status_code == 302


def test_the_switch_turns_it_off(client, psychiatrist, settings):
    settings.RATE_LIMITING_ENABLED = False
    fail(client, psychiatrist.email)
    assert by_api(client, psychiatrist.email, PASSWORD).status_code == 200
