"""One message to one person over one channel: due when, how often tried, how it ended."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any, ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q

from novamind.clock import now


class Channel(models.TextChoices):
    """How a person is reached."""

    EMAIL = "email", "E-mail"
    SMS = "sms", "Text message"


class DeliveryQuerySet(models.QuerySet["Delivery"]):
    """Deliveries."""

    def open(self) -> DeliveryQuerySet:
        """Neither sent nor ended otherwise."""
        return self.filter(state__in=Delivery.OPEN)


class Delivery(models.Model):
    """A message to an account or to a patient. It holds ids and codes; the address is read when it is sent.

    Not a record of a chart: whoever looks at deliveries learns of no patient, since the lists show none. The sending
    itself reads the patient's contact, and so stands in the chart's trail.
    """

    class State(models.TextChoices):
        WAITING = "waiting"
        SENDING = "sending"  # given to the provider; what it said is not noted yet
        SENT = "sent"
        EXPIRED = "expired"  # too late to be of use: never sent
        CANCELLED = "cancelled"  # what it was about is over
        UNREACHABLE = "unreachable"  # no address, or the patient does not want it
        FAILED = "failed"  # refused by the provider, or tried too often

    OPEN: ClassVar = (State.WAITING, State.SENDING)

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    key = models.CharField(max_length=200, unique=True, help_text="the same key twice is one delivery")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+")
    patient_id = models.UUIDField(null=True, db_index=True)
    channel = models.CharField(max_length=8, choices=Channel)
    template = models.CharField(max_length=40)
    about_label = models.CharField(max_length=60, blank=True)
    about_id = models.UUIDField(null=True)
    due_at = models.DateTimeField(default=now)
    expires_at = models.DateTimeField(null=True)
    quiet_from = models.TimeField(null=True, help_text="where the recipient is; empty: the clinic's quiet hours")
    quiet_to = models.TimeField(null=True)
    state = models.CharField(max_length=12, choices=State, default=State.WAITING)
    attempts = models.PositiveSmallIntegerField(default=0)
    log = models.JSONField(default=list, help_text="what happened, in codes: never an address or a text")
    provider_id = models.CharField(max_length=200, blank=True)
    resends = models.UUIDField(null=True, help_text="the delivery that this one repeats")
    created_at = models.DateTimeField(default=now)
    sent_at = models.DateTimeField(null=True)

    objects = DeliveryQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "deliveries"
        ordering = ["-created_at"]
        constraints = [
            models.CheckConstraint(
                condition=Q(user__isnull=True) ^ Q(patient_id__isnull=True), name="delivery_one_recipient"
            )
        ]
        indexes = [
            models.Index("state", "due_at", name="delivery_by_state"),
            models.Index("about_label", "about_id", name="delivery_about"),
        ]

    def __str__(self) -> str:
        return f"delivery {str(self.pk)[:8]}"

    @property
    def is_open(self) -> bool:
        """Whether it may still be sent."""
        return self.state in self.OPEN

    def note(self, what: str, **facts: Any) -> None:
        """Add a line to the log of this object; the caller saves it."""
        self.log = [*self.log, {"at": now().isoformat(timespec="seconds"), "what": what} | facts]

    def is_too_late(self, moment: datetime) -> bool:
        """Whether it would arrive after its use."""
        return self.expires_at is not None and self.expires_at <= moment
