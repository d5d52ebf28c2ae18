"""Who needs somebody today: the most urgent first, only one's own patients, at a constant number of queries."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from insights.models import Insight
from insights.pages.worklist import NOT_READ, worklist_of
from novamind import clock
from novamind.audit.recording import recorded
from patients.alerts import raise_alert
from patients.consent import record_consent
from patients.messaging.services import mark_read, start_thread
from patients.models import Reminder, Schedule
from patients.services import link_own_account

pytestmark = pytest.mark.django_db
ADDRESS = "/worklist/"


@pytest.fixture
def ledger():
    with recorded(actor_label="system:test", request_id="test"):
        yield


def changed(patient: Any, *, tier: int = 2, strength: float = 4.0, **fields: Any) -> Insight:
    now = clock.now()
    said = {"description": f"Said {tier} {strength}.", "method": "m", "confidence_is": "c", "no_confidence": None}
    known = {"key": "sleep_duration:lower", "expires_at": now + timedelta(days=3)}
    return Insight.objects.create(
        patient=patient, insight_type="sleep", digest="0", needs=[["treatment", "actigraphy"]], tier=tier,
        strength=strength, confidence=0.99, window_start=now, window_end=now, input_hash="0", code_version="0",
        said=said | {"evidence": []}, **(known | fields),
    )  # fmt: skip


def left_out(patient: Any, what: str, days_ago: int, *, done: bool = False) -> None:
    schedule, _ = Schedule.objects.get_or_create(
        patient=patient, what=what, defaults={"starts_on": "2026-01-01", "local_time": "09:00", "window_min": 60}
    )
    at = clock.now() - timedelta(days=days_ago)
    Reminder.objects.create(
        patient=patient, schedule=schedule, local_date=at.date(), due_at=at, expires_at=at + timedelta(hours=1),
        outcome="silent", done_at=at if done else None,
    )  # fmt: skip


def alert(patient: Any, kind: str = "self_harm", severity: str = "high") -> None:
    raise_alert(patient=patient, kind=kind, severity=severity, key=f"{kind}:{patient.pk}")


def listed(user: Any) -> list[str]:
    client = Client()
    client.force_login(user)
    answer = client.get(ADDRESS)
    assert answer.status_code == 200
    return [entry["patient"].last_name for entry in answer.context["entries"]]


def test_alerts_come_first_then_questionnaires_then_silent_devices_then_changes(
    ledger, make_patient, team, other_team, psychiatrist
):
    made = {
        name: make_patient(team, last_name=name) for name in ("well", "change", "worse", "silent", "asked", "alert")
    }
    alert(made["alert"])
    alert(made["silent"], "silent_stream", "low")
    left_out(made["asked"], "phq9", 2)
    changed(made["change"])
    changed(made["worse"], tier=3, strength=3.1)
    changed(made["well"], tier=1)
    stranger = make_patient(other_team, last_name="stranger")
    alert(stranger)
    changed(stranger)
    assert listed(psychiatrist) == ["alert", "asked", "silent", "worse", "change"]


@pytest.mark.parametrize(
    ("what", "days", "answered_days_ago", "on_it"),
    [
        ("phq9", [2], None, True),
        ("phq9", [9], 2, False),
        ("phq9", [20], None, False),
        ("check-in", [1], None, False),
        ("check-in", [1, 2, 3], None, True),
        ("check-in", [1, 2], 5, True),
        ("check-in", [1, 2], 3, False),
    ],
)
def test_a_questionnaire_is_left_out_when_it_is_over_and_nothing_came_since(
    ledger, make_patient, team, psychiatrist, what, days, answered_days_ago, on_it
):
    patient = make_patient(team)
    for ago in days:
        left_out(patient, what, ago)
    if answered_days_ago is not None:
        left_out(patient, what, answered_days_ago, done=True)
    assert bool(listed(psychiatrist)) == on_it
    record_consent(patient=patient, purpose="treatment", stream="questionnaires", given=False, how="written", by=None)
    assert listed(psychiatrist) == []


def test_what_is_withdrawn_dismissed_or_over_is_no_reason(ledger, make_patient, team, psychiatrist):
    withheld, dismissed, over, ended = (make_patient(team) for _ in range(4))
    changed(withheld)
    record_consent(patient=withheld, purpose="treatment", stream="actigraphy", given=False, how="written", by=None)
    changed(dismissed, dismissed=True)
    changed(over, expires_at=clock.now() - timedelta(minutes=1))
    changed(ended, ended_at=clock.now())
    assert listed(psychiatrist) == []


def test_more_patients_are_no_more_queries_and_only_those_shown_are_opened(ledger, make_patient, team, psychiatrist):
    client = Client()
    client.force_login(psychiatrist)

    def queries() -> int:
        with CaptureQueriesContext(
            connection,
        ) as caught:
            assert client.get(ADDRESS).status_code == 200
        return len(caught)

    for _ in range(3):
        changed(patient := make_patient(team))
        alert(patient)
        left_out(patient, "phq9", 2)
    client.get(ADDRESS)
    few = queries()
    for _ in range(30):
        changed(patient := make_patient(team))
        alert(patient)
        left_out(patient, "phq9", 2)
    answer = client.get(ADDRESS)
    assert len(answer.context["entries"]) == 20
    assert answer.context["more"] == 13
    assert queries() == few


def test_a_clinician_lands_on_it_and_three_clicks_lead_to_acting(ledger, make_patient, team, psychiatrist):
    patient = make_patient(team)
    alert(patient)
    client = Client()
    client.force_login(psychiatrist)
    assert client.get("/").headers["Location"] == ADDRESS
    page = client.get(ADDRESS).content.decode()
    assert f"/patients/{patient.pk}/alerts/#alert-" in page  # and there stands the button that takes it on


def test_a_message_that_nobody_has_read_for_days_is_a_reason(
    ledger, patient, psychiatrist, nurse, make_user, monkeypatch
):
    own = make_user("self@clinic.test", "patient")
    link_own_account(patient=patient, user=own)
    sent = start_thread(patient=patient, by=own, by_patient=True, subject="Zqxsubject", text="Zqxwords").message
    assert worklist_of(psychiatrist)["entries"] == []
    later = clock.now() + NOT_READ + timedelta(hours=1)
    monkeypatch.setattr(clock, "now", lambda: later)
    (entry,) = worklist_of(psychiatrist)["entries"]
    assert [line["words"] for line in entry["lines"]] == ["A message that nobody has read for 2 days"]
    assert worklist_of(nurse)["entries"] == []
    mark_read(sent.thread, by=psychiatrist, by_patient=False, seen=sent.pk)
    assert worklist_of(psychiatrist)["entries"] == []
