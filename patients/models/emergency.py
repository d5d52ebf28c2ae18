"""Emergency access ("break-glass"): who opened a hidden chart, why, and what a reviewer said of it."""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta
from typing import ClassVar

from django.conf import settings
from django.db import models

from novamind import clock
from novamind.audit.records import PatientRecord, PatientRecordQuerySet
from novamind.phi.fields import EncryptedField
from patients.models.people import Patient


class EmergencyReason(models.TextChoices):
    """Why a chart was opened without a place in the care team (each is DICOM 110127, purpose ETREAT)."""

    MEDICAL_EMERGENCY = "medical_emergency", "Medical emergency: danger to life or health now"
    ACUTE_ASSESSMENT = "acute_assessment", "The patient is here and must be assessed now"
    COVERING = "covering", "Covering for a colleague who cannot be reached"


class EmergencyQuerySet(PatientRecordQuerySet):
    """Emergencies."""

    def running(self) -> EmergencyQuerySet:
        """Whose access has neither run out nor been ended."""
        return self.filter(ended_at__isnull=True, ends_at__gt=clock.now())

    def to_review(self) -> EmergencyQuerySet:
        """Nobody has judged them yet."""
        return self.filter(verdict="")


def review_due() -> datetime:
    """When a review of what is opened now is due."""
    return clock.now() + EmergencyAccess.REVIEW_WITHIN


class EmergencyAccess(PatientRecord):
    """One opening of a hidden chart, and the task to review it."""

    LASTS: ClassVar[timedelta] = timedelta(hours=4)
    REVIEW_WITHIN: ClassVar[timedelta] = timedelta(hours=72)

    class Verdict(models.TextChoices):
        """What the review found."""

        JUSTIFIED = "justified", "Justified"
        NOT_JUSTIFIED = "not_justified", "Not justified"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    patient = models.ForeignKey(Patient, on_delete=models.PROTECT, related_name="emergencies")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="emergencies")
    reason = models.CharField(max_length=20, choices=EmergencyReason)
    explanation = EncryptedField(max_length=2000)
    opened_at = models.DateTimeField(default=clock.now, editable=False)
    ends_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True, help_text="by the user, before its time")
    review_due_at = models.DateTimeField(default=review_due, editable=False)
    verdict = models.CharField(max_length=14, choices=Verdict, blank=True)
    verdict_note = EncryptedField(max_length=2000, null=True, blank=True)
    reviewed_at = models.DateTimeField(null=True, blank=True)
    reviewed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )

    objects = EmergencyQuerySet.as_manager()

    class Meta(PatientRecord.Meta):
        verbose_name_plural = "emergency accesses"
        ordering = ["review_due_at"]
        indexes = [models.Index(fields=["user", "patient", "-opened_at"], name="patients_emergency_of_user")]

    def __str__(self) -> str:
        return f"emergency access {str(self.pk)[:8]}"

    @property
    def is_overdue(self) -> bool:
        """Whether the review should have happened by now."""
        return not self.verdict and self.review_due_at <= clock.now()
