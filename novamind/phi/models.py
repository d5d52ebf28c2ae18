"""Data keys, each wrapped by the master key."""

import uuid
from typing import Self

from django.db import models

from novamind.clock import now
from novamind.phi.sealed import SealedField


class DataKeyQuerySet(models.QuerySet["DataKey"]):
    """Data keys."""

    def living(self) -> Self:
        """With which new data is encrypted."""
        return self.filter(retired_at__isnull=True, destroyed_at__isnull=True)

    def retired(self) -> Self:
        """Replaced by a rotation, and kept until nothing names them."""
        return self.filter(retired_at__isnull=False, destroyed_at__isnull=True)


class DataKey(models.Model):
    """A 32-byte key of one patient (or of the clinic), wrapped; destroying it destroys what it encrypted.

    ``number`` stands in every ciphertext, so that a key can be found without trying. ``patient_id`` is NULL for the
    clinic's own keys. ``wrapped`` is empty once the key is destroyed: the row stays as the tombstone.
    """

    class Purpose(models.TextChoices):
        DATA = "data", "Fields and files"
        INDEX = "index", "Blind index"
        PSYCHOTHERAPY = "therapy", "Psychotherapy notes"

    number = models.BigAutoField(primary_key=True)
    id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    patient_id = models.UUIDField(null=True, editable=False)
    purpose = models.CharField(max_length=8, choices=Purpose, default=Purpose.DATA, editable=False)
    master_key_id = models.CharField(max_length=64, editable=False)
    wrapped = models.BinaryField(editable=False)
    wrapped_at = models.DateTimeField(default=now, editable=False, help_text="by this master key")
    created_at = models.DateTimeField(auto_now_add=True)
    retired_at = models.DateTimeField(null=True, editable=False)
    destroyed_at = models.DateTimeField(null=True, editable=False)

    objects = DataKeyQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["patient_id", "purpose"],
                condition=models.Q(retired_at__isnull=True, destroyed_at__isnull=True, patient_id__isnull=False),
                name="phi_one_living_key_per_patient",
            ),
            models.UniqueConstraint(
                fields=["purpose"],
                condition=models.Q(retired_at__isnull=True, destroyed_at__isnull=True, patient_id__isnull=True),
                name="phi_one_living_clinic_key",
            ),
        ]

    def __str__(self) -> str:
        return f"key {self.number}"


class PhiToken(models.Model):
    """What stands behind ``[NAME-1]`` in a tokenised text; the value is sealed under the patient's key and expires."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    patient_id = models.UUIDField(editable=False)
    kind = models.CharField(max_length=12, editable=False)
    number = models.PositiveIntegerField(editable=False)
    sealed = SealedField(editable=False)
    expires_at = models.DateTimeField(db_index=True, editable=False)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["patient_id", "kind", "number"], name="phi_one_token_a_number")]

    def __str__(self) -> str:
        return f"token {self.kind}-{self.number}"


class ErasedFile(models.Model):
    """A stored file that nothing names any more and that is still to be taken out of storage."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    name = models.CharField(max_length=120, editable=False)
    due_at = models.DateTimeField(db_index=True, editable=False, help_text="not before: somebody may be reading it")

    class Meta:
        ordering = ["due_at"]

    def __str__(self) -> str:
        return f"erased file {str(self.pk)[:8]}"


class PhiScan(models.Model):
    """One search of the places where no identifier may stand: counts per place, never what was found."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    started_at = models.DateTimeField(editable=False)
    finished_at = models.DateTimeField(db_index=True, editable=False)
    patients = models.PositiveIntegerField(editable=False)
    unreadable = models.PositiveIntegerField(default=0, editable=False)
    characters = models.PositiveBigIntegerField(editable=False)
    findings = models.JSONField(default=dict, editable=False)

    class Meta:
        ordering = ["-finished_at"]

    def __str__(self) -> str:
        return f"scan of {self.finished_at:%Y-%m-%d %H:%M}"
