"""Writes that the database noted, against the events that should speak of them."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db.models import Count, Exists, OuterRef, QuerySet

from novamind.audit.models import AuditEventPatient, Change, Reconciliation
from novamind.clock import now

SETTLED = timedelta(minutes=10)  # younger ones may belong to a request that is not over
OVERLAP = timedelta(hours=1)  # a transaction that was long open brings rows with earlier times


def unaudited(since: datetime, until: datetime) -> QuerySet[Change]:
    """Noted writes without an event of the same request that names the same patient."""
    events = AuditEventPatient.objects.filter(
        event__request_id=OuterRef("request_id"),
        patient_id=OuterRef("patient_id"),
        event__at__gte=since - timedelta(days=1),
    )
    return Change.objects.filter(at__gte=since, at__lt=until).filter(~Exists(events))


def reconcile() -> Reconciliation:
    """Compare everything since the last time, with an overlap; keeps what was found, by table."""
    last = Reconciliation.objects.first()
    first = Change.objects.order_by("at").first()
    since = last.until - OVERLAP if last else first.at if first else now() - OVERLAP
    until = now() - SETTLED
    missing = unaudited(since, until).order_by().values("table_name").annotate(n=Count("pk"))
    by_table = dict(missing.values_list("table_name", "n"))
    return Reconciliation.objects.create(
        since=since,
        until=until,
        changes=Change.objects.filter(at__gte=since, at__lt=until).count(),
        unaudited=sum(by_table.values()),
        by_table=by_table,
    )
