"""Ask for a delivery, repeat one, call one off: what the other apps call, each in the caller's transaction."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, time
from typing import Any
from uuid import UUID

from django.db import models, transaction

from novamind import clock
from novamind.accounts.models import User
from novamind.audit.models import EventType
from novamind.audit.recording import note_object
from novamind.delivery.models import Channel, Delivery
from novamind.delivery.templates import TEMPLATES
from novamind.jobs.services import enqueue

_KEY = re.compile(r"[\w.:/+-]{1,180}", re.ASCII)


@dataclass(frozen=True, slots=True)
class PatientContact:
    """The patient with this id, at the contact that stands in the chart when the message leaves."""

    patient_id: UUID


def deliver(
    *,
    key: str,
    recipient: User | PatientContact,
    channel: str,
    template: str,
    about: models.Model | None = None,
    due_at: datetime | None = None,
    expires_at: datetime | None = None,
    quiet: tuple[time, time] | None = None,
) -> Delivery:
    """Send a message once, in the caller's transaction: the row is written, and a job that sends it.

    Parameters
    ----------
    key : str
        What makes it the same message; a second call with the same key returns the first delivery, as it is.
    about : Model, optional
        What caused it, by which it can be called off (:func:`cancel_about`).
    due_at, expires_at : datetime, optional
        Not before, and not at all from then on.
    quiet : (time, time), optional
        From, to, where the recipient is; by default ``QUIET_HOURS``. An urgent template knows none.

    Raises
    ------
    ValueError
        The key is not made of ids, or there is no such channel or template.
    """
    if not _KEY.fullmatch(key):
        raise ValueError("a key is made of ids: letters, digits and . : / + - _ only")
    if template not in TEMPLATES:
        raise ValueError(f"no template {template!r}; there are {', '.join(TEMPLATES)}")
    delivery = Delivery(
        key=key,
        user=recipient if isinstance(recipient, User) else None,
        patient_id=recipient.patient_id if isinstance(recipient, PatientContact) else None,
        channel=Channel(channel),
        template=template,
        about_label=about._meta.label if about else "",
        about_id=about.pk if about else None,
        due_at=due_at or clock.now(),
        expires_at=expires_at,
        quiet_from=quiet[0] if quiet else None,
        quiet_to=quiet[1] if quiet else None,
    )
    return _insert_or_find(delivery)


def _insert_or_find(delivery: Delivery) -> Delivery:
    with transaction.atomic():
        # The index decides between two callers at once.
        Delivery.objects.bulk_create([delivery], ignore_conflicts=True)
        kept = Delivery.objects.get(key=delivery.key)
        if kept.pk == delivery.pk:
            plan(kept)
    return kept


def plan(delivery: Delivery) -> None:
    """Queue the sending for when it is due."""
    enqueue("delivery.send", key=f"delivery:{delivery.pk}", due_at=delivery.due_at, delivery_id=delivery.pk)


class TooLate(ValueError):
    """What the message was for is over: it would arrive after its use."""


def resend(delivery: Delivery) -> Delivery:
    """The same message once more, whatever became of the first, within the same hours; by hand only. ``TooLate``."""
    if delivery.is_too_late(clock.now()):
        raise TooLate
    again = Delivery.objects.filter(resends=delivery.pk).count() + 1
    repeated = Delivery(
        key=f"{delivery.key}:again:{again}"[-200:],
        user=delivery.user,
        patient_id=delivery.patient_id,
        channel=delivery.channel,
        template=delivery.template,
        about_label=delivery.about_label,
        about_id=delivery.about_id,
        expires_at=delivery.expires_at,
        quiet_from=delivery.quiet_from,
        quiet_to=delivery.quiet_to,
        resends=delivery.pk,
    )
    made = _insert_or_find(repeated)
    note_object(EventType.CREATION, "delivery.Delivery", made.pk)
    return made


def cancel_about(about: Iterable[Any], label: str, *, but_to: Iterable[User] | None = None) -> int:
    """Call off what has not left, of the rows with these ids; how many. What a provider is being asked to take right
    now leaves if it takes it; if it is busy, it is not asked again.

    With ``but_to`` only what is for other users than these; what is for patients stays.
    """
    unsent = Delivery.objects.open().filter(about_label=label, about_id__in=list(about))
    if but_to is not None:
        unsent = unsent.filter(user__isnull=False).exclude(user__in=list(but_to))
    return unsent.update(state=Delivery.State.CANCELLED)
