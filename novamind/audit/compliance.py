"""What the audit trail can say of itself, as lines of the compliance page."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from django.conf import settings
from django.db import connection

from novamind.audit.models import ActivityReview, Anchor, ChainCheck, Reconciliation, Seal
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
    if last is None:
        state, fact = "fails", "never verified"
    else:
        holds = not last.findings and last.at > now() - CHECKED_EVERY
        state = "holds" if holds else "fails"
        fact = f"verified {last.at:%Y-%m-%d %H:%M} UTC: {last.seals} seals, {last.findings} findings"
    return Check(
        key="audit_chain",
        title="The audit trail is what it was",
        state=state,
        fact=fact,
        remedy="Run manage.py verify_audit; on a finding keep the database as it is and open an incident.",
        owner="clinical admin",
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
        fact = f"seal {last.seq} was anchored {last.at:%Y-%m-%d %H:%M} UTC"
    return Check(
        key="audit_anchor",
        title="The end of the trail is anchored outside",
        state=state,
        fact=fact,
        remedy="Set AUDIT_ANCHOR_URL to a bucket with Object Lock or a volume of another machine.",
        owner="clinical admin",
        due_days=7,
    )


def _review() -> Check:
    last = ActivityReview.objects.order_by("-reviewed_at").first()
    fresh = last is not None and last.reviewed_at > now() - REVIEWED_WITHIN
    return Check(
        key="activity_review",
        title="What people did is looked through every week",
        state="holds" if fresh else "fails",
        fact=f"week of {last.week}, reviewed {last.reviewed_at:%Y-%m-%d %H:%M} UTC" if last else "no week was reviewed",
        remedy="Look through the last week under Audit, Activity, and mark it as reviewed.",
        owner="clinical admin",
        due_days=7,
    )


def _reconciled() -> Check:
    last = Reconciliation.objects.first()
    if connection.vendor != "postgresql":
        state, fact = "not configured", "only PostgreSQL notes writes by itself"
    elif last is None:
        state, fact = "fails", "noted writes were never compared with the trail"
    else:
        state = "holds" if not last.unaudited and last.at > now() - CHECKED_EVERY else "fails"
        fact = f"{last.unaudited} of {last.changes} writes until {last.until:%Y-%m-%d %H:%M} UTC are in no event"
    return Check(
        key="audit_reconciled",
        title="Every write to a chart is in the trail",
        state=state,
        fact=fact,
        remedy="Find the road that these writes came by (Admin, Changes without a request) and close it.",
        owner="clinical admin",
        due_days=1,
    )
