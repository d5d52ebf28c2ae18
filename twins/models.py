"""A patient's digital twin: a row for the twin, what each of its parts has said so far, and what it was asked."""

from __future__ import annotations

import uuid
from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import OuterRef, Q, Subquery

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


class MultiplierConfirmation(models.Model):
    """What somebody says of the phenoconversion multipliers of one version of the data: confirmed, or taken back.

    Rows are added, never changed: the newest of a version and hash holds, so that other data are unconfirmed again.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    data_version = models.CharField(max_length=40, editable=False)
    sha256 = models.CharField(max_length=64, editable=False, help_text="of the multipliers, their gene and source")
    confirmed = models.BooleanField(editable=False, help_text="false: taken back")
    reason = models.TextField(max_length=1000, editable=False, help_text="where they were read, or why taken back")
    by = models.ForeignKey(settings.AUTH_USER_MODEL, editable=False, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField(default=clock.now, editable=False)

    class Meta:
        ordering = ["-at", "-pk"]
        indexes = [models.Index(fields=["sha256", "-at"], name="twins_confirmation_newest")]

    def __str__(self) -> str:
        return f"multipliers {self.data_version}: {'confirmed' if self.confirmed else 'taken back'}"


class WhatIf(PatientRecord):
    """A change that somebody asked a twin about, and the answer: a model's record, or why there is none.

    The question is never changed; the answer is written once, by the job.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    patient = models.ForeignKey(Patient, on_delete=models.PROTECT, related_name="what_ifs")
    sleep_min = models.SmallIntegerField(null=True, editable=False, help_text="more or less sleep a night")
    shift_min = models.SmallIntegerField(null=True, editable=False, help_text="middle of sleep later or earlier")
    activity_percent = models.SmallIntegerField(null=True, editable=False, help_text="of the patient's usual")
    drug = models.CharField(max_length=60, blank=True, editable=False, help_text="an id of the catalogue, to be begun")
    days = models.PositiveSmallIntegerField(editable=False, help_text="coming days looked at")
    asked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, editable=False, on_delete=models.PROTECT, related_name="+"
    )
    asked_at = models.DateTimeField(default=clock.now, editable=False)
    answered_at = models.DateTimeField(null=True, editable=False)
    record = models.ForeignKey(InferenceRecord, null=True, editable=False, on_delete=models.PROTECT, related_name="+")
    abstention = models.JSONField(null=True, editable=False, help_text="in place of a record")
    similar = models.PositiveIntegerField(null=True, editable=False, help_text="other patients who have lived like it")
    similar_why = models.JSONField(null=True, editable=False, help_text="why they were not counted")

    objects = VisibleQuerySet.as_manager()

    class Meta(PatientRecord.Meta):
        ordering = ["-asked_at"]
        constraints = [
            models.CheckConstraint(
                condition=Q(answered_at__isnull=True, record__isnull=True, abstention__isnull=True)
                | (Q(answered_at__isnull=False) & (Q(record__isnull=True) ^ Q(abstention__isnull=True))),
                name="twins_what_if_answered_or_not",
            ),
        ]

    def __str__(self) -> str:
        return f"what-if {str(self.pk)[:8]}"

    @property
    def changes(self) -> dict[str, float]:
        """What is changed of sleep, by driver: hours more, hours later."""
        asked = {"sleep_duration": self.sleep_min, "midsleep": self.shift_min}
        return {name: minutes / 60 for name, minutes in asked.items() if minutes}


class SiteRuleQuerySet(models.QuerySet["SiteRule"]):
    """Versions of the clinic's own rules."""

    def standing(self) -> SiteRuleQuerySet:
        """The newest version of each rule that is in force."""
        newest = SiteRule.objects.filter(rule=OuterRef("rule")).order_by("-version").values("pk")[:1]
        return self.filter(pk=Subquery(newest), active=True)


class SiteRule(models.Model):
    """One version of a contraindication that the clinic has entered itself; versions are added, none is changed."""

    class Against(models.TextChoices):
        """What speaks against the drug."""

        CONDITION = "condition", "A condition (ICD-10 code, or the beginning of one)"
        PHENOTYPE = "phenotype", "A phenotype (gene and phenotype)"
        DRUG = "drug", "Another drug that is taken"

    class Severity(models.TextChoices):
        """How much."""

        CONTRAINDICATED = "contraindicated", "Contraindicated"
        AVOID = "avoid", "To be avoided"
        CAREFUL = "careful", "With care"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    rule = models.UUIDField(default=uuid.uuid4, editable=False, help_text="what its versions share")
    version = models.PositiveIntegerField(default=1, editable=False)
    active = models.BooleanField(default=True, editable=False)
    drug = models.CharField(max_length=60, editable=False, help_text="id of the catalogue")
    against = models.CharField(max_length=10, choices=Against, editable=False)
    value = models.CharField(max_length=80, editable=False)
    severity = models.CharField(max_length=16, choices=Severity, editable=False)
    text = models.TextField(max_length=500, editable=False)
    source = models.CharField(max_length=300, editable=False)
    reason = models.TextField(max_length=1000, editable=False, help_text="why this version was written")
    by = models.ForeignKey(settings.AUTH_USER_MODEL, editable=False, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField(default=clock.now, editable=False)

    objects = SiteRuleQuerySet.as_manager()

    class Meta:
        ordering = ["drug", "rule", "-version"]
        constraints = [models.UniqueConstraint(fields=["rule", "version"], name="twins_a_rule_version_once")]

    def __str__(self) -> str:
        return f"{self.drug} and {self.value}, version {self.version}"
