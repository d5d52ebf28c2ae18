"""What the audit trail can say of itself, as lines of the compliance page."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from django.conf import settings
from django.db import connection

from novamind.accounts.roles import CLINICAL_ADMIN
from novamind.audit.models import ActivityReview, Anchor, ChainCheck, Dated, Reconciliation, Seal
from novamind.audit.verifying import SOON
from novamind.clock import now
from novamind.frame import Check

CHECKED_EVERY = timedelta(days=2)
REVIEWED_WITHIN = timedelta(days=8)
ANCHORED_WITHIN = timedelta(minutes=30)


def checks() -> Iterator[Check]:
    """The chain, its anchors, and the weekly review, and writes that nobody stands for."""
    yield _chain()
    yield _anchor()
    yield _review()
    yield _reconciled()


def _chain() -> Check:
    last = ChainCheck.objects.first()
    return Check(
        "audit_chain",
        "The audit trail is what it was",
        _came_out_well(last, bool(last and last.findings)),
        f"verified {_when(last.at)}: {last.seals} seals, {last.findings} findings" if last else "never verified",
        "Run manage.py verify_audit; on a finding keep the database as it is and open an incident.",
        CLINICAL_ADMIN,
        due_days=1,
    )


def _anchor() -> Check:
    last, newest = Anchor.objects.first(), Seal.objects.order_by("-seq").first()
    if not settings.AUDIT_ANCHOR_URL:
        state, fact = "not configured", "nothing is anchored: a tail that is cut off would not be seen"
    elif last is None:
        state, fact = "fails", "nothing was anchored yet"
    else:
        waiting = newest is not None and newest.seq != last.seq and newest.at < now() - SOON
        state = "fails" if waiting and last.at < now() - ANCHORED_WITHIN else "holds"
        fact = f"seal {last.seq} was anchored {_when(last.at)}"
    remedy = "Set AUDIT_ANCHOR_URL to a bucket with Object Lock or a volume of another machine."
    title = "The end of the trail is anchored outside"
    return Check("audit_anchor", title, state, fact, remedy, CLINICAL_ADMIN, due_days=7)


def _review() -> Check:
    last = ActivityReview.objects.order_by("-reviewed_at").first()
    fresh = last is not None and last.reviewed_at > now() - REVIEWED_WITHIN
    return Check(
        "activity_review",
        "What people did is looked through every week",
        "holds" if fresh else "fails",
        f"week of {last.week}, reviewed {_when(last.reviewed_at)}" if last else "no week was reviewed",
        "Look through the last week under Audit, Activity, and mark it as reviewed.",
        CLINICAL_ADMIN,
        due_days=7,
    )


def _reconciled() -> Check:
    last = Reconciliation.objects.first()
    state, fact = _came_out_well(last, bool(last and last.unaudited)), "noted writes were never compared with the trail"
    if connection.vendor != "postgresql":
        state, fact = "not configured", "only PostgreSQL notes writes by itself"
    elif last is not None:
        fact = f"{last.unaudited} of {last.changes} writes until {_when(last.until)} are in no event"
    remedy = "Find the road that these writes came by (Admin, Changes without a request) and close it."
    title = "Every write to a chart is in the trail"
    return Check("audit_reconciled", title, state, fact, remedy, CLINICAL_ADMIN, due_days=1)


def _came_out_well(last: Dated | None, found: bool) -> str:
    """Of what is done every night: it was, and found nothing."""
    return "holds" if last is not None and not found and last.at > now() - CHECKED_EVERY else "fails"


def _when(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M} UTC"
