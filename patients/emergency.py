"""Emergency access: find a hidden patient, open the chart for four hours, end it, review it."""

from __future__ import annotations

import logging
from datetime import date, timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import transaction

from novamind import clock
from novamind.accounts.models import User
from novamind.accounts.rights import Refused
from novamind.accounts.roles import RIGHTS
from novamind.audit.attempts import Claim, take
from novamind.audit.models import AuditEvent, EventType
from novamind.audit.recording import aggregates, note_object, saw, unseen
from novamind.delivery.models import Channel
from novamind.delivery.services import deliver
from novamind.jobs.services import publish
from novamind.phi.fields import normalized
from patients.models import EmergencyAccess, Grant, Patient
from patients.services import view_permission

administrators_log = logging.getLogger(settings.ADMINS_ALERT_LOGGER)
OPEN_REVIEWS = 5  # of one person; more wait until somebody has judged the earlier ones
ATTEMPTS = 10  # of one person, within the window, found or not
WINDOW = timedelta(hours=1)


class TooManyReviews(Refused):
    """403: earlier emergencies of this person wait for their review."""

    def __init__(self) -> None:
        super().__init__("reviews_open", f"{OPEN_REVIEWS} of your emergencies wait for their review; ask for it first.")


def count_attempt(user: User) -> bool:
    """Whether this person may search once more within the hour; found or not, it counts."""
    return take([Claim("emergency", str(user.pk), ATTEMPTS, WINDOW)]) is not None


def require_few_open_reviews(user: User) -> None:
    """``TooManyReviews`` where five emergencies of this person wait; asked before anybody is looked up."""
    with aggregates():
        if EmergencyAccess.objects.to_review().filter(user=user).count() >= OPEN_REVIEWS:
            raise TooManyReviews


def find_anybody(*, mrn: str = "", last_name: str = "", date_of_birth: date | None = None) -> Patient | None:
    """The one patient of the clinic with this exact number, or this surname and birth date; else nobody.

    Two who share a surname and a birth date are nobody: which of them is meant, the record number says.
    """
    with unseen():
        if mrn:
            return Patient.objects.filter(mrn_index=mrn).first()
        namesakes = Patient.objects.filter(last_name_index=last_name) if normalized(last_name) else []
        found = [one for one in namesakes if one.is_readable and one.date_of_birth == date_of_birth]
    return found[0] if len(found) == 1 else None


def open_emergency(*, patient: Patient, user: User, reason: str, explanation: str) -> EmergencyAccess:
    """Let this user read the chart for four hours, and queue the review; ``TooManyReviews`` where five wait already."""
    moment = clock.now()
    with transaction.atomic():
        User.objects.select_for_update().get(pk=user.pk)  # two requests at once do not both count four
        require_few_open_reviews(user)
        access = EmergencyAccess.objects.create(
            patient=patient,
            user=user,
            reason=reason,
            explanation=explanation,
            opened_at=moment,
            ends_at=moment + EmergencyAccess.LASTS,
            review_due_at=moment + EmergencyAccess.REVIEW_WITHIN,
        )
        Grant.objects.update_or_create(
            user=user,
            content_object=patient,
            permission=view_permission(),
            reason=Grant.Reason.BREAK_GLASS,
            defaults={"valid_until": access.ends_at},
        )
        publish("break_glass.opened", actor=user.pk, access_id=access.pk, patient_id=patient.pk)
    note_object(EventType.CREATION, "patients.EmergencyAccess", access.pk)
    return access


def end_emergency(*, patient: Patient, user: User) -> None:
    """Close the chart before its time."""
    moment = clock.now()
    with transaction.atomic():
        for access in EmergencyAccess.objects.running().filter(patient=patient, user=user):
            access.ended_at = moment
            access.save(update_fields=["ended_at"])
        own = Grant.objects.filter(user=user, content_object=patient, reason=Grant.Reason.BREAK_GLASS)
        own.valid().update(valid_until=moment)


def running_emergency(user: Any, patient: Patient) -> EmergencyAccess | None:
    """The emergency by which alone this user sees the patient now, if any."""
    return EmergencyAccess.objects.running().filter(user=user.pk, patient=patient).order_by("-ends_at").first()


def review_emergency(access: EmergencyAccess, *, by: User, verdict: str, note: str) -> None:
    """Judge an emergency; nobody judges their own."""
    if access.user_id == by.pk:
        raise Refused("own_emergency", "Somebody else reviews what you opened.")
    access.verdict = EmergencyAccess.Verdict(verdict)
    access.verdict_note, access.reviewed_by, access.reviewed_at = note or None, by, clock.now()
    access.save(update_fields=["verdict", "verdict_note", "reviewed_by", "reviewed_at"])
    note_object(EventType.MODIFICATION, "patients.EmergencyAccess", access.pk)


def tell_reviewers(access_id: UUID) -> None:
    """By e-mail, once each, that an emergency waits for its review: not whose chart it is, and not who opened it."""
    with aggregates():
        access = EmergencyAccess.objects.get(pk=access_id)
    reviewers = User.objects.filter(is_active=True, groups__name__in=RIGHTS["review_break_glass"])
    others = reviewers.exclude(pk=access.user_id).order_by("pk").distinct()
    if not others:
        administrators_log.error("EMERGENCY_UNREVIEWED %s: nobody may review it", access.pk)
    for user in others:
        key = f"emergency:{access.pk}:{user.pk}"
        deliver(key=key, recipient=user, channel=Channel.EMAIL, template="emergency_access", about=access)


def what_was_seen(access: EmergencyAccess) -> list[AuditEvent]:
    """What the user did in the chart while it was open, as the trail has it."""
    saw(access.patient_id)
    events = AuditEvent.objects.filter(
        actor_id=access.user_id,
        patients__patient_id=access.patient_id,
        at__gte=access.opened_at,
        at__lte=access.ended_at or access.ends_at,
    )
    return list(events.order_by("at"))
