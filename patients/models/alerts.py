"""What a clinician must look at: owned, timed, escalated until somebody takes it."""

from __future__ import annotations

import uuid
from collections.abc import Container
from datetime import date, datetime, timedelta
from typing import Any, ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q

from novamind import clock
from novamind.audit.records import PatientRecord, PatientRecordQuerySet
from novamind.phi.fields import EncryptedField
from patients.models.consents import Appended
from patients.models.people import CareTeam, Patient


class AlertKind(models.TextChoices):
    """Why somebody must look, in words that say nothing of the patient. Whoever raises a new kind adds it here."""

    SELF_HARM = "self_harm", "An answer about self-harm or suicide needs a clinician now"
    MEDICATION = "medication", "A rule says to avoid a drug on the list: look at the page Genes"
    SILENT_STREAM = "silent_stream", "A device, or a part of it, has measured nothing for longer than it should"
    RULE = "rule", "A rule of the clinic asks for a look"


#: About safety whatever the severity: nobody snoozes them, and no budget holds them back.
SAFETY = frozenset({AlertKind.SELF_HARM, AlertKind.MEDICATION})


class AlertSeverity(models.TextChoices):
    """How soon somebody must have looked (:data:`patients.alerts.ACKNOWLEDGE_WITHIN`)."""

    HIGH = "high", "Act now"
    MEDIUM = "medium", "Today"
    LOW = "low", "This week"


class AlertQuerySet(PatientRecordQuerySet):
    """Alerts."""

    def visible_to(self, user: Any) -> AlertQuerySet:
        """Those of the patients this user may see."""
        return self.filter(patient__in=Patient.objects.visible_to(user))

    def unacknowledged(self) -> AlertQuerySet:
        """Nobody has taken them yet: the timer runs."""
        return self.filter(state__in=Alert.UNACKNOWLEDGED)

    def unresolved(self) -> AlertQuerySet:
        """Somebody still has to do something."""
        return self.exclude(state=Alert.State.RESOLVED)

    def can_wait(self) -> AlertQuerySet:
        """Those that may be snoozed and held back: none about safety, and none that says "act now"."""
        return self.exclude(kind__in=SAFETY).exclude(severity=AlertSeverity.HIGH)


class Alert(PatientRecord):
    """One thing about one patient that a clinician must look at; raised and changed by :mod:`patients.alerts` alone."""

    class State(models.TextChoices):
        OPEN = "open", "Waits for somebody"
        ESCALATED = "escalated", "Escalated: not answered or done in time"
        ACKNOWLEDGED = "acknowledged", "Somebody is on it"
        RESOLVED = "resolved", "Done"

    class Outcome(models.TextChoices):
        USEFUL = "useful", "It was useful"
        NOT_USEFUL = "not_useful", "It was not useful"
        IGNORED = "ignored", "Nobody answered it"

    UNACKNOWLEDGED: ClassVar = (State.OPEN, State.ESCALATED)
    #: What a person may say of one that is done.
    SAID_OUTCOMES: ClassVar = [(one.value, one.label) for one in (Outcome.USEFUL, Outcome.NOT_USEFUL)]

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    patient = models.ForeignKey(Patient, on_delete=models.PROTECT, related_name="alerts")
    key = models.CharField(max_length=150, unique=True, help_text="the same key twice is one alert")
    kind = models.CharField(max_length=30, choices=AlertKind)
    severity = models.CharField(max_length=8, choices=AlertSeverity)
    about_label = models.CharField(max_length=60, blank=True)
    about_id = models.UUIDField(null=True, blank=True)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+",
        help_text="who is to act; empty while nobody was on call",
    )  # fmt: skip
    state = models.CharField(max_length=12, choices=State, default=State.OPEN)
    level = models.PositiveIntegerField(default=0, help_text="how often it was escalated")
    monitored = models.BooleanField(help_text="whether anybody was on call when it was raised")
    version = models.PositiveIntegerField(default=1, editable=False)
    raised_at = models.DateTimeField(default=clock.now, editable=False)
    acknowledge_by = models.DateTimeField()
    acknowledged_at = models.DateTimeField(null=True, blank=True)
    acknowledged_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    resolve_by = models.DateTimeField(null=True, blank=True, help_text="until when whoever took it must be done")
    resolved_at = models.DateTimeField(null=True, blank=True)
    outcome = models.CharField(max_length=10, choices=Outcome, blank=True, help_text="empty: nobody has said")

    objects = AlertQuerySet.as_manager()

    class Meta(PatientRecord.Meta):
        ordering = ["-raised_at"]
        indexes = [
            models.Index(
                fields=["acknowledge_by"], condition=Q(state__in=["open", "escalated"]), name="patients_alert_timer"
            ),
            models.Index(fields=["patient", "state"], name="patients_alert_of_patient"),
        ]

    def __str__(self) -> str:
        return f"alert {str(self.pk)[:8]}"

    @property
    def can_wait(self) -> bool:
        """As the query set's word."""
        return self.kind not in SAFETY and self.severity != AlertSeverity.HIGH

    @property
    def is_waiting(self) -> bool:
        """Whether nobody has taken it yet."""
        return self.state in self.UNACKNOWLEDGED

    @property
    def is_overdue(self) -> bool:
        """Whether somebody should have taken it by now, or be done with it."""
        if self.state == self.State.RESOLVED:
            return False
        due = self.acknowledge_by if self.is_waiting else self.resolve_by
        return due is None or due <= clock.now()  # without a time: taken before there was one


