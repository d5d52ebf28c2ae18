"""Devices, recordings, signals, analyses and nights."""

from __future__ import annotations

import uuid
from typing import ClassVar

from django.conf import settings
from django.db import models

from actigraphy.export_models import Export
from actigraphy.querysets import ReadingQuerySet, SignalQuerySet, VisibleQuerySet, WeekReadingQuerySet
from novamind import clock
from novamind.audit.records import PatientRecord
from novamind.measures import Abstained
from novamind.phi.fields import EncryptedField, EncryptedJSONField
from novamind.phi.sealed import SealedField
from novamind.registry.models import InferenceRecord
from patients.models import Patient

__all__ = [
    "Analysis",
    "Export",
    "Night",
    "PointReading",
    "Recording",
    "Signal",
    "SleepSession",
    "Source",
    "SourceOrder",
    "Sync",
    "WeekExplanation",
    "WeekReading",
]


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
    stream_key = models.CharField(max_length=64, null=True, editable=False, help_text="digest of who streams")
    stream = models.ForeignKey(
        "self", null=True, editable=False, on_delete=models.PROTECT, related_name="stretches",
        help_text="where the signals of this stretch are kept",
    )  # fmt: skip
    created_at = models.DateTimeField(auto_now_add=True)

    objects = VisibleQuerySet.as_manager()

    class Meta(PatientRecord.Meta):
        ordering = ["-created_at"]
        constraints = [models.UniqueConstraint(fields=["patient", "stream_key"], name="actigraphy_a_stream_once")]

    def __str__(self) -> str:
        return f"source {str(self.pk)[:8]}"


class SourceOrder(PatientRecord):
    """Which of a patient's streaming sources counts first for one channel; the newest version holds, none changes."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    patient = models.ForeignKey(Patient, on_delete=models.PROTECT, related_name="source_orders")
    channel = models.CharField(max_length=20)
    version = models.PositiveIntegerField(editable=False)
    sources = models.JSONField(default=list, help_text="ids, the first one counts first; empty: the clinic's order")
    reason = EncryptedField(max_length=500)
    set_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    set_at = models.DateTimeField(default=clock.now, editable=False)

    objects = VisibleQuerySet.as_manager()

    class Meta(PatientRecord.Meta):
        ordering = ["-version"]
        constraints = [
            models.UniqueConstraint(fields=["patient", "channel", "version"], name="actigraphy_an_order_once")
        ]

    def __str__(self) -> str:
        return f"order of {self.channel}, version {self.version}"


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

    objects = SignalQuerySet.as_manager()

    class Meta(PatientRecord.Meta):
        ordering = ["day"]
        constraints = [
            models.UniqueConstraint(fields=["patient", "source", "channel", "day"], name="actigraphy_one_block_per_day")
        ]

    def __str__(self) -> str:
        return f"{self.channel} {self.day} of source {str(self.source_id)[:8]}"


class PointReading(PatientRecord):
    """One value, or a few that belong together, at one moment: weight, blood pressure, what a device says of itself."""

    writes_are_noted: ClassVar[bool] = False

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    patient = models.ForeignKey(Patient, on_delete=models.PROTECT, related_name="point_readings")
    source = models.ForeignKey(Source, on_delete=models.PROTECT, related_name="point_readings")
    data_type = models.CharField(max_length=30)
    at = models.DateTimeField()
    values = models.JSONField(help_text="by the keys of the catalogue, in its units")
    created_at = models.DateTimeField(auto_now_add=True)

    objects = ReadingQuerySet.as_manager()

    class Meta(PatientRecord.Meta):
        ordering = ["-at"]
        constraints = [
            models.UniqueConstraint(fields=["patient", "source", "data_type", "at"], name="actigraphy_a_reading_once")
        ]

    def __str__(self) -> str:
        return f"{self.data_type} of source {str(self.source_id)[:8]}"


class SleepSession(PatientRecord):
    """A night's sleep or a nap as a device tells it, with its stages."""

    class Kind(models.TextChoices):
        """Which it was, as the device says."""

        SLEEP = "sleep", "Sleep"
        NAP = "nap", "Nap"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    patient = models.ForeignKey(Patient, on_delete=models.PROTECT, related_name="sleep_sessions")
    source = models.ForeignKey(Source, on_delete=models.PROTECT, related_name="sleep_sessions")
    kind = models.CharField(max_length=6, choices=Kind)
    start = models.DateTimeField()
    end = models.DateTimeField()
    stages = models.JSONField(default=list, help_text="[stage, first second after start, last second after start]")
    created_at = models.DateTimeField(auto_now_add=True)

    objects = VisibleQuerySet.as_manager()

    class Meta(PatientRecord.Meta):
        ordering = ["-start"]
        constraints = [
            models.UniqueConstraint(fields=["patient", "source", "kind", "start"], name="actigraphy_a_sleep_once")
        ]

    def __str__(self) -> str:
        return f"{self.kind} of source {str(self.source_id)[:8]}"


