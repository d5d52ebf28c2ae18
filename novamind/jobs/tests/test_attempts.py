"""One attempt at a time, counted before it works; one result, stored with the state; nothing secret in what is kept."""

import logging
import os
import subprocess
import time
from datetime import timedelta
from uuid import uuid4

import pytest
from django.db import connection

from novamind.audit.models import AuditEvent
from novamind.clock import now
from novamind.jobs import attempts
from novamind.jobs.finish import Finish, PermanentFailure
from novamind.jobs.kinds import job, subscribes
from novamind.jobs.models import AdminAlert, Job
from novamind.jobs.runner import run_job, run_waiting
from novamind.jobs.services import acknowledge_alert, enqueue, retry_job
from novamind.jobs.work import step
from novamind.measures import Abstained

pytestmark = pytest.mark.django_db


def overtake(queued: Job) -> None:
    """Let the lease run out and another worker take the job."""
    Job.objects.filter(pk=queued.pk).update(lease_until=now() - timedelta(seconds=1))
    assert attempts.claim(Job.objects.get(pk=queued.pk))


def run_again_until_it_rests(queued: Job) -> Job:
    for _ in range(5):
        Job.objects.filter(pk=queued.pk).update(due_at=now())
        run_waiting()
    queued.refresh_from_db()
    return queued


def failing(error: Exception, *, in_step: bool = False) -> Job:
    @job("fails")
    def fails() -> None:
        if not in_step:
            raise error
        with step("read"):
            raise error

    return enqueue("fails", key="k")


def test_a_job_that_is_held_cannot_be_claimed_and_the_attempt_counts_before_the_work():
    @job("look")
    def look() -> None:
        assert Job.objects.get().attempts == 1
        assert not attempts.claim(Job.objects.get())

    queued = enqueue("look", key="k")
    assert run_job(queued.pk)
    assert not run_job(queued.pk)
    queued.refresh_from_db()
    assert (queued.state, queued.attempts) == ("done", 1)


def test_science_runs_without_a_transaction(transactional_db):
    @job("look")
    def look() -> None:
        assert not connection.in_atomic_block

    queued = enqueue("look", key="k")
    run_waiting()
    queued.refresh_from_db()
    assert queued.state == "done"


def test_two_jobs_of_one_key_never_run_at_once():
    @job("once")
    def once() -> None:
        second = enqueue("once", key="k") if Job.objects.count() == 1 else None
        assert second is None or not run_job(second.pk)

    enqueue("once", key="k")
    assert run_waiting() == 2


def test_the_result_of_an_overtaken_attempt_is_dropped():
    stored = []

    @job("slow")
    def slow() -> Finish:
        overtake(queued)
        return Finish(save=lambda: stored.append(1))

    queued = enqueue("slow", key="k")
    run_job(queued.pk)
    queued.refresh_from_db()
    assert stored == []
    assert (queued.state, queued.attempts) == ("running", 2)


def test_a_failure_of_an_overtaken_attempt_changes_nothing():
    @job("slow")
    def slow() -> None:
        overtake(queued)
        raise ValueError

    queued = enqueue("slow", key="k")
    run_job(queued.pk)
    queued.refresh_from_db()
    assert (queued.state, queued.attempts, queued.error_code) == ("running", 2, "")


def test_an_overtaken_job_stops_at_its_next_step(settings, transactional_db):
    settings.JOB_RENEW_S = 0.05
    reached = []

    @job("long")
    def long() -> None:
        Job.objects.filter(pk=queued.pk).update(attempts=2)
        with step("one"):
            time.sleep(0.6)
        with step("two"):
            reached.append(1)

    queued = enqueue("long", key="k")
    run_job(queued.pk)
    assert reached == []


def test_the_lease_is_renewed_while_the_job_works(settings, transactional_db):
    settings.JOB_RENEW_S, settings.JOB_LEASE_S = 0.05, 30
    leases = []

    @job("long")
    def long() -> None:
        for _ in range(2):
            leases.append(Job.objects.get().lease_until)
            time.sleep(0.4)

    enqueue("long", key="k")
    run_waiting()
    assert leases[1] > leases[0]


def test_result_state_next_jobs_and_audit_are_stored_together_or_not_at_all():
    @job("half")
    def half() -> Finish:
        return Finish(save=lambda: AdminAlert.objects.create(job=queued), publish=[("e", {"name": "not an id"})])

    @job("next")
    def follow(name: str) -> None: ...

    subscribes("e")(follow)
    queued = enqueue("half", key="k")
    run_job(queued.pk)
    queued.refresh_from_db()
    assert queued.state == "pending"
    assert not AdminAlert.objects.exists()
    assert not AuditEvent.objects.filter(outcome="success").exists()


def test_a_finished_job_knows_its_result_and_is_on_record():
    @job("make")
    def make() -> Finish:
        return Finish(save=lambda: AdminAlert.objects.create(job=queued))

    actor = uuid4()
    queued = enqueue("make", key="k", actor=actor)
    run_job(queued.pk)
    queued.refresh_from_db()
    assert queued.result_id == AdminAlert.objects.get().pk
    event = AuditEvent.objects.get(object_id=str(queued.pk))
    assert (event.action, event.outcome, event.actor_id) == ("make", "success", actor)


