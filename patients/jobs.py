"""Patients' work that recurs or waits for its time."""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from uuid import UUID

from novamind.jobs.finish import Finish
from novamind.jobs.kinds import job, periodic, subscribes
from novamind.phi import vault
from patients import alerts, emergency, planning, sweeping
from patients.identifiers import scan_everything


@periodic("patients.phi_audit", every=timedelta(days=1), offset=timedelta(hours=2))
def phi_audit() -> Finish:
    """Search every night for identifiers where none may stand, and forget tokens that have expired."""
    vault.forget_expired()
    return Finish(result_id=scan_everything().pk)


@job("patients.escalate_alert", queue="notify")
def escalate_alert(alert_id: UUID) -> Finish:
    """Nobody has answered an alert in time: tell whoever is next, in the transaction that ends this job."""
    return Finish(save=partial(alerts.escalate_if_due, alert_id))


@subscribes("break_glass.opened", key="patients.tell_reviewers:{access_id}")
@job("patients.tell_reviewers", queue="notify")
def tell_reviewers(access_id: UUID) -> Finish:
    """Whoever reviews emergencies hears of one by e-mail."""
    return Finish(save=partial(emergency.tell_reviewers, access_id))


@job("patients.remind", queue="notify")
def remind(schedule_id: UUID) -> Finish:
    """A schedule has fallen due: rows and messages in the transaction that ends this job, or none of them."""
    return Finish(save=partial(planning.remind, schedule_id))


@periodic("patients.sweep_timers", every=timedelta(hours=1), queue="notify")
def sweep_timers() -> Finish:
    """Wake every hour what should have run and did not: its job was set aside, or a backup was restored."""
    return Finish(save=sweeping.wake_overdue)
