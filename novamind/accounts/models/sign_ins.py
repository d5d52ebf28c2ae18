"""Sign-ins of the browser, and the one-time codes that were used."""

from __future__ import annotations

import uuid
from datetime import timedelta

from django.conf import settings
from django.db import models

from novamind.accounts.browsers import in_words
from novamind.clock import now

IDLE = timedelta(minutes=15)
LONGEST = timedelta(hours=12)


class SignInQuerySet(models.QuerySet["SignIn"]):
    """Sign-ins that still count."""

    def alive(self) -> SignInQuerySet:
        """Neither ended, nor idle for 15 minutes, nor older than 12 hours."""
        moment = now()
        return self.filter(ended_at__isnull=True, last_active_at__gt=moment - IDLE, started_at__gt=moment - LONGEST)

    def end(self) -> int:
        """End those that have not ended; how many."""
        return self.filter(ended_at__isnull=True).update(ended_at=now())


class SignIn(models.Model):
    """One sign-in of a browser; the session names it and counts only while it is alive.

    A row of its own and not a value in the session: two requests at once would write over each other's session.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="sign_ins")
    started_at = models.DateTimeField(editable=False)
    last_active_at = models.DateTimeField(editable=False)
    ended_at = models.DateTimeField(null=True, editable=False)
    browser = models.CharField(max_length=200, editable=False)

    objects = SignInQuerySet.as_manager()

    class Meta:
        ordering = ["-started_at"]
        indexes = [models.Index(fields=["user", "ended_at"])]

    @property
    def browser_in_words(self) -> str:
        """``Firefox on Windows``."""
        return in_words(self.browser)

    def __str__(self) -> str:
        return f"sign-in of {self.started_at:%Y-%m-%d %H:%M}"


class UsedCode(models.Model):
    """The time step of a one-time code that was accepted: it is not accepted twice, by whichever process."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    step = models.BigIntegerField(editable=False)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "step"], name="accounts_one_use_of_a_code")]

    def __str__(self) -> str:
        return f"code of step {self.step}"
