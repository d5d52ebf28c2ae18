"""Ask for work, announce an event, try again, acknowledge: what the other apps and the pages call."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from functools import partial
from typing import Any
from uuid import UUID, uuid4

from django.db import IntegrityError, transaction

from novamind.clock import now
from novamind.inserts import insert_absent
from novamind.jobs.kinds import QUEUES, SUBSCRIPTIONS, kind_named
from novamind.jobs.models import AdminAlert, Job
from novamind.jobs.sending import send
from novamind.jobs.work import current_work

# No blank and no @: a name, a sentence or an address does not fit through.
_ID = re.compile(r"[\w.:/+-]{1,200}", re.ASCII)


def enqueue(
    kind: str,
    *,
    key: str,
    actor: UUID | None = None,
    due_at: datetime | None = None,
    queue: str | None = None,
    once: bool = False,
    **args: UUID | str | int,
) -> Job:
    """Queue a job by name, in the caller's transaction; the message leaves when that commits.

    A job of the same key that still waits is returned instead, and is held until the caller commits, so that it
    cannot run before it can see what the caller wrote. Who enqueues several keys does it in one order (sorted).
    ``once``: nothing waits under this key yet, because it names what the caller has just made; it is not looked for.

    Raises
    ------
    UnknownKind
        No ``jobs.py`` has registered the kind.
    TypeError, ValueError
        An argument is not an id, the function does not take it, or there is no such queue.
    """
    registered = kind_named(kind)
    registered.check(args)
    queue = queue or registered.queue
    if queue not in QUEUES:
        raise ValueError(f"no queue {queue!r}; there are {', '.join(QUEUES)}")
    if not _ID.fullmatch(key):
        raise ValueError("a key is made of ids: letters, digits and . : / + - _ only")
    work, pk = current_work(), uuid4()
    moment = now()
    job = Job(
        pk=pk,
        kind=kind,
        key=key,
        queue=queue,
        args=stored_args(args),
        actor=actor or (work.actor if work else None),
        pipeline_id=work.pipeline_id if work else pk,
        created_at=moment,
        due_at=due_at or moment,
        sent_at=None if due_at and due_at > moment else moment,
    )
    with transaction.atomic(savepoint=False):  # nothing within is caught
        kept = _insert_or_find(job, look=not once)
        if kept is job and job.sent_at is not None:
            transaction.on_commit(partial(send, job.pk, kind=kind, queue=queue), robust=True)
    return kept


def _insert_or_find(job: Job, *, look: bool) -> Job:
    """The job, inserted, or the one that waits under the same key, locked."""
    waiting = Job.objects.select_for_update().filter(key=job.key, state=Job.State.PENDING).order_by("attempts")
    while True:
        if look and (found := waiting.first()):
            return found
        # The index decides between two callers at once: the second waits for the first, then looks again.
        if insert_absent([job], ["id"]):
            return job
        look = True


def publish(event: str, *, actor: UUID | None = None, **ids: UUID | str | int) -> list[Job]:
    """Announce what has happened: one job for each subscriber, in the caller's transaction."""
    return [
        enqueue(
            listener.kind,
            key=listener.key_for(ids),
            actor=actor,
            once=listener.once,
            **kind_named(listener.kind).accepted(ids),
        )
        for listener in SUBSCRIPTIONS.get(event, ())
    ]


def stored_args(args: Mapping[str, Any]) -> dict[str, str | int]:
    """Ids as JSON; anything that could carry a value of a patient is refused, without being quoted."""
    stored: dict[str, str | int] = {}
    for name, value in args.items():
        if isinstance(value, UUID):
            stored[name] = str(value)
        elif isinstance(value, bool) or not isinstance(value, str | int):
            raise TypeError(f"{name}: a job takes UUID, str or int, not {type(value).__name__}")
        elif isinstance(value, str) and not _ID.fullmatch(value):
            raise ValueError(f"{name}: a job takes ids, and this text does not look like one")
        else:
            stored[name] = value
    return stored


def loaded_args(stored: Mapping[str, Any]) -> dict[str, Any]:
    """The other way: whatever reads as a UUID in canonical form arrives as one."""
    return {name: _uuid_or_same(value) for name, value in stored.items()}


def _uuid_or_same(value: Any) -> Any:
    if not isinstance(value, str) or len(value) != 36:
        return value
    try:
        return UUID(value)
    except ValueError:
        return value


def retry_job(job: Job) -> bool:
    """Give a failed or quarantined job three new attempts; False if it is neither, or if its key waits already."""
    fresh = {"state": Job.State.PENDING, "attempts": 0, "due_at": now(), "sent_at": now(), "lease_until": None}
    cleared = {"error_code": "", "error_detail": "", "finished_at": None, "held_by": ""}
    try:
        with transaction.atomic():
            if not Job.objects.filter(pk=job.pk).needing_attention().update(**fresh, **cleared):
                return False
            transaction.on_commit(partial(send, job.pk, kind=job.kind, queue=job.queue), robust=True)
    except IntegrityError:
        return False
    return True


def acknowledge_alert(alert: AdminAlert, *, by: Any) -> bool:
    """Take note of an alert; False if somebody has already."""
    taken = AdminAlert.objects.open().filter(pk=alert.pk).update(acknowledged_at=now(), acknowledged_by=by)
    return bool(taken)
