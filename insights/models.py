"""Statements about a patient, what clinicians thought of them, and the last week against the patient's own."""

from __future__ import annotations

import uuid
import zlib
from datetime import datetime
from typing import Any

import numpy as np
from django.conf import settings
from django.db import models
from django.db.models import Q
from numpy.typing import NDArray

from insights.export_models import ResearchExport
from insights.note_models import Content, EncounterNote, NoteAddendum, NoteAttachment, NoteDraft
from insights.statements import InsightType, Tier
from novamind import clock
from novamind.audit.records import PatientRecord, PatientRecordQuerySet
from novamind.phi import cipher
from novamind.phi.fields import EncryptedJSONField
from novamind.phi.sealed import SealedField
from novamind.registry.models import InferenceRecord
from patients.models import CareTeam, Patient

__all__ = [
    "Content",
    "EncounterNote",
    "Feedback",
    "Insight",
    "NoteAddendum",
    "NoteAttachment",
    "NoteDraft",
    "ResearchExport",
    "Standing",
    "VisibleQuerySet",
]


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

    def over_since(self, since: datetime) -> InsightQuerySet:
        """Those that were replaced, were no longer so or expired at this moment or later."""
        now = clock.now()
        return self.filter(
            Q(ended_at__gte=since) | Q(ended_at__isnull=True, expires_at__gte=since, expires_at__lte=now)
        )

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

    @property
    def over_at(self) -> datetime | None:
        """From when on it holds no more; ``None`` while it does."""
        if self.ended_at is not None:
            return min(self.ended_at, self.expires_at)
        return self.expires_at if self.expires_at <= clock.now() else None


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


class RuleWhy(models.TextChoices):
    """Why a rule is as it is from now on; no free text, which might name a patient."""

    SHIPPED = "shipped", "Comes with the program"
    NEW = "new", "There was no rule for this"
    PATIENT = "patient", "Agreed with the patient"
    TOO_MANY = "too_many", "It alerted too often"
    TOO_FEW = "too_few", "It missed what it was for"
    NOT_NEEDED = "not_needed", "It is not needed any more"


class AlertRuleQuerySet(PatientRecordQuerySet):
    """Versions of rules."""

    def newest(self) -> AlertRuleQuerySet:
        """The version of each rule that holds, on or off."""
        later = AlertRule.objects.filter(family=models.OuterRef("family"), version__gt=models.OuterRef("version"))
        return self.filter(~models.Exists(later))

    def visible_to(self, user: Any) -> AlertRuleQuerySet:
        """The clinic's, and those of the patients this user may see."""
        return self.filter(Q(patient__isnull=True) | Q(patient__in=Patient.objects.visible_to(user)))


class RuleSaid(PatientRecord):
    """What a rule says, and about whom: one patient, or (no patient) everybody in the clinic."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    family = models.UUIDField(default=uuid.uuid4, editable=False, help_text="the rule, whatever its version")
    patient = models.ForeignKey(Patient, null=True, editable=False, on_delete=models.PROTECT, related_name="+")
    definition = models.JSONField(editable=False)
    severity = models.CharField(max_length=8, editable=False, help_text="never high: that is for safety")
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+", editable=False
    )
    at = models.DateTimeField(default=clock.now, editable=False)

    objects = AlertRuleQuerySet.as_manager()

    class Meta(PatientRecord.Meta):
        abstract = True
        ordering = ["-at"]


class RuleTrialQuerySet(AlertRuleQuerySet):
    """Trials of rules."""

    def visible_to(self, user: Any) -> RuleTrialQuerySet:
        """Those of the patients this user may see, and of the clinic's the user's own: others see other patients."""
        own = Q(patient__isnull=True, by=user.pk)
        return self.filter(own | Q(patient__in=Patient.objects.visible_to(user)))


class RuleTrial(RuleSaid):
    """What a rule would have alerted to in the last 90 days; the clinic's over the patients whom ``by`` may see."""

    result = models.JSONField(null=True, editable=False)
    finished_at = models.DateTimeField(null=True, editable=False)

    objects = RuleTrialQuerySet.as_manager()

    class Meta(RuleSaid.Meta):
        pass

    def __str__(self) -> str:
        return f"trial {str(self.pk)[:8]}"


