"""Statements about a patient, what clinicians thought of them, and the last week against the patient's own."""

from __future__ import annotations

import uuid
from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import Q

from insights.statements import InsightType, Tier
from novamind import clock
from novamind.audit.records import PatientRecord, PatientRecordQuerySet
from novamind.phi.fields import EncryptedJSONField
from novamind.registry.models import InferenceRecord
from patients.models import Patient


class VisibleQuerySet(PatientRecordQuerySet):
    """Rows of insights."""

    def visible_to(self, user: Any) -> VisibleQuerySet:
        """Those of the patients this user may see."""
        return self.filter(patient__in=Patient.objects.visible_to(user))


class InsightQuerySet(VisibleQuerySet):
    """Statements."""

    def holding(self) -> InsightQuerySet:
        """Those that nothing newer has replaced and whose time is not over; consent is asked by whoever shows them."""
        return self.filter(ended_at__isnull=True, expires_at__gt=clock.now())

    def ranked(self) -> InsightQuerySet:
        """What asks for most first, then what has changed most."""
        return self.order_by("-tier", "-strength", "key")


class Insight(PatientRecord):
    """One statement, from when it was made until a newer one of the same key took its place or it was no longer so.

    Rows are added; of a row only ``expires_at``, ``ended_at`` and ``dismissed`` change.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    patient = models.ForeignKey(Patient, on_delete=models.PROTECT, related_name="insights")
    key = models.CharField(max_length=100, editable=False, help_text="what it is about, and which way")
    insight_type = models.CharField(max_length=16, choices=InsightType, editable=False)
    said = EncryptedJSONField(editable=False, help_text="words, method and evidence")
    digest = models.CharField(max_length=64, editable=False)
    needs = models.JSONField(editable=False, help_text="[purpose, stream] that the patient must allow")
    tier = models.PositiveSmallIntegerField(choices=[(tier.value, tier.name.lower()) for tier in Tier], editable=False)
    strength = models.FloatField(editable=False)
    confidence = models.FloatField(null=True, editable=False, help_text="as the method defines it, 0 to 1")
    window_start = models.DateTimeField(editable=False)
    window_end = models.DateTimeField(editable=False)
    input_hash = models.CharField(max_length=64, editable=False)
    code_version = models.CharField(max_length=40, editable=False)
    record = models.ForeignKey(InferenceRecord, null=True, editable=False, on_delete=models.PROTECT, related_name="+")
    first_said_at = models.DateTimeField(default=clock.now, editable=False)
    generated_at = models.DateTimeField(default=clock.now, editable=False)
    expires_at = models.DateTimeField(editable=False)
    ended_at = models.DateTimeField(null=True, editable=False)
    dismissed = models.BooleanField(default=False, editable=False)

    objects = InsightQuerySet.as_manager()

    class Meta(PatientRecord.Meta):
        ordering = ["-generated_at"]
        constraints = [
            models.UniqueConstraint(
                fields=["patient", "key"], condition=Q(ended_at__isnull=True), name="insights_one_of_a_key"
            )
        ]

    def __str__(self) -> str:
        return f"insight {str(self.pk)[:8]}"


class Feedback(PatientRecord):
    """What a clinician made of a statement; rows are added, never changed."""

    class Verdict(models.TextChoices):
        """What was said of it."""

        USEFUL = "useful", "Useful"
        NOT_USEFUL = "not_useful", "Not useful"
        DISMISSED = "dismissed", "Dismissed"
        RESTORED = "restored", "Shown again"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    patient = models.ForeignKey(Patient, on_delete=models.PROTECT, related_name="+")
    insight = models.ForeignKey(Insight, on_delete=models.PROTECT, related_name="feedback")
    verdict = models.CharField(max_length=10, choices=Verdict, editable=False)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", editable=False)
    at = models.DateTimeField(default=clock.now, editable=False)

    objects = VisibleQuerySet.as_manager()

    class Meta(PatientRecord.Meta):
        verbose_name_plural = "feedback"
        ordering = ["-at"]

    def __str__(self) -> str:
        return f"{self.verdict} of insight {str(self.insight_id)[:8]}"


class Standing(PatientRecord):
    """A patient's last week against the eight weeks before it, series by series, or why that is not said."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    # A chart in which nothing was ever measured has one too, and can be deleted all the same.
    patient = models.OneToOneField(Patient, on_delete=models.CASCADE, related_name="standing")
    found = EncryptedJSONField(editable=False, help_text="series -> numbers or abstention; stream -> days known")
    window_start = models.DateTimeField(editable=False)
    window_end = models.DateTimeField(editable=False)
    input_hash = models.CharField(max_length=64, editable=False)
    code_version = models.CharField(max_length=40, editable=False)
    computed_at = models.DateTimeField(default=clock.now, editable=False)

    objects = VisibleQuerySet.as_manager()

    class Meta(PatientRecord.Meta):
        ordering = ["-computed_at"]

    def __str__(self) -> str:
        return f"standing {str(self.pk)[:8]}"
