"""What a patient allows: for which purpose, of which stream of data. Rows are added, never changed."""

from __future__ import annotations

import uuid
from types import MappingProxyType
from typing import Any, Final, NoReturn

from django.conf import settings
from django.db import models
from django.db.models import Case, OuterRef, Q, Subquery, Value, When
from django.db.models.functions import Coalesce

from novamind import clock
from novamind.audit.records import PatientRecord, PatientRecordQuerySet
from novamind.phi.fields import EncryptedField
from patients.models.people import Patient


class ConsentPurpose(models.TextChoices):
    """What the data are used for."""

    TREATMENT = "treatment", "Treatment"
    MODELS = "models", "Decision support and models"
    RESEARCH = "research", "Research"
    EXTERNAL_MODEL = "external_model", "A language model outside the clinic"
    SHARING = "sharing", "Sharing with others"


class ConsentStream(models.TextChoices):
    """Which data."""

    ACTIGRAPHY = "actigraphy", "Movement and rest"
    HEART = "heart", "Heart"
    BODY = "body", "Other measurements of the body"
    SLEEP_DIARY = "sleep_diary", "Sleep diary"
    QUESTIONNAIRES = "questionnaires", "Questionnaires"
    GENOTYPE = "genotype", "Genotype"
    MEDICATION = "medication", "Medication"
    LOCATION = "location", "Location"
    NOTES = "notes", "Notes, conditions and visits"
    PART2 = "part2", "Substance use treatment (42 CFR Part 2)"


#: (purpose, stream or None for every other) -> allowed until the patient says otherwise, and why.
DEFAULTS: Final = MappingProxyType(
    {
        (ConsentPurpose.TREATMENT, ConsentStream.PART2): (False, "42 CFR 2.31 asks for a written consent"),
        (ConsentPurpose.TREATMENT, ConsentStream.LOCATION): (False, "care does not need to know where somebody is"),
        (ConsentPurpose.TREATMENT, None): (True, "who is in care is treated with what is known (45 CFR 164.506)"),
        (ConsentPurpose.MODELS, None): (False, "a prediction about a person is that person's to allow"),
        (ConsentPurpose.RESEARCH, None): (False, "research needs an authorization (45 CFR 164.508)"),
        (ConsentPurpose.EXTERNAL_MODEL, None): (False, "the text would leave the clinic"),
        (ConsentPurpose.SHARING, None): (False, "a disclosure beyond care needs an authorization (45 CFR 164.508)"),
    }
)


def default_of(purpose: str, stream: str) -> tuple[bool, str]:
    """What holds while the patient has said nothing, and why."""
    purpose, stream = ConsentPurpose(purpose), ConsentStream(stream)
    return DEFAULTS.get((purpose, stream)) or DEFAULTS[purpose, None]


def allowed(purpose: str, stream: str, *, patient: str) -> Coalesce:
    """Whether the patient that the column ``patient`` names allows this now: the newest decision, else the default.

    A consent that has run out counts as withdrawn.
    """
    holds = When(Q(given=True) & (Q(valid_until__isnull=True) | Q(valid_until__gt=clock.now())), then=Value(True))
    decided = Consent.objects.filter(patient=OuterRef(patient), purpose=purpose, stream=stream)
    newest = decided.annotate(holds=Case(holds, default=Value(False))).values("holds")[:1]
    return Coalesce(Subquery(newest), Value(default_of(purpose, stream)[0]), output_field=models.BooleanField())


class Appended(PatientRecordQuerySet):
    """Rows that are added and stay as they are."""

    def update(self, **changes: Any) -> NoReturn:
        raise TypeError("a consent is never changed: record a new one")

    def delete(self) -> NoReturn:
        raise TypeError("a consent is never deleted: record its withdrawal")


class Consent(PatientRecord):
    """One decision of a patient: given or withdrawn, when, how, and who recorded it.

    The newest row of a purpose and stream holds; without one, :data:`DEFAULTS` does.
    """

    class How(models.TextChoices):
        """How the patient said so."""

        WRITTEN = "written", "Signed on paper"
        ELECTRONIC = "electronic", "Signed electronically"
        SPOKEN = "spoken", "Said to a clinician"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    patient = models.ForeignKey(Patient, on_delete=models.PROTECT, related_name="consents")
    purpose = models.CharField(max_length=16, choices=ConsentPurpose)
    stream = models.CharField(max_length=16, choices=ConsentStream)
    given = models.BooleanField(help_text="or withdrawn")
    how = models.CharField(max_length=12, choices=How)
    valid_until = models.DateTimeField(null=True, blank=True)
    remark = EncryptedField(max_length=2000, null=True, blank=True)
    at = models.DateTimeField(default=clock.now, editable=False)
    recorded_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+")

    objects = Appended.as_manager()

    class Meta(PatientRecord.Meta):
        ordering = ["-at", "given"]  # of two at one moment the withdrawal holds
        indexes = [models.Index(fields=["patient", "purpose", "stream", "-at"], name="patients_consent_newest")]

    def __str__(self) -> str:
        return f"consent {str(self.pk)[:8]}"

    @property
    def has_ended(self) -> bool:
        """Whether a consent has run out."""
        return self.valid_until is not None and self.valid_until <= clock.now()

    def save(self, *args: Any, **kwargs: Any) -> None:
        if not self._state.adding:
            raise TypeError("a consent is never changed: record a new one")
        super().save(*args, **kwargs)

    def delete(self, *args: Any, **kwargs: Any) -> NoReturn:
        raise TypeError("a consent is never deleted: record its withdrawal")