class Sync(PatientRecord):
    """One batch that was taken: when, from whom, how many samples, and exactly which days it changed."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    patient = models.ForeignKey(Patient, on_delete=models.PROTECT, related_name="syncs")
    sent_by = models.UUIDField(null=True, editable=False)
    export = models.ForeignKey(
        Export, null=True, editable=False, on_delete=models.PROTECT, related_name="syncs", help_text="the file it is of"
    )
    accepted = models.PositiveIntegerField(help_text="samples that were sent and may be true")
    stored = models.PositiveIntegerField(help_text="of these, new")
    conflicts = models.PositiveIntegerField(help_text="of these, other than what was known, which stays")
    refused = models.PositiveIntegerField(help_text="lines beside them that were refused by name")
    sources = models.JSONField(default=list, help_text="ids of what sent")
    measured_until = models.DateTimeField(null=True, help_text="the newest moment that was measured")
    days = models.JSONField(default=dict, help_text="source -> type of data -> UTC days that changed")
    created_at = models.DateTimeField(auto_now_add=True)

    objects = VisibleQuerySet.as_manager()

    class Meta(PatientRecord.Meta):
        ordering = ["-created_at"]
        indexes = [models.Index(fields=["patient", "-created_at"], name="actigraphy_newest_sync")]

    def __str__(self) -> str:
        return f"sync {str(self.pk)[:8]}"


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
    """What a model made of one week of an analysis, or of all of it (a head), or why it says nothing. Replaced when
    another version reads again; the records behind it stay."""

    class Task(models.TextChoices):
        """What was asked."""

        EMBEDDING = "embedding", "Embedding"
        ANOMALY = "anomaly", "Unlike the person's own weeks"
        HEAD = "head", "Head"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    patient = models.ForeignKey(Patient, on_delete=models.PROTECT, related_name="week_readings")
    analysis = models.ForeignKey(Analysis, on_delete=models.CASCADE, related_name="week_readings")
    task = models.CharField(max_length=12, choices=Task)
    model = models.CharField(
        max_length=80, blank=True, help_text="name of the model that was asked; an encoder's is empty"
    )
    record = models.ForeignKey(InferenceRecord, null=True, on_delete=models.PROTECT, related_name="+")
    abstention = models.JSONField(null=True, help_text="in place of a record")
    created_at = models.DateTimeField(auto_now_add=True)

    objects = WeekReadingQuerySet.as_manager()

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

    @property
    def withheld(self) -> bool:
        """Whether the patient does not let models read their movement now; of rows that were asked alone."""
        return not self.may_be_read_by_models  # type: ignore[attr-defined]

    @property
    def reason(self) -> Abstained | None:
        """Why nothing is shown of this; ``None`` where there is a record to show."""
        if self.withheld:
            return Abstained("consent_withheld")
        return None if self.abstention is None else Abstained.from_json(self.abstention)


class WeekExplanation(PatientRecord):
    """Where the encoder looked in a week and what its answer rests on, or why that is not said; sealed, for it draws
    the week. Kept with how far the two agree, without which neither is shown."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    patient = models.ForeignKey(Patient, on_delete=models.PROTECT, related_name="week_explanations")
    record = models.ForeignKey(InferenceRecord, on_delete=models.PROTECT, related_name="+")
    of = models.CharField(max_length=161, blank=True, help_text="head and version explained; empty: the embedding")
    found = EncryptedJSONField(null=True, help_text="attention per patch, occlusion per block, and how far they agree")
    abstention = models.JSONField(null=True, help_text="in place of them")
    code_version = models.CharField(max_length=40, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)

    objects = VisibleQuerySet.as_manager()

    class Meta(PatientRecord.Meta):
        ordering = ["record__window_start"]
        constraints = [
            models.UniqueConstraint(fields=["record", "of"], name="actigraphy_an_explanation_once"),
            models.CheckConstraint(
                condition=models.Q(found__isnull=True) ^ models.Q(abstention__isnull=True),
                name="actigraphy_explanation_or_reason",
            ),
        ]

    def __str__(self) -> str:
        return f"explanation of {self.record_id}"


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
