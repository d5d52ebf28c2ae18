"""Whoever loses access to a chart leaves what they had taken on; the sweep finds what ends by a date or a role."""

from __future__ import annotations

from typing import Any

from django.db.models.signals import post_delete, post_save
from django.dispatch import receiver

from novamind.accounts.models import User
from patients.alerts import owner_left
from patients.models import Grant


@receiver(post_delete, sender=Grant)
def grant_ended(instance: Grant, **kwargs: Any) -> None:
    """One chart."""
    owner_left(instance.user_id, instance.content_object_id)


@receiver(post_save, sender=User)
def account_changed(instance: User, *, created: bool, **kwargs: Any) -> None:
    """All of them."""
    if not created and not instance.is_active:
        owner_left(instance.pk)
