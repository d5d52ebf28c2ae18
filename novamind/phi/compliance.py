"""What the search for identifiers found, as a line of the compliance page."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from novamind.clock import now
from novamind.frame import Check
from novamind.phi.models import PhiScan

AT_LEAST_EVERY = timedelta(days=2)


def phi_scan() -> Iterator[Check]:
    """Fails when something was found, or when nobody has looked for two days."""
    last = PhiScan.objects.first()
    if last is None:
        state, fact = "not configured", "never searched"
    else:
        hits = ", ".join(f"{place}: {count}" for place, count in sorted(last.findings.items())) or "nothing found"
        state = "holds" if not last.findings and last.finished_at > now() - AT_LEAST_EVERY else "fails"
        fact = f"{last.finished_at:%Y-%m-%d %H:%M} UTC, {last.patients} patients, {last.characters} characters: {hits}"
    yield Check(
        key="phi_scan",
        title="No identifier stands where none may",
        state=state,
        fact=fact,
        remedy="Run manage.py phi_audit; remove what was found at its source and in the place named.",
        owner="clinical_admin",
        due_days=1,
    )
