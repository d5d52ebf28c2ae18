"""The job that sends."""

from __future__ import annotations

from uuid import UUID

from novamind.delivery import sending
from novamind.jobs.finish import Finish
from novamind.jobs.kinds import job


@job("delivery.send", queue="notify", time_limit_s=60)
def send(delivery_id: UUID) -> Finish:
    """Send one message: on record in the trail of the patient whose contact is read."""
    return sending.send(delivery_id)
