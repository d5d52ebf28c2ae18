"""What should have run and did not: schedules and alerts whose job is gone are given a new one."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from novamind import clock
from patients import alerts, planning
from patients.models import Alert, Schedule

LATE: Final = timedelta(minutes=10)


def wake_overdue() -> None:
    """Queue anew whatever is ten minutes late. What waits already is left alone, and what ran finds nothing to do."""
    before = clock.now() - LATE
    for schedule in Schedule.objects.filter(active=True, next_due_at__lte=before).order_by("pk"):
        planning.wake(schedule)
    for alert in Alert.objects.unresolved().order_by("pk"):
        if not alerts.end_if_ignored(alert) and alerts.is_late(alert, before):
            alerts.start_timer(alert)
