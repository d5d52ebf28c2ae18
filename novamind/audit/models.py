"""The audit trail: append-only rows, kept so by triggers of the database itself."""

from __future__ import annotations

import uuid

from django.db import models

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

    class Meta:
        ordering = ["-at"]
        indexes = [
            models.Index(fields=["-at"], name="audit_by_time"),
            models.Index(fields=["actor_id", "-at"], name="audit_by_actor"),
        ]

    def __str__(self) -> str:
        return f"{self.event_type} {self.id}"


class AuditEventPatient(models.Model):
    """Whose chart an event touched; answers "who saw this chart"."""

    event = models.ForeignKey(AuditEvent, on_delete=models.PROTECT, related_name="patients")
    patient_id = models.UUIDField(editable=False)
    at = models.DateTimeField(editable=False)

    class Meta:
        indexes = [models.Index(fields=["patient_id", "-at"], name="audit_by_patient")]

    def __str__(self) -> str:
        return f"{self.event_id} {self.patient_id}"
