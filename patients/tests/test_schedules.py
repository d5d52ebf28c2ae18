"""What a patient is asked falls due once for each local date: over clock changes, trips, edits and dead workers."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from types import SimpleNamespace
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.db import IntegrityError, transaction

from novamind.delivery.models import Delivery
from novamind.jobs.models import Job
from novamind.jobs.runner import run_waiting
from patients import occurrences
from patients.consent import record_consent
from patients.models import Reminder, Schedule
from patients.schedules import change_schedule, due_for, plan_schedule, record_done
from patients.services import StaleEdit, update_patient
from patients.sweeping import wake_overdue

pytestmark = pytest.mark.django_db(transaction=True)
START = datetime(2027, 3, 1, 5, tzinfo=UTC)  # Monday, six in Oslo
HOUR = timedelta(hours=1)


@pytest.fixture
def at(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Set the clock everywhere."""

    def move(moment: datetime) -> None:
        for name in ("novamind.clock.now", "novamind.jobs.services.now", "novamind.jobs.runner.now",
                     "novamind.jobs.attempts.now", "novamind.delivery.models.now"):  # fmt: skip
            monkeypatch.setattr(name, lambda: moment)

    move(START)
    return move


def daily(patient: Any, **more: Any) -> Schedule:
    fields = {"local_time": time(9), "window_min": 600, "channel": "sms", "quiet_from": time(22), "quiet_to": time(6)}
    return plan_schedule(patient=patient, by=None, what="check-in", **(fields | more))


def live(at: Any, since: datetime, until: datetime, step: timedelta = HOUR / 2) -> None:
    """Let time pass with a worker at work."""
    while since <= until:
        at(since)
        run_waiting()
        since += step


def rows(schedule: Schedule) -> list[tuple[date, str]]:
    return [(row.local_date, row.outcome) for row in schedule.reminders.order_by("local_date")]


def sent() -> list[datetime]:
    return list(Delivery.objects.filter(state="sent").order_by("sent_at").values_list("sent_at", flat=True))


@pytest.mark.parametrize(
    ("zone", "clocks_change", "wall", "instants"),
    [
        ("Europe/Oslo", date(2027, 3, 28), time(9), [8, 7, 7]),
        ("Europe/Oslo", date(2027, 3, 28), time(2, 30), [1.5, 1.5, 0.5]),  # skipped: as if not yet moved
        ("Europe/Oslo", date(2027, 10, 31), time(9), [7, 8, 8]),
        ("Europe/Oslo", date(2027, 10, 31), time(2, 30), [0.5, 0.5, 1.5]),  # twice that night: its first pass
        ("America/New_York", date(2027, 3, 14), time(9), [14, 13, 13]),
        ("America/New_York", date(2027, 3, 14), time(2, 30), [7.5, 7.5, 6.5]),
        ("America/New_York", date(2027, 11, 7), time(9), [13, 14, 14]),
        ("America/New_York", date(2027, 11, 7), time(1, 30), [5.5, 5.5, 6.5]),
    ],
)
def test_over_the_nights_in_which_clocks_change(zone, clocks_change, wall, instants, at, make_patient, team):
    before = clocks_change - timedelta(days=1)
    begins = datetime.combine(before, time(), tzinfo=ZoneInfo(zone)).astimezone(UTC)
    at(begins)
    patient = make_patient(team, zone=zone, phone="+15550002")
    schedule = daily(patient, local_time=wall, quiet_from=time(22), quiet_to=time(22, 1))
    live(at, begins, begins + timedelta(days=2, hours=23))
    days = [before + timedelta(days=n) for n in range(3)]
    midnights = [datetime.combine(day, time(), tzinfo=UTC) for day in days]
    assert sent() == [midnight + timedelta(hours=hours) for midnight, hours in zip(midnights, instants, strict=True)]
    assert [day for day, _ in rows(schedule)] == days


