"""Encounter notes: drafts of their authors, and what was signed; addenda beside it."""

from __future__ import annotations

import uuid
from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import Q

from novamind import clock
from novamind.limits import NOTE_CHARACTERS
from novamind.phi.fields import EncryptedField, EncryptedJSONField
from novamind.phi.sealed import SealedField
from patients.models import Appointment, Patient
from patients.models.part2 import Part2QuerySet, Part2Record


class NoteQuerySet(Part2QuerySet):
    """Encounter notes."""

    def readable_by(self, user: Any) -> NoteQuerySet:
        """What is signed, and the user's own drafts; as far as 42 CFR Part 2 allows. Consent is asked by the caller."""
        rows = self.releasable_to(user).filter(discarded_at__isnull=True)
        return rows.filter(Q(signed_at__isnull=False) | Q(author=user.pk))

    def unsettled(self) -> NoteQuerySet:
        """Drafts, neither signed nor discarded."""
        return self.filter(signed_at__isnull=True, discarded_at__isnull=True)

    def changeable_by(self, user: Any) -> NoteQuerySet:
        """The author's own, until signed."""
        own = self.readable_by(user).unsettled().filter(author=user.pk)
        return own.filter(patient__in=Patient.objects.changeable_by(user))

    def visible_to(self, user: Any) -> NoteQuerySet:
        """Rows of the patients whom this user may see."""
        return self.releasable_to(user)


class EncounterNote(Part2Record):
    """A note on one encounter: its author's draft, then signed, and from then on unchangeable in the database too.

    A draft may be discarded instead: a row without words stays. ``said`` seals the format's sections with their titles,
    and a random salt that keeps the digest from being guessed.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    patient = models.ForeignKey(Patient, on_delete=models.PROTECT, related_name="+")
    author = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", editable=False)
    encounter_on = models.DateField()
    appointment = models.ForeignKey(Appointment, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    format = models.CharField(max_length=40, editable=False)
    format_version = models.PositiveSmallIntegerField(editable=False)
    said = EncryptedJSONField(editable=False)
    version = models.PositiveIntegerField(default=1, editable=False)
    created_at = models.DateTimeField(default=clock.now, editable=False)
    discarded_at = models.DateTimeField(null=True, editable=False)
    signed_at = models.DateTimeField(null=True, editable=False)
    signed_as = models.CharField(max_length=40, blank=True, editable=False, help_text="the author's role then")
    digest = models.CharField(max_length=64, blank=True, editable=False, help_text="SHA-256 of what was signed")

    objects = NoteQuerySet.as_manager()

    class Meta(Part2Record.Meta):
        abstract = False
        ordering = ["-encounter_on", "-created_at"]
        constraints = [
            models.CheckConstraint(
                condition=Q(signed_at__isnull=True, digest="") | Q(signed_at__isnull=False) & ~Q(digest=""),
                name="insights_a_signed_note_has_its_digest",
            ),
            models.CheckConstraint(
                condition=Q(signed_at__isnull=True) | Q(discarded_at__isnull=True),
                name="insights_a_signed_note_is_not_discarded",
            ),
        ]

    def __str__(self) -> str:
        return f"encounter note {str(self.pk)[:8]}"

    @property
    def sections(self) -> list[dict[str, str]]:
        """``id``, ``title`` and ``text`` of each section, in the order of the format."""
        found: list[dict[str, str]] = self.said["sections"]
        return found


class NoteAddendum(Part2Record):
    """What somebody added to a signed note; rows are added, never changed. Labelled as its note is."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    patient = models.ForeignKey(Patient, on_delete=models.PROTECT, related_name="+")
    note = models.ForeignKey(EncounterNote, on_delete=models.PROTECT, related_name="addenda")
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", editable=False)
    at = models.DateTimeField(default=clock.now, editable=False)
    signed_as = models.CharField(max_length=40, editable=False)
    text = EncryptedField(max_length=NOTE_CHARACTERS)

    objects = NoteQuerySet.as_manager()

    class Meta(Part2Record.Meta):
        abstract = False
        verbose_name_plural = "note addenda"
        ordering = ["at"]

    def __str__(self) -> str:
        return f"addendum {str(self.pk)[:8]}"


class Content(models.TextChoices):
    """What a file is by its first bytes, whatever it is called: what may be attached, by its MIME type."""

    PDF = "application/pdf", "PDF"
    PNG = "image/png", "PNG image"
    JPEG = "image/jpeg", "JPEG image"
    TEXT = "text/plain", "Plain text"


class NoteAttachment(Part2Record):
    """A file that its author put to a draft: sealed bytes, what they are, how it was called. Labelled as its note is.

    Signing the note fixes it: its digest is one of what was signed.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    patient = models.ForeignKey(Patient, on_delete=models.PROTECT, related_name="+")
    note = models.ForeignKey(EncounterNote, on_delete=models.PROTECT, related_name="attachments")
    at = models.DateTimeField(default=clock.now, editable=False)
    content = models.CharField(max_length=20, choices=Content, editable=False)
    size = models.PositiveIntegerField(editable=False, help_text="bytes")
    sha256 = models.CharField(max_length=64, editable=False)
    file_name = EncryptedField(max_length=255)
    storage_name = models.CharField(max_length=120, editable=False)
    file_key = SealedField(file="storage_name", editable=False)

    objects = NoteQuerySet.as_manager()

    class Meta(Part2Record.Meta):
        abstract = False
        ordering = ["at"]
        constraints = [models.UniqueConstraint(fields=["note", "sha256"], name="insights_a_file_once_a_note")]

    def __str__(self) -> str:
        return f"attachment {str(self.pk)[:8]}"


class NoteDraft(Part2Record):
    """What a program put together for a draft, with the facts it was given; rows are added, never changed.

    ``found`` seals the facts, the sentences that hold, those that do not, and how many texts were left out.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    patient = models.ForeignKey(Patient, on_delete=models.PROTECT, related_name="+")
    note = models.ForeignKey(EncounterNote, on_delete=models.PROTECT, related_name="drafts")
    asked_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", editable=False)
    at = models.DateTimeField(default=clock.now, editable=False)
    provider = models.CharField(max_length=20, editable=False)
    model = models.CharField(max_length=200, blank=True, editable=False)
    prompt = models.CharField(max_length=40, blank=True, editable=False, help_text="the version of the instructions")
    prompt_sha256 = models.CharField(max_length=64, blank=True, editable=False, help_text="of what left the clinic")
    code_version = models.CharField(max_length=40, editable=False)
    abstention = models.CharField(max_length=40, blank=True, editable=False)
    found = EncryptedJSONField(editable=False)

    objects = NoteQuerySet.as_manager()

    class Meta(Part2Record.Meta):
        abstract = False
        ordering = ["-at"]

    def __str__(self) -> str:
        return f"draft {str(self.pk)[:8]}"
