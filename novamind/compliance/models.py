"""Checks as they last came out, findings with a date, incidents with theirs."""

from __future__ import annotations

import uuid
from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q

from novamind import clock
from novamind.limits import NOTE_CHARACTERS
from novamind.phi.fields import EncryptedField


class CheckResult(models.Model):
    """How one check came out in the last run; checks that no app declares any more are gone."""

    class State(models.TextChoices):
        HOLDS = "holds", "Holds"
        FAILS = "fails", "Fails"
        NOT_CONFIGURED = "not configured", "Not configured"

    key = models.CharField(max_length=60, primary_key=True)
    title = models.CharField(max_length=160)
    state = models.CharField(max_length=14, choices=State)
    fact = models.CharField(max_length=400)
    remedy = models.CharField(max_length=400)
    owner = models.CharField(max_length=40)
    at = models.DateTimeField(default=clock.now)

    class Meta:
        ordering = ["key"]

    def __str__(self) -> str:
        return f"{self.key}: {self.state}"


class FindingQuerySet(models.QuerySet["Finding"]):
    def open(self) -> FindingQuerySet:
        """Still failing at the last run."""
        return self.filter(closed_at__isnull=True)


class Finding(models.Model):
    """A check that failed: since when, until when it is to be mended, who took note, and when it held again."""

    key_owner: ClassVar[None] = None  # the clinic's own key

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    key = models.CharField(max_length=60)
    title = models.CharField(max_length=160)
    fact = models.CharField(max_length=400)
    remedy = models.CharField(max_length=400)
    owner = models.CharField(max_length=40)
    first_seen_at = models.DateTimeField(default=clock.now)
    last_seen_at = models.DateTimeField(default=clock.now)
    due_at = models.DateTimeField()
    acknowledged_at = models.DateTimeField(null=True)
    acknowledged_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+")
    notes = EncryptedField(max_length=2000, null=True, blank=True)
    closed_at = models.DateTimeField(null=True)

    objects = FindingQuerySet.as_manager()

    class Meta:
        ordering = ["due_at"]
        constraints = [
            models.UniqueConstraint("key", condition=Q(closed_at__isnull=True), name="compliance_one_open_per_check")
        ]

    def __str__(self) -> str:
        return f"finding {str(self.pk)[:8]}"

    @property
    def is_overdue(self) -> bool:
        """Whether it should have been mended by now."""
        return self.closed_at is None and self.due_at <= clock.now()


class Incident(models.Model):
    """Something that happened to protected information, and what the law asks after it (45 CFR 164.400-414).

    A breach is presumed until somebody writes down why the information was probably not compromised (164.402).
    """

    key_owner: ClassVar[None] = None  # the clinic's own key: an incident concerns many

    class Judgement(models.TextChoices):
        PRESUMED = "presumed", "Breach, presumed or confirmed"
        LOW = "low", "Low probability that anything was compromised"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    title = models.CharField(max_length=120, help_text="names nobody")
    what = EncryptedField(max_length=NOTE_CHARACTERS)
    discovered_at = models.DateTimeField()
    account = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    since = models.DateTimeField(null=True, blank=True)
    until = models.DateTimeField(null=True, blank=True)
    others_affected = models.PositiveIntegerField(default=0)
    judgement = models.CharField(max_length=10, choices=Judgement, default=Judgement.PRESUMED)
    reasons = EncryptedField(max_length=NOTE_CHARACTERS, null=True, blank=True)
    individuals_told_on = models.DateField(null=True, blank=True)
    hhs_told_on = models.DateField(null=True, blank=True)
    media_told_on = models.DateField(null=True, blank=True)
    recorded_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    recorded_at = models.DateTimeField(default=clock.now, editable=False)
    closed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-discovered_at"]

    def __str__(self) -> str:
        return f"incident {str(self.pk)[:8]}"

    @property
    def people(self) -> int:
        """How many are affected: those the trail names, and those counted by other means."""
        return self.affected.count() + self.others_affected


class Affected(models.Model):
    """A patient whose chart the trail says was opened, frozen when the incident was recorded."""

    incident = models.ForeignKey(Incident, on_delete=models.PROTECT, related_name="affected")
    patient_id = models.UUIDField(editable=False)
    first_at = models.DateTimeField(editable=False)
    last_at = models.DateTimeField(editable=False)
    events = models.PositiveIntegerField(editable=False)

    class Meta:
        verbose_name_plural = "affected"
        ordering = ["first_at"]
        constraints = [
            models.UniqueConstraint(fields=["incident", "patient_id"], name="compliance_one_row_per_affected")
        ]

    def __str__(self) -> str:
        return f"{str(self.patient_id)[:8]} in {self.incident_id}"
