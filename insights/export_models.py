"""De-identified files for research: asked for, made by a job, taken out, gone after a while."""

from __future__ import annotations

import uuid
from typing import Any, ClassVar

from django.conf import settings
from django.db import models

from novamind import clock
from novamind.phi.fields import EncryptedField


class ResearchExportQuerySet(models.QuerySet["ResearchExport"]):
    """Files for research."""

    def of(self, user: Any) -> ResearchExportQuerySet:
        """Those that this user asked for: they hold patients whom this user may see."""
        return self.filter(by=user.pk)

    def ended(self) -> ResearchExportQuerySet:
        """Files whose time is over and that are still there."""
        return self.filter(expires_at__lte=clock.now(), content__isnull=False)


class ResearchExport(models.Model):
    """One file of de-identified rows; which study id is whose is written nowhere."""

    key_owner: ClassVar[None] = None  # the clinic's own key: nothing in the file is to lead back to a patient

    class Why(models.TextChoices):
        """What for; no free text, which might name a patient."""

        PROTOCOL = "protocol", "A study that a review board has approved"
        PREPARING = "preparing", "Preparing a study: whether the data would do"
        METHOD = "method", "Checking a method or a program"

    class State(models.TextChoices):
        WAITING = "waiting", "Being made"
        READY = "ready", "Ready to be taken out"
        EMPTY = "empty", "Nobody allows it"
        BLOCKED = "blocked", "Held back: the last check found an identifier"
        ENDED = "ended", "Deleted: its time was over, or somebody may no longer be in it"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", editable=False)
    why = models.CharField("what for", max_length=12, choices=Why)
    asked_at = models.DateTimeField(default=clock.now, editable=False)
    state = models.CharField(max_length=8, choices=State, default=State.WAITING, editable=False)
    finished_at = models.DateTimeField(null=True, editable=False)
    expires_at = models.DateTimeField(null=True, editable=False)
    people = models.PositiveIntegerField(null=True, editable=False)
    rows = models.PositiveIntegerField(null=True, editable=False)
    sha256 = models.CharField(max_length=64, blank=True, editable=False)
    content = EncryptedField(null=True, editable=False, help_text="the zip, base64")

    objects = ResearchExportQuerySet.as_manager()

    class Meta:
        ordering: ClassVar = ["-asked_at"]

    def __str__(self) -> str:
        return f"research export {str(self.pk)[:8]}"