def test_a_trip_nine_hours_east_and_back(at, make_patient, team):
    patient = make_patient(team, zone="Europe/London", phone="+15550002")
    schedule = daily(patient)
    live(at, START, datetime(2027, 3, 2, 12, tzinfo=UTC))  # Monday and Tuesday in London
    update_patient(patient, version=1, zone="Asia/Tokyo")  # it is Tuesday 21:00 there
    live(at, datetime(2027, 3, 2, 12, tzinfo=UTC), datetime(2027, 3, 4, 3, tzinfo=UTC))
    update_patient(patient, version=2, zone="Europe/London")  # Thursday 03:00; Thursday in Tokyo was at 00:00
    live(at, datetime(2027, 3, 4, 3, tzinfo=UTC), datetime(2027, 3, 5, 12, tzinfo=UTC))
    assert sent() == [
        datetime(2027, 3, 1, 9, tzinfo=UTC), datetime(2027, 3, 2, 9, tzinfo=UTC),
        datetime(2027, 3, 3, 0, tzinfo=UTC), datetime(2027, 3, 4, 0, tzinfo=UTC),
        datetime(2027, 3, 5, 9, tzinfo=UTC),
    ]  # fmt: skip
    assert [day.day for day, _ in rows(schedule)] == [1, 2, 3, 4, 5]


def test_landing_after_the_time_of_the_day_there_is_no_day_without_a_reminder(at, make_patient, team):
    patient = make_patient(team, zone="Europe/London", phone="+15550002")
    daily(patient)
    live(at, START, datetime(2027, 3, 1, 12, tzinfo=UTC))
    at(moment := datetime(2027, 3, 2, 3, tzinfo=UTC))
    update_patient(patient, version=1, zone="Asia/Tokyo")  # noon on Tuesday there: nine has passed
    run_waiting()
    assert sent()[-1] == moment


def test_an_edit_reminds_of_no_date_again(at, patient):
    schedule = daily(patient)
    live(at, START, START + 4 * HOUR)  # reminded at nine, it is ten
    assert len(sent()) == 1
    for version, wall in enumerate((time(10, 30), time(9, 30), time(20), time(9)), start=1):
        change_schedule(schedule, version=version, local_time=wall)
        run_waiting()
    live(at, START + 4 * HOUR, START + 17 * HOUR)
    assert len(sent()) == 1
    assert len(due_for(patient, START + 12 * HOUR)) == 1
    live(at, START + 17 * HOUR, START + 30 * HOUR)
    assert rows(schedule) == [(date(2027, 3, 1), "reminded"), (date(2027, 3, 2), "reminded")]


def test_an_edit_makes_up_for_nothing_that_fell_due_before_it(at, patient):
    schedule = daily(patient, weekdays=[4], window_min=7 * 1440)
    at(datetime(2027, 3, 3, 12, tzinfo=UTC))
    change_schedule(schedule, version=1, weekdays=[0, 4])  # Monday was two days ago
    run_waiting()
    assert rows(schedule) == []
    assert schedule.next_due_at == datetime(2027, 3, 5, 8, tzinfo=UTC)


def test_a_stale_form_changes_nothing(at, patient):
    schedule = daily(patient)
    change_schedule(schedule, version=1, window_min=60)
    with pytest.raises(StaleEdit):
        change_schedule(schedule, version=1, window_min=120)


def test_a_stopped_schedule_reminds_of_nothing_and_takes_back_what_waits(at, patient):
    schedule = daily(patient, local_time=time(7), quiet_from=time(22), quiet_to=time(8))
    live(at, START, START + HOUR)  # seven: the row is there, the message waits for eight
    assert Delivery.objects.get().state == "waiting"
    change_schedule(schedule, version=1, active=False)
    live(at, START + HOUR, START + 30 * HOUR)
    assert (sent(), len(rows(schedule)), schedule.next_due_at) == ([], 1, None)
    assert due_for(patient) == []


def test_what_expired_while_no_worker_ran_is_written_down_and_not_sent(at, patient):
    schedule = daily(patient, window_min=120)
    at(START + timedelta(days=3))
    run_waiting()
    assert rows(schedule) == [(date(2027, 3, day), "missed") for day in (1, 2, 3)]
    assert not Delivery.objects.exists()
    live(at, START + timedelta(days=3), START + timedelta(days=3, hours=4))
    assert rows(schedule)[-1] == (date(2027, 3, 4), "reminded")


def test_a_month_without_a_worker_is_written_down_whole(at, patient):
    schedule = daily(patient)
    at(START + timedelta(days=31))
    run_waiting()
    assert len(rows(schedule)) == 31


