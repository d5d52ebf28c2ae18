"""Who looks after a patient's alerts now; whether anybody does."""

from __future__ import annotations

from collections import defaultdict
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db.models import Exists, OuterRef

from novamind import clock
from novamind.accounts.models import User
from novamind.accounts.roles import RIGHTS
from novamind.audit.recording import aggregates
from patients.models import CareTeam, CoverageHours, Grant, Holiday, Patient


def on_call(patient: Patient | UUID, at: datetime | None = None) -> list[User]:
    """Who of the patient's teams is on call at this moment (by default now), in the order in which they are called.

    Only who may answer: active, with the right to, on the team's list, and with access to this chart other than
    emergency access.
    """
    patient_id = patient.pk if isinstance(patient, Patient) else patient
    local = (at or clock.now()).astimezone(clock.zone(settings.CLINIC_TIME_ZONE))
    dates = {local.date(), local.date() - timedelta(days=1)}
    days = {day.weekday() for day in dates} | {CoverageHours.Weekday.HOLIDAY}
    with aggregates():
        may_answer = clinicians_of(patient_id)
        rows = CoverageHours.objects.filter(
            team__assignments__patient=patient_id, weekday__in=days, user__in=may_answer.values("pk")
        ).select_related("user")
        holidays: dict[Any, set[date]] = defaultdict(set)
        for team, day in Holiday.objects.filter(date__in=dates).values_list("team", "date"):
            holidays[team].add(day)
        found = [row for row in rows.order_by("order", "begins", "pk") if row.holds_at(local, holidays[row.team_id])]
    return list({row.user_id: row.user for row in found}.values())


def clinicians_of(patient_id: UUID) -> Any:
    """Everybody who may answer an alert of this patient, on call or not."""
    caring = Grant.objects.valid().exclude(reason__in=[Grant.Reason.BREAK_GLASS, Grant.Reason.SELF])
    treats = caring.filter(user=OuterRef("pk"), content_object=patient_id)
    people = User.objects.filter(Exists(treats), is_active=True, groups__name__in=RIGHTS["answer_alerts"])
    return people.exclude(
        Exists(Grant.objects.valid().filter(user=OuterRef("pk"), content_object=patient_id, reason=Grant.Reason.SELF))
    ).distinct()


def unanswerable() -> Any:
    """Patients whose alerts no clinician may answer: on no team, on one of administrators alone, or of leavers."""
    own = Grant.objects.valid().filter(
        user=OuterRef("user"), content_object=OuterRef("content_object"), reason=Grant.Reason.SELF
    )
    caring = Grant.objects.valid().exclude(reason__in=[Grant.Reason.BREAK_GLASS, Grant.Reason.SELF])
    answering = caring.filter(
        content_object=OuterRef("pk"), user__is_active=True, user__groups__name__in=RIGHTS["answer_alerts"]
    )
    return Patient.objects.filter(disposed_at__isnull=True).exclude(Exists(answering.exclude(Exists(own))))


def teams_that_answer() -> Any:
    """Teams with an active clinician among their members, by name."""
    return (
        CareTeam.objects.filter(
            memberships__user__is_active=True, memberships__user__groups__name__in=RIGHTS["answer_alerts"]
        )
        .distinct()
        .order_by("name")
    )


def monitored_now(patient: Patient | UUID, at: datetime | None = None) -> bool:
    """Whether somebody is on call for this patient; where not, the patient is told so."""
    return bool(on_call(patient, at))