class AlertRule(RuleSaid):
    """One version of a rule; rows are added, never changed, and the newest holds."""

    version = models.PositiveIntegerField(editable=False)
    active = models.BooleanField(editable=False)
    why = models.CharField(max_length=12, choices=RuleWhy, editable=False)
    trial = models.ForeignKey(RuleTrial, null=True, editable=False, on_delete=models.PROTECT, related_name="+")

    class Meta(RuleSaid.Meta):
        constraints = [models.UniqueConstraint(fields=["family", "version"], name="insights_one_version_of_a_rule")]

    def __str__(self) -> str:
        return f"rule {str(self.family)[:8]} version {self.version}"


class DayValues(PatientRecord):
    """The last days of a patient, series by series, as they were when last read: what the cohort page shows."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    patient = models.OneToOneField(Patient, on_delete=models.CASCADE, related_name="day_values")
    last = models.DateField(editable=False, help_text="the newest local day; over when it was read")
    values = SealedField(editable=False, help_text="sealed: (series, days) float64, little-endian, zlib")
    series = models.JSONField(editable=False, help_text="names, in the order of the rows")
    code_version = models.CharField(max_length=40, editable=False)
    computed_at = models.DateTimeField(default=clock.now, editable=False)

    objects = VisibleQuerySet.as_manager()

    class Meta(PatientRecord.Meta):
        verbose_name_plural = "day values"
        ordering = ["-computed_at"]

    def seal(self, values: NDArray[np.float64]) -> None:
        """Keep the days, shape (len(series), days), NaN where not known, under the patient's key."""
        packed = zlib.compress(values.astype("<f8").tobytes(), 1)
        self.values = cipher.encrypt(
            packed, owner=self.key_owner, table=self._meta.db_table, column="values", row=self.pk
        )

    @classmethod
    def opened(cls, rows: list[tuple[uuid.UUID, Any]]) -> list[NDArray[np.float64] | None]:
        """The days of ``(key of the row, its values as stored)``, flat; ``None`` where they do not open. One query for
        the keys that are not in memory.
        """
        stored = [(pk, bytes(values)) for pk, values in rows]
        found = cipher.open_many(stored, table=cls._meta.db_table, column="values")
        return [None if one is None else np.frombuffer(zlib.decompress(one), dtype="<f8") for one in found]

    def __str__(self) -> str:
        return f"day values {str(self.pk)[:8]}"


class SavedView(models.Model):
    """What somebody chose on the cohort page; it has no words of its own, so that nobody's name can stand in it."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="saved_views")
    measure = models.CharField(max_length=40)
    team = models.ForeignKey(CareTeam, null=True, on_delete=models.CASCADE, related_name="+", help_text="none: all")
    least = models.PositiveSmallIntegerField(help_text="days that are known, at least")
    sort = models.CharField(max_length=10)
    created_at = models.DateTimeField(default=clock.now, editable=False)

    class Meta:
        ordering = ["created_at"]

    def __str__(self) -> str:
        return f"view {str(self.pk)[:8]}"


class OwnChart(models.Model):
    """What somebody wants to see of any patient in one place: series and a stretch of days, of nobody in particular."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="own_charts")
    name = models.CharField(max_length=60)
    series = models.JSONField(help_text="names of daily series, or score: and a questionnaire; three at most")
    days = models.PositiveSmallIntegerField(help_text="back from yesterday")
    created_at = models.DateTimeField(default=clock.now, editable=False)

    class Meta:
        ordering = ["name", "created_at"]

    def __str__(self) -> str:
        return f"chart {str(self.pk)[:8]}"
