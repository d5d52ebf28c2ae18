"""The synthetic clinic's compliance page: a first run of the checks, and an incident with its dates."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from novamind import clock
from novamind.accounts.models import User
from novamind.accounts.roles import CLINICAL_ADMIN
from novamind.compliance.incidents import record_incident
from novamind.compliance.models import Incident
from novamind.compliance.running import run_checks


def seed(say: Callable[[str], None]) -> None:
    """Once: one incident. Each time: the checks, as they come out on this machine."""
    admin = User.objects.filter(groups__name=CLINICAL_ADMIN).first()
    if admin is not None and not Incident.objects.exists():
        record_incident(
            by=admin,
            title="A list of appointments was left in the corridor",
            what="Synthetic: a printed list of three appointments lay in the corridor for an hour.",
            discovered_at=clock.now() - timedelta(days=12),
            others_affected=3,
        )
        say("an incident with its dates")
    say(f"{sum(run_checks().values())} checks on the compliance page")
