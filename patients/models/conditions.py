"""Conditions: a diagnosis or problem, coded where it is, and how it stands."""

from __future__ import annotations

from django.db import models

from novamind.phi.fields import EncryptedField
from patients.models.treatment import LINE_LENGTH, TEXT_LENGTH, Treatment, partial, precision_field
from patients.vocabularies import PartialDate


class ClinicalStatus(models.TextChoices):
    """How a condition stands."""

    ACTIVE = "active", "Active"
    RECURRENCE = "recurrence", "Recurred"
    REMISSION = "remission", "In remission"
    RESOLVED = "resolved", "Resolved"


class Certainty(models.TextChoices):
    """How sure the diagnosis is."""

    PROVISIONAL = "provisional", "Provisional"
    CONFIRMED = "confirmed", "Confirmed"
    REFUTED = "refuted", "Ruled out"


class Condition(Treatment):
    """One diagnosis; ``code`` is ICD-10 by its form, empty where the clinic uses words alone."""

    code = models.CharField("ICD-10 code", max_length=8, blank=True)
    text = EncryptedField("condition", max_length=LINE_LENGTH)
    status = models.CharField(max_length=10, choices=ClinicalStatus, default=ClinicalStatus.ACTIVE)
    certainty = models.CharField(max_length=12, choices=Certainty, default=Certainty.CONFIRMED)
    onset_on = models.DateField(null=True, blank=True)
    onset_precision = precision_field()
    resolved_on = models.DateField(null=True, blank=True)
    resolved_precision = precision_field()
    note = EncryptedField(max_length=TEXT_LENGTH, null=True, blank=True)

    class Meta(Treatment.Meta):
        abstract = False
        ordering = ["-recorded_at"]

    @property
    def onset(self) -> PartialDate | None:
        """When it began, as far as known."""
        return partial(self.onset_on, self.onset_precision)

    @property
    def resolved(self) -> PartialDate | None:
        """When it was over."""
        return partial(self.resolved_on, self.resolved_precision)
