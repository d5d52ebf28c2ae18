"""Findings live as long as their checks fail, and their dates stay."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from novamind import clock, frame
from novamind.compliance import running
from novamind.compliance.models import CheckResult, Finding
from novamind.compliance.running import acknowledge, outcomes, run_checks
from novamind.frame import Check
from novamind.jobs.kinds import PERIODIC

pytestmark = pytest.mark.django_db

FAILING = Check("door", "The door is shut", "fails", "1 of 1 doors open", "Shut it.", "clinical admin", due_days=7)


@pytest.fixture
def said(monkeypatch: pytest.MonkeyPatch) -> Any:
    """``said(check, …)``: what the one source of checks says from now on."""
    now_said: list[Check] = []
    monkeypatch.setattr(frame, "compliance_parts", lambda: ["somewhere.checks"])
    monkeypatch.setattr(running, "import_string", lambda name: lambda: iter(now_said))

    def say(*checks: Check) -> None:
        now_said[:] = checks

    return say


@pytest.fixture
def later(monkeypatch: pytest.MonkeyPatch) -> Any:
    def move(**by: int) -> None:
        moment = clock.now() + timedelta(**by)
        monkeypatch.setattr("novamind.clock.now", lambda: moment)

    return move


def test_a_failure_is_a_finding_with_a_date_that_stays(said, later):
    said(FAILING)
    assert run_checks() == {"fails": 1}
    first = Finding.objects.get()
    assert first.due_at - first.first_seen_at == timedelta(days=7)
    later(days=3)
    said(replace(FAILING, fact="2 of 2 doors open"))
    run_checks()
    again = Finding.objects.get()
    assert (again.fact, again.due_at, again.first_seen_at) == ("2 of 2 doors open", first.due_at, first.first_seen_at)
    assert again.last_seen_at > first.last_seen_at
    assert not again.is_overdue
    later(days=5)
    assert again.is_overdue


@pytest.mark.parametrize("state", ["holds", "not configured"])
def test_it_closes_when_the_check_holds_again_and_a_new_failure_is_a_new_finding(said, state):
    said(FAILING)
    run_checks()
    said(replace(FAILING, state=state))
    run_checks()
    assert Finding.objects.get().closed_at is not None
    said(FAILING)
    run_checks()
    assert (Finding.objects.count(), Finding.objects.open().count()) == (2, 1)


def test_a_check_that_is_gone_leaves_nothing_open(said):
    said(FAILING)
    run_checks()
    said()
    run_checks()
    assert not CheckResult.objects.exists()
    assert not Finding.objects.open().exists()


def test_a_check_that_breaks_fails_and_stops_no_other(monkeypatch):
    def broken() -> Any:
        raise RuntimeError("Zqxlast")

    parts = {"one": broken, "two": lambda: iter([FAILING])}
    monkeypatch.setattr(frame, "compliance_parts", lambda: list(parts))
    monkeypatch.setattr(running, "import_string", parts.__getitem__)
    assert [(check.key, check.state) for check in outcomes()] == [("broken:one", "fails"), ("door", "fails")]
    assert "Zqxlast" not in next(outcomes()).fact


def test_what_is_longer_than_its_column_is_cut(said):
    said(replace(FAILING, fact="x" * 1000))
    run_checks()
    assert len(CheckResult.objects.get().fact) == 400


def test_an_acknowledgement_outlives_the_next_run(said, clinical_admin):
    said(FAILING)
    run_checks()
    acknowledge(Finding.objects.get(), by=clinical_admin, notes="the locksmith comes on Monday")
    run_checks()
    kept = Finding.objects.get()
    assert (kept.notes, kept.acknowledged_by) == ("the locksmith comes on Monday", clinical_admin)


def test_every_check_of_every_app_is_made_and_has_what_the_page_shows():
    found = list(outcomes())
    keys = [check.key for check in found]
    assert len(set(keys)) == len(keys)
    assert {
        "encryption",
        "database_tls",
        "redis_tls",
        "safety_switches",
        "stale_accounts",
        "backup",
        "code_scan",
    } <= set(keys)
    assert {"incident_notices", "emergency_reviews", "audit_chain", "phi_scan"} <= set(keys)
    assert not [key for key in keys if key.startswith("broken")]
    assert {check.state for check in found} <= set(CheckResult.State.values)
    assert all(check.title and check.fact and check.remedy and check.due_days > 0 for check in found)
    assert {check.owner for check in found} == {"clinical admin"}


def test_it_runs_every_night():
    assert PERIODIC["compliance.run"].every == timedelta(days=1)
