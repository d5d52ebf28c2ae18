"""Tokens of people (refreshed, in families) and of devices; of each only a digest is kept."""

from __future__ import annotations

import uuid
from datetime import timedelta

from django.conf import settings
from django.db import models

from novamind.clock import now

LONGEST = timedelta(hours=12)
DEVICE_TOKEN_LIFE = timedelta(days=90)


class TokenFamilyQuerySet(models.QuerySet["TokenFamily"]):
    """Families whose tokens still count."""

    def alive(self) -> TokenFamilyQuerySet:
        """Neither ended nor older than twelve hours."""
        return self.filter(ended_at__isnull=True, started_at__gt=now() - LONGEST)

    def end(self, because: str) -> int:
        """End those that have not ended; how many."""
        return self.filter(ended_at__isnull=True).update(ended_at=now(), ended_because=because)


class TokenFamily(models.Model):
    """One sign-in of an API client and every token that came of it: they live and die together."""

    class Because(models.TextChoices):
        LOGOUT = "logout", "signed out"
        REUSE = "reuse", "a used refresh token came back"
        TERMINATED = "terminated", "access was ended"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="token_families")
    started_at = models.DateTimeField(editable=False)
    password_mark = models.CharField(max_length=64, editable=False)  # a digest: a new password ends the family
    ended_at = models.DateTimeField(null=True, editable=False)
    ended_because = models.CharField(max_length=12, blank=True, choices=Because, editable=False)

    objects = TokenFamilyQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "token families"
        ordering = ["-started_at"]
        indexes = [models.Index(fields=["user", "ended_at"])]

    def __str__(self) -> str:
        return f"tokens of {self.started_at:%Y-%m-%d %H:%M}"


class RefreshToken(models.Model):
    """A refresh token, redeemed once. ``used_by`` tells clients apart, as a digest."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    family = models.ForeignKey(TokenFamily, on_delete=models.CASCADE, related_name="refresh_tokens")
    digest = models.CharField(max_length=64, unique=True, editable=False)
    used_at = models.DateTimeField(null=True, editable=False)
    used_by = models.CharField(max_length=64, blank=True, editable=False)

    def __str__(self) -> str:
        return f"refresh token {self.pk}"


class DeviceTokenQuerySet(models.QuerySet["DeviceToken"]):
    """Device tokens that still count."""

    def alive(self) -> DeviceTokenQuerySet:
        """Neither revoked nor past their 90 days."""
        return self.filter(revoked_at__isnull=True, expires_at__gt=now())

    def revoke(self) -> int:
        """Revoke those that are not; how many."""
        return self.filter(revoked_at__isnull=True).update(revoked_at=now())


class DeviceToken(models.Model):
    """What one device of one patient may send with. It reads nothing: its user has the role ``device`` alone."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="device_tokens")
    digest = models.CharField(max_length=64, unique=True, editable=False)
    scope = models.CharField(max_length=20, default="ingest:write", editable=False)
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField(editable=False)
    revoked_at = models.DateTimeField(null=True, editable=False)
    last_used_at = models.DateTimeField(null=True, editable=False)

    objects = DeviceTokenQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at"]

    def __str__(self) -> str:
        return f"device token {self.pk}"
