"""What a patient is asked to do when, and what became of each time."""

from __future__ import annotations

import uuid
from typing import Any

from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q

from novamind import clock
from novamind.audit.records import PatientRecord, PatientRecordQuerySet
from novamind.delivery.models import Channel
from patients.models.people import Patient

LONGEST_WINDOW_MIN = 7 * 1440


class Schedule(PatientRecord):
    """One thing a patient is asked to do again and again, at a local time of the place where the patient is.

    Times are wall-clock times in the patient's zone: after a trip they follow the zone that the chart then has.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    patient = models.ForeignKey(Patient, on_delete=models.PROTECT, related_name="schedules")
    what = models.CharField(max_length=40, help_text="the check-in, or the code of an instrument")
    starts_on = models.DateField(help_text="the first local date, from which intervals are counted")
    ends_on = models.DateField(null=True, blank=True, help_text="the last local date")
    every_days = models.PositiveSmallIntegerField(
        default=1, validators=[MinValueValidator(1), MaxValueValidator(366)], help_text="1: daily"
    )
    weekdays = models.JSONField(default=list, blank=True, help_text="0 is Monday; empty: any")
    local_time = models.TimeField()
    window_min = models.PositiveIntegerField(
        validators=[MinValueValidator(15), MaxValueValidator(LONGEST_WINDOW_MIN)],
        help_text="minutes after which it can no longer be done",
    )
    quiet_from = models.TimeField(null=True, blank=True)
    quiet_to = models.TimeField(null=True, blank=True)
    channel = models.CharField(max_length=8, choices=Channel, blank=True, help_text="empty: no message")
    active = models.BooleanField(default=True)
    planned_from = models.DateTimeField(
        default=clock.now,
        editable=False,
        help_text="when it was made or last edited: what fell due before is not made up",
    )
    next_due_at = models.DateTimeField(null=True, editable=False, db_index=True)
    version = models.PositiveIntegerField(default=1, editable=False)
    created_at = models.DateTimeField(default=clock.now, editable=False)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, editable=False, on_delete=models.PROTECT, related_name="+"
    )

    class Meta(PatientRecord.Meta):
        ordering = ["local_time", "created_at"]
        constraints = [
            models.CheckConstraint(condition=Q(every_days__gte=1), name="patients_schedule_every"),
            models.CheckConstraint(
                condition=Q(quiet_from__isnull=True, quiet_to__isnull=True)
                | Q(quiet_from__isnull=False, quiet_to__isnull=False),
                name="patients_schedule_quiet_hours",
            ),
        ]

    def __str__(self) -> str:
        return f"schedule {str(self.pk)[:8]}"

    @property
    def quiet(self) -> Any:
        """(from, to), or ``None`` for the clinic's quiet hours."""
        return (self.quiet_from, self.quiet_to) if self.quiet_from and self.quiet_to else None


class ReminderQuerySet(PatientRecordQuerySet):
    """Reminders."""

    def undone(self) -> ReminderQuerySet:
        """Nothing came back yet."""
        return self.filter(done_at__isnull=True)


class Reminder(PatientRecord):
    """One time of a schedule: at most one per local date, whatever is edited, wherever the patient travels."""

    class Outcome(models.TextChoices):
        """What was done when it fell due."""

        REMINDED = "reminded", "Message asked for"
        SILENT = "silent", "Due; no message wanted"
        MISSED = "missed", "Its time was over before a message could leave"
        WITHHELD = "withheld", "The patient does not consent to questions"
        DONE = "done", "Done before it fell due"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    patient = models.ForeignKey(Patient, on_delete=models.PROTECT, related_name="reminders")
    schedule = models.ForeignKey(Schedule, on_delete=models.PROTECT, related_name="reminders")
    local_date = models.DateField()
    due_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    outcome = models.CharField(max_length=10, choices=Outcome)
    done_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField(default=clock.now, editable=False)

    objects = ReminderQuerySet.as_manager()

    class Meta(PatientRecord.Meta):
        ordering = ["-local_date", "-due_at"]
        constraints = [
            models.UniqueConstraint(fields=["schedule", "local_date"], name="patients_one_reminder_per_date")
        ]

    def __str__(self) -> str:
        return f"reminder {str(self.pk)[:8]}"
