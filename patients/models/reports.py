"""What patients say of themselves: filled-in questionnaires, daily check-ins, symptoms. Rows are added, never changed.

A correction within the hour is a new row of the same thread; the one before it stays, with the moment it was replaced.
"""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Any, ClassVar, Final

from django.conf import settings
from django.core.validators import MaxValueValidator
from django.db import models
from django.db.models import Q

from novamind import clock
from novamind.audit.records import PatientRecord, PatientRecordQuerySet
from novamind.phi.fields import EncryptedField, EncryptedJSONField
from patients.models.people import Patient

NOTE_LENGTH: Final = 4000
MOST: Final = 10  # of every scale here


class ReportQuerySet(PatientRecordQuerySet):
    """Reports."""

    def visible_to(self, user: Any) -> ReportQuerySet:
        """Those of the patients this user may see."""
        return self.filter(patient__in=Patient.objects.visible_to(user))


class Report(PatientRecord):
    """Who said something of a patient, when, and the sender's key, under which it is kept once."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    patient = models.ForeignKey(Patient, on_delete=models.PROTECT, related_name="%(class)ss")
    key = models.CharField(max_length=100, null=True, editable=False, help_text="the sender's: sent twice, kept once")
    at = models.DateTimeField(help_text="when it was so, as the sender says")
    recorded_at = models.DateTimeField(default=clock.now, editable=False)
    recorded_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, editable=False, on_delete=models.PROTECT, related_name="+"
    )
    by_patient = models.BooleanField(editable=False, help_text="said by the patient, or entered by a clinician")

    objects = ReportQuerySet.as_manager()

    class Meta(PatientRecord.Meta):
        abstract = True
        ordering = ["-at", "-recorded_at"]
        indexes = [models.Index(fields=["patient", "-at"], name="%(app_label)s_%(class)s_at")]
        constraints = [models.UniqueConstraint(fields=["patient", "key"], name="%(app_label)s_%(class)s_once")]

    def __str__(self) -> str:
        return f"{self._meta.verbose_name} {str(self.pk)[:8]}"


class Assessment(Report):
    """One filled-in questionnaire and its score.

    ``score`` is NULL where the instrument has no total or too many items are unanswered; ``result`` says which, and
    whatever else :class:`patients.instruments.Score` holds.
    """

    instrument = models.CharField(max_length=40, editable=False)
    instrument_version = models.CharField(max_length=20, editable=False)
    locale = models.CharField(max_length=10, default="en", editable=False, help_text="of the wording that was shown")
    answers = EncryptedJSONField(editable=False)
    score = models.PositiveSmallIntegerField(null=True, editable=False)
    result = EncryptedJSONField(editable=False)
    code_version = models.CharField(max_length=40, editable=False)


class ThreadQuerySet(ReportQuerySet):
    """Reports that may be corrected."""

    def current(self) -> ThreadQuerySet:
        """The newest of each thread."""
        return self.filter(replaced_at__isnull=True)


class Correctable(Report):
    """A report that whoever sent it may correct for an hour."""

    EDITABLE_FOR: ClassVar = timedelta(hours=1)

    thread = models.UUIDField(default=uuid.uuid4, editable=False)
    version = models.PositiveSmallIntegerField(default=1, editable=False)
    begun_at = models.DateTimeField(default=clock.now, editable=False, help_text="when the first of the thread came")
    replaced_at = models.DateTimeField(null=True, editable=False)

    objects = ThreadQuerySet.as_manager()

    class Meta(Report.Meta):
        abstract = True
        constraints = [
            *Report.Meta.constraints,
            models.UniqueConstraint(
                fields=["thread"], condition=Q(replaced_at__isnull=True), name="%(app_label)s_%(class)s_newest"
            ),
        ]

    def is_editable_by(self, user: Any) -> bool:
        """Whether this user wrote it less than an hour ago."""
        young = clock.now() < self.begun_at + self.EDITABLE_FOR
        return young and self.replaced_at is None and self.recorded_by_id == user.pk


def _scale(words: str) -> Any:
    return models.PositiveSmallIntegerField(
        null=True, blank=True, validators=[MaxValueValidator(MOST)], help_text=f"{words}; empty: not said"
    )


class CheckIn(Correctable):
    """How a patient is today, each from 0 to 10; any of them may be left out."""

    SCALES: ClassVar = ("mood", "anxiety", "sleep_quality", "energy", "irritability")

    day = models.DateField(help_text="the local date where the patient is")
    mood = _scale("0 very low, 10 very good")
    anxiety = _scale("0 none, 10 extreme")
    sleep_quality = _scale("0 very bad, 10 very good")
    energy = _scale("0 none, 10 full of it")
    irritability = _scale("0 none, 10 extreme")
    note = EncryptedField(max_length=NOTE_LENGTH, null=True, blank=True)

    class Meta(Correctable.Meta):
        verbose_name = "check-in"
        constraints = [
            *Correctable.Meta.constraints,
            models.CheckConstraint(
                condition=Q(*(Q(**{f"{name}__isnull": True}) | Q(**{f"{name}__lte": MOST}) for name in (
                    "mood", "anxiety", "sleep_quality", "energy", "irritability"))),
                name="patients_checkin_scales",
            ),
        ]  # fmt: skip


class SymptomType(models.TextChoices):
    """What a patient may report by itself."""

    LOW_MOOD = "low_mood", "Low mood"
    ELEVATED_MOOD = "elevated_mood", "Unusually high or restless mood"
    ANXIETY = "anxiety", "Anxiety"
    PANIC = "panic", "Panic"
    IRRITABILITY = "irritability", "Irritability"
    INSOMNIA = "insomnia", "Trouble sleeping"
    FATIGUE = "fatigue", "Tiredness"
    CONCENTRATION = "concentration", "Trouble concentrating"
    INTRUSIVE_MEMORIES = "intrusive_memories", "Memories that come unwanted"
    VOICES = "voices", "Hearing or seeing what others do not"
    CRAVING = "craving", "Craving"
    PAIN = "pain", "Pain"
    SIDE_EFFECT = "side_effect", "Side effect of a medicine"
    SELF_HARM = "self_harm", "Thoughts of harming myself"
    OTHER = "other", "Something else"


class SymptomReport(Correctable):
    """One symptom and how bad it was."""

    type = models.CharField(max_length=20, choices=SymptomType)
    severity = models.PositiveSmallIntegerField(
        validators=[MaxValueValidator(MOST)], help_text="0 not there, 10 as bad as can be"
    )
    context = EncryptedField("what was going on", max_length=NOTE_LENGTH, null=True, blank=True)
    triggers = EncryptedField("what set it off", max_length=NOTE_LENGTH, null=True, blank=True)
    notes = EncryptedField("anything else", max_length=NOTE_LENGTH, null=True, blank=True)

    class Meta(Correctable.Meta):
        constraints = [
            *Correctable.Meta.constraints,
            models.CheckConstraint(condition=Q(severity__lte=MOST), name="patients_symptomreport_severity"),
        ]
