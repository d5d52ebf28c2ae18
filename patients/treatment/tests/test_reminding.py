"""Reminders of visits: once for each time, called off with the visit, outside quiet hours, whatever clocks do."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from novamind.delivery.models import Delivery
from novamind.delivery.templates import text_of
from novamind.jobs.runner import run_waiting
from patients.consent import record_consent
from patients.models import Appointment
from patients.schedules import plan_schedule
from patients.treatment.reminding import remind_of
from patients.treatment.visiting import change_appointment, make_appointment, mark_appointment_in_error

pytestmark = pytest.mark.django_db(transaction=True)
NOW = datetime(2027, 3, 20, 11, tzinfo=UTC)
VISIT = datetime(2027, 3, 28, 12, tzinfo=UTC)  # 14:00 in Oslo, whose clocks went forward that night


@pytest.fixture
def at(monkeypatch: pytest.MonkeyPatch, settings: Any) -> Any:
    """Set the clock everywhere; the patient and the clinic are in Oslo, by whose clocks it is quiet until 8:00."""
    settings.CLINIC_TIME_ZONE, settings.QUIET_HOURS = "Europe/Oslo", "21:00-08:00"

    def move(moment: datetime) -> None:
        for name in ("novamind.clock.now", "novamind.jobs.services.now", "novamind.jobs.runner.now",
                     "novamind.jobs.attempts.now", "novamind.delivery.models.now"):  # fmt: skip
            monkeypatch.setattr(name, lambda: moment)

    move(NOW)
    return move


@pytest.fixture
def visit(at: Any, patient: Any, psychiatrist: Any) -> Appointment:
    patient.zone = "Europe/Oslo"
    patient.save()
    return planned(patient, psychiatrist)


def planned(patient: Any, by: Any, when: datetime = VISIT) -> Appointment:
    return make_appointment(patient=patient, by=by, at=when, kind="therapy", place="clinic", note="Zqxnote")


def sent() -> list[str]:
    return [one.state for one in Delivery.objects.filter(template="appointment").order_by("created_at", "key")]


def waiting() -> Delivery:
    return Delivery.objects.get(template="appointment", state="waiting")


def test_one_message_leaves_24_hours_before_and_says_nothing_of_the_visit(at, visit):
    assert waiting().due_at == VISIT - timedelta(hours=24)
    at(VISIT - timedelta(hours=24, minutes=1))
    run_waiting()
    assert sent() == ["waiting"]
    at(VISIT - timedelta(hours=24))
    run_waiting()
    assert sent() == ["sent"]
    said = text_of("appointment").lower()
    assert not [word for word in ("therapy", "clinic", "14:00", "zqx", "28") if word in said.split("http")[0]]
    assert Delivery.objects.get().expires_at == VISIT


def test_an_edit_of_anything_else_sends_nothing_and_a_moved_visit_is_reminded_of_once_more(at, visit, psychiatrist):
    change_appointment(visit, version=1, by=psychiatrist, note="Another")
    assert sent() == ["waiting"]
    at(VISIT - timedelta(hours=24))
    run_waiting()
    change_appointment(visit, version=2, by=psychiatrist, place="video")
    assert sent() == ["sent"]
    later = VISIT + timedelta(days=7)
    change_appointment(visit, version=3, by=psychiatrist, at=later)
    assert (sent(), waiting().due_at) == (["sent", "waiting"], later - timedelta(hours=24))


def test_moved_and_moved_back_before_anything_left_one_message_waits(visit, psychiatrist):
    change_appointment(visit, version=1, by=psychiatrist, at=VISIT + timedelta(days=1))
    change_appointment(visit, version=2, by=psychiatrist, at=VISIT)
    assert sorted(sent()) == ["cancelled", "cancelled", "waiting"]
    assert waiting().due_at == VISIT - timedelta(hours=24)


def test_moved_and_moved_back_after_a_message_left_the_other_day_is_not_reminded_of(at, visit, psychiatrist):
    at(VISIT - timedelta(hours=24))
    run_waiting()
    change_appointment(visit, version=1, by=psychiatrist, at=VISIT + timedelta(days=4))
    change_appointment(visit, version=2, by=psychiatrist, at=VISIT)
    assert sorted(sent()) == ["cancelled", "sent", "waiting"]
    assert waiting().expires_at == VISIT


def test_the_same_moment_in_another_zone_is_the_same_time(at, visit, psychiatrist):
    at(VISIT - timedelta(hours=24))
    run_waiting()
    for zone in ("Europe/Oslo", "America/New_York"):
        visit.at = visit.at.astimezone(ZoneInfo(zone))
        remind_of(visit)
    assert sent() == ["sent"]


@pytest.mark.parametrize("end", ["cancelled", "in error"])
def test_what_is_called_off_is_not_reminded_of(at, visit, psychiatrist, end):
    if end == "in error":
        mark_appointment_in_error(visit, version=1, by=psychiatrist, why="Another patient's")
    else:
        change_appointment(visit, version=1, by=psychiatrist, status="cancelled")
    at(VISIT - timedelta(hours=24))
    run_waiting()
    assert sent() == ["cancelled"]
    if end == "cancelled":
        change_appointment(visit, version=2, by=psychiatrist, status="planned")
        run_waiting()
        assert sorted(sent()) == ["cancelled", "sent"]


@pytest.mark.parametrize(
    ("hours", "when", "leaves"),
    [
        # 07:30 in Oslo on the Sunday of the change: 24 hours before it is 06:30, and 07:00 UTC is 08:00 there.
        (24, datetime(2027, 3, 28, 5, 30, tzinfo=UTC), datetime(2027, 3, 27, 7, 0, tzinfo=UTC)),
        # 10:00 that Sunday: ten hours before it is 23:00, quiet until 08:00, which is 06:00 UTC by then.
        (10, datetime(2027, 3, 28, 8, 0, tzinfo=UTC), datetime(2027, 3, 28, 6, 0, tzinfo=UTC)),
        # The night that gets its hour back: 08:00 is 07:00 UTC.
        (10, datetime(2027, 10, 31, 9, 0, tzinfo=UTC), datetime(2027, 10, 31, 7, 0, tzinfo=UTC)),
    ],
)
def test_quiet_hours_hold_to_the_minute_where_the_clock_changes(
    at, patient, psychiatrist, settings, hours, when, leaves
):
    settings.APPOINTMENT_REMINDER_HOURS = hours
    patient.zone = "Europe/Oslo"
    patient.save()
    planned(patient, psychiatrist, when)
    for moment, state in (
        (when - timedelta(hours=hours), "waiting"), (leaves - timedelta(minutes=1), "waiting"), (leaves, "sent"),
    ):  # fmt: skip
        at(moment)
        run_waiting()
        assert sent() == [state]


def test_no_message_without_hours_contact_or_consent(at, make_patient, team, psychiatrist, settings):
    nobody = make_patient(team, email=None, phone=None)
    planned(nobody, psychiatrist)
    reached = make_patient(team, email="zqx@mail.test")
    settings.APPOINTMENT_REMINDER_HOURS = 0
    planned(reached, psychiatrist)
    assert sent() == []
    settings.APPOINTMENT_REMINDER_HOURS = 24
    planned(reached, psychiatrist)
    record_consent(patient=reached, purpose="treatment", stream="notes", given=False, how="spoken", by=None)
    at(VISIT - timedelta(hours=24))
    run_waiting()
    assert sent() == ["unreachable"]


def test_it_goes_the_way_of_the_newest_schedule(at, make_patient, team, psychiatrist):
    both = make_patient(team, email="zqx@mail.test", phone="+4799977810")
    planned(both, psychiatrist)
    assert waiting().channel == "email"
    plan_schedule(patient=both, by=None, what="check-in", channel="sms", local_time=time(9), window_min=60)
    planned(both, psychiatrist, VISIT + timedelta(days=1))
    assert {one.channel for one in Delivery.objects.filter(template="appointment")} == {"email", "sms"}