def test_a_failing_job_is_put_back_twice_with_growing_pauses_then_quarantined_and_alerted(caplog):
    queued = failing(ValueError("Ada Lovelace, born 1815"))
    pauses = []
    for _ in range(3):
        began = now()
        run_job(queued.pk)
        queued.refresh_from_db()
        pauses.append(round((queued.due_at - began).total_seconds()))
        Job.objects.filter(pk=queued.pk).update(due_at=began)
    assert (queued.state, queued.attempts, queued.error_code) == ("quarantined", 3, "unexpected")
    assert pauses[:2] == [5, 25]
    assert AdminAlert.objects.get().severity == "HIGH"
    assert not run_job(queued.pk)
    assert AuditEvent.objects.filter(object_id=str(queued.pk), outcome="failed").count() == 3


def test_the_text_of_an_error_is_kept_nowhere():
    queued = run_again_until_it_rests(failing(ValueError("Ada Lovelace, born 1815")))
    assert queued.error_detail.startswith("ValueError at novamind.jobs.tests.test_attempts:")
    assert "Ada" not in str([list(Job.objects.values()), list(AuditEvent.objects.values())])


def test_a_permanent_failure_is_not_tried_again_and_keeps_its_code():
    queued = run_again_until_it_rests(failing(PermanentFailure("unreadable_file")))
    assert (queued.state, queued.attempts, queued.error_code) == ("failed", 1, "unreadable_file")
    assert not AdminAlert.objects.exists()


def test_an_abstention_that_escapes_a_job_ends_it_with_its_code_and_alerts_nobody():
    queued = run_again_until_it_rests(failing(Abstained("no_weights"), in_step=True))
    assert (queued.state, queued.attempts, queued.error_code) == ("failed", 1, "no_weights")
    assert queued.steps[0]["status"] == "abstained"
    assert not AdminAlert.objects.exists()


def test_a_failure_code_cannot_carry_a_sentence():
    with pytest.raises(ValueError, match="lower-case word"):
        PermanentFailure("Ada was born 1815")


@pytest.mark.django_db(transaction=True)
def test_a_failing_step_alerts_once_however_often_it_fails(caplog, settings):
    with caplog.at_level(logging.ERROR, logger=settings.ADMINS_ALERT_LOGGER):
        queued = run_again_until_it_rests(failing(ValueError("secret"), in_step=True))
    assert AdminAlert.objects.open().count() == 1
    lines = [line for line in caplog.records if line.name == settings.ADMINS_ALERT_LOGGER]
    assert {line.getMessage() for line in lines} == {"PIPELINE_FAILURE fails: unexpected"}
    assert [taken["attempt"] for taken in queued.steps] == [1, 2, 3]


def test_each_step_is_one_log_line_and_stays_on_the_job(caplog):
    @job("steps")
    def steps() -> None:
        with step("read"):
            pass
        with step("sleep_wake"):
            pass

    queued = enqueue("steps", key="k")
    with caplog.at_level(logging.INFO):
        run_job(queued.pk)
    queued.refresh_from_db()
    assert [(taken["step"], taken["status"]) for taken in queued.steps] == [("read", "ok"), ("sleep_wake", "ok")]
    lines = [line for line in caplog.records if line.getMessage() == "pipeline.read.execution_time"]
    assert [(line.pipeline_id, line.status) for line in lines] == [(queued.pk, "ok")]
    assert lines[0].seconds == queued.steps[0]["seconds"]


def test_a_retried_job_has_three_new_attempts():
    queued = run_again_until_it_rests(failing(ValueError()))
    assert retry_job(queued)
    queued.refresh_from_db()
    assert (queued.state, queued.attempts, queued.error_code) == ("pending", 0, "")
    assert not retry_job(queued)


def test_a_job_is_not_retried_while_the_same_work_waits():
    queued = run_again_until_it_rests(failing(ValueError()))
    enqueue("fails", key="k")
    assert not retry_job(queued)


def test_an_alert_is_acknowledged_once(django_user_model):
    boss = django_user_model.objects.create_superuser("boss@example.org")
    run_again_until_it_rests(failing(ValueError()))
    alert = AdminAlert.objects.get()
    assert acknowledge_alert(alert, by=boss)
    assert not acknowledge_alert(alert, by=boss)
    assert AdminAlert.objects.open().count() == 0


def test_a_job_of_a_process_that_died_here_need_not_wait_for_its_lease():
    ended = subprocess.Popen(["true"])
    ended.wait()
    place = attempts.holder().rpartition("/")[0]
    assert attempts.holder_is_gone(f"{place}/{ended.pid}")
    assert not attempts.holder_is_gone(f"{place}/{os.getpid()}")
    assert not attempts.holder_is_gone(f"elsewhere/1/{ended.pid}")
    assert not attempts.holder_is_gone("")


def test_a_kind_that_this_release_does_not_know_is_quarantined_and_not_lost():
    queued = failing(ValueError())
    Job.objects.filter(pk=queued.pk).update(kind="gone")
    assert run_again_until_it_rests(queued).state == "quarantined"
