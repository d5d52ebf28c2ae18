"""Every instrument can be asked for again and again, as the check-in is: due, reminded of, done, missed, silent."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import pytest
from django.test import Client

from novamind.delivery.models import Delivery
from novamind.jobs.runner import run_waiting
from patients.instruments import instrument, instruments
from patients.models import Reminder, Schedule
from patients.schedules import TASKS, due_for, plan_schedule
from patients.services import link_own_account

pytestmark = pytest.mark.django_db(transaction=True)
START = datetime(2027, 3, 1, 5, tzinfo=UTC)  # Monday, six in Oslo
NINE = START + timedelta(hours=3)


@pytest.fixture
def at(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Set the clock everywhere."""

    def move(moment: datetime) -> None:
        for name in ("novamind.clock.now", "novamind.jobs.services.now", "novamind.jobs.runner.now",
                     "novamind.jobs.attempts.now", "novamind.delivery.models.now"):  # fmt: skip
            monkeypatch.setattr(name, lambda: moment)

    move(START)
    return move


@pytest.fixture
def phone(make_user: Any, patient: Any) -> Client:
    user = make_user("self@clinic.test", "patient")
    link_own_account(patient=patient, user=user)
    client = Client()
    client.force_login(user)
    return client


def weekly(patient: Any, what: str, **more: Any) -> Schedule:
    fields = {"local_time": time(9), "window_min": 4320, "every_days": 7, "channel": "sms"}
    return plan_schedule(patient=patient, by=None, what=what, **(fields | more))


def send(client: Client, patient: Any, what: str) -> Any:
    item = instrument(what).items[0].id
    body = {"instrument": what, "answers": {item: 0}}
    return client.post(f"/api/v1/patients/{patient.pk}/assessments", body, content_type="application/json")


def test_whatever_may_be_asked_of_a_patient_can_be_planned():
    assert set(TASKS) == {"check-in"} | {one.id for one in instruments().values() if not one.scoring_only}


@pytest.mark.parametrize("what", sorted(set(TASKS) - {"check-in"}))
def test_an_instrument_is_reminded_of_due_on_the_phone_and_done_when_it_is_sent(at, patient, phone, what):
    schedule = weekly(patient, what)
    at(NINE)
    run_waiting()
    assert Delivery.objects.get().template == "reminder"
    due = phone.get("/api/v1/due").json()["due"]
    assert [(one["what"], one["expires_at"]) for one in due] == [(what, "2027-03-04T08:00:00Z")]
    page = phone.get("/patients/mine/").content.decode()
    assert f'class="button primary wide" href="/patients/mine/questionnaires/{what}/"' in page
    assert send(phone, patient, what).status_code == 201
    assert phone.get("/api/v1/due").json()["due"] == []
    assert schedule.reminders.get().done_at == NINE


def test_what_a_phone_sends_days_late_is_done_on_the_day_it_was_said(at, patient, phone):
    schedule = weekly(patient, "check-in", every_days=1, window_min=600)
    for days in (0, 1, 2):
        at(NINE + timedelta(days=days))
        run_waiting()
    late = {"mood": 3, "happened_at": (START + timedelta(hours=6)).isoformat()}  # Monday noon, told on Wednesday
    answer = phone.post(f"/api/v1/patients/{patient.pk}/check-ins", late, content_type="application/json")
    assert answer.status_code == 201, answer.json()
    done = schedule.reminders.order_by("local_date").values_list("done_at", flat=True)
    assert list(done) == [START + timedelta(hours=6), None, None]
    assert [one["due_at"] for one in phone.get("/api/v1/due").json()["due"]] == ["2027-03-03T08:00:00Z"]


def test_a_printed_form_of_long_ago_leaves_todays_question_and_its_reminder(at, patient, signed_in, psychiatrist):
    schedule = weekly(patient, "phq9", starts_on=date(2026, 1, 5), quiet_from=time(8), quiet_to=time(12))
    Schedule.objects.filter(pk=schedule.pk).update(planned_from=START)
    at(NINE)
    run_waiting()
    assert Delivery.objects.get().state == "waiting"
    old = {"instrument": "phq9", "answers": {"1": 2}, "happened_at": "2026-03-02T07:00:00Z"}  # a Monday of the plan
    api = signed_in(psychiatrist)
    answer = api.post(f"/api/v1/patients/{patient.pk}/assessments", old, content_type="application/json")
    assert answer.status_code == 201, answer.json()
    assert (len(due_for(patient)), Delivery.objects.get().state) == (1, "waiting")
    assert Reminder.objects.count() == 1  # none for a date on which nobody was asked


def test_what_was_said_before_it_fell_due_and_came_after_is_done(at, patient, phone):
    schedule = weekly(patient, "check-in", every_days=1)
    at(NINE)
    run_waiting()
    early = {"mood": 3, "happened_at": (START + timedelta(hours=2)).isoformat()}
    assert phone.post(f"/api/v1/patients/{patient.pk}/check-ins", early, "application/json").status_code == 201
    assert schedule.reminders.get().done_at == START + timedelta(hours=2)
    assert due_for(patient) == []


def test_another_questionnaire_does_not_do_it_and_it_expires(at, patient, phone):
    schedule = weekly(patient, "phq9")
    at(NINE)
    run_waiting()
    send(phone, patient, "gad7")
    assert [one.what for one in due_for(patient)] == ["phq9"]
    at(NINE + timedelta(days=3))
    assert due_for(patient) == []
    assert schedule.reminders.get().done_at is None


@pytest.mark.parametrize(
    ("more", "late", "outcome"),
    [({"channel": ""}, timedelta(), "silent"), ({}, timedelta(days=4), "missed")],
)
def test_an_instrument_is_silent_or_missed_like_a_check_in(at, patient, more, late, outcome):
    weekly(patient, "epds", **more)
    at(NINE + late)
    run_waiting()
    assert (Reminder.objects.get().outcome, Delivery.objects.count()) == (outcome, 0)


def test_what_has_left_the_library_is_not_asked_for_and_breaks_no_page(at, patient, phone):
    schedule = weekly(patient, "phq9")
    Schedule.objects.filter(pk=schedule.pk).update(what="phq8")
    at(NINE)
    assert due_for(patient) == []
    assert phone.get("/patients/mine/").status_code == 200


def test_the_api_refuses_what_a_form_refuses(signed_in, psychiatrist, patient):
    patient.phone = None
    patient.save(update_fields=["phone"])
    api, address = signed_in(psychiatrist), f"/api/v1/patients/{patient.pk}/schedules"
    plan = {"what": "phq9", "local_time": "09:00", "window_min": 60, "starts_on": "2027-03-01"}

    def refused(body: dict[str, Any]) -> Any:
        answer = api.post(address, plan | body, content_type="application/json")
        return answer.status_code, list(answer.json().get("fields", {}))

    assert refused({"ends_on": "2027-02-28"}) == (400, ["ends_on"])
    assert refused({"channel": "sms"}) == (400, ["channel"])
    assert refused({"quiet_from": "22:00"}) == (400, ["quiet_to"])
    made = api.post(address, plan | {"ends_on": "2027-03-09"}, content_type="application/json").json()
    change = {"starts_on": "2027-04-01", "version": made["version"]}
    answer = api.patch(f"{address}/{made['id']}", change, content_type="application/json")
    assert (answer.status_code, list(answer.json()["fields"])) == (400, ["ends_on"])
    assert Schedule.objects.get().starts_on.isoformat() == "2027-03-01"
