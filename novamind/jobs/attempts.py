"""One attempt at a job: taken, kept alive, and ended, each by an UPDATE that says which attempt it speaks for."""

from __future__ import annotations

import logging
import os
import socket
from datetime import datetime, timedelta
from functools import partial

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import Exists, F, OuterRef

from novamind.audit.recording import Ledger, write_event
from novamind.clock import now
from novamind.jobs.finish import Finish, LeaseLost, PermanentFailure, failure_code, failure_detail
from novamind.jobs.models import MAX_ATTEMPTS, AdminAlert, Job, JobQuerySet
from novamind.jobs.sending import send
from novamind.jobs.services import publish
from novamind.jobs.work import Work
from novamind.measures import Abstained

alerts = logging.getLogger(settings.ADMINS_ALERT_LOGGER)

BACKOFF_S = (5, 25)


def holder() -> str:
    """This process, as others on this machine can check it: host, process namespace, process id."""
    try:
        namespace = os.stat("/proc/self/ns/pid").st_ino
    except OSError:
        namespace = 0
    return f"{socket.gethostname()[:80]}/{namespace}/{os.getpid()}"


def holder_is_gone(held_by: str) -> bool:
    """Whether the process has ended, as far as can be told from here: elsewhere only the lease tells."""
    place, _, process = held_by.rpartition("/")
    if place != holder().rpartition("/")[0] or not process.isdecimal():
        return False
    try:
        os.kill(int(process), 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        return False
    return False


def release_if_abandoned(job: Job) -> bool:
    """End the lease of a job whose process has died on this machine, rather than wait for it to run out."""
    if job.state != Job.State.RUNNING or not holder_is_gone(job.held_by):
        return False
    moment = now()
    freed = bool(Job.objects.attempt_of(job).update(lease_until=moment, sent_at=None))
    if freed:
        job.lease_until = moment
    return freed


def claim(job: Job) -> bool:
    """Take the job, as it was read, if it is still free; the attempt is counted and committed before any work, so that
    a job that kills its worker is counted too. False if it is taken, done, not yet due, used up, or if its key runs."""
    moment = now()
    if job.attempts >= MAX_ATTEMPTS or not job.is_claimable(moment):
        return False
    free = Job.objects.claimable(moment).filter(attempts=job.attempts)
    try:
        with transaction.atomic(durable=True):
            return _taken(free, [job], moment)
    except IntegrityError:
        return False


def claim_untried(like: Job, *, most: int) -> list[Job]:
    """Take up to ``most`` due jobs of the same kind and queue that nobody has tried yet, the oldest first: all in one
    UPDATE, each with an attempt of its own. A row that somebody holds just now is left to its own message."""
    moment = now()
    key_runs = Job.objects.filter(key=OuterRef("key"), state=Job.State.RUNNING)
    untried = Job.objects.filter(kind=like.kind, queue=like.queue, state=Job.State.PENDING, attempts=0)
    due = untried.filter(~Exists(key_runs), due_at__lte=moment).order_by("created_at")
    try:
        with transaction.atomic(durable=True):
            waiting = list(due.select_for_update(skip_locked=True)[:most])
            return waiting if waiting and _taken(untried, waiting, moment) else []
    except IntegrityError:  # a job of one of these keys began just now; each has a message of its own
        return []


def _taken(free: JobQuerySet, jobs: list[Job], moment: datetime) -> bool:
    """Hold these jobs, rows and instances, if all are still free; else none. ``IntegrityError`` if a key runs."""
    held = {
        "state": Job.State.RUNNING,
        "lease_until": moment + timedelta(seconds=settings.JOB_LEASE_S),
        "held_by": holder(),
        "started_at": moment,
        "finished_at": None,
    }
    counted = free.filter(pk__in=[job.pk for job in jobs]).update(**held, attempts=F("attempts") + 1)
    if counted != len(jobs):
        transaction.set_rollback(True)
        return False
    for job in jobs:
        job.attempts += 1
        vars(job).update(held)
    return True


def renew(job: Job) -> bool:
    """Extend the lease; False if this attempt is no longer the current one."""
    until = now() + timedelta(seconds=settings.JOB_LEASE_S)
    return bool(Job.objects.attempt_of(job).update(lease_until=until))


def finish(job: Job, outcome: Finish, work: Work, ledger: Ledger) -> None:
    """Store result, next jobs, state and audit event together.

    Raises
    ------
    LeaseLost
        Another attempt has begun; nothing is stored.
    """
    with transaction.atomic(durable=True):
        # First the row: from here on nobody can claim it, however long storing takes.
        ended = Job.objects.attempt_of(job).update(
            state=Job.State.DONE, finished_at=now(), steps=job.steps + work.steps, error_code="", error_detail=""
        )
        if not ended:
            raise LeaseLost
        result_id = outcome.store()
        if result_id is not None:
            Job.objects.filter(pk=job.pk).update(result_id=result_id)
        for event, ids in sorted(outcome.publish, key=lambda announced: announced[0]):
            publish(event, **ids)
        write_event(ledger, event_type="DATA_COLLECTION", action=job.kind, object_label="jobs.Job", object_id=job.pk)
        _wake_successor(job)


def fail(job: Job, error: BaseException, work: Work, ledger: Ledger) -> bool:
    """End the attempt: put back with a pause, failed for good, or quarantined. False if it was not ours any more."""
    if isinstance(error, PermanentFailure | Abstained):
        state = Job.State.FAILED
    elif job.attempts >= MAX_ATTEMPTS:
        state = Job.State.QUARANTINED
    else:
        state = Job.State.PENDING
    moment = now()
    pause = timedelta(seconds=BACKOFF_S[min(job.attempts, len(BACKOFF_S)) - 1])
    step_failed = any(taken["status"] == "failed" for taken in work.steps)
    with transaction.atomic(durable=True):
        ended = Job.objects.attempt_of(job).update(
            state=state,
            due_at=moment + pause if state == Job.State.PENDING else job.due_at,
            sent_at=None,
            lease_until=None,
            finished_at=moment,
            steps=job.steps + work.steps,
            error_code=failure_code(error),
            error_detail=failure_detail(error),
        )
        if not ended:
            return False
        _record_failure(job, ledger)
        if step_failed or state == Job.State.QUARANTINED:
            alert(job, failure_code(error))
        _wake_successor(job)
    return True


def quarantine_abandoned(job: Job, ledger: Ledger) -> bool:
    """Set aside a job whose third worker has died too."""
    with transaction.atomic(durable=True):
        moment = now()
        spent = Job.objects.attempt_of(job).filter(lease_until__lte=moment, attempts__gte=MAX_ATTEMPTS)
        ended = spent.update(
            state=Job.State.QUARANTINED,
            finished_at=moment,
            lease_until=None,
            error_code="worker_lost",
            error_detail="the process that ran it ended without a word",
        )
        if ended:
            _record_failure(job, ledger)
            alert(job, "worker_lost")
            _wake_successor(job)
    return bool(ended)


def alert(job: Job, code: str) -> None:
    """Tell the administrators: a row for the page (one open per job), a line in the log once that is committed."""
    AdminAlert.objects.bulk_create([AdminAlert(job=job)], ignore_conflicts=True)
    about = {"severity": AdminAlert.Severity.HIGH.value, "job_id": job.pk, "pipeline_id": job.pipeline_id}
    line = partial(alerts.error, "PIPELINE_FAILURE %s: %s", job.kind, code, extra=about)
    transaction.on_commit(line, robust=True)


def _record_failure(job: Job, ledger: Ledger) -> None:
    write_event(
        ledger,
        event_type="DATA_COLLECTION",
        action=job.kind,
        outcome="failed",
        object_label="jobs.Job",
        object_id=job.pk,
    )


def _wake_successor(job: Job) -> None:
    """A job of the same key was turned away while this one ran; its message is gone, so send another."""
    waiting = Job.objects.filter(key=job.key, state=Job.State.PENDING, due_at__lte=now()).exclude(pk=job.pk)
    for successor in waiting.order_by("created_at")[:1]:
        transaction.on_commit(partial(send, successor.pk, kind=successor.kind, queue=successor.queue), robust=True)
