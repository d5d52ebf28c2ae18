"""Snoozed patients and the budget of a day: what is hidden is said, and safety is never hidden."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.test import Client

from novamind.accounts.models import SignIn
from novamind.delivery.models import Delivery
from novamind.jobs.runner import run_waiting
from patients import snoozing
from patients.alerts import IGNORED_AFTER, raise_alert
from patients.models import Alert, AlertEvent
from patients.snoozing import end_of, snooze_alerts, snooze_of, sorted_for
from patients.sweeping import wake_overdue

pytestmark = pytest.mark.django_db(transaction=True)
NOON = datetime(2027, 3, 3, 11, tzinfo=UTC)


@pytest.fixture
def at(monkeypatch: pytest.MonkeyPatch, settings: Any) -> Any:
    """Set the clock everywhere; the clinic is in Oslo."""
    settings.CLINIC_TIME_ZONE = "Europe/Oslo"

    def move(moment: datetime) -> None:
        for name in ("novamind.clock.now", "novamind.jobs.services.now", "novamind.jobs.runner.now",
                     "novamind.jobs.attempts.now", "novamind.delivery.models.now"):  # fmt: skip
            monkeypatch.setattr(name, lambda: moment)

    move(NOON)
    return move


def alert_of(patient: Any, number: int = 1, kind: str = "rule", severity: str = "low") -> Alert:
    return raise_alert(patient=patient, kind=kind, severity=severity, key=f"{kind}:{patient.pk}:{number}")


def told(user: Any) -> set[Any]:
    return set(Delivery.objects.filter(user=user).values_list("about_id", flat=True))


def utc(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("choice", "moment", "ends"),
    [
        ("tomorrow", utc(2027, 3, 27, 20, 0), utc(2027, 3, 28, 6, 0)),  # the night loses an hour: 8:00 is 6:00 UTC
        ("tomorrow", utc(2027, 3, 26, 20, 0), utc(2027, 3, 27, 7, 0)),
        ("tomorrow", utc(2027, 10, 30, 20, 0), utc(2027, 10, 31, 7, 0)),  # and gets it back
        ("tomorrow", utc(2027, 10, 29, 20, 0), utc(2027, 10, 30, 6, 0)),
        ("tomorrow", utc(2027, 3, 27, 23, 30), utc(2027, 3, 29, 6, 0)),  # it is Sunday already in Oslo
        ("week", utc(2027, 3, 24, 11, 0), utc(2027, 3, 31, 6, 0)),
        ("week", utc(2027, 10, 27, 10, 0), utc(2027, 11, 3, 7, 0)),
        ("4h", utc(2027, 3, 28, 0, 30), utc(2027, 3, 28, 4, 30)),  # hours are hours
    ],
)
def test_a_snooze_ends_to_the_minute_also_where_the_clock_changes(settings, choice, moment, ends):
    settings.CLINIC_TIME_ZONE = "Europe/Oslo"
    assert end_of(choice, moment) == ends
    with pytest.raises(ValueError, match="4h"):
        end_of("for ever", moment)


def test_it_hides_until_its_minute_and_says_what(at, patient, psychiatrist, therapist):
    first = alert_of(patient)
    at(utc(2027, 3, 27, 20, 0))
    snooze_alerts(patient, psychiatrist, "tomorrow")
    at(utc(2027, 3, 27, 21, 0))
    second = alert_of(patient, 2)
    safety, urgent = alert_of(patient, kind="self_harm", severity="medium"), alert_of(patient, 3, severity="high")
    for moment, hidden in ((utc(2027, 3, 28, 5, 59), {first.pk, second.pk}), (utc(2027, 3, 28, 6, 0), set())):
        at(moment)
        everything = {first.pk, second.pk, safety.pk, urgent.pk}
        assert everything - set(sorted_for(psychiatrist).shown) == hidden
        assert everything <= set(sorted_for(therapist).shown)
        assert (snooze_of(patient, psychiatrist) is not None) == bool(hidden)
    at(utc(2027, 3, 28, 5, 59))
    said = snooze_of(patient, psychiatrist)
    assert said is not None
    assert (said["hidden"], said["new"], said["until"]) == (2, 1, utc(2027, 3, 28, 6, 0))
    assert said["kinds"] == [("A rule of the clinic asks for a look", 2)]
    assert {safety.pk, urgent.pk} <= told(psychiatrist)
    assert second.pk not in told(psychiatrist)
    assert second.pk in told(therapist)


def test_above_the_budget_of_a_day_alerts_are_held_back_and_not_lost(at, patient, psychiatrist, monkeypatch):
    monkeypatch.setattr(snoozing, "BUDGET_A_DAY", 2)
    rows = []
    for number in range(4):
        at(NOON + timedelta(minutes=number))
        rows.append(alert_of(patient, number).pk)
    at(NOON + timedelta(minutes=10))
    safety = alert_of(patient, kind="self_harm", severity="high").pk
    told_now = sorted_for(psychiatrist)
    assert told_now.held_back == rows[2:]
    assert set(told_now.shown) == {*rows[:2], safety}
    assert told(psychiatrist) == {*rows[:2], safety, None}
    late = Delivery.objects.get(user=psychiatrist, about_id=None)  # two are held back, and told of together
    assert (late.template, late.due_at, late.state) == ("notice_held", utc(2027, 3, 4, 7, 0), "waiting")
    run_waiting()
    at(utc(2027, 3, 4, 6, 59))
    run_waiting()
    late.refresh_from_db()
    assert late.state == "waiting"
    at(utc(2027, 3, 4, 7, 0))
    run_waiting()
    late.refresh_from_db()
    assert late.state == "sent"
    at(utc(2027, 3, 3, 22, 59))
    assert sorted_for(psychiatrist).held_back == rows[2:]
    at(utc(2027, 3, 3, 23, 0))  # midnight in Oslo
    assert set(sorted_for(psychiatrist).shown) == {*rows, safety}


def test_alerts_of_rules_silence_no_contraindication_and_no_other_kind(at, patient, psychiatrist, monkeypatch):
    monkeypatch.setattr(snoozing, "BUDGET_A_DAY", 2)
    rules = [alert_of(patient, number).pk for number in range(3)]
    at(NOON + timedelta(minutes=1))
    contraindication = alert_of(patient, kind="medication", severity="medium")
    silent = [alert_of(patient, number, kind="silent_stream").pk for number in range(3)]
    held = sorted_for(psychiatrist).held_back
    assert [len([pk for pk in held if pk in rows]) for rows in (rules, silent)] == [1, 1]
    assert contraindication.pk in sorted_for(psychiatrist).shown
    assert told(psychiatrist) == {*rules[:2], contraindication.pk, *silent[:2], None}
    snooze_alerts(patient, psychiatrist, "tomorrow")
    assert sorted_for(psychiatrist).shown == [contraindication.pk]


def test_the_page_says_what_is_snoozed_and_shows_it_again(at, patient, psychiatrist):
    client = Client()
    client.force_login(psychiatrist)
    alert_of(patient)
    url = f"/patients/{patient.pk}/alerts/snooze/"
    assert client.post(url, {"until": "for ever"}).status_code == 422
    assert client.post(url, {"until": "4h"}).status_code == 302
    page = client.get("/patients/alerts/").content.decode()
    assert "1 alert hidden (1 \u00d7 A rule of the clinic asks for a look), 0 of them raised since" in page
    assert "until Wed 3 Mar 2027 16:00" in page
    assert "Hidden from your list" in client.get(f"/patients/{patient.pk}/alerts/").content.decode()
    assert client.post(url, {"until": "now"}).status_code == 302
    assert "Snoozed by you" not in client.get("/patients/alerts/").content.decode()


def test_a_rules_alert_that_nobody_answers_ends_as_ignored_and_no_other_does(at, patient, psychiatrist):
    rule, safety = alert_of(patient), alert_of(patient, kind="self_harm", severity="high")
    silent = alert_of(patient, kind="silent_stream")
    at(NOON + IGNORED_AFTER - timedelta(minutes=1))
    wake_overdue()
    assert Alert.objects.get(pk=rule.pk).state != "resolved"
    at(NOON + IGNORED_AFTER)
    wake_overdue()
    ended = Alert.objects.get(pk=rule.pk)
    assert (ended.state, ended.outcome) == ("resolved", "ignored")
    assert AlertEvent.objects.filter(alert=rule, what="resolved", by=None).count() == 1
    assert {Alert.objects.get(pk=one.pk).state == "resolved" for one in (safety, silent)} == {False}


def test_the_number_that_waits_is_asked_for_in_the_background(patient, psychiatrist):
    client = Client()
    client.force_login(psychiatrist)
    alert_of(patient)
    client.get("/patients/alerts/")
    seen = SignIn.objects.get().last_active_at
    answer = client.get("/patients/alerts/waiting/", headers={"X-Background": "1"})
    assert answer.json() == {"waiting": 1}
    again = {"X-Background": "1", "If-None-Match": answer.headers["ETag"]}
    assert client.get("/patients/alerts/waiting/", headers=again).status_code == 304
    alert_of(patient, 2)
    assert client.get("/patients/alerts/waiting/", headers=again).json() == {"waiting": 2}
    assert SignIn.objects.get().last_active_at == seen
    client.get("/patients/alerts/")
    assert SignIn.objects.get().last_active_at > seen
