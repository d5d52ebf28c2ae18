"""Whether messages reach people, counted now."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from django.conf import settings

from novamind import clock
from novamind.accounts.roles import CLINICAL_ADMIN
from novamind.delivery.models import Delivery
from novamind.frame import Check

WEEK = timedelta(days=7)


def checks() -> Iterator[Check]:
    """That providers are configured, and that no message of the last week failed."""
    unset = [name for name in ("EMAIL_PROVIDER", "SMS_PROVIDER") if getattr(settings, name) == "console"]
    yield Check(
        "delivery_providers",
        "Alerts and reminders leave the house",
        "not configured" if unset else "holds",
        f"without a provider: {', '.join(unset)}" if unset else "e-mail and text messages have a provider",
        "Set EMAIL_PROVIDER and SMS_PROVIDER: until then messages are lines in the log, and nobody is called.",
        CLINICAL_ADMIN,
    )
    recent = Delivery.objects.filter(created_at__gt=clock.now() - WEEK)
    failed = recent.filter(state=Delivery.State.FAILED).count()
    yield Check(
        "deliveries_arrive",
        "Messages of the last seven days were accepted by their provider",
        "fails" if failed else "holds",
        f"{failed} of {recent.count()} messages failed",
        "Look at them under Deliveries, correct the address or the provider, and send them again.",
        CLINICAL_ADMIN,
        due_days=1,
    )
