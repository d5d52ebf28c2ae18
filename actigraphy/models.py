"""Devices, recordings, signals, analyses and nights."""

from __future__ import annotations

import uuid
from typing import Any, ClassVar

from django.db import models

from novamind.audit.records import PatientRecord, PatientRecordQuerySet
from novamind.phi.fields import EncryptedField, EncryptedJSONField
from novamind.phi.sealed import SealedField
from novamind.registry.models import InferenceRecord
from patients.models import ConsentPurpose, ConsentStream, Patient, allowed


class VisibleQuerySet(PatientRecordQuerySet):
    """Rows of patients, seen by whoever sees the patient."""

    def visible_to(self, user: Any) -> VisibleQuerySet:
        """Rows of the patients this user has a valid grant for."""
        return self.filter(patient__in=Patient.objects.visible_to(user))

    def consented(self) -> VisibleQuerySet:
        """Of patients who allow their movement to be used in their treatment now."""
        return self.alias(
            consented=allowed(ConsentPurpose.TREATMENT, ConsentStream.ACTIGRAPHY, patient="patient")
        ).filter(consented=True)


class Source(PatientRecord):
    """Where signals come from: one uploaded recording, or one streaming device."""

    class Kind(models.TextChoices):
        """How the signals arrived."""

        RECORDING = "recording", "Uploaded recording"
        STREAM = "stream", "Streaming device"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    patient = models.ForeignKey(Patient, on_delete=models.PROTECT, related_name="sources")
    kind = models.CharField(max_length=12, choices=Kind)
    device_type = models.CharField(max_length=40)
    device_model = models.CharField(max_length=80, blank=True)
    device_serial = EncryptedField(max_length=80, null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    objects = VisibleQuerySet.as_manager()

    class Meta(PatientRecord.Meta):
        ordering = ["-created_at"]

    def __str__(self) -> str:
        return f"source {str(self.pk)[:8]}"


class Recording(PatientRecord):
    """An uploaded file: encrypted bytes, and what its reader said of it."""

    class State(models.TextChoices):
        """How far the analysis has come."""

        PENDING = "pending", "Waiting for analysis"
        ANALYZED = "analyzed", "Analyzed"
        FAILED = "failed", "Could not be analyzed"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    patient = models.ForeignKey(Patient, on_delete=models.PROTECT, related_name="recordings")
    source = models.OneToOneField(Source, on_delete=models.PROTECT, related_name="recording")
    sha256 = models.CharField(max_length=64, editable=False)
    size = models.PositiveBigIntegerField(editable=False)
    file_name = EncryptedField(max_length=255)
    storage_name = models.CharField(max_length=120, editable=False)
    file_key = SealedField(file="storage_name", editable=False)
    format = models.CharField(max_length=40)
    columns = models.JSONField(null=True, blank=True, help_text="stated column mapping of a generic CSV")
    zone = models.CharField(max_length=64)
    start = models.DateTimeField()
    end = models.DateTimeField()
    epoch_s = models.PositiveIntegerField()
    notices = models.JSONField(default=list)
    metadata = EncryptedJSONField(null=True, blank=True)
    state = models.CharField(max_length=10, choices=State, default=State.PENDING)
    error_code = models.CharField(max_length=40, blank=True)
    error_detail = models.CharField(max_length=300, blank=True)
    uploaded_by = models.UUIDField(null=True, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)

    objects = VisibleQuerySet.as_manager()

    class Meta(PatientRecord.Meta):
        ordering = ["-start"]
        constraints = [models.UniqueConstraint(fields=["patient", "sha256"], name="actigraphy_a_file_once")]

    def __str__(self) -> str:
        return f"recording {str(self.pk)[:8]}"


class Signal(PatientRecord):
    """One UTC day of one channel of one source: float32 on a fixed grid, NaN where nothing was measured."""

    writes_are_noted: ClassVar[bool] = False

    patient = models.ForeignKey(Patient, on_delete=models.PROTECT, related_name="signals")
    source = models.ForeignKey(Source, on_delete=models.PROTECT, related_name="signals")
    channel = models.CharField(max_length=20)
    day = models.DateField(help_text="UTC")
    start = models.DateTimeField(help_text="of the first slot")
    epoch_s = models.PositiveIntegerField()
    samples = models.BinaryField(help_text="float32, little-endian, zlib")
    valid = models.PositiveIntegerField(help_text="slots that are not NaN")

    objects = VisibleQuerySet.as_manager()

    class Meta(PatientRecord.Meta):
        ordering = ["day"]
        constraints = [
            models.UniqueConstraint(fields=["patient", "source", "channel", "day"], name="actigraphy_one_block_per_day")
        ]

    def __str__(self) -> str:
        return f"{self.channel} {self.day} of source {str(self.source_id)[:8]}"


class Analysis(PatientRecord):
    """What was computed from one source over one window, with everything needed to compute it again."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    patient = models.ForeignKey(Patient, on_delete=models.PROTECT, related_name="analyses")
    source = models.ForeignKey(Source, on_delete=models.PROTECT, related_name="analyses")
    window_start = models.DateTimeField()
    window_end = models.DateTimeField()
    zone = models.CharField(max_length=64)
    device_type = models.CharField(max_length=40)
    methods = models.JSONField(help_text="name of the method behind each group of numbers")
    results = models.JSONField(help_text="rhythm, quality, profile, rest, PAT: numbers or abstentions")
    input_hash = models.CharField(max_length=64, editable=False)
    code_version = models.CharField(max_length=40, editable=False)
    requested_by = models.UUIDField(null=True, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)

    objects = VisibleQuerySet.as_manager()

    class Meta(PatientRecord.Meta):
        verbose_name_plural = "analyses"
        ordering = ["-window_start", "-created_at"]
        constraints = [
            models.UniqueConstraint(
                fields=["source", "window_start", "window_end", "input_hash", "code_version"],
                name="actigraphy_one_analysis_per_input",
            )
        ]

    def __str__(self) -> str:
        return f"analysis {str(self.pk)[:8]}"


class WeekReading(PatientRecord):
    """What a model made of one week of an analysis, or why it read none. Replaced when another version reads again; the
    records behind it stay."""

    class Task(models.TextChoices):
        """What was asked of the week."""

        EMBEDDING = "embedding", "Embedding"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    patient = models.ForeignKey(Patient, on_delete=models.PROTECT, related_name="week_readings")
    analysis = models.ForeignKey(Analysis, on_delete=models.CASCADE, related_name="week_readings")
    task = models.CharField(max_length=12, choices=Task)
    record = models.ForeignKey(InferenceRecord, null=True, on_delete=models.PROTECT, related_name="+")
    abstention = models.JSONField(null=True, help_text="in place of a record")
    created_at = models.DateTimeField(auto_now_add=True)

    objects = VisibleQuerySet.as_manager()

    class Meta(PatientRecord.Meta):
        ordering = ["record__window_start"]
        constraints = [
            models.UniqueConstraint(fields=["analysis", "task", "record"], name="actigraphy_a_week_once"),
            models.CheckConstraint(
                condition=models.Q(record__isnull=True) ^ models.Q(abstention__isnull=True),
                name="actigraphy_record_or_reason",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.task} of analysis {str(self.analysis_id)[:8]}"


class Night(PatientRecord):
    """One night, noon to noon, under the date of its evening.

    A number that could not be given is NULL and its reason stands in ``abstentions`` under the column's name.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    patient = models.ForeignKey(Patient, on_delete=models.PROTECT, related_name="nights")
    analysis = models.ForeignKey(Analysis, on_delete=models.CASCADE, related_name="nights")
    date = models.DateField(help_text="of the evening, where the patient was")
    onset = models.DateTimeField(null=True)
    offset = models.DateTimeField(null=True)
    tst_min = models.FloatField("total sleep time (min)", null=True)
    sol_min = models.FloatField("sleep onset latency (min)", null=True)
    waso_min = models.FloatField("wake after sleep onset (min)", null=True)
    efficiency = models.FloatField(null=True, help_text="total sleep time / rest interval, 0 to 1")
    midsleep = models.FloatField(null=True, help_text="decimal local hours")
    awakenings = models.PositiveIntegerField(null=True)
    worn_h = models.FloatField("worn (h)", default=0, help_text="from noon to noon")
    method = models.CharField(max_length=200)
    flags = models.JSONField(default=list)
    abstentions = models.JSONField(default=dict)

    objects = VisibleQuerySet.as_manager()

    class Meta(PatientRecord.Meta):
        ordering = ["date"]
        constraints = [models.UniqueConstraint(fields=["analysis", "date"], name="actigraphy_one_night_per_date")]

    def __str__(self) -> str:
        return f"night {self.date} of analysis {str(self.analysis_id)[:8]}"
