"""Accounts of patients in trails that stay: an id, never an address or a name."""

from __future__ import annotations

from typing import Any

from auditlog.models import LogEntry
from django.contrib.admin.models import LogEntry as AdminEntry
from django.contrib.auth import get_user_model
from django.contrib.contenttypes.models import ContentType

#: Columns of an account that name a person.
NAMING = ("email", "display_name")
HIDDEN = ["hidden", "hidden"]


def hide(entry: LogEntry) -> None:
    """Of whoever is not of staff, or has no role yet, a field diff says that the address changed and not to what."""
    if entry.content_type.model_class() is not get_user_model():
        return
    user = get_user_model().objects.filter(pk=entry.object_pk).first()
    if user is not None and not user.is_of_staff:
        _hide(entry, user)


def hide_in_admin(entry: AdminEntry) -> None:
    """The same of what Django admin keeps of itself."""
    user = entry.get_edited_object() if entry.content_type.model_class() is get_user_model() else None
    if user is not None and not user.is_of_staff:
        entry.object_repr = user.trail_label


def forget(user: Any) -> None:
    """Take address and name out of the field diffs and admin notes about this account that are there already."""
    for entry in LogEntry.objects.get_for_object(user):
        _hide(entry, user)
        entry.save(update_fields=["object_repr", "changes"])
    of_users = AdminEntry.objects.filter(content_type=ContentType.objects.get_for_model(user))
    of_users.filter(object_id=str(user.pk)).update(object_repr=user.trail_label)


def _hide(entry: LogEntry, user: Any) -> None:
    entry.object_repr = user.trail_label
    changes = entry.changes or {}
    entry.changes = changes | {name: HIDDEN for name in NAMING if name in changes}
