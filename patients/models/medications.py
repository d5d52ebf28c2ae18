"""Medication: one row for each course of a drug, and its doses as steps, each from a day on."""

from __future__ import annotations

import uuid
from typing import Any

from django.conf import settings
from django.core.validators import MinValueValidator
from django.db import models
from django.db.models import Q

from novamind import clock
from novamind.audit.records import PatientRecord
from novamind.phi.fields import EncryptedField
from patients.models.people import Patient
from patients.models.treatment import LINE_LENGTH, TEXT_LENGTH, Treatment, partial, precision_field
from patients.vocabularies import FREQUENCIES, UNITS, Dose, Drug, PartialDate, drugs


class StopReason(models.TextChoices):
    """Why a drug was stopped."""

    REMISSION = "remission", "No longer needed"
    NO_EFFECT = "no_effect", "Not effective enough"
    SIDE_EFFECTS = "side_effects", "Side effects"
    INTERACTION = "interaction", "Interaction with something else"
    PREGNANCY = "pregnancy", "Pregnancy or the wish for it"
    SWITCHED = "switched", "Replaced by another drug"
    PATIENT = "patient", "The patient's wish"
    NOT_TAKEN = "not_taken", "Was not taken"
    COST = "cost", "Cost or supply"
    OTHER = "other", "Something else"
    UNKNOWN = "unknown", "Not known"


class Route(models.TextChoices):
    """How a drug is given."""

    ORAL = "oral", "By mouth"
    SUBLINGUAL = "sublingual", "Under the tongue"
    INTRAMUSCULAR = "intramuscular", "Into a muscle"
    SUBCUTANEOUS = "subcutaneous", "Under the skin"
    INTRAVENOUS = "intravenous", "Into a vein"
    NASAL = "nasal", "Into the nose"
    TRANSDERMAL = "transdermal", "Through the skin"
    RECTAL = "rectal", "Rectally"
    OTHER = "other", "Otherwise"


class Medication(Treatment):
    """One course of a drug. ``drug`` is an id of the catalogue; empty where the name is a free text (not coded)."""

    drug = models.CharField(max_length=60, blank=True, editable=False)
    drug_text = EncryptedField("drug, as it was written", max_length=LINE_LENGTH, null=True, blank=True)
    route = models.CharField(max_length=14, choices=Route, default=Route.ORAL)
    started_on = models.DateField()
    started_precision = precision_field()
    ended_on = models.DateField(null=True, blank=True)
    ended_precision = precision_field()
    ended_said_on = models.DateField(null=True, blank=True, editable=False)
    stop_reason = models.CharField(max_length=14, choices=StopReason, blank=True, default="")
    prescriber = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    prescriber_text = EncryptedField(max_length=LINE_LENGTH, null=True, blank=True)
    indication = EncryptedField(max_length=LINE_LENGTH, null=True, blank=True)
    note = EncryptedField(max_length=TEXT_LENGTH, null=True, blank=True)

    class Meta(Treatment.Meta):
        abstract = False
        ordering = ["-started_on", "-recorded_at"]
        constraints = [
            models.CheckConstraint(
                condition=Q(ended_on__isnull=True) | Q(stop_reason__gt=""), name="patients_medication_stopped_why"
            ),
        ]

    @property
    def coded(self) -> Drug | None:
        """The drug of the catalogue; ``None`` for a free text."""
        return drugs().get(self.drug)

    @property
    def name(self) -> str:
        """What a page calls it."""
        return self.coded.name if self.coded else self.drug_text or self.drug

    @property
    def started(self) -> PartialDate:
        """When it began."""
        return PartialDate(self.started_on, self.started_precision or "day")

    @property
    def ended(self) -> PartialDate | None:
        """When it ended or is to end; ``None`` while it goes on."""
        return partial(self.ended_on, self.ended_precision)

    def steps(self) -> list[MedicationDose]:
        """The doses that stand, the first one first; from memory where they were prefetched."""
        return sorted((one for one in self.doses.all() if one.replaced_at is None), key=lambda one: one.from_on)

    def state_on(self, day: Any) -> str:
        """``error``, ``planned``, ``past``, ``stopped`` or ``current`` on that local day.

        The day it ends on is still current. ``stopped``: within the month or the year of an end of which the day is
        not known, unless that end was only planned when it was entered (``ended_said_on``).
        """
        if self.entered_in_error:
            return "error"
        if self.started_on > day:
            return "planned"
        ended = self.ended
        if ended is None or day < ended.on:
            return "current"
        if ended.last < day:
            return "past"
        planned = self.ended_said_on is not None and self.ended_said_on < ended.on
        return "current" if planned or ended.precision == "day" else "stopped"


class MedicationDose(PatientRecord):
    """A dose from a day on, until the next one or the end of the course; a corrected one stays, with when."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    patient = models.ForeignKey(Patient, on_delete=models.PROTECT, related_name="+")
    medication = models.ForeignKey(Medication, on_delete=models.PROTECT, related_name="doses")
    from_on = models.DateField()
    from_precision = precision_field()
    amount = models.DecimalField(max_digits=10, decimal_places=4, validators=[MinValueValidator(0)])
    unit = models.CharField(max_length=10, choices=list(UNITS.items()), help_text="UCUM")
    frequency = models.CharField(max_length=10, choices=[(code, words) for code, (words, _) in FREQUENCIES.items()])
    recorded_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, editable=False, on_delete=models.PROTECT, related_name="+"
    )
    recorded_at = models.DateTimeField(default=clock.now, editable=False)
    replaced_at = models.DateTimeField(null=True, editable=False)

    class Meta(PatientRecord.Meta):
        ordering = ["from_on", "recorded_at"]
        constraints = [
            models.CheckConstraint(condition=Q(amount__gt=0), name="patients_dose_is_some"),
            models.UniqueConstraint(
                fields=["medication", "from_on"], condition=Q(replaced_at__isnull=True), name="patients_one_dose_a_day"
            ),
        ]

    def __str__(self) -> str:
        return f"dose {str(self.pk)[:8]}"

    @property
    def since(self) -> PartialDate:
        """From when on."""
        return PartialDate(self.from_on, self.from_precision or "day")

    @property
    def dose(self) -> Dose:
        """The dose as a value."""
        return Dose(self.amount, self.unit, self.frequency)
