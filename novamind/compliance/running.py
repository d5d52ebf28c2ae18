"""One run over all checks: how each came out, and what follows for its finding."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from django.db import transaction
from django.utils.module_loading import import_string

from novamind import clock, frame
from novamind.accounts.roles import CLINICAL_ADMIN
from novamind.compliance.models import CheckResult, Finding
from novamind.frame import Check

logger = logging.getLogger(__name__)
_SHARED = ("title", "fact", "remedy", "owner")
_LENGTHS = {"title": 160, "fact": 400, "remedy": 400, "owner": 40}


def outcomes() -> Iterator[Check]:
    """Every check of every app, computed now; one that breaks fails, and stops no other."""
    for name in frame.compliance_parts():
        try:
            with transaction.atomic():
                found = list(import_string(name)())
        except Exception as error:
            logger.exception("a compliance check broke")
            found = [_broken(name, error)]
        yield from found


def run_checks() -> dict[str, int]:
    """Compute and keep everything; how many checks came out in which state."""
    moment, found = clock.now(), list(outcomes())
    with transaction.atomic():
        for check in found:
            CheckResult.objects.update_or_create(
                key=check.key, defaults=_shared(check) | {"state": check.state, "at": moment}
            )
            _follow(check)
        keys = [check.key for check in found]
        CheckResult.objects.exclude(key__in=keys).delete()
        Finding.objects.open().exclude(key__in=keys).update(closed_at=moment)
    return dict(Counter(check.state for check in found))


def _follow(check: Check) -> None:
    """Open a finding, say that it is still there, or close it; its due date stays what it was."""
    moment, mine = clock.now(), Finding.objects.open().filter(key=check.key)
    if check.state != CheckResult.State.FAILS:
        mine.update(closed_at=moment)
    elif not mine.update(**_shared(check), last_seen_at=moment):
        due = moment + timedelta(days=check.due_days)
        Finding.objects.create(key=check.key, first_seen_at=moment, last_seen_at=moment, due_at=due, **_shared(check))


def acknowledge(finding: Finding, *, by: Any, notes: str) -> None:
    """Somebody takes note, and says what is done about it; a later note replaces the earlier one."""
    finding.acknowledged_at, finding.acknowledged_by, finding.notes = clock.now(), by, notes
    finding.save(update_fields=["acknowledged_at", "acknowledged_by", "notes"])


def _shared(check: Check) -> dict[str, str]:
    return {name: str(getattr(check, name))[: _LENGTHS[name]] for name in _SHARED}


def _broken(name: str, error: Exception) -> Check:
    return Check(
        key=f"broken:{name}"[:60],
        title="A check could not be made",
        state=CheckResult.State.FAILS,
        fact=f"{name}: {type(error).__name__}",
        remedy="Read the log at the time of the last run.",
        owner=CLINICAL_ADMIN,
        due_days=1,
    )
