"""What every entry of a treatment has: who wrote it, its version, whether it was an error; and what it was before.

Nothing is deleted. A row is changed from the version that was on the page, and each change keeps what stood there.
"""

from __future__ import annotations

import uuid
from typing import Any

from django.conf import settings
from django.db import models

from novamind import clock
from novamind.phi.fields import EncryptedField, EncryptedJSONField
from patients.models.part2 import Part2QuerySet, Part2Record
from patients.models.people import Patient
from patients.vocabularies import PartialDate
from patients.vocabularies.dates import PRECISIONS

TEXT_LENGTH = 4000
LINE_LENGTH = 200


class TreatmentQuerySet(Part2QuerySet):
    """Entries of a treatment."""

    def standing(self) -> TreatmentQuerySet:
        """Without what was entered in error."""
        return self.filter(entered_in_error=False)


class Treatment(Part2Record):
    """One entry; labelled (42 CFR Part 2) where a programme wrote it about substance use."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    patient = models.ForeignKey(Patient, on_delete=models.PROTECT, related_name="%(class)ss")
    version = models.PositiveIntegerField(default=1, editable=False)
    entered_in_error = models.BooleanField(default=False, editable=False)
    recorded_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, editable=False, on_delete=models.PROTECT, related_name="+"
    )
    recorded_at = models.DateTimeField(default=clock.now, editable=False)

    objects = TreatmentQuerySet.as_manager()

    class Meta(Part2Record.Meta):
        abstract = True
        indexes = [models.Index(fields=["patient", "-recorded_at"], name="%(app_label)s_%(class)s_new")]

    def __str__(self) -> str:
        return f"{self._meta.verbose_name} {str(self.pk)[:8]}"


class TreatmentChange(Part2Record):
    """What was done to an entry, by whom and why; ``before`` holds the fields that it changed as they stood."""

    class What(models.TextChoices):
        """What was done."""

        STARTED = "started", "Entered"
        DOSE = "dose", "Dose changed"
        STOPPED = "stopped", "Stopped"
        CHANGED = "changed", "Changed"
        IN_ERROR = "in_error", "Marked as entered in error"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    patient = models.ForeignKey(Patient, on_delete=models.PROTECT, related_name="+")
    about_id = models.UUIDField(editable=False)
    what = models.CharField(max_length=10, choices=What, editable=False)
    at = models.DateTimeField(default=clock.now, editable=False)
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, editable=False, on_delete=models.PROTECT, related_name="+"
    )
    # `before` is what the trigger that notes writes calls the rows of old.
    before = EncryptedJSONField(db_column="stood_before", editable=False)
    why = EncryptedField(max_length=TEXT_LENGTH, null=True, blank=True)

    class Meta(Part2Record.Meta):
        abstract = False
        ordering = ["at"]
        indexes = [models.Index(fields=["about_id", "at"], name="patients_treatmentchange_of")]

    def __str__(self) -> str:
        return f"change {str(self.pk)[:8]}"


def precision_field() -> Any:
    """How much of the date beside it is known; empty where there is none."""
    return models.CharField(max_length=5, choices=list(PRECISIONS.items()), blank=True, default="")


def partial(on: Any, precision: str) -> PartialDate | None:
    """The two columns of a date as one value."""
    return None if on is None else PartialDate(on, precision or "day")
