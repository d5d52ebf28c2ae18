"""A job is a row before it is a message; an alert tells the administrators that one needs them."""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from novamind.clock import now

MAX_ATTEMPTS = 3
RESEND_AFTER = timedelta(seconds=15)


class JobQuerySet(models.QuerySet["Job"]):
    """Which jobs are free to be run, and which of those have no message under way."""

    def claimable(self, moment: datetime) -> JobQuerySet:
        """Waiting and due, or left behind by a worker whose lease has run out."""
        waiting = Q(state=Job.State.PENDING, due_at__lte=moment)
        abandoned = Q(state=Job.State.RUNNING, lease_until__lte=moment)
        return self.filter(waiting | abandoned)

    def unsent(self, moment: datetime) -> JobQuerySet:
        """Never sent (NULL), or sent so long ago that the message may be lost; the longest ago first."""
        stale = Q(sent_at__isnull=True) | Q(sent_at__lte=moment - RESEND_AFTER)
        return self.filter(stale).order_by(F("sent_at").asc(nulls_first=True), "due_at")

    def attempt_of(self, job: Job) -> JobQuerySet:
        """The row, if this attempt is still the current one."""
        return self.filter(pk=job.pk, state=Job.State.RUNNING, attempts=job.attempts)

    def needing_attention(self) -> JobQuerySet:
        return self.filter(state__in=Job.RETRYABLE)


class Job(models.Model):
    """One piece of work: what, for which ids, how far it got. Holds ids and codes, never a value of a patient."""

    class State(models.TextChoices):
        PENDING = "pending"
        RUNNING = "running"
        DONE = "done"
        FAILED = "failed"  # the job itself said that another attempt cannot help
        QUARANTINED = "quarantined"  # attempts used up

    RETRYABLE = (State.FAILED, State.QUARANTINED)

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    kind = models.CharField(max_length=80)
    key = models.CharField(max_length=200)
    queue = models.CharField(max_length=20)
    args = models.JSONField(default=dict)
    actor = models.UUIDField(null=True, help_text="who asked; empty for the system itself")
    pipeline_id = models.UUIDField(help_text="the job that started this chain of jobs")
    state = models.CharField(max_length=12, choices=State, default=State.PENDING)
    attempts = models.PositiveSmallIntegerField(default=0)
    due_at = models.DateTimeField(default=now)
    sent_at = models.DateTimeField(null=True, help_text="when a message was last sent; empty: send at the next tick")
    lease_until = models.DateTimeField(null=True)
    held_by = models.CharField(max_length=120, blank=True)
    result_id = models.UUIDField(null=True)
    error_code = models.CharField(max_length=60, blank=True)
    error_detail = models.CharField(max_length=300, blank=True)
    steps = models.JSONField(default=list)
    created_at = models.DateTimeField(default=now)
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)

    objects = JobQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at"]
        constraints = [
            # Waiting jobs only: while one runs, new data must be able to queue the next. A job that waits for its
            # second attempt is left out, so that putting it back can never collide with its successor.
            models.UniqueConstraint("key", condition=Q(state="pending", attempts=0), name="jobs_one_waiting_per_key"),
            models.UniqueConstraint("key", condition=Q(state="running"), name="jobs_one_running_per_key"),
        ]
        indexes = [
            models.Index("queue", "due_at", condition=Q(state__in=["pending", "running"]), name="jobs_unfinished"),
            models.Index("state", "queue", name="jobs_by_state"),
            models.Index(F("created_at").desc(), name="jobs_newest"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.pk}"

    def is_claimable(self, moment: datetime) -> bool:
        """:meth:`JobQuerySet.claimable`, of this row as it was read."""
        if self.state == self.State.PENDING:
            return self.due_at <= moment
        return self.state == self.State.RUNNING and self.lease_until is not None and self.lease_until <= moment

    @property
    def retryable(self) -> bool:
        return self.state in self.RETRYABLE

    @property
    def seconds(self) -> float | None:
        """How long the last attempt took; None while it has not ended."""
        if self.started_at is None or self.finished_at is None:
            return None
        return (self.finished_at - self.started_at).total_seconds()


class AdminAlertQuerySet(models.QuerySet["AdminAlert"]):
    def open(self) -> AdminAlertQuerySet:
        """Not yet acknowledged by an administrator."""
        return self.filter(acknowledged_at__isnull=True)


class AdminAlert(models.Model):
    """A job needs an administrator; at most one open alert for each job."""

    class Kind(models.TextChoices):
        PIPELINE_FAILURE = "PIPELINE_FAILURE", "pipeline failure"

    class Severity(models.TextChoices):
        HIGH = "HIGH", "high"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    kind = models.CharField(max_length=30, choices=Kind, default=Kind.PIPELINE_FAILURE)
    severity = models.CharField(max_length=10, choices=Severity, default=Severity.HIGH)
    job = models.ForeignKey(Job, on_delete=models.CASCADE, related_name="alerts")
    created_at = models.DateTimeField(default=now)
    acknowledged_at = models.DateTimeField(null=True)
    acknowledged_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+")

    objects = AdminAlertQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at"]
        constraints = [
            models.UniqueConstraint(
                "job", condition=Q(acknowledged_at__isnull=True), name="jobs_one_open_alert_per_job"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.job_id}"


class IdempotencyKey(models.Model):
    """A write that a caller named, so that sending it again after a lost answer does nothing again.

    Holds digests, a status and an object's id, never a body.
    """

    #: Longer than a phone may send late (patients.reports.services.LATEST): it sends again what was never answered.
    KEPT = timedelta(days=8)

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+", editable=False)
    view = models.CharField(max_length=80, editable=False)
    key_digest = models.CharField(max_length=64, editable=False)
    body_digest = models.CharField(max_length=64, editable=False)
    status = models.PositiveSmallIntegerField(null=True, editable=False)
    object_id = models.UUIDField(null=True, editable=False)
    created_at = models.DateTimeField(default=now, editable=False)

    class Meta:
        ordering = ["-created_at"]
        constraints = [
            models.UniqueConstraint(fields=["user", "view", "key_digest"], name="jobs_a_key_once"),
        ]

    def __str__(self) -> str:
        return f"{self.view} {str(self.pk)[:8]}"
