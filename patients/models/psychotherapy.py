"""Psychotherapy notes (45 CFR 164.501): a therapist's own, apart from the chart, under a key of their own."""

from __future__ import annotations

import uuid
from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import Exists, OuterRef, Q

from novamind import clock
from novamind.audit.records import PatientRecord, PatientRecordQuerySet
from novamind.limits import NOTE_CHARACTERS
from novamind.phi.fields import EncryptedField
from novamind.phi.models import DataKey
from patients.models.part2 import Part2QuerySet, Part2Record
from patients.models.people import Patient


class PsychotherapyQuerySet(Part2QuerySet):
    """Psychotherapy notes."""

    def readable_by(self, user: Any) -> PsychotherapyQuerySet:
        """The author's own, and those that a written authorization opened for this user.

        Only while the patient is in the user's regular care: emergency access never opens one.
        """
        authorized = PsychotherapyAuthorization.objects.in_force().filter(note=OuterRef("pk"), reader=user.pk)
        shared = self.releasable_to(user).filter(Exists(authorized))
        mine = self.filter(author=user.pk)
        return self.filter(Q(pk__in=mine.values("pk")) | Q(pk__in=shared.values("pk"))).filter(
            patient__in=Patient.objects.changeable_by(user)
        )

    def changeable_by(self, user: Any) -> PsychotherapyQuerySet:
        """The author's own, until signed."""
        return self.readable_by(user).filter(author=user.pk, signed_at__isnull=True)


class PsychotherapyNote(Part2Record):
    """What a therapist noted for themselves: in no search, timeline, export, API, admin or prompt."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    patient = models.ForeignKey(Patient, on_delete=models.PROTECT, related_name="+")
    author = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    text = EncryptedField(max_length=NOTE_CHARACTERS, key_purpose=DataKey.Purpose.PSYCHOTHERAPY)
    version = models.PositiveIntegerField(default=1, editable=False)
    created_at = models.DateTimeField(default=clock.now, editable=False)
    signed_at = models.DateTimeField(null=True, editable=False)

    objects = PsychotherapyQuerySet.as_manager()

    class Meta(Part2Record.Meta):
        abstract = False
        ordering = ["-created_at"]

    def __str__(self) -> str:
        return f"psychotherapy note {str(self.pk)[:8]}"


class AuthorizationQuerySet(PatientRecordQuerySet):
    """Written authorizations."""

    def in_force(self) -> AuthorizationQuerySet:
        """Neither withdrawn nor ended."""
        today = clock.now().date()
        return self.filter(Q(valid_until__isnull=True) | Q(valid_until__gte=today), withdrawn_at__isnull=True)


class PsychotherapyAuthorization(PatientRecord):
    """The patient's written authorization (45 CFR 164.508(a)(2)) that one person may read one note."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    patient = models.ForeignKey(Patient, on_delete=models.PROTECT, related_name="+")
    note = models.ForeignKey(PsychotherapyNote, on_delete=models.PROTECT, related_name="authorizations")
    reader = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    signed_on = models.DateField(help_text="by the patient")
    valid_until = models.DateField(null=True, blank=True)
    recorded_at = models.DateTimeField(default=clock.now, editable=False)
    withdrawn_at = models.DateTimeField(null=True, editable=False)

    objects = AuthorizationQuerySet.as_manager()

    class Meta(PatientRecord.Meta):
        ordering = ["-recorded_at"]
        constraints = [
            models.UniqueConstraint(
                fields=["note", "reader"],
                condition=Q(withdrawn_at__isnull=True),
                name="patients_one_authorization_per_reader",
            )
        ]

    def __str__(self) -> str:
        return f"authorization {str(self.pk)[:8]}"
