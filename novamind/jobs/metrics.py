"""Figures about the queue, computed from rows when somebody asks."""

from __future__ import annotations

from django.db.models import Count, Min

from novamind.clock import now
from novamind.jobs.models import AdminAlert, Job


def counts_by_state_and_queue() -> dict[tuple[str, str], int]:
    """``{(state, queue): jobs}``; a pair without jobs is absent."""
    rows = Job.objects.order_by().values_list("state", "queue").annotate(jobs=Count("pk"))
    return {(state, queue): jobs for state, queue, jobs in rows}


def counts_by_state() -> dict[str, int]:
    """Every state, also those with no job, in the order of a job's life."""
    found = dict(Job.objects.order_by().values_list("state").annotate(jobs=Count("pk")))
    return {state: found.get(state, 0) for state in Job.State.values}


def oldest_pending_age_s() -> dict[str, float]:
    """For each queue with due jobs, how many seconds the longest-waiting one has been due."""
    moment = now()
    due = Job.objects.filter(state=Job.State.PENDING, due_at__lte=moment)
    rows = due.order_by().values_list("queue").annotate(oldest=Min("due_at"))
    return {queue: (moment - oldest).total_seconds() for queue, oldest in rows}


def open_alerts() -> int:
    """Alerts that no administrator has acknowledged."""
    return AdminAlert.objects.open().count()
