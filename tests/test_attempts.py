"""Tries at what must not be guessed: exactly so many, also when they come at once, and nobody else pays for them."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection, connections
from django.test import Client

from novamind import clock
from novamind.audit import activity, throttle
from novamind.audit.attempts import Claim, forget_old, take
from novamind.audit.models import Attempt, AuditEvent, EventType
from patients import record_numbers
from patients.models import Patient
from tests.signing_in import code_of
from tests.trail import NEW, PASSWORD, bearer

JSON = "application/json"
LOGIN = "/api/v1/auth/login"
EIGHT = 8


@pytest.fixture
def eight_at_once(transactional_db: None) -> Callable[[Callable[[int], Any]], Counter[int]]:
    """The statuses of eight requests sent in one moment."""
    if connection.vendor != "postgresql":
        pytest.skip("SQLite's test database lives in shared memory, where writers fail instead of waiting")

    def run(ask: Callable[[int], Any]) -> Counter[int]:
        barrier, answers = threading.Barrier(EIGHT), []

        def one(number: int) -> None:
            barrier.wait()
            answers.append(ask(number).status_code)
            connections.close_all()

        threads = [threading.Thread(target=one, args=(number,)) for number in range(EIGHT)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return Counter(answers)

    return run


def signed_in(user: Any) -> Client:
    client = Client()
    client.force_login(user)
    return client


def wrong(email: str, **more: Any) -> Any:
    return Client().post(LOGIN, {"email": email, "password": "wrong"} | more, content_type=JSON)


def test_of_eight_wrong_passwords_at_once_five_are_looked_at(eight_at_once, psychiatrist):
    assert eight_at_once(lambda number: wrong(psychiatrist.email)) == {401: throttle.PER_ADDRESS, 429: 3}
    assert AuditEvent.objects.filter(event_type=EventType.SIGN_IN_FAILED).count() == EIGHT


def test_of_eight_wrong_codes_at_once_so_many_are_looked_at_as_may_be(eight_at_once, psychiatrist, monkeypatch):
    monkeypatch.setattr(throttle, "PER_SECOND_FACTOR", 4)
    monkeypatch.setattr(throttle, "PER_ADDRESS", 100)
    code_of(psychiatrist)
    body = {"email": psychiatrist.email, "password": PASSWORD, "code": "000000"}
    told = eight_at_once(lambda number: Client().post(LOGIN, body, content_type=JSON))
    assert told == {401: 4, 429: 4}


def test_of_eight_emergency_searches_at_once_so_many_are_answered_as_may_be(eight_at_once, nurse, monkeypatch):
    monkeypatch.setattr("patients.emergency.ATTEMPTS", 5)
    clients = [signed_in(nurse) for _ in range(EIGHT)]
    form = {"reason": "covering", "explanation": "Covering tonight, nobody answers.", "mrn": "X"}
    told = eight_at_once(lambda number: clients[number].post("/patients/emergency/", form))
    assert told == {422: 5, 429: 3}


def test_of_eight_taken_numbers_at_once_so_many_are_told_as_may_be(
    eight_at_once, psychiatrist, make_patient, other_team, monkeypatch
):
    monkeypatch.setattr(record_numbers, "PER_DAY", 5)
    for number in range(EIGHT):
        make_patient(other_team, mrn=f"HIDDEN-{number}")
    tokens = [bearer(psychiatrist) for _ in range(EIGHT)]

    def ask(number: int) -> Any:
        body = NEW | {"mrn": f"HIDDEN-{number}"}
        return Client().post("/api/v1/patients", body, content_type=JSON, **tokens[number])

    assert eight_at_once(ask) == {409: 5, 429: 3}
    assert Attempt.objects.filter(kind="record_number").count() == 5
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'")
        assert cursor.fetchone() == (0,)  # nobody waits for a request that is over


def test_a_right_password_is_no_try(db, psychiatrist):
    for _ in range(throttle.PER_ADDRESS + 2):
        body = {"email": psychiatrist.email, "password": PASSWORD, "code": code_of(psychiatrist)}
        assert Client().post(LOGIN, body, content_type=JSON).status_code == 200
    assert not Attempt.objects.exists()


def test_a_try_counts_for_its_time_and_is_forgotten_after(db, monkeypatch):
    claim = Claim("test", "somebody", 2, timedelta(hours=1))
    assert [take([claim]) is not None for _ in range(3)] == [True, True, False]
    assert take([Claim("test", "somebody else", 2, timedelta(hours=1))]) is not None
    later = clock.now() + timedelta(hours=1, seconds=1)
    monkeypatch.setattr(clock, "now", lambda: later)
    assert take([claim]) is not None
    monkeypatch.setattr(clock, "now", lambda: later + timedelta(days=2))
    assert (forget_old(), Attempt.objects.count()) == (4, 0)


@pytest.fixture
def api(signed_in: Any, psychiatrist: Any) -> Callable[..., Any]:
    """Register somebody, or give the patient of the path a number."""
    client = signed_in(psychiatrist)

    def ask(mrn: str, patient: Any = None) -> Any:
        if patient is None:
            return client.post("/api/v1/patients", NEW | {"mrn": mrn}, content_type=JSON)
        body = {"mrn": mrn, "version": Patient.objects.get(pk=patient.pk).version}
        return client.patch(f"/api/v1/patients/{patient.pk}", body, content_type=JSON)

    return ask


@pytest.fixture
def hidden(make_patient: Any, other_team: Any) -> Any:
    return make_patient(other_team, mrn="HIDDEN-1", last_name="Hiddenname")


def said(answer: Any) -> tuple[int, str, str]:
    return answer.status_code, answer.json()["code"], answer.json()["detail"]


def test_a_hidden_patients_number_is_refused_in_the_words_of_any_other(transactional_db, api, hidden, patient):
    assert said(api("HIDDEN-1")) == said(api(patient.mrn)) == (409, "mrn_taken", record_numbers.TAKEN)


def test_after_ten_tries_a_day_a_free_number_and_a_taken_one_are_answered_alike(
    transactional_db, api, hidden, patient, monkeypatch
):
    for number in range(record_numbers.PER_DAY):
        assert api("HIDDEN-1" if number % 2 else f"FREE-{number}", patient).status_code == (409 if number % 2 else 200)
    taken, free = api("HIDDEN-1"), api("FREE-99")
    assert said(taken)[:2] == said(free)[:2] == (429, "rate_limited")
    assert api("free-8", patient).status_code == 200  # the number it has
    later = clock.now() + timedelta(days=1, seconds=1)
    monkeypatch.setattr(record_numbers.clock, "now", lambda: later)
    assert said(api("HIDDEN-1"))[0] in {401, 409}  # signed out meanwhile, or told again


def test_the_try_is_on_record_with_the_patient_and_named_in_the_review(transactional_db, api, hidden, patient):
    api("HIDDEN-1")
    api(patient.mrn)  # of a visible one nothing is told that was not known
    event = AuditEvent.objects.get(action=record_numbers.ACTION)
    assert (event.outcome, event.actor_label) == ("refused", "psychiatrist@clinic.test")
    assert list(event.patients.values_list("patient_id", flat=True)) == [hidden.pk]
    rule = next(rule for rule in activity.rules() if rule.key == "hidden_numbers")
    found = list(rule.find(activity.Week.of(clock.now())))
    assert [(finding.who, finding.fact) for finding in found] == [("psychiatrist", "numbers of hidden patients: 1")]


def test_whoever_registers_many_with_free_numbers_is_not_stopped(transactional_db, api):
    assert {api(f"FREE-{number}").status_code for number in range(record_numbers.PER_DAY + 5)} == {201}


def test_a_page_says_it_in_the_same_words(transactional_db, signed_in, psychiatrist, hidden, team):
    form = NEW | {"mrn": "HIDDEN-1", "zone": "Europe/Oslo", "sex": "unknown", "teams": [team.pk]}
    answer = signed_in(psychiatrist).post("/patients/new/", form)
    assert (answer.status_code, record_numbers.TAKEN in answer.content.decode()) == (422, True)


def crowd(monkeypatch: Any) -> None:
    """As many failures from this place as may be."""
    monkeypatch.setattr(throttle, "PER_IP", 7)
    for number in range(7):
        wrong(f"guess{number}@clinic.test")


def test_from_a_place_with_many_failures_both_secrets_at_once_still_open_the_api(db, psychiatrist, monkeypatch):
    crowd(monkeypatch)
    body = {"email": psychiatrist.email, "password": PASSWORD, "code": code_of(psychiatrist)}
    answer = Client().post(LOGIN, body, content_type=JSON)
    assert answer.status_code == 200
    headers = {"HTTP_AUTHORIZATION": f"Bearer {answer.json()['access']}"}
    assert Client().get("/api/v1/patients", **headers).status_code == 200


def test_and_nothing_is_told_there_of_one_secret_without_the_other(db, psychiatrist, make_user, monkeypatch):
    crowd(monkeypatch)
    alone = make_user("own@mail.test", "patient")
    code = code_of(psychiatrist)
    tries = [
        {"email": psychiatrist.email, "password": PASSWORD, "code": "000000"},
        {"email": psychiatrist.email, "password": "wrong", "code": code},
        {"email": psychiatrist.email, "password": PASSWORD},
        {"email": alone.email, "password": PASSWORD, "code": "000000"},
        {"email": alone.email, "password": PASSWORD},
        {"email": "nobody@clinic.test", "password": "wrong", "code": "000000"},
    ]
    told = {said(Client().post(LOGIN, body, content_type=JSON)) for body in tries}
    assert len(told) == 1
    assert told.pop()[:2] == (429, "too_many_attempts")
