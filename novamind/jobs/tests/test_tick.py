"""The tick brings back what got lost and inserts what recurs, once, however many ticks there are."""

from datetime import UTC, datetime, timedelta
from threading import Barrier, Thread
from uuid import uuid4

import pytest
from django.db import connection

from novamind.audit.models import EventType, Seal
from novamind.audit.recording import recorded, write_event
from novamind.clock import now
from novamind.jobs import metrics
from novamind.jobs.kinds import PERIODIC, job, periodic
from novamind.jobs.models import AdminAlert, Job
from novamind.jobs.runner import run_waiting
from novamind.jobs.services import enqueue
from novamind.jobs.tick import insert_periodic, tick

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("empty_queues")]


@pytest.fixture
def queued() -> Job:
    @job("work")
    def work() -> None: ...

    return enqueue("work", key="k")


def aged(job_row: Job, **changes: object) -> None:
    Job.objects.filter(pk=job_row.pk).update(sent_at=now() - timedelta(seconds=20), **changes)


def test_a_job_sent_a_moment_ago_is_not_sent_again(queued, messages):
    assert tick().sent == 0
    assert messages == []


def test_a_job_whose_message_got_lost_is_sent_again_once(queued, messages):
    aged(queued)
    assert tick().sent == 1
    assert tick().sent == 0
    assert messages == [str(queued.pk)]


def test_a_backlog_is_not_sent_again_while_its_messages_are_in_the_queue(queued, messages, empty_queues):
    aged(queued)
    for messages_in_queue in (1, 5):
        empty_queues["default"] = messages_in_queue
        assert tick().sent == 0


def test_a_job_put_back_is_sent_when_its_pause_is_over(queued, messages):
    Job.objects.filter(pk=queued.pk).update(attempts=1, sent_at=None, due_at=now() + timedelta(seconds=5))
    assert tick().sent == 0
    Job.objects.filter(pk=queued.pk).update(due_at=now())
    assert tick().sent == 1


def test_a_job_whose_worker_fell_silent_is_sent_again(queued, messages):
    aged(queued, state="running", attempts=1, held_by="elsewhere/1/1", lease_until=now() - timedelta(seconds=1))
    assert tick().sent == 1


def test_a_job_whose_worker_still_renews_is_left_alone(queued, messages):
    aged(queued, state="running", attempts=1, held_by="elsewhere/1/1", lease_until=now() + timedelta(seconds=5))
    assert tick().sent == 0


def test_a_job_that_cost_three_workers_is_quarantined_and_alerted(queued):
    aged(queued, state="running", attempts=3, held_by="elsewhere/1/1", lease_until=now() - timedelta(seconds=1))
    assert tick().quarantined == 1
    queued.refresh_from_db()
    assert (queued.state, queued.error_code) == ("quarantined", "worker_lost")
    assert AdminAlert.objects.open().count() == 1


def test_nothing_is_marked_as_sent_while_the_broker_is_down(queued, monkeypatch):
    aged(queued)
    monkeypatch.setattr("novamind.jobs.tick.broker_queues", lambda: None)
    before = Job.objects.get().sent_at
    assert tick().sent == 0
    assert Job.objects.get().sent_at == before


def hourly() -> None:
    periodic("hourly", every=timedelta(hours=1))(lambda: None)


def test_a_slot_is_inserted_once_even_after_its_job_is_done(messages):
    hourly()
    moment = datetime(2027, 5, 3, 10, 20, tzinfo=UTC)
    assert insert_periodic(moment) == 1
    run_waiting()
    assert insert_periodic(moment + timedelta(minutes=39)) == 0
    assert insert_periodic(moment + timedelta(minutes=41)) == 1
    keys = set(Job.objects.values_list("key", flat=True))
    assert keys == {"hourly:2027-05-03T10:00:00Z", "hourly:2027-05-03T11:00:00Z"}


def test_a_clock_set_back_does_not_repeat_a_slot():
    hourly()
    for minutes in (0, 60, 0, 60, 120):
        insert_periodic(datetime(2027, 5, 3, 10, 20, tzinfo=UTC) + timedelta(minutes=minutes))
    assert Job.objects.count() == 3


def test_an_offset_moves_the_slot():
    periodic("nightly", every=timedelta(days=1), offset=timedelta(hours=3))(lambda: None)
    slot = PERIODIC["nightly"].slot
    assert slot(datetime(2027, 5, 3, 2, 59, tzinfo=UTC)) == datetime(2027, 5, 2, 3, tzinfo=UTC)
    assert slot(datetime(2027, 5, 3, 3, 0, tzinfo=UTC)) == datetime(2027, 5, 3, 3, tzinfo=UTC)


def test_a_periodic_job_is_sent_by_the_tick_that_inserts_it(messages):
    hourly()
    ticked = tick()
    assert (ticked.inserted, ticked.sent) == (1, 1)


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_eight_ticks_at_once_insert_and_send_a_periodic_job_once(messages):
    if connection.vendor != "postgresql":
        pytest.skip("needs a database with concurrent writers")
    hourly()
    start = Barrier(8)

    def one() -> None:
        start.wait()
        tick()
        connection.close()

    threads = [Thread(target=one) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert Job.objects.count() == 1
    assert len(messages) == 1


def test_the_figures_for_the_monitor_are_counted_from_rows(queued):
    Job.objects.filter(pk=queued.pk).update(due_at=now() - timedelta(seconds=60))
    assert metrics.counts_by_state_and_queue() == {("pending", "default"): 1}
    assert metrics.counts_by_state()["quarantined"] == 0
    assert metrics.oldest_pending_age_s()["default"] == pytest.approx(60, abs=5)
    assert metrics.open_alerts() == 0


def test_the_tick_seals_and_goes_on_when_it_cannot(messages, monkeypatch, caplog):
    with recorded(actor_label="system:test", request_id=str(uuid4())) as ledger:
        write_event(ledger, event_type=EventType.DATA_ACCESS, action="test")
    tick()
    assert Seal.objects.count() >= 1

    def fails():
        raise OSError("no such volume")

    monkeypatch.setattr("novamind.jobs.tick.anchor_if_due", fails)
    tick()
    assert "could not be sealed or anchored" in caplog.text
