"""Appointments: when, with whom, where, and whether it took place."""

from __future__ import annotations

from django.conf import settings
from django.db import models

from novamind.phi.fields import EncryptedField
from patients.models.treatment import LINE_LENGTH, TEXT_LENGTH, Treatment


class AppointmentKind(models.TextChoices):
    """What for."""

    INTAKE = "intake", "First visit"
    FOLLOW_UP = "follow_up", "Follow-up"
    THERAPY = "therapy", "Psychotherapy"
    MEDICATION = "medication", "Medication review"
    CRISIS = "crisis", "Crisis visit"
    FAMILY = "family", "With relatives"
    OTHER = "other", "Other"


class Place(models.TextChoices):
    """Where or how."""

    CLINIC = "clinic", "At the clinic"
    VIDEO = "video", "By video"
    PHONE = "phone", "By telephone"
    HOME = "home", "At home"


class AppointmentStatus(models.TextChoices):
    """Whether it took place."""

    PLANNED = "planned", "Planned"
    KEPT = "kept", "Took place"
    MISSED = "missed", "Missed"
    CANCELLED = "cancelled", "Cancelled"


class Appointment(Treatment):
    """One visit; shown in the patient's time zone."""

    at = models.DateTimeField()
    kind = models.CharField(max_length=10, choices=AppointmentKind)
    place = models.CharField(max_length=6, choices=Place)
    status = models.CharField(max_length=9, choices=AppointmentStatus, default=AppointmentStatus.PLANNED)
    clinician = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    with_text = EncryptedField("with somebody else", max_length=LINE_LENGTH, null=True, blank=True)
    note = EncryptedField(max_length=TEXT_LENGTH, null=True, blank=True)

    class Meta(Treatment.Meta):
        abstract = False
        ordering = ["-at"]
