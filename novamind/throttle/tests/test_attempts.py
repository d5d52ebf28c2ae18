"""Attempts at a secret are counted where a restart does not forget them, and what fails there refuses."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest
from django.db import DatabaseError, connection, transaction

from novamind import clock
from novamind.throttle import attempts
from novamind.throttle.attempts import allow, forget
from novamind.throttle.models import Attempts
from novamind.throttle.rates import ATTEMPTS

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("kind", ATTEMPTS)
def test_so_many_are_allowed_and_no_more(kind):
    limit = ATTEMPTS[kind].limit
    assert [allow(kind, "somebody") for _ in range(limit + 2)] == [True] * limit + [False] * 2
    assert allow(kind, "somebody else")


def test_the_right_secret_begins_anew():
    for _ in range(5):
        allow("mfa", 1)
    assert not allow("mfa", 1)
    forget("mfa", 1)
    assert allow("mfa", 1)


def test_after_the_window_one_may_try_again_and_old_ones_are_forgotten(monkeypatch):
    for _ in range(6):
        allow("mfa", 1)
    allow("mfa", 2)
    later = clock.now() + timedelta(days=1, minutes=16)
    monkeypatch.setattr(attempts, "now", lambda: later)
    assert allow("mfa", 1)
    assert Attempts.objects.count() == 1


def test_nobody_is_named():
    allow("reset", "zqx7781@mail.test")
    assert "zqx" not in str(list(Attempts.objects.values()))


def test_a_database_that_takes_no_row_allows_nothing(monkeypatch):
    def fail(*args, **kwargs):
        raise DatabaseError("disk full")

    monkeypatch.setattr(Attempts.objects, "get_or_create", fail)
    with pytest.raises(DatabaseError):
        allow("mfa", 1)


@pytest.mark.django_db(transaction=True)
def test_a_count_that_a_refusal_would_take_back_is_not_begun():
    with pytest.raises(RuntimeError, match="durable"), transaction.atomic():
        allow("mfa", 1)


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_eight_at_once_are_five():
    if connection.vendor == "sqlite":
        pytest.skip("SQLite's test database lives in shared memory, where writers fail instead of waiting")
    answers: list[bool] = []
    start = threading.Barrier(8)

    def attempt() -> None:
        start.wait(60)
        answers.append(allow("mfa", 1))
        connection.close()

    threads = [threading.Thread(target=attempt) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers.count(True) == 5


def test_the_switch_turns_it_off(settings):
    settings.RATE_LIMITING_ENABLED = False
    assert all(allow("mfa", 1) for _ in range(9))
