"""What this app can say of its own safety, counted now."""

from __future__ import annotations

from collections.abc import Iterator

from django.conf import settings

from novamind import clock
from novamind.accounts.roles import CLINICAL_ADMIN
from novamind.audit.recording import aggregates
from novamind.frame import Check
from patients.coverage import unanswerable
from patients.models import EmergencyAccess, Grant


def checks() -> Iterator[Check]:
    """Emergencies that wait too long or do not end, leavers' grants, alerts nobody may answer, the crisis text."""
    with aggregates():
        waiting = EmergencyAccess.objects.to_review()
        overdue, waits = waiting.filter(review_due_at__lte=clock.now()).count(), waiting.count()
        endless = Grant.objects.filter(reason=Grant.Reason.BREAK_GLASS, valid_until__isnull=True).count()
        of_leavers = Grant.objects.valid().filter(user__is_active=False).values("user").distinct().count()
        unanswered = unanswerable().count()
    yield Check(
        "emergency_reviews",
        "Emergency access is reviewed within 72 hours",
        "fails" if overdue else "holds",
        f"{overdue} of {waits} open reviews overdue",
        "Review them under Emergencies.",
        CLINICAL_ADMIN,
        due_days=1,
    )
    yield Check(
        "emergency_ends",
        "Emergency access always ends",
        "fails" if endless else "holds",
        f"{endless} emergency grants without an end",
        "End them: the database refuses new ones, so somebody has written past it.",
        CLINICAL_ADMIN,
        due_days=1,
    )
    yield Check(
        "leavers_grants",
        "Who has left holds no chart",
        "fails" if of_leavers else "holds",
        f"{of_leavers} inactive people still have grants, which open nothing while they are inactive",
        "Take them off their teams; end what was shared with them by name.",
        CLINICAL_ADMIN,
    )
    yield Check(
        "alerts_answerable",
        "Every patient has a clinician who may answer an alert",
        "fails" if unanswered else "holds",
        f"{unanswered} patients whose alerts no clinician may answer",
        "Put them on a team (No clinician): until then the administrators are sent their alerts.",
        CLINICAL_ADMIN,
        due_days=1,
    )
    own = settings.CRISIS_TEXT != settings.CRISIS_TEXT_WITHOUT_A_CLINIC
    yield Check(
        "crisis_text",
        "Patients read this clinic's own crisis text",
        "holds" if own else "not configured",
        "CRISIS_TEXT is set"
        if own
        else "CRISIS_TEXT is not set: patients read general advice without a number to call",
        "Set CRISIS_TEXT to whom a patient in danger calls here.",
        CLINICAL_ADMIN,
        due_days=1,
    )
