"""Container health checks judge workers and scheduler by what they did."""

import uuid
from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command

from novamind.clock import now
from novamind.jobs import kinds, tick
from novamind.jobs.models import Job
from novamind.management.commands import healthy

pytestmark = pytest.mark.django_db


def waits(since: timedelta, queue: str = "ml") -> Job:
    pk = uuid.uuid4()
    return Job.objects.create(id=pk, pipeline_id=pk, kind="any", key=str(pk), queue=queue, due_at=now() - since)


def test_an_idle_worker_is_well():
    call_command("healthy", "worker", "ml")


def test_a_worker_that_leaves_jobs_waiting_is_not_well():
    waits(timedelta(minutes=3))
    with pytest.raises(CommandError, match="jobs wait"):
        call_command("healthy", "worker", "ml,default")


def test_a_job_of_another_queue_is_not_this_workers():
    waits(timedelta(minutes=3), queue="notify")
    call_command("healthy", "worker", "ml,default")


def test_a_job_that_has_just_come_may_wait():
    waits(timedelta(seconds=30))
    call_command("healthy", "worker", "ml")


def test_a_worker_that_is_busy_may_let_others_wait():
    waits(timedelta(minutes=3))
    running = waits(timedelta(minutes=3))
    Job.objects.filter(pk=running.pk).update(state=Job.State.RUNNING, lease_until=now() + timedelta(seconds=20))
    call_command("healthy", "worker", "ml")


def test_a_worker_that_has_just_ended_a_job_may_let_others_wait():
    waits(timedelta(minutes=3))
    done = waits(timedelta(minutes=3))
    Job.objects.filter(pk=done.pk).update(state=Job.State.DONE, finished_at=now())
    call_command("healthy", "worker", "ml")


@pytest.fixture
def hourly(monkeypatch):
    """A job that recurs, and nothing else that does."""
    monkeypatch.setattr(kinds, "PERIODIC", {})
    for module in (tick, healthy):
        monkeypatch.setattr(module, "PERIODIC", kinds.PERIODIC)
    monkeypatch.setattr(kinds, "KINDS", kinds.KINDS.copy())
    kinds.periodic("test.hourly", every=timedelta(hours=1))(lambda: None)


@pytest.mark.usefixtures("hourly")
def test_a_scheduler_that_inserted_every_slot_is_well():
    tick.insert_periodic(now() - healthy.PATIENCE)
    call_command("healthy", "beat")


@pytest.mark.usefixtures("hourly")
def test_a_scheduler_that_missed_a_slot_is_named_with_it():
    with pytest.raises(CommandError, match=r"not scheduled: test\.hourly"):
        call_command("healthy", "beat")
