"""People in care, the teams that care for them, and the one table that says who sees whom."""

from __future__ import annotations

import logging
import uuid
from datetime import date
from functools import cached_property, lru_cache
from typing import Any, ClassVar
from zoneinfo import ZoneInfo

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Exists, OuterRef, Q
from guardian.models import UserObjectPermissionBase

from novamind import clock
from novamind.audit.records import PatientRecord, PatientRecordQuerySet
from novamind.phi.cipher import Altered, decrypt_many, key_number
from novamind.phi.fields import BlindIndexField, Ciphertext, EncryptedDateField, EncryptedField
from novamind.phi.keys import KeyLost, keys_by_number
from patients.models.search import SearchTextField, search_text


def clinic_zone() -> str:
    """The clinic's zone, where a patient has none of their own."""
    return settings.CLINIC_TIME_ZONE


def is_zone(name: str) -> None:
    """Validator: an IANA zone."""
    try:
        clock.zone(name)
    except ValueError as error:
        raise ValidationError("This is not a time zone, such as Europe/Oslo.", code="zone") from error


class PatientQuerySet(PatientRecordQuerySet):
    """Who may see whom: every clinical query in Novamind begins here."""

    def visible_to(self, user: Any) -> PatientQuerySet:
        """The patients this user has a valid grant for; nobody's for anonymous or inactive users.

        One's own chart is not among them, whatever other grant there is: see :meth:`own_of`.
        """
        return self._granted_to(user, Grant.objects.valid())

    def changeable_by(self, user: Any) -> PatientQuerySet:
        """The visible ones in this user's regular care: emergency access alone reads, and never writes."""
        return self._granted_to(user, Grant.objects.valid().exclude(reason=Grant.Reason.BREAK_GLASS))

    def _granted_to(self, user: Any, grants: GrantQuerySet) -> PatientQuerySet:
        # Not guardian's shortcut: it opens every chart to a superuser and cannot see that a grant has expired.
        if not user.is_authenticated or not user.is_active:
            return self.none()
        granted = grants.filter(user=user, content_object=OuterRef("pk"))
        own = Grant.objects.valid().filter(reason=Grant.Reason.SELF, user=user, content_object=OuterRef("pk"))
        return self.filter(Exists(granted), ~Exists(own), disposed_at__isnull=True)

    def own_of(self, user: Any) -> PatientQuerySet:
        """The chart whose patient this user is: for the patient's pages alone, also where the patient works here."""
        if not user.is_authenticated or not user.is_active:
            return self.none()
        own = Grant.objects.valid().filter(reason=Grant.Reason.SELF, user=user, content_object=OuterRef("pk"))
        return self.filter(Exists(own), disposed_at__isnull=True)

    def search_texts(self) -> dict[uuid.UUID, str | None]:
        """What each is found by (:func:`patients.models.search.search_text`); ``None`` for what cannot be opened.

        Two queries: the column, and the data keys that are not in memory. About 10 microseconds a patient, measured.
        """
        rows = list(self.order_by().values_list("pk", "search_text"))
        sealed = [(pk, stored) for pk, stored in rows if stored is not None]
        column = {"table": self.model._meta.db_table, "column": "search_text"}
        texts = dict(zip((pk for pk, _ in sealed), decrypt_many(sealed, **column), strict=True))
        if len(sealed) < len(rows):  # not filled in yet
            texts |= {patient.pk: patient.own_search_text for patient in self.filter(search_text__isnull=True)}
        for pk in [pk for pk, text in texts.items() if text is None]:
            _alert_damaged(pk)
        return texts

    def page_by_name(self, page: int, size: int) -> tuple[list[Patient], int]:
        """One page of them, sorted by name in memory (names are ciphertext to the database), and how many there are.

        A chart that cannot be opened stands last.
        """
        texts = self.search_texts()
        order = sorted(texts, key=lambda pk: (texts[pk] is None, texts[pk] or "", pk))
        return self.in_order(order[(page - 1) * size : page * size]), len(order)

    def in_order(self, keys: list[uuid.UUID]) -> list[Patient]:
        """These patients, in this order."""
        found = self.in_bulk(keys)
        keys_by_number({number for one in found.values() if (number := _key_needed(one)) is not None})
        return [found[key] for key in keys if key in found]


def _key_needed(patient: Patient) -> int | None:
    sealed = patient.__dict__.get("last_name")
    try:
        return key_number(sealed) if isinstance(sealed, Ciphertext) else None
    except Altered:
        return None


#: What tells of one damaged chart. An outage of the key store is no such thing: it stops the whole list.
DAMAGED = (Altered, KeyLost)


@lru_cache(maxsize=1024)
def _alert_damaged(patient_id: uuid.UUID) -> None:
    """Tell the administrators, once in each process."""
    logging.getLogger(settings.ADMINS_ALERT_LOGGER).critical(
        "patient %s cannot be opened: damaged data or a lost key", patient_id, extra={"severity": "HIGH"}
    )


