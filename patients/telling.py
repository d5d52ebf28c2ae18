"""Who is told of an alert: its clinicians, else the administrators; and what may be said of that to whoever asks."""

from __future__ import annotations

import logging
from collections.abc import Collection
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
from patients.snoozing import wants_to_hear

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

    An alert that can wait sends no message to who has snoozed the patient or has had enough for today; their pages
    say so, and its timer goes on to the others.
    """
    if people:
        urgent = "alert_escalated" if again else "alert"
        heard = [user for user in people if not alert.can_wait or wants_to_hear(user, alert)]
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


def _send(alert: Alert, people: Collection[User], template: str) -> None:
    """By e-mail; and, where it is urgent and the person has a number, by text message too."""
    for user in sorted(people, key=lambda one: one.pk):
        key = f"alert:{alert.pk}:{alert.level}:{user.pk}"
        deliver(key=key, recipient=user, channel=Channel.EMAIL, template=template, about=alert)
        if user.phone and _is_urgent(alert):
            deliver(key=f"{key}:sms", recipient=user, channel=Channel.SMS, template=template, about=alert)
