"""Which model made a number, how it came to serve, and the number itself with its input."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import OuterRef, Subquery

from novamind.audit.recording import aggregates
from novamind.audit.records import PatientRecord, PatientRecordQuerySet
from novamind.clock import now
from novamind.measures import Abstained


class ModelVersionQuerySet(models.QuerySet["ModelVersion"]):
    def serving(self, name: str) -> ModelVersionQuerySet:
        """The version of this model that is in production, if any."""
        return self.filter(name=name, stage=ModelVersion.Stage.PRODUCTION)

    def with_last_move(self) -> ModelVersionQuerySet:
        """Each with ``since`` and ``moved_by``: its latest change of stage."""
        last = StageChange.objects.filter(version=OuterRef("pk")).order_by("-at", "-pk")
        return self.annotate(since=Subquery(last.values("at")[:1]), moved_by=Subquery(last.values("by")[:1]))


class ModelVersion(models.Model):
    """One version of one model; served only from ``production``, its file loaded only if its hash matches.

    Registered and moved by :mod:`novamind.registry.services` alone.
    """

    class Stage(models.TextChoices):
        """How far a version has come."""

        DRAFT = "draft", "Draft"
        SHADOW = "shadow", "Shadow"
        PRODUCTION = "production", "Production"
        RETIRED = "retired", "Retired"

    class Kind(models.TextChoices):
        """What a model does."""

        ENCODER = "encoder", "Encoder"
        COHORT = "cohort", "Reference cohort"
        ANOMALY = "anomaly", "Anomaly detector"
        HEAD = "head", "Head"
        CORRELATION = "correlation", "Correlation"
        FORECASTER = "forecaster", "Forecaster"
        CHANGE = "change", "Change detector"
        WHAT_IF = "what_if", "What-if simulation"
        TREATMENT = "treatment", "Treatment model"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    name = models.CharField(max_length=80)
    version = models.CharField(max_length=80)
    kind = models.CharField(max_length=20, choices=Kind)
    stage = models.CharField(max_length=12, choices=Stage, default=Stage.DRAFT)
    weights_sha256 = models.CharField(max_length=64)
    weights_file = models.CharField(max_length=200, help_text="name in the models folder")
    code_version = models.CharField(max_length=40)
    training_data = models.TextField(blank=True)
    card = models.JSONField(default=dict, help_text="the answers that novamind.registry.cards asks for")
    reference_statistics = models.JSONField(
        default=list, help_text="the inputs it expects: name, quantile edges, share between them, n, per input"
    )
    created_at = models.DateTimeField(auto_now_add=True)
    created_by = models.CharField(max_length=160)

    objects = ModelVersionQuerySet.as_manager()

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


class StageChange(models.Model):
    """That a version was registered or moved: from where to where, by whom, why; append-only."""

    version = models.ForeignKey(ModelVersion, on_delete=models.PROTECT, related_name="changes", editable=False)
    from_stage = models.CharField(max_length=12, choices=ModelVersion.Stage, blank=True, editable=False)
    to_stage = models.CharField(max_length=12, choices=ModelVersion.Stage, editable=False)
    by = models.CharField(max_length=160, editable=False)
    by_user = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+", editable=False
    )
    reason = models.CharField(max_length=1000, editable=False, help_text="names no patient: all staff read it")
    at = models.DateTimeField(default=now, editable=False)

    class Meta:
        ordering = ["-at", "-pk"]

    def __str__(self) -> str:
        return f"{self.version_id} to {self.to_stage}"


class Immutable(Exception):
    """An inference record was about to be changed or deleted."""


class InferenceRecordQuerySet(PatientRecordQuerySet):
    def served(self) -> InferenceRecordQuerySet:
        """Made by a version in production: what pages and the API may show. Shadow runs are for comparison alone."""
        return self.filter(shadow=False)

    def empty_inputs(self) -> int:
        """Take away what these were computed from; hash, output and everything else stay. The caller has said whose."""
        with aggregates():
            return self.exclude(input_array=b"").update(input_array=b"")


class InferenceRecord(PatientRecord):
    """One run of one model on one input, kept with the input, so that it replays whatever happens to the signals.

    Unique on (model version, patient, input hash, shadow), which makes it the cache: new data is a new hash. The
    patient is part of it, so that the same file in two charts is two records; ``shadow`` is, so that what a version
    said on trial is not recalled once it serves.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    patient_id = models.UUIDField(editable=False)
    model_version = models.ForeignKey(ModelVersion, on_delete=models.PROTECT, related_name="inferences")
    shadow = models.BooleanField(default=False, editable=False)
    scaled_by = models.ForeignKey(
        ModelVersion, null=True, on_delete=models.PROTECT, related_name="scaled", editable=False,
        help_text="the reference cohort its input was normalised by",
    )  # fmt: skip
    input_hash = models.CharField(max_length=64, editable=False)
    input_array = models.BinaryField(editable=False, help_text="float32, little-endian, zlib")
    input_shape = models.JSONField(editable=False)
    input_summary = models.JSONField(
        default=list, editable=False, help_text="one number per input that the version's reference_statistics name"
    )
    window_start = models.DateTimeField(editable=False)
    window_end = models.DateTimeField(editable=False)
    output = models.JSONField(editable=False, help_text="what the model gave, or the stored form of an abstention")
    abstention = models.CharField(max_length=24, blank=True, editable=False, help_text="its code; empty: an output")
    duration_ms = models.FloatField(null=True, editable=False, help_text="of the run, all of its batch together")
    batch_size = models.PositiveSmallIntegerField(default=1, editable=False)
    code_version = models.CharField(max_length=40, editable=False)
    requested_by = models.UUIDField(null=True, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)

    objects = InferenceRecordQuerySet.as_manager()

    class Meta(PatientRecord.Meta):
        ordering = ["-created_at"]
        indexes = [models.Index(fields=["model_version", "-created_at"], name="registry_by_version")]
        constraints = [
            models.UniqueConstraint(
                fields=["model_version", "patient_id", "input_hash", "shadow"], name="registry_one_record_per_input"
            )
        ]

    def __str__(self) -> str:
        return f"inference {self.pk}"

    @property
    def keeps_input(self) -> bool:
        """Whether what it was computed from is still here; its hash always is."""
        return bool(self.input_array)

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

    @property
    def answer(self) -> Any:
        """The output, or the :class:`Abstained` that stands in its place."""
        return Abstained.from_json(self.output) if self.abstention else self.output
