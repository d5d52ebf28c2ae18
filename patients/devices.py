"""Devices of a patient: each is an account of its own that may send for this patient and reads nothing."""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid4

from django.contrib.auth.models import Group
from django.db import models, transaction

from novamind.accounts import tokens
from novamind.accounts.ending import end_access
from novamind.accounts.models import DeviceToken, User
from novamind.accounts.roles import DEVICE
from novamind.audit.models import EventType
from novamind.audit.recording import note_object
from patients.models import Grant, Patient
from patients.services import view_permission

DOMAIN = "devices.invalid"  # an address to tell accounts apart; no mail goes there


class DeviceKind(models.TextChoices):
    """What sends. A choice and no text: a device is not to be named after its owner."""

    WEARABLE = "wearable", "Wearable"
    PHONE = "phone", "Phone"
    BEDSIDE = "bedside", "Bedside sensor"
    GATEWAY = "gateway", "Gateway of a service"


@transaction.atomic
def enrol(*, patient: Patient, kind: DeviceKind) -> str:
    """A new device of this patient; its token, which nobody can look up again."""
    name = uuid4()
    user = User.objects.create_user(f"{name}@{DOMAIN}", display_name=f"{kind.label} {str(name)[:4]}")
    user.groups.set([Group.objects.get(name=DEVICE)])
    Grant.objects.create(user=user, content_object=patient, permission=view_permission(), reason=Grant.Reason.DEVICE)
    return tokens.issue_device_token(user)


def devices_of(patient: Patient) -> list[dict[str, Any]]:
    """Each device with its newest token, the newest device first."""
    users = User.objects.filter(grants_of_devices(patient)).order_by("-created_at")
    newest = {token.user_id: token for token in DeviceToken.objects.filter(user__in=users).order_by("created_at")}
    alive = set(DeviceToken.objects.alive().filter(user__in=users, user__is_active=True).values_list("user", flat=True))
    return [{"user": user, "token": newest.get(user.pk), "alive": user.pk in alive} for user in users]


@transaction.atomic
def renew(*, patient: Patient, device_id: UUID) -> str:
    """A new token for the same device, whose last one ends; it stays the source that it was, with its place in orders.

    ``User.DoesNotExist`` if it is none of this patient's, or was ended: that is for ever.
    """
    devices = User.objects.filter(grants_of_devices(patient), is_active=True)
    note_object(EventType.MODIFICATION, "accounts.User", device_id)
    return tokens.issue_device_token(devices.select_for_update(of=("self",)).get(pk=device_id))


def revoke(*, patient: Patient, device_id: UUID) -> None:
    """End a device's access; ``User.DoesNotExist`` if it is none of this patient's."""
    end_access(User.objects.filter(grants_of_devices(patient)).get(pk=device_id))


def grants_of_devices(patient: Patient) -> models.Q:
    """Users that are this patient's devices."""
    grants = Grant.objects.filter(content_object=patient, reason=Grant.Reason.DEVICE)
    return models.Q(pk__in=grants.values("user"))
