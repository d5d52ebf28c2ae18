"""Patients' work that recurs."""

from __future__ import annotations

from datetime import timedelta

from novamind.jobs.finish import Finish
from novamind.jobs.kinds import periodic
from novamind.phi import vault
from patients.identifiers import scan_everything


@periodic("patients.phi_audit", every=timedelta(days=1), offset=timedelta(hours=2))
def phi_audit() -> Finish:
    """Search every night for identifiers where none may stand, and forget tokens that have expired."""
    vault.forget_expired()
    return Finish(result_id=scan_everything().pk)
