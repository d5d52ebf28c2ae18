"""Runs one job: claim, work without a transaction, finish in one."""

from __future__ import annotations

import logging
from contextlib import AbstractContextManager
from uuid import UUID

from novamind.audit.recording import Ledger, recorded
from novamind.clock import now
from novamind.jobs import attempts
from novamind.jobs.finish import Finish, LeaseLost
from novamind.jobs.kinds import kind_named
from novamind.jobs.lease import Lease
from novamind.jobs.models import MAX_ATTEMPTS, Job
from novamind.jobs.services import loaded_args
from novamind.jobs.work import Work, working_on

logger = logging.getLogger(__name__)


def run_job(job_id: UUID) -> bool:
    """Make one attempt at the job; False if it is not to be run here and now."""
    job = attempts.claim(job_id) or _reclaimed(job_id)
    if job is None:
        return False
    work = Work(job.pk, job.pipeline_id, job.actor, job.attempts)
    with working_on(work), ledger_for(job) as ledger:
        try:
            attempts.finish(job, _result(job, work), work, ledger)
        except LeaseLost:
            _undo(ledger)
            logger.warning("attempt %d was overtaken; its result is dropped", job.attempts, extra={"job_id": job.pk})
        except Exception as error:
            _undo(ledger)
            logger.error("attempt %d of %s failed", job.attempts, job.kind, exc_info=error, extra={"job_id": job.pk})
            attempts.fail(job, error, work, ledger)
    return True


def _result(job: Job, work: Work) -> Finish:
    with Lease(job, work):
        kind = kind_named(job.kind)
        return kind.function(**loaded_args(job.args)) or Finish()


def ledger_for(job: Job) -> AbstractContextManager[Ledger]:
    """What the job sees and changes is on record under its id."""
    return recorded(actor_label=f"system:{job.kind}", actor_id=job.actor, request_id=str(job.pk))


def _undo(ledger: Ledger) -> None:
    """Take back what no transaction holds (a stored file)."""
    for undo in reversed(ledger.undo):
        undo()


def _reclaimed(job_id: UUID) -> Job | None:
    """A message that comes again because its worker died need not wait for the lease."""
    job = Job.objects.filter(pk=job_id, state=Job.State.RUNNING).first()
    if job is None:
        return None
    attempts.release_if_abandoned(job)
    if job.attempts >= MAX_ATTEMPTS:
        quarantine(job)
        return None
    return attempts.claim(job_id)


def quarantine(job: Job) -> bool:
    """Set the job aside if its attempts are used up and nobody holds it."""
    with ledger_for(job) as ledger:
        return attempts.quarantine_abandoned(job, ledger)


def run_waiting(limit: int = 1000) -> int:
    """Run every due job in this process, jobs that they enqueue included: for tests and seeding. How many ran."""
    done = 0
    while done < limit:
        due = Job.objects.claimable(now()).filter(attempts__lt=MAX_ATTEMPTS).order_by("created_at")
        ran = [run_job(pk) for pk in due.values_list("pk", flat=True)[: limit - done]]
        if not any(ran):
            break
        done += sum(ran)
    return done
