"""The audit trail: append-only rows, kept so by triggers of the database itself."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.db import models

from novamind.audit.words import in_words
from novamind.clock import now


class EventType(models.TextChoices):
    """What kind of thing happened."""

    API_ACCESS = "API_ACCESS", "Request"
    API_RESPONSE = "API_RESPONSE", "Refused request"
    DATA_ACCESS = "DATA_ACCESS", "Chart read"
    CREATION = "CREATION", "Created"
    MODIFICATION = "MODIFICATION", "Changed"
    DELETION = "DELETION", "Deleted"
    MODEL_INFERENCE = "MODEL_INFERENCE", "Model run"
    CLINICAL_DECISION_SUPPORT = "CLINICAL_DECISION_SUPPORT", "Decision support"
    MODEL_TRAINING = "MODEL_TRAINING", "Model trained"
    MODEL_PROMOTION = "MODEL_PROMOTION", "Model registered or moved to a stage"
    EXPORT = "EXPORT", "Taken out"
    DATA_COLLECTION = "DATA_COLLECTION", "Data collected"
    SIGN_IN = "SIGN_IN", "Signed in"
    SIGN_OUT = "SIGN_OUT", "Signed out"
    SIGN_IN_FAILED = "SIGN_IN_FAILED", "Sign-in failed"


class Purpose(models.TextChoices):
    """Why (FHIR PurposeOfUse, the ones in use)."""

    TREATMENT = "TREAT", "Treatment"
    EMERGENCY = "ETREAT", "Emergency treatment"
    OPERATIONS = "HOPERAT", "Healthcare operations"
    RESEARCH = "HRESCH", "Research"
    PATIENT = "PATRQT", "The patient's own request"


class Outcome(models.TextChoices):
    """How it ended."""

    SUCCESS = "success", "Done"
    REFUSED = "refused", "Refused"
    FAILED = "failed", "Failed"


class AuditEvent(models.Model):
    """One request, job or sign-in. Holds ids and names of parameters, never values."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    at = models.DateTimeField(default=now, editable=False)
    event_type = models.CharField(max_length=32, choices=EventType, editable=False)
    actor_id = models.UUIDField(null=True, editable=False)
    actor_label = models.CharField(max_length=160, editable=False)
    role = models.CharField(max_length=120, editable=False)
    action = models.CharField(max_length=80, editable=False)
    object_label = models.CharField(max_length=80, blank=True, editable=False)
    object_id = models.CharField(max_length=64, blank=True, editable=False)
    purpose = models.CharField(max_length=8, choices=Purpose, editable=False)
    outcome = models.CharField(max_length=8, choices=Outcome, editable=False)
    path = models.CharField(max_length=300, blank=True, editable=False)
    method = models.CharField(max_length=8, blank=True, editable=False)
    query_params = models.JSONField(default=list, editable=False)
    status_code = models.PositiveSmallIntegerField(null=True, editable=False)
    duration_ms = models.PositiveIntegerField(null=True, editable=False)
    ip = models.GenericIPAddressField(null=True, editable=False)
    user_agent = models.CharField(max_length=200, blank=True, editable=False)
    session_hash = models.CharField(max_length=32, blank=True, editable=False)
    request_id = models.CharField(max_length=36, editable=False)
    app_version = models.CharField(max_length=20, editable=False)
    # Names, versions, counts and hashes (a model run, an export); never a value.
    details = models.JSONField(default=dict, editable=False)

    class Meta:
        ordering = ["-at"]
        indexes = [
            models.Index(fields=["-at"], name="audit_by_time"),
            models.Index(fields=["actor_id", "-at"], name="audit_by_actor"),
            models.Index(
                fields=["object_label", "-at"],
                condition=models.Q(event_type=EventType.MODEL_INFERENCE),
                name="audit_by_model",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.event_type} {self.id}"

    @property
    def what(self) -> str:
        """The action in words; empty where it has none."""
        return in_words(self.action)


class EventPatientQuerySet(models.QuerySet["AuditEventPatient"]):
    """Charts that were touched."""

    def touched_for(self, purpose: Purpose) -> EventPatientQuerySet:
        """Those touched for this purpose; a row from before each had its own has that of its event."""
        return self.filter(models.Q(purpose=purpose) | models.Q(purpose="", event__purpose=purpose))

    def opened(self) -> EventPatientQuerySet:
        """Those opened one at a time or by a list of contents; of an older row, those alone in their event.

        Asked of the row first, and PostgreSQL asks in the order in which a condition is written: looking for another of
        the same event takes most of the time.
        """
        another = self.model.objects.filter(event=models.OuterRef("event")).exclude(pk=models.OuterRef("pk"))
        return self.filter(models.Q(opened=True) | models.Q(opened__isnull=True) & ~models.Exists(another))


class AuditEventPatient(models.Model):
    """Whose chart an event touched, why that one, and whether it was opened; answers "who saw this chart"."""

    event = models.ForeignKey(AuditEvent, on_delete=models.PROTECT, related_name="patients")
    patient_id = models.UUIDField(editable=False)
    at = models.DateTimeField(editable=False)
    # Both are empty in rows from before they were kept, and for what runs the old code (hence the database's default).
    purpose = models.CharField(max_length=8, choices=Purpose, blank=True, default="", db_default="", editable=False)
    opened = models.BooleanField(null=True, editable=False, help_text="alone, or on a list of what stands in charts")

    objects = EventPatientQuerySet.as_manager()

    class Meta:
        indexes = [
            models.Index(fields=["patient_id", "-at"], name="audit_by_patient"),
            models.Index(
                fields=["at"],
                condition=models.Q(opened=True) | models.Q(opened__isnull=True),
                name="audit_opened_by_time",
            ),
        ]

    @property
    def why(self) -> str:
        """The purpose for this chart; the event is asked where the row has none."""
        return self.purpose or self.event.purpose

    def __str__(self) -> str:
        return f"{self.event_id} {self.patient_id}"


class Attempt(models.Model):
    """A try at something that must not be guessed, while it counts (:mod:`novamind.audit.attempts`)."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    kind = models.CharField(max_length=20, editable=False)
    who = models.CharField(max_length=32, editable=False, help_text="a digest of whoever is counted")
    at = models.DateTimeField(default=now, editable=False)

    class Meta:
        ordering = ["-at"]
        indexes = [models.Index(fields=["kind", "who", "at"], name="audit_attempts_of")]

    def __str__(self) -> str:
        return f"attempt {self.pk}"


class ActivityReview(models.Model):
    """That somebody looked through a week's findings (:mod:`novamind.audit.activity`); append-only."""

    week = models.DateField(unique=True, help_text="its Monday")
    reviewed_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    reviewed_at = models.DateTimeField(default=now, editable=False)
    findings = models.JSONField(default=dict, editable=False, help_text="how many of each kind were on the page")
    notes = models.TextField(max_length=4000, blank=True)

    class Meta:
        ordering = ["-week"]

    def __str__(self) -> str:
        return f"activity of the week of {self.week}"


class Change(models.Model):
    """A row of a chart that was written, noted by the database itself (:mod:`novamind.audit.changes`); append-only."""

    at = models.DateTimeField(editable=False)
    op = models.CharField(max_length=6, editable=False)
    table_name = models.CharField(max_length=63, editable=False)
    row_id = models.CharField(max_length=64, editable=False)
    patient_id = models.UUIDField(null=True, editable=False)
    columns = models.JSONField(editable=False, help_text="names of those that changed; empty: the whole row")
    actor = models.CharField(max_length=36, blank=True, editable=False)
    request_id = models.CharField(max_length=36, blank=True, editable=False)

    class Meta:
        ordering = ["-at"]
        indexes = [models.Index(fields=["at"], name="audit_change_by_time")]

    def __str__(self) -> str:
        return f"{self.op} {self.table_name} {self.row_id}"


class Dated(models.Model):
    """Something that was done at a moment, the newest first."""

    at = models.DateTimeField(default=now, editable=False)

    class Meta:
        abstract = True
        ordering = ["-at"]


class Reconciliation(Dated):
    """One comparison of noted writes with the events."""

    since = models.DateTimeField(editable=False)
    until = models.DateTimeField(editable=False)
    changes = models.PositiveIntegerField(editable=False)
    unaudited = models.PositiveIntegerField(editable=False)
    by_table = models.JSONField(default=dict, editable=False)

    def __str__(self) -> str:
        return f"reconciliation of {self.at:%Y-%m-%d %H:%M}"


class Seal(models.Model):
    """The link of the chain that holds one event (:mod:`novamind.audit.seal`); append-only like the trail."""

    seq = models.BigIntegerField(primary_key=True, db_column="id", editable=False)
    # No foreign key: a deleted event must leave its seal behind.
    event_id = models.UUIDField(unique=True, editable=False)
    mac = models.BinaryField(editable=False)
    at = models.DateTimeField(default=now, editable=False)

    class Meta:
        ordering = ["seq"]

    def __str__(self) -> str:
        return f"seal {self.seq}"


class Anchor(Dated):
    """That a seal was written outside; the anchor itself is there and not here."""

    seq = models.BigIntegerField(editable=False)

    def __str__(self) -> str:
        return f"anchor of seal {self.seq}"


class ChainCheck(Dated):
    """One walk along the chain and what it found."""

    seals = models.BigIntegerField(editable=False)
    events = models.BigIntegerField(editable=False)
    findings = models.PositiveIntegerField(editable=False)
    first_broken = models.BigIntegerField(null=True, editable=False, help_text="number of the first seal concerned")

    def __str__(self) -> str:
        return f"chain check of {self.at:%Y-%m-%d %H:%M}"
