"""Which model made a number, and the number itself with its input."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

from django.db import models

from novamind.audit.records import PatientRecord


class ModelVersion(models.Model):
    """One version of one model; served only from ``production``, its file loaded only if its hash matches."""

    class Stage(models.TextChoices):
        """How far a version has come."""

        DRAFT = "draft", "Draft"
        SHADOW = "shadow", "Shadow"
        PRODUCTION = "production", "Production"
        RETIRED = "retired", "Retired"

    class Kind(models.TextChoices):
        """What a model does."""

        ENCODER = "encoder", "Encoder"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    name = models.CharField(max_length=80)
    version = models.CharField(max_length=80)
    kind = models.CharField(max_length=20, choices=Kind)
    stage = models.CharField(max_length=12, choices=Stage, default=Stage.DRAFT)
    weights_sha256 = models.CharField(max_length=64)
    weights_file = models.CharField(max_length=200, help_text="name in the models folder")
    code_version = models.CharField(max_length=40)
    training_data = models.TextField(blank=True)
    card = models.JSONField(default=dict)
    created_at = models.DateTimeField(auto_now_add=True)
    created_by = models.CharField(max_length=160)

    class Meta:
        ordering = ["name", "-created_at"]
        constraints = [
            models.UniqueConstraint(fields=["name", "version"], name="registry_one_row_per_version"),
            models.UniqueConstraint(
                fields=["name"], condition=models.Q(stage="production"), name="registry_one_in_production"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} {self.version}"


class Immutable(Exception):
    """An inference record was about to be changed or deleted."""


class InferenceRecord(PatientRecord):
    """One run of one model on one input, kept with the input, so that it replays whatever happens to the signals.

    Unique on (model version, patient, input hash), which makes it the cache: new data is a new hash. The patient
    is part of it, so that the same file in two charts is two records.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    patient_id = models.UUIDField(editable=False)
    model_version = models.ForeignKey(ModelVersion, on_delete=models.PROTECT, related_name="inferences")
    input_hash = models.CharField(max_length=64, editable=False)
    input_array = models.BinaryField(editable=False, help_text="float32, little-endian, zlib")
    input_shape = models.JSONField(editable=False)
    window_start = models.DateTimeField(editable=False)
    window_end = models.DateTimeField(editable=False)
    output = models.JSONField(editable=False)
    code_version = models.CharField(max_length=40, editable=False)
    requested_by = models.UUIDField(null=True, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta(PatientRecord.Meta):
        ordering = ["-created_at"]
        constraints = [
            models.UniqueConstraint(
                fields=["model_version", "patient_id", "input_hash"], name="registry_one_record_per_input"
            )
        ]

    def __str__(self) -> str:
        return f"inference {self.pk}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        if not self._state.adding:
            raise Immutable(f"{self} is never changed")
        super().save(*args, **kwargs)

    def delete(self, *args: Any, **kwargs: Any) -> Any:
        raise Immutable(f"{self} is never deleted")

    @property
    def window(self) -> tuple[datetime, datetime]:
        """What the input was cut from."""
        return self.window_start, self.window_end
