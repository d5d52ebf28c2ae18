"""Who is told of an alert: its clinicians, else the administrators; and what may be said of that to whoever asks."""

from __future__ import annotations

import logging
from collections.abc import Collection
from datetime import timedelta
from enum import StrEnum
from typing import Final
from uuid import UUID

from django.conf import settings

from novamind.accounts.models import User
from novamind.accounts.roles import CLINICAL_ADMIN
from novamind.audit.recording import aggregates
from novamind.delivery.models import Channel, Delivery
from novamind.delivery.services import deliver
from patients.coverage import clinicians_of
from patients.models import Alert, AlertSeverity
from patients.snoozing import is_snoozed, is_within_budget, next_morning

LABEL: Final = "patients.Alert"
#: To the administrators: at once, and where it can wait.
UNANSWERABLE, UNANSWERABLE_LATER = "alert_unanswerable", "notice_unanswerable"
#: A message that has ended like this reaches nobody.
_LOST: Final = (
    Delivery.State.FAILED,
    Delivery.State.UNREACHABLE,
    Delivery.State.EXPIRED,
    Delivery.State.CANCELLED,
)
administrators_log = logging.getLogger(settings.ADMINS_ALERT_LOGGER)


class Told(StrEnum):
    """Who has been sent a message about an alert, by the messages that there are."""

    CLINICIANS = "clinicians"
    ADMINISTRATORS = "administrators"
    NOBODY = "nobody"


def clinicians(patient_id: UUID) -> list[User]:
    """Everybody who may answer an alert of this patient."""
    with aggregates():
        return list(clinicians_of(patient_id))


def administrators() -> list[User]:
    """Who runs the clinic: they cannot answer, but they can find somebody who can."""
    return list(User.objects.filter(is_active=True, groups__name=CLINICAL_ADMIN).distinct())


def tell(alert: Alert, people: Collection[User], *, again: bool = False) -> None:
    """These people; where there are none, the administrators, because a clinician must be found.

    An alert that can wait sends no message to who has snoozed the patient; who has had enough for today is told once,
    tomorrow morning, that more came. Their pages say so at once, and its timer goes on to the others.
    """
    if people:
        urgent = "alert_escalated" if again else "alert"
        awake = [user for user in people if not alert.can_wait or not is_snoozed(user, alert)]
        heard = [user for user in awake if not alert.can_wait or is_within_budget(user, alert)]
        for user in awake:
            if user not in heard:
                _tell_tomorrow(user)
        return _send(alert, heard, urgent if _is_urgent(alert) else "notice")
    administrators_log.error("ALERT_UNANSWERABLE %s: no clinician may answer it", alert.pk)
    return _send(alert, administrators(), UNANSWERABLE if _is_urgent(alert) else UNANSWERABLE_LATER)


def told(alert: Alert) -> Told:
    """Whom a message about it has left for, or will."""
    about = Delivery.objects.filter(about_label=LABEL, about_id=alert.pk).exclude(state__in=_LOST)
    templates = set(about.values_list("template", flat=True))
    if templates - {UNANSWERABLE, UNANSWERABLE_LATER}:
        return Told.CLINICIANS
    return Told.ADMINISTRATORS if templates else Told.NOBODY


def _is_urgent(alert: Alert) -> bool:
    """Whether it calls people at any hour; a device that sends nothing waits until the quiet hours are over."""
    return alert.severity == AlertSeverity.HIGH


def _tell_tomorrow(user: User) -> None:
    """One message a day, however many were held back; no ``about``, so that it is no alert told of."""
    morning = next_morning()
    deliver(
        key=f"alerts_held:{user.pk}:{morning:%Y-%m-%d}", recipient=user, channel=Channel.EMAIL, template="notice_held",
        due_at=morning, expires_at=morning + timedelta(days=1),
    )  # fmt: skip


def _send(alert: Alert, people: Collection[User], template: str) -> None:
    """By e-mail; and, where it is urgent and the person has a number, by text message too."""
    for user in sorted(people, key=lambda one: one.pk):
        key = f"alert:{alert.pk}:{alert.level}:{user.pk}"
        deliver(key=key, recipient=user, channel=Channel.EMAIL, template=template, about=alert)
        if user.phone and _is_urgent(alert):
            deliver(key=f"{key}:sms", recipient=user, channel=Channel.SMS, template=template, about=alert)
