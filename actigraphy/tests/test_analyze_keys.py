"""``Idempotency-Key``: a request sent again makes nothing new."""

from __future__ import annotations

import threading
from datetime import UTC, datetime

import pytest
from django.db import connection
from django.test import Client

from actigraphy.models import Recording
from actigraphy.tests.analyze_requests import lists, send
from novamind.jobs.models import IdempotencyKey, Job


@pytest.fixture
def api(signed_in, psychiatrist):
    return signed_in(psychiatrist)


def test_a_key_makes_a_repeat_harmless(api, patient):
    first = send(api, patient, lists(), **{"Idempotency-Key": "k-1"})
    Recording.objects.update(state="failed")  # whatever came of it meanwhile
    again = send(api, patient, lists(), **{"Idempotency-Key": "k-1"})
    assert first.json()["recording_id"] == again.json()["recording_id"]
    row = IdempotencyKey.objects.get()
    assert (row.status, str(row.object_id)) == (202, first.json()["recording_id"])
    assert "k-1" not in str(row.__dict__)


def test_a_key_that_comes_with_another_body_is_422(api, patient):
    send(api, patient, lists(), **{"Idempotency-Key": "k-1"})
    other = send(api, patient, lists(analysis_types=["sleep"]), **{"Idempotency-Key": "k-1"})
    assert (other.status_code, other.json()["code"]) == (422, "key_reused")


def test_a_refused_request_leaves_its_key_free(api, patient):
    bad = lists(sampling_rate_hz=7)
    assert send(api, patient, bad, **{"Idempotency-Key": "k-1"}).status_code == 400
    assert not IdempotencyKey.objects.exists()
    assert send(api, patient, lists(), **{"Idempotency-Key": "k-1"}).status_code == 202


def test_a_key_of_yesterday_is_free_and_of_another_person_too(api, patient, signed_in, therapist):
    from novamind.jobs.idempotency import prune_keys

    send(api, patient, lists(), **{"Idempotency-Key": "k-1"})
    assert (
        send(signed_in(therapist), patient, lists(analysis_types=["mood"]), **{"Idempotency-Key": "k-1"}).status_code
        == 202
    )
    IdempotencyKey.objects.update(created_at=datetime(2026, 1, 1, tzinfo=UTC))
    assert send(api, patient, lists(analysis_types=["sleep"]), **{"Idempotency-Key": "k-1"}).status_code == 202
    assert prune_keys() == 1


@pytest.mark.parametrize("key", ["", "x" * 256, "\xe9"])
def test_what_is_no_key_is_refused(api, patient, key):
    answer = send(api, patient, lists(), **{"Idempotency-Key": key})
    assert (answer.status_code, answer.json()["code"]) == (400, "wrong_key")


def test_one_key_sent_by_eight_at_once_is_one_recording(transactional_db, patient, psychiatrist):
    if connection.vendor == "sqlite":
        pytest.skip("SQLite's test database lives in shared memory, where writers fail instead of waiting")
    answers, start = [], threading.Barrier(8)

    def ask() -> None:
        client = Client(raise_request_exception=False)
        client.force_login(psychiatrist)
        start.wait(60)
        answer = send(client, patient, lists(), **{"Idempotency-Key": "k-1"})
        answers.append((answer.status_code, answer.json().get("recording_id")))
        connection.close()

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {status for status, _ in answers} == {202}
    assert len(set(answers)) == 1
    assert (Recording.objects.count(), IdempotencyKey.objects.count(), Job.objects.count()) == (1, 1, 1)
