"""Runs jobs: claim, work without a transaction, finish in one."""

from __future__ import annotations

from uuid import UUID

from novamind.audit.recording import resumed
from novamind.clock import now
from novamind.jobs import attempts
from novamind.jobs.kinds import KINDS
from novamind.jobs.models import MAX_ATTEMPTS, Job
from novamind.jobs.running import Attempt, answer_together, ledger_of


def run_job(job_id: UUID) -> bool:
    """Make one attempt at the job, and at those that can be run together with it; False if it is not to be run here
    and now."""
    job = Job.objects.filter(pk=job_id).first()
    if job is None or not _claimed(job):
        return False
    begun = [Attempt(each) for each in (job, *_companions(job))]
    try:
        if asking := [attempt for attempt in begun if attempt.begin()]:
            answer_together(asking)
    finally:  # the database may be away, so that an attempt could not even be ended
        for attempt in begun:
            attempt.close()
    return True


def _companions(job: Job) -> list[Job]:
    """Jobs that wait to ask the same. Who has failed before runs alone, so that one bad question spoils no others."""
    kind = KINDS.get(job.kind)
    if kind is None or kind.together is None or job.attempts > 1:
        return []
    return attempts.claim_untried(job, most=kind.most - 1)


def _claimed(job: Job) -> bool:
    """A message that comes again because its worker died need not wait for the lease."""
    if job.state == Job.State.RUNNING:
        attempts.release_if_abandoned(job)
        if job.attempts >= MAX_ATTEMPTS:
            quarantine(job)
            return False
    return attempts.claim(job)


def quarantine(job: Job) -> bool:
    """Set the job aside if its attempts are used up and nobody holds it."""
    with resumed(ledger_of(job)) as ledger:
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
