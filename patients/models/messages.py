"""Messages between a patient and the care team: threads, what was sent, what became of it; the clinic's own replies."""

from __future__ import annotations

import uuid
from typing import Any, Final

from django.conf import settings
from django.db import models
from django.db.models import Exists, OuterRef, Subquery

from novamind import clock
from novamind.audit.records import PatientRecord, PatientRecordQuerySet
from novamind.phi.fields import EncryptedField
from patients.models.consents import Appended
from patients.models.part2 import Part2QuerySet, Part2Record
from patients.models.people import Patient
from patients.models.reports import NOTE_LENGTH

SUBJECT_LENGTH: Final = 120


class MessageThreadQuerySet(Part2QuerySet):
    """Threads."""

    def visible_to(self, user: Any) -> MessageThreadQuerySet:
        """Those of the patients this user may see, as far as 42 CFR Part 2 allows."""
        return self.releasable_to(user)

    def in_care_of(self, user: Any) -> MessageThreadQuerySet:
        """The same of the patients in this user's regular care: an inbox holds nobody's emergencies."""
        return self.releasable_to(user).filter(patient__in=Patient.objects.changeable_by(user))

    def with_unread(self, *, by_patient: bool) -> MessageThreadQuerySet:
        """``unread_since``: when this side wrote the oldest message that the other has not read, or ``None``."""
        unread = Message.objects.unread(by_patient=by_patient).filter(thread=OuterRef("pk"))
        return self.annotate(unread_since=Subquery(unread.order_by("at").values("at")[:1]))


class MessageThread(Part2Record):
    """What a patient and the care team write to each other about one thing."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    patient = models.ForeignKey(Patient, on_delete=models.PROTECT, related_name="+")
    subject = EncryptedField(max_length=SUBJECT_LENGTH, editable=False)
    created_at = models.DateTimeField(default=clock.now, editable=False)
    last_at = models.DateTimeField(default=clock.now, editable=False, help_text="of the newest message")

    objects = MessageThreadQuerySet.as_manager()

    class Meta(Part2Record.Meta):
        abstract = False
        ordering = ["-last_at"]
        indexes = [models.Index(fields=["patient", "-last_at"], name="patients_thread_newest")]

    def __str__(self) -> str:
        return f"message thread {str(self.pk)[:8]}"


class MessageQuerySet(Appended):
    """Messages."""

    def visible_to(self, user: Any) -> MessageQuerySet:
        """Those of threads that this user may read."""
        return self.filter(thread__in=MessageThread.objects.visible_to(user))

    def unread(self, *, by_patient: bool) -> MessageQuerySet:
        """What this side wrote and the other has neither read nor been told to forget."""
        marked = MessageMark.objects.filter(message=OuterRef("pk"))
        return self.filter(~Exists(marked), by_patient=by_patient)


class Message(PatientRecord):
    """One message as it was sent; the database refuses to change it."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    patient = models.ForeignKey(Patient, on_delete=models.PROTECT, related_name="+")
    thread = models.ForeignKey(MessageThread, on_delete=models.PROTECT, related_name="messages")
    key = models.CharField(max_length=100, null=True, editable=False, help_text="the sender's: sent twice, kept once")
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+", editable=False
    )
    by_patient = models.BooleanField(editable=False)
    text = EncryptedField(max_length=NOTE_LENGTH, editable=False)
    at = models.DateTimeField(default=clock.now, editable=False)

    objects = MessageQuerySet.as_manager()

    class Meta(PatientRecord.Meta):
        ordering = ["at"]
        constraints = [models.UniqueConstraint(fields=["patient", "key"], name="patients_message_once")]

    def __str__(self) -> str:
        return f"message {str(self.pk)[:8]}"


class MessageMarkQuerySet(PatientRecordQuerySet):
    """Marks."""

    def visible_to(self, user: Any) -> MessageMarkQuerySet:
        """Those on messages that this user may read."""
        return self.filter(message__in=Message.objects.visible_to(user))


class MessageMark(PatientRecord):
    """What became of a message: the other side has read it, or its sender says that it was sent in error."""

    class What(models.TextChoices):
        READ = "read", "Read"
        ERROR = "error", "Entered in error"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    patient = models.ForeignKey(Patient, on_delete=models.PROTECT, related_name="+")
    message = models.ForeignKey(Message, on_delete=models.PROTECT, related_name="marks")
    what = models.CharField(max_length=5, choices=What, editable=False)
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+", editable=False
    )
    at = models.DateTimeField(default=clock.now, editable=False)
    why = EncryptedField(max_length=500, null=True, editable=False)

    objects = MessageMarkQuerySet.as_manager()

    class Meta(PatientRecord.Meta):
        ordering = ["at"]
        constraints = [models.UniqueConstraint(fields=["message", "what"], name="patients_one_message_mark")]

    def __str__(self) -> str:
        return f"{self.what} {str(self.pk)[:8]}"


class ReplyTemplate(models.Model):
    """A reply that the clinic keeps: plain words, the same for everybody. Withdrawn, never changed."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    name = models.CharField(max_length=80)
    text = models.TextField(max_length=NOTE_LENGTH)
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+", editable=False
    )
    at = models.DateTimeField(default=clock.now, editable=False)
    withdrawn_at = models.DateTimeField(null=True, editable=False)

    class Meta:
        ordering = ["name", "at"]

    def __str__(self) -> str:
        return f"reply template {str(self.pk)[:8]}"