class Patient(PatientRecord):
    """A person in care. Names, number, birth date and contacts are encrypted under the patient's own key."""

    patient_attribute: ClassVar[str] = "id"

    class Sex(models.TextChoices):
        """As far as dosing and norms need it (FHIR administrative gender)."""

        FEMALE = "female", "Female"
        MALE = "male", "Male"
        OTHER = "other", "Other"
        UNKNOWN = "unknown", "Not recorded"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    first_name = EncryptedField(max_length=80)
    last_name = EncryptedField(max_length=80)
    last_name_index = BlindIndexField(source="last_name", db_index=True)
    date_of_birth = EncryptedDateField()
    mrn = EncryptedField("medical record number", max_length=40, null=True, blank=True)
    mrn_index = BlindIndexField(source="mrn", unique=True)
    phone = EncryptedField(max_length=40, null=True, blank=True)
    email = EncryptedField("e-mail", max_length=254, null=True, blank=True)
    search_text = SearchTextField(null=True, editable=False)
    sex = models.CharField(max_length=8, choices=Sex, default=Sex.UNKNOWN)
    pronouns = models.CharField(max_length=40, blank=True)
    zone = models.CharField("time zone", max_length=64, default=clinic_zone, validators=[is_zone])
    version = models.PositiveIntegerField(default=1, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)
    disposed_at = models.DateTimeField(
        null=True, editable=False, help_text="nothing of this person is left but this row"
    )

    objects = PatientQuerySet.as_manager()

    class Meta(PatientRecord.Meta):
        ordering = ["-created_at"]

    def __str__(self) -> str:
        return f"Patient {str(self.pk)[:8]}"  # ends up in logs and in the trail: never the name

    @property
    def name(self) -> str:
        """As a list shows it: ``Last, First``."""
        return f"{self.last_name}, {self.first_name}"

    @cached_property
    def is_readable(self) -> bool:
        """Whether everything a list shows can be decrypted; where not, an alert is logged. The chart itself is 503."""
        try:
            _ = self.name, self.date_of_birth, self.mrn
        except DAMAGED:
            _alert_damaged(self.pk)
            return False
        return True

    @property
    def listed_name(self) -> str:
        """The name as a list shows it, also of a chart that cannot be opened."""
        return self.name if self.is_readable else f"Patient {str(self.pk)[:4]}… (cannot be opened)"

    @property
    def own_search_text(self) -> str | None:
        """The search text as it is when this patient is saved; ``None`` when the chart cannot be opened."""
        try:
            return search_text(self)
        except DAMAGED:
            return None

    @property
    def tz(self) -> ZoneInfo:
        """Where this patient's nights and days are."""
        return clock.zone(self.zone)

    @property
    def age(self) -> int:
        """Whole years today, where the patient lives."""
        return age_on(self.date_of_birth, clock.now().astimezone(self.tz).date())


def age_on(born: date, today: date) -> int:
    """Whole years between two dates."""
    return today.year - born.year - ((today.month, today.day) < (born.month, born.day))


class CareTeam(models.Model):
    """People who care for the same patients."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    name = models.CharField(max_length=120, unique=True)
    part2_programme = models.BooleanField(
        "substance use programme",
        default=False,
        help_text="under 42 CFR Part 2: its members see labelled records",
    )
    members: ClassVar[Any] = models.ManyToManyField(
        settings.AUTH_USER_MODEL, through="Membership", related_name="care_teams"
    )

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class Membership(models.Model):
    """A user's place in a team; its grants are written by :mod:`patients.services`."""

    team = models.ForeignKey(CareTeam, on_delete=models.CASCADE, related_name="memberships")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="memberships")
    since = models.DateTimeField(default=clock.now, editable=False)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["team", "user"], name="patients_one_membership")]

    def __str__(self) -> str:
        return f"membership {self.pk}"


class CareAssignment(PatientRecord):
    """A patient in the care of a team."""

    team = models.ForeignKey(CareTeam, on_delete=models.CASCADE, related_name="assignments")
    patient = models.ForeignKey(Patient, on_delete=models.CASCADE, related_name="assignments")
    since = models.DateTimeField(default=clock.now, editable=False)

    class Meta(PatientRecord.Meta):
        constraints = [models.UniqueConstraint(fields=["team", "patient"], name="patients_one_assignment")]

    def __str__(self) -> str:
        return f"assignment {self.pk}"


class GrantQuerySet(models.QuerySet["Grant"]):
    """Permissions on patients."""

    def valid(self) -> GrantQuerySet:
        """In force now: NULL ``valid_until`` never ends by itself."""
        return self.filter(Q(valid_until__isnull=True) | Q(valid_until__gt=clock.now()))


class Grant(UserObjectPermissionBase):
    """One user may see one patient, for a reason, until a time: the one table that says so.

    django-guardian's direct-key permission model, so that its tools understand it; written by :mod:`patients.services`
    only. ``has_perm`` on patients is not used: it knows neither reasons nor ends.
    """

    class Reason(models.TextChoices):
        """Why the user may."""

        TEAM = "team", "Member of the care team"
        SELF = "self", "The patient"
        BREAK_GLASS = "break_glass", "Emergency access"
        SHARE = "share", "Shared by name"
        DEVICE = "device", "A device of the patient, to send for"

    content_object = models.ForeignKey(Patient, on_delete=models.CASCADE, related_name="grants")
    reason = models.CharField(max_length=12, choices=Reason)
    valid_until = models.DateTimeField(null=True, blank=True)

    objects = GrantQuerySet.as_manager()

    class Meta:
        unique_together = [["user", "permission", "content_object", "reason"]]
        indexes = [models.Index(fields=["user", "content_object"], name="patients_grant_lookup")]
        constraints = [
            models.CheckConstraint(
                condition=~Q(reason="break_glass") | Q(valid_until__isnull=False), name="patients_emergencies_end"
            )
        ]

    def __str__(self) -> str:
        return f"grant {self.pk} ({self.reason})"
