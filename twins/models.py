"""A patient's digital twin: a row for the twin, and what each of its parts has said so far."""

from __future__ import annotations

import uuid
from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import Q

from novamind import clock
from novamind.audit.records import PatientRecord, PatientRecordQuerySet
from novamind.measures import Abstained
from novamind.registry.models import InferenceRecord
from patients.models import Patient


class VisibleQuerySet(PatientRecordQuerySet):
    """Rows of twins."""

    def visible_to(self, user: Any) -> VisibleQuerySet:
        """Those of the patients this user may see."""
        return self.filter(patient__in=Patient.objects.visible_to(user))


class Twin(PatientRecord):
    """One per patient. ``version`` grows whenever one of its components says something new."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    patient = models.OneToOneField(Patient, on_delete=models.PROTECT, related_name="twin")
    version = models.PositiveIntegerField(default=0, editable=False)
    created_at = models.DateTimeField(default=clock.now, editable=False)
    updated_at = models.DateTimeField(default=clock.now, editable=False)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, editable=False, on_delete=models.PROTECT, related_name="+"
    )

    objects = VisibleQuerySet.as_manager()

    class Meta(PatientRecord.Meta):
        ordering = ["-updated_at"]

    def __str__(self) -> str:
        return f"twin {str(self.pk)[:8]}, version {self.version}"


class Component(PatientRecord):
    """What a part of a twin said from one version of the twin on: a model's record, or why it says nothing.

    Rows are added, never changed: a version of the twin is the newest component of each kind up to it.
    """

    class Kind(models.TextChoices):
        """The parts of a twin."""

        FORECAST = "symptom_forecast", "What is likely next"
        CORRELATION = "biometric_correlation", "What moves with what"
        CHANGE = "early_warning", "Own baseline left"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    patient = models.ForeignKey(Patient, on_delete=models.PROTECT, related_name="twin_components")
    twin = models.ForeignKey(Twin, on_delete=models.PROTECT, related_name="components")
    kind = models.CharField(max_length=24, choices=Kind, editable=False)
    since_version = models.PositiveIntegerField(editable=False)
    record = models.ForeignKey(InferenceRecord, null=True, editable=False, on_delete=models.PROTECT, related_name="+")
    abstention = models.JSONField(null=True, editable=False, help_text="in place of a record")
    created_at = models.DateTimeField(default=clock.now, editable=False)

    objects = VisibleQuerySet.as_manager()

    class Meta(PatientRecord.Meta):
        ordering = ["-since_version"]
        constraints = [
            models.UniqueConstraint(fields=["twin", "kind", "since_version"], name="twins_one_component_per_version"),
            models.CheckConstraint(
                condition=Q(record__isnull=True) ^ Q(abstention__isnull=True), name="twins_record_or_reason"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} from version {self.since_version}"

    @property
    def answer(self) -> Any:
        """What the model gave, or the :class:`Abstained` in its place."""
        return self.record.answer if self.record else Abstained.from_json(self.abstention or {})

    def says_the_same(self, record: InferenceRecord | None, why: Abstained | None) -> bool:
        """Whether this is the answer already held."""
        if record is not None:
            return self.record_id == record.pk
        return self.record is None and why is not None and self.abstention == why.as_json()
