"""Messages say only "run this id". One that gets lost costs time, never work: the tick sends it again."""

from __future__ import annotations

import logging
import time
from uuid import UUID

from kombu.exceptions import ChannelError

from novamind.celery import app
from novamind.jobs.kinds import KINDS, QUEUES

logger = logging.getLogger(__name__)

TASK = "novamind.jobs.run"
SOFT_MARGIN_S = 30
_PAUSE_S = 5.0


class _Silence:
    """After a failed send nothing is tried for a while, so that a broker that is down cannot slow every request."""

    until = 0.0


def send(job_id: UUID, *, kind: str, queue: str) -> bool:
    """Send a message for the job; False if the broker did not take it."""
    if time.monotonic() < _Silence.until:
        return False
    try:
        app.send_task(TASK, args=[str(job_id)], queue=queue, ignore_result=True, **_limits(kind))
    except Exception as error:  # whatever a broker's client raises: the row is there and the tick will find it
        _Silence.until = time.monotonic() + _PAUSE_S
        logger.warning(
            "broker unreachable (%s); the tick will send job", type(error).__name__, extra={"job_id": job_id}
        )
        return False
    return True


def _limits(kind: str) -> dict[str, float]:
    """A kind's own limits; an unregistered one (an older release's job) gets the workers' default."""
    if (known := KINDS.get(kind)) is None:
        return {}
    limit = known.time_limit_s
    return {"time_limit": limit, "soft_time_limit": max(limit - SOFT_MARGIN_S, limit / 2)}


def messages_waiting(queue: str) -> int:
    """How many messages the broker holds for the queue."""
    with app.connection_for_write() as connection:
        try:
            return connection.default_channel.queue_declare(queue, passive=True).message_count
        except ChannelError:
            return 0  # Redis has no such list while it is empty


def broker_queues() -> dict[str, int] | None:
    """Messages waiting in each queue; None while the broker is down."""
    try:
        return {queue: messages_waiting(queue) for queue in QUEUES}
    except Exception as error:  # each transport has its own errors for "not there"
        logger.warning("broker unreachable (%s)", type(error).__name__)
        return None