def test_whatever_wakes_it_twice_does_nothing_the_second_time(at, patient):
    from patients.planning import remind

    schedule = daily(patient)
    at(START + 3 * HOUR)
    for _ in range(3):
        with transaction.atomic():
            remind(schedule.pk)
    wake_overdue()
    run_waiting()
    assert len(rows(schedule)) == Delivery.objects.count() == len(sent()) == 1


def test_a_schedule_whose_job_is_gone_is_woken(at, patient):
    schedule = daily(patient)
    Job.objects.all().delete()
    at(START + 4 * HOUR)
    wake_overdue()
    run_waiting()
    assert len(rows(schedule)) == len(sent()) == 1


def test_what_is_done_is_not_reminded_of(at, patient):
    schedule = daily(patient)
    assert record_done(patient=patient, what="check-in", at=START) == 1  # at six; it would be due at nine
    live(at, START, START + 12 * HOUR)
    assert (rows(schedule), sent()) == ([(date(2027, 3, 1), "done")], [])
    live(at, START + 12 * HOUR, START + 28 * HOUR)
    assert len(due_for(patient)) == len(sent()) == 1
    assert record_done(patient=patient, what="check-in") == 1
    assert due_for(patient) == []
    assert record_done(patient=patient, what="check-in") == 0


def test_what_is_due_is_said_whether_or_not_a_worker_runs(at, patient):
    daily(patient)
    at(START + 3 * HOUR)
    [due] = due_for(patient)
    assert (due.what, due.local_date, due.due_at) == ("check-in", date(2027, 3, 1), START + 3 * HOUR)
    assert due_for(patient, due.expires_at) == []
    run_waiting()
    assert due_for(patient) == [due]


def test_without_consent_nothing_is_asked(at, patient):
    schedule = daily(patient)
    record_consent(patient=patient, purpose="treatment", stream="questionnaires", given=False, how="spoken", by=None)
    live(at, START, START + 4 * HOUR)
    assert rows(schedule) == [(date(2027, 3, 1), "withheld")]
    assert due_for(patient) == []
    assert not Delivery.objects.exists()


def test_a_consent_withdrawn_while_a_message_waits_holds_it_back(at, patient):
    daily(patient, local_time=time(7), quiet_from=time(22), quiet_to=time(8))
    live(at, START, START + HOUR)
    assert Delivery.objects.get().state == "waiting"
    record_consent(patient=patient, purpose="treatment", stream="questionnaires", given=False, how="spoken", by=None)
    live(at, START + HOUR, START + 3 * HOUR)
    assert (Delivery.objects.get().state, Delivery.objects.get().log[-1]["what"]) == ("unreachable", "consent_withheld")


def test_without_a_channel_it_falls_due_in_silence(at, patient):
    schedule = daily(patient, channel="")
    live(at, START, START + 4 * HOUR)
    assert rows(schedule) == [(date(2027, 3, 1), "silent")]
    assert len(due_for(patient)) == 1


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({}, [1, 2, 3, 4, 5, 6, 7]),
        ({"every_days": 3}, [1, 4, 7]),
        ({"weekdays": [0, 3]}, [1, 4]),
        ({"ends_on": date(2027, 3, 2)}, [1, 2]),
        ({"starts_on": date(2027, 3, 6)}, [6, 7]),
    ],
)
def test_the_dates_of_a_schedule(fields, expected):
    plain = {"starts_on": date(2027, 3, 1), "ends_on": None, "every_days": 1, "weekdays": []}
    schedule = SimpleNamespace(**(plain | fields))
    week = [date(2027, 3, day) for day in range(1, 8)]
    assert [day.day for day in week if occurrences.falls_on(schedule, day)] == expected


def test_one_row_for_each_date_is_the_databases_rule(at, patient):
    schedule = daily(patient)
    at(START + 3 * HOUR)
    run_waiting()
    row = Reminder.objects.get()
    row.pk, row._state.adding = None, True
    with pytest.raises(IntegrityError):
        Reminder.objects.create(
            patient=patient, schedule=schedule, local_date=row.local_date, due_at=START, expires_at=START,
            outcome="reminded",
        )  # fmt: skip
