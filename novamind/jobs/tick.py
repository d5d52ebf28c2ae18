"""Every few seconds: seal the trail, insert what recurs, free what a dead worker held, send what has no message."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import datetime
from uuid import NAMESPACE_URL, UUID, uuid5

from django.conf import settings
from django.db import transaction
from django.db.models import Q

from novamind.audit.anchors import anchor_if_due
from novamind.audit.seal import seal_new
from novamind.clock import now
from novamind.jobs.attempts import release_if_abandoned
from novamind.jobs.kinds import PERIODIC, kind_named
from novamind.jobs.models import MAX_ATTEMPTS, Job
from novamind.jobs.runner import quarantine
from novamind.jobs.sending import broker_queues, send

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Ticked:
    """What one tick did."""

    inserted: int
    quarantined: int
    sent: int


def tick() -> Ticked:
    """One round. Two at once do no harm: rows and conditional UPDATEs decide."""
    moment = now()
    keep_trail()
    inserted = insert_periodic(moment)
    quarantined = free_abandoned()
    ticked = Ticked(inserted, quarantined, send_unsent())
    if any((ticked.inserted, ticked.quarantined, ticked.sent)):
        logger.info("tick: %d inserted, %d quarantined, %d sent", ticked.inserted, ticked.quarantined, ticked.sent)
    return ticked


def keep_trail() -> None:
    """Seal what is new in the audit trail and anchor it. Here and not as a job, whose own events would never end.

    A failure is told to the administrators and does not stop the tick; ``verify_audit`` finds what stays unsealed.
    """
    try:
        seal_new()
        anchor_if_due()
    except Exception:
        logging.getLogger(settings.ADMINS_ALERT_LOGGER).critical(
            "the audit trail could not be sealed or anchored", exc_info=True, extra={"severity": "HIGH"}
        )


def insert_periodic(moment: datetime) -> int:
    """One job per name and slot, whatever state it is in by now: its primary key is made of both."""
    jobs = [_periodic_job(name, PERIODIC[name].slot(moment)) for name in sorted(PERIODIC)]
    known = set(Job.objects.filter(pk__in=[job.pk for job in jobs]).values_list("pk", flat=True))
    missing = [job for job in jobs if job.pk not in known]
    with transaction.atomic():
        Job.objects.bulk_create(missing, ignore_conflicts=True)
    return len(missing)


def _periodic_job(name: str, slot: datetime) -> Job:
    key = f"{name}:{slot:%Y-%m-%dT%H:%M:%SZ}"
    pk: UUID = uuid5(NAMESPACE_URL, f"novamind:jobs:{key}")
    return Job(pk=pk, pipeline_id=pk, kind=name, key=key, queue=kind_named(name).queue)


def free_abandoned() -> int:
    """Leases of processes that died on this machine end now; jobs that used up their attempts are set aside."""
    for job in Job.objects.filter(state=Job.State.RUNNING, lease_until__gt=now()):
        release_if_abandoned(job)
    spent = Job.objects.filter(state=Job.State.RUNNING, attempts__gte=MAX_ATTEMPTS, lease_until__lte=now())
    return sum(quarantine(job) for job in spent)


def send_unsent() -> int:
    """Send what is due and has no message.

    Whether one is lost cannot be seen, so only as many are sent as there are more jobs than messages in the queue:
    a long backlog is not sent over and over.
    """
    queues = broker_queues()
    if queues is None:
        return 0
    return sum(_send_queue(queue, waiting) for queue, waiting in queues.items())


def _send_queue(queue: str, messages: int) -> int:
    moment = now()
    due = Job.objects.filter(queue=queue, attempts__lt=MAX_ATTEMPTS).claimable(moment)
    missing = due.count() - messages
    if missing <= 0:
        return 0
    sent = 0
    for job in due.unsent(moment)[:missing]:
        if not _mark_sent(job, moment):
            continue
        if not send(job.pk, kind=job.kind, queue=job.queue):
            Job.objects.filter(pk=job.pk).update(sent_at=job.sent_at)
            break
        sent += 1
    return sent


def _mark_sent(job: Job, moment: datetime) -> bool:
    """Whether this tick is the one that sends it."""
    seen = Q(sent_at__isnull=True) if job.sent_at is None else Q(sent_at=job.sent_at)
    return bool(Job.objects.filter(seen, pk=job.pk).update(sent_at=moment))