class AlertEvent(PatientRecord):
    """What happened to an alert, when and by whom; rows are added, never changed."""

    class What(models.TextChoices):
        RAISED = "raised", "Raised"
        ESCALATED = "escalated", "Escalated"
        ACKNOWLEDGED = "acknowledged", "Taken on"
        RESOLVED = "resolved", "Done"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    patient = models.ForeignKey(Patient, on_delete=models.PROTECT, related_name="+")
    alert = models.ForeignKey(Alert, on_delete=models.PROTECT, related_name="events")
    what = models.CharField(max_length=12, choices=What)
    at = models.DateTimeField(default=clock.now, editable=False)
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+",
        help_text="empty: the system, because it was not answered or done in time",
    )  # fmt: skip
    note = EncryptedField(max_length=2000, null=True, blank=True)

    objects = Appended.as_manager()

    class Meta(PatientRecord.Meta):
        ordering = ["at"]

    def __str__(self) -> str:
        return f"{self.what} {str(self.pk)[:8]}"


class AlertSnooze(PatientRecord):
    """Until when one clinician wants to see and hear nothing of a patient's alerts that can wait."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    patient = models.ForeignKey(Patient, on_delete=models.PROTECT, related_name="+")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", editable=False)
    at = models.DateTimeField(default=clock.now, editable=False)
    until = models.DateTimeField(editable=False)
    ended_at = models.DateTimeField(null=True, editable=False, help_text="ended by hand before its time")

    class Meta(PatientRecord.Meta):
        ordering = ["-at"]
        constraints = [
            models.UniqueConstraint(
                fields=["patient", "user"], condition=Q(ended_at__isnull=True), name="patients_one_snooze"
            )
        ]

    def __str__(self) -> str:
        return f"snooze {str(self.pk)[:8]}"


class CoverageHours(models.Model):
    """Who of a team looks after its alerts, on which weekday, from when to when, in the clinic's time."""

    class Weekday(models.IntegerChoices):
        MONDAY = 0
        TUESDAY = 1
        WEDNESDAY = 2
        THURSDAY = 3
        FRIDAY = 4
        SATURDAY = 5
        SUNDAY = 6
        HOLIDAY = 7, "Holidays"

    team = models.ForeignKey(CareTeam, on_delete=models.CASCADE, related_name="coverage")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="coverage")
    weekday = models.PositiveSmallIntegerField(choices=Weekday)
    begins = models.TimeField("from", help_text="the clinic's time")
    ends = models.TimeField("to", help_text="at or before “from”: on the next day")
    order = models.PositiveSmallIntegerField(default=1, help_text="who is called first; then the next")

    class Meta:
        verbose_name_plural = "coverage hours"
        ordering = ["weekday", "begins", "order"]
        constraints = [
            models.UniqueConstraint(fields=["team", "user", "weekday", "begins"], name="patients_one_coverage")
        ]

    def __str__(self) -> str:
        return f"{self.get_weekday_display()} {self.begins:%H:%M} to {self.ends:%H:%M}"

    def holds_at(self, local: datetime, holidays: Container[date] = ()) -> bool:
        """Whether this wall-clock moment of the clinic falls within; the end is not part of it.

        Hours are of the day on which they begin: on a holiday only those of holidays do, whatever the weekday.
        """
        clock_time, today = local.time(), self._is_for(local.date(), holidays)
        if self.begins < self.ends:
            return today and self.begins <= clock_time < self.ends
        yesterday = self._is_for(local.date() - timedelta(days=1), holidays)
        return (today and clock_time >= self.begins) or (yesterday and clock_time < self.ends)

    def _is_for(self, day: date, holidays: Container[date]) -> bool:
        return self.weekday == (self.Weekday.HOLIDAY if day in holidays else day.weekday())


class Holiday(models.Model):
    """A date on which a team's hours are those of holidays; the clinic's date."""

    team = models.ForeignKey(CareTeam, on_delete=models.CASCADE, related_name="holidays")
    date = models.DateField()
    name = models.CharField(max_length=60, blank=True)

    class Meta:
        ordering = ["date"]
        constraints = [models.UniqueConstraint(fields=["team", "date"], name="patients_one_holiday")]

    def __str__(self) -> str:
        return f"{self.date} {self.name}".strip()
