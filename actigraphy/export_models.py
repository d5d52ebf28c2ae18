"""Exports of wearables: the file as it came, and what came of it."""

from __future__ import annotations

import uuid

from django.db import models

from actigraphy.querysets import VisibleQuerySet
from novamind.audit.records import PatientRecord
from novamind.phi.fields import EncryptedField
from novamind.phi.sealed import SealedField
from patients.models import Patient


class Export(PatientRecord):
    """The file of a consumer wearable, encrypted; its events are kept like those a device sends."""

    class State(models.TextChoices):
        """How far the reading has come."""

        PENDING = "pending", "Waiting to be read"
        STORED = "stored", "Read"
        FAILED = "failed", "Could not be read"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    patient = models.ForeignKey(Patient, on_delete=models.PROTECT, related_name="exports")
    sha256 = models.CharField(max_length=64, editable=False)
    size = models.PositiveBigIntegerField(editable=False)
    file_name = EncryptedField(max_length=255)
    storage_name = models.CharField(max_length=120, editable=False, help_text="empty: nothing of it is kept")
    file_key = SealedField(file="storage_name", editable=False)
    format = models.CharField(max_length=40)
    state = models.CharField(max_length=10, choices=State, default=State.PENDING)
    error_code = models.CharField(max_length=40, blank=True)
    error_detail = models.CharField(max_length=300, blank=True)
    kept = models.JSONField(default=dict, help_text="type of data -> how many entries the file has of it")
    left_out = models.JSONField(default=list, help_text="[type of data or other, reason, how many]")
    uploaded_by = models.UUIDField(null=True, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)

    objects = VisibleQuerySet.as_manager()

    class Meta(PatientRecord.Meta):
        ordering = ["-created_at"]
        constraints = [models.UniqueConstraint(fields=["patient", "sha256"], name="actigraphy_an_export_once")]

    def __str__(self) -> str:
        return f"export {str(self.pk)[:8]}"
