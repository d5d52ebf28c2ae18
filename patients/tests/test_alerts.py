"""An alert finds somebody: who is on call, then the next, until it is answered."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from typing import Any

import pytest
from django.db import connection, transaction

from novamind.accounts.models import User
from novamind.audit.models import AuditEvent
from novamind.delivery.compliance import checks as delivery_checks
from novamind.delivery.contacts import contact_of
from novamind.delivery.models import Delivery
from novamind.delivery.templates import text_of
from novamind.jobs.models import AdminAlert, Job
from novamind.jobs.runner import run_waiting
from patients.alerts import NotPossible, acknowledge, escalate, raise_alert, resolve
from patients.compliance import checks
from patients.coverage import monitored_now, on_call
from patients.models import Alert, AlertEvent, CoverageHours, Grant, Holiday
from patients.services import StaleEdit, assign_patient, join_team, leave_team, view_permission
from patients.sweeping import wake_overdue

pytestmark = pytest.mark.django_db(transaction=True)
WEDNESDAY = datetime(2027, 3, 3, 11, tzinfo=UTC)  # noon in Oslo


@pytest.fixture
def at(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Set the clock everywhere."""

    def move(moment: datetime) -> None:
        for name in ("novamind.clock.now", "novamind.jobs.services.now", "novamind.jobs.runner.now",
                     "novamind.jobs.attempts.now", "novamind.delivery.models.now"):  # fmt: skip
            monkeypatch.setattr(name, lambda: moment)

    move(WEDNESDAY)
    return move


@pytest.fixture
def second(make_user: Any, team: Any) -> Any:
    """Another clinician of the patient's team."""
    user = make_user("second@clinic.test", "nurse practitioner")
    join_team(team=team, user=user)
    return user


def cover(team: Any, user: Any, *, weekday: int = 2, begins: int = 8, ends: int = 16, order: int = 1) -> None:
    CoverageHours.objects.create(
        team=team, user=user, weekday=weekday, begins=time(begins), ends=time(ends), order=order
    )


def alert_of(patient: Any, severity: str = "high", **more: Any) -> Alert:
    return raise_alert(patient=patient, kind="self_harm", severity=severity, key="answer:1", **more)


def told(alert: Alert) -> list[str]:
    rows = Delivery.objects.filter(about_id=alert.pk).order_by("created_at", "user__email")
    return [row.user.email.split("@")[0] for row in rows]


def fresh(alert: Alert) -> Alert:
    return Alert.objects.select_related("owner").get(pk=alert.pk)


def test_who_is_on_call_owns_the_alert_and_is_told(at, patient, team, psychiatrist, second):
    cover(team, second)
    alert = alert_of(patient)
    assert (alert.owner, alert.state, alert.monitored) == (second, "open", True)
    assert alert.acknowledge_by == WEDNESDAY + timedelta(minutes=15)
    assert told(alert) == ["second"]
    run_waiting()
    assert Delivery.objects.get().state == "sent"


def test_the_same_cause_twice_is_one_alert(at, patient, team, psychiatrist):
    first, again = alert_of(patient), alert_of(patient)
    assert first.pk == again.pk
    assert AlertEvent.objects.count() == Delivery.objects.count() == 1
    assert Job.objects.filter(kind="patients.escalate_alert").count() == 1


def test_nobody_on_call_every_clinician_is_told_and_it_is_said(at, patient, team, psychiatrist, therapist, nurse):
    alert = alert_of(patient)
    assert (alert.owner, alert.monitored) == (None, False)
    assert sorted(told(alert)) == ["psychiatrist", "therapist"]  # not the nurse of another team


def test_a_named_owner_who_may_not_see_the_patient_is_not_told(at, patient, team, psychiatrist, nurse):
    cover(team, psychiatrist)
    assert alert_of(patient, owner=nurse).owner == psychiatrist


def test_a_named_owner_is_told_also_when_somebody_else_is_on_call(at, patient, team, psychiatrist, second):
    cover(team, second)
    assert told(alert_of(patient, owner=psychiatrist)) == ["psychiatrist"]


def test_unanswered_it_goes_to_the_next_then_to_everybody_then_round_again(
    at, patient, team, psychiatrist, second, therapist
):
    cover(team, psychiatrist)
    cover(team, second, order=2)
    alert = alert_of(patient)
    seen = []
    for minutes in (14, 16, 31, 46):
        at(WEDNESDAY + timedelta(minutes=minutes))
        run_waiting()
        seen.append((fresh(alert).state, fresh(alert).level, told(alert)[-1]))
    assert seen[:3] == [
        ("open", 0, "psychiatrist"), ("escalated", 1, "second"), ("escalated", 2, "therapist"),
    ]  # fmt: skip
    assert (fresh(alert).level, sorted(told(alert)[-2:])) == (3, ["psychiatrist", "second"])


def test_an_answer_stops_the_timer_and_calls_off_what_waits(at, patient, team, psychiatrist):
    cover(team, psychiatrist)
    alert = alert_of(patient)
    acknowledge(alert, by=psychiatrist, version=1)
    run_waiting()
    at(WEDNESDAY + timedelta(hours=1))
    run_waiting()
    now = fresh(alert)
    assert (now.state, now.level, now.owner, now.version) == ("acknowledged", 0, psychiatrist, 2)
    assert Delivery.objects.get().state == "cancelled"
    with pytest.raises(NotPossible):
        acknowledge(now, by=psychiatrist, version=2)


def test_two_who_answer_at_once_are_one(at, patient, psychiatrist, second):
    alert = alert_of(patient)
    other = fresh(alert)
    acknowledge(alert, by=psychiatrist, version=1)
    with pytest.raises(StaleEdit):
        acknowledge(other, by=second, version=1)
    assert fresh(alert).owner == psychiatrist


def test_what_is_done_is_done_with_its_note(at, patient, psychiatrist):
    alert = alert_of(patient)
    resolve(alert, by=psychiatrist, version=1, note="Called her; she is safe.")
    assert fresh(alert).acknowledged_by == psychiatrist
    assert [event.what for event in alert.events.all()] == ["raised", "resolved"]
    assert alert.events.last().note == "Called her; she is safe."
    with pytest.raises(NotPossible):
        escalate(fresh(alert), version=2)


def test_by_hand_it_goes_to_the_next(at, patient, team, psychiatrist, second):
    cover(team, psychiatrist)
    alert = alert_of(patient)
    escalate(alert, by=psychiatrist, version=1, note="I am not in.")
    assert told(alert)[-1] == "second"
    assert fresh(alert).owner == second
    at(WEDNESDAY + timedelta(minutes=16))  # the timer of before
    run_waiting()
    assert fresh(alert).level == 2  # its own has run out too; the old one adds nothing
    assert AlertEvent.objects.filter(what="escalated").count() == 2


@pytest.mark.parametrize(
    ("begins", "ends", "weekday", "moment", "covered"),
    [
        (8, 16, 2, datetime(2027, 3, 3, 6, 59, tzinfo=UTC), False),
        (8, 16, 2, datetime(2027, 3, 3, 7, 0, tzinfo=UTC), True),
        (8, 16, 2, datetime(2027, 3, 3, 14, 59, tzinfo=UTC), True),
        (8, 16, 2, datetime(2027, 3, 3, 15, 0, tzinfo=UTC), False),
        (8, 16, 3, datetime(2027, 3, 3, 11, 0, tzinfo=UTC), False),
        (22, 6, 2, datetime(2027, 3, 4, 4, 59, tzinfo=UTC), True),  # Wednesday's night goes on into Thursday
        (22, 6, 2, datetime(2027, 3, 4, 5, 0, tzinfo=UTC), False),
        (22, 6, 2, datetime(2027, 3, 3, 4, 0, tzinfo=UTC), False),  # that was Tuesday's night
        (22, 6, 6, datetime(2027, 3, 28, 22, 30, tzinfo=UTC), True),  # the clocks changed that morning: 00:30
        (8, 8, 2, datetime(2027, 3, 4, 6, 0, tzinfo=UTC), True),  # round the clock
    ],
)
def test_coverage_is_the_clinics_clock(begins, ends, weekday, moment, covered, patient, team, psychiatrist):
    cover(team, psychiatrist, weekday=weekday, begins=begins, ends=ends)
    assert monitored_now(patient, moment) is covered


def test_only_who_may_answer_covers(at, patient, team, psychiatrist, second, make_user):
    cover(team, psychiatrist)
    assert on_call(patient) == [psychiatrist]
    psychiatrist.is_active = False
    psychiatrist.save()
    assert not monitored_now(patient)
    cover(team, second)
    assert on_call(patient) == [second]
    leave_team(team=team, user=second)
    assert not monitored_now(patient)
    Grant.objects.create(
        user=second, content_object=patient, permission=view_permission(), reason=Grant.Reason.BREAK_GLASS,
        valid_until=WEDNESDAY + timedelta(hours=4),
    )  # fmt: skip
    assert not monitored_now(patient)


def test_an_alert_is_raised_with_what_caused_it_or_not_at_all(at, patient, psychiatrist):
    def cause() -> None:
        with transaction.atomic():
            alert_of(patient)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        cause()
    assert not Alert.objects.exists()
    assert not Delivery.objects.exists()
    assert not Job.objects.exists()


def test_a_timer_whose_job_is_gone_is_wound_up_again(at, patient, psychiatrist, therapist):
    alert = alert_of(patient)
    Job.objects.all().delete()
    at(WEDNESDAY + timedelta(minutes=26))
    wake_overdue()
    run_waiting()
    assert fresh(alert).level == 1


def test_an_escalation_by_the_timer_is_on_record(at, patient, psychiatrist, therapist):
    alert_of(patient)
    at(WEDNESDAY + timedelta(minutes=16))
    run_waiting()
    event = AuditEvent.objects.get(action="patients.escalate_alert")
    assert [row.patient_id for row in event.patients.all()] == [patient.pk]


def test_an_alert_is_a_text_message_too_where_there_is_a_number(at, patient, team, psychiatrist, second):
    cover(team, psychiatrist)
    psychiatrist.phone = "+4791234567"
    psychiatrist.save()
    assert second.phone is None
    alert = alert_of(patient)
    assert sorted(row.channel for row in Delivery.objects.filter(about_id=alert.pk)) == ["email", "sms"]
    sms = Delivery.objects.get(channel="sms")
    assert contact_of(sms).at("sms") == "+4791234567"
    assert text_of(sms.template).startswith("Somebody needs your attention now.")
    escalate(alert, version=alert.version)
    assert Delivery.objects.filter(about_id=alert.pk, channel="sms").count() == 1  # the next person has no number


@pytest.mark.parametrize(("severity", "hours"), [("medium", 4), ("low", 24)])
def test_what_can_wait_does_not_call_at_night_nor_by_text_message(
    at, patient, team, psychiatrist, clinical_admin, make_patient, severity, hours
):
    psychiatrist.phone = clinical_admin.phone = "+4791234567"
    psychiatrist.save()
    clinical_admin.save()
    night = WEDNESDAY + timedelta(hours=11)  # 23:00 in Oslo
    at(night)
    alert = raise_alert(patient=patient, kind="silent_stream", severity=severity, key="s")
    lonely = raise_alert(patient=make_patient(), kind="silent_stream", severity=severity, key="l")
    run_waiting()
    at(night + timedelta(hours=8, minutes=59))
    run_waiting()
    assert {row.state for row in Delivery.objects.all()} == {"waiting"}
    at(night + timedelta(hours=9))
    run_waiting()
    assert {row.state for row in Delivery.objects.all()} == {"sent"}
    at(night + timedelta(hours=hours + 24))
    run_waiting()
    assert fresh(alert).level >= 1
    assert {row.channel for row in Delivery.objects.all()} == {"email"}
    assert {row.template for row in Delivery.objects.filter(about_id=alert.pk)} == {"notice"}
    assert {row.template for row in Delivery.objects.filter(about_id=lonely.pk)} == {"notice_unanswerable"}


def test_the_number_is_ciphertext_ones_own_and_said_to_be_unverified(psychiatrist, signed_in):
    client = signed_in(psychiatrist)
    assert client.post("/accounts/security/phone/", {"phone": "91234567"}).status_code == 422
    assert client.post("/accounts/security/phone/", {"phone": "+47 912 34 567"}).status_code == 302
    psychiatrist.refresh_from_db()
    assert psychiatrist.phone == "+4791234567"
    with connection.cursor() as cursor:
        cursor.execute("SELECT phone FROM accounts_user WHERE phone IS NOT NULL")
        assert b"4791234567" not in bytes(cursor.fetchone()[0])
    page = client.get("/accounts/security/").content.decode()
    assert "To +4791234567" in page
    assert "not verified" in page
    client.post("/accounts/security/phone/", {"phone": ""})
    psychiatrist.refresh_from_db()
    assert psychiatrist.phone is None


def test_on_a_holiday_only_the_hours_of_holidays_hold(at, patient, team, psychiatrist, second):
    cover(team, psychiatrist)  # Wednesdays, eight to four
    cover(team, second, weekday=CoverageHours.Weekday.HOLIDAY, begins=20, ends=6)
    day = WEDNESDAY.date()
    assert on_call(patient, WEDNESDAY) == [psychiatrist]
    Holiday.objects.create(team=team, date=day)
    assert on_call(patient, WEDNESDAY) == []
    evening = WEDNESDAY + timedelta(hours=9)
    assert on_call(patient, evening) == [second]
    assert on_call(patient, evening + timedelta(hours=6)) == [second]  # begun on the holiday
    assert on_call(patient, evening - timedelta(days=1)) == []
    assert on_call(patient, WEDNESDAY + timedelta(days=7)) == [psychiatrist]


def test_where_no_clinician_may_answer_the_administrators_are_told_each_time(
    at, make_patient, make_user, team, clinical_admin
):
    second_admin = make_user("boss@clinic.test", "clinical admin")
    make_user("gone@clinic.test", "clinical admin", is_active=False)
    join_team(team=team, user=clinical_admin)
    for patient, key in ((make_patient(), "none"), (make_patient(team), "admins")):
        alert = raise_alert(patient=patient, kind="self_harm", severity="high", key=key)
        assert (alert.owner, sorted(told(alert))) == (None, ["admin", second_admin.email.split("@")[0]])
        assert {row.template for row in Delivery.objects.filter(about_id=alert.pk)} == {"alert_unanswerable"}
        escalate(alert, version=alert.version)
        assert len(told(alert)) == 4


def test_a_clinician_who_comes_after_is_told_next(at, make_patient, team, clinical_admin, psychiatrist):
    patient = make_patient()
    alert = raise_alert(patient=patient, kind="self_harm", severity="high", key="k")
    assign_patient(team=team, patient=patient)
    escalate(alert, version=alert.version)
    assert told(alert)[-1] == "psychiatrist"


def test_patients_whose_alerts_nobody_may_answer_are_counted(at, patient, make_patient, team, psychiatrist):
    def state() -> tuple[str, str]:
        return next((one.state, one.fact[:2]) for one in checks() if one.key == "alerts_answerable")

    assert state() == ("holds", "0 ")
    make_patient()
    assert state() == ("fails", "1 ")
    psychiatrist.is_active = False
    psychiatrist.save()
    assert state() == ("fails", "2 ")


def test_what_is_taken_on_and_not_done_waits_anew(at, patient, team, psychiatrist, second):
    cover(team, psychiatrist)
    cover(team, second, order=2)
    alert = alert_of(patient)
    acknowledge(alert, by=psychiatrist, version=1)
    assert alert.resolve_by == WEDNESDAY + timedelta(hours=8)
    at(WEDNESDAY + timedelta(hours=7, minutes=59))
    run_waiting()
    assert fresh(alert).state == "acknowledged"
    at(WEDNESDAY + timedelta(hours=8))
    run_waiting()
    now = fresh(alert)
    assert (now.state, now.level, now.owner) == ("escalated", 1, second)
    assert sorted(told(alert)) == ["psychiatrist", "psychiatrist", "second"]  # out of hours: every clinician not told
    acknowledge(now, by=second, version=now.version)
    resolve(now, by=second, version=now.version, note="Called.")
    at(WEDNESDAY + timedelta(days=3))
    run_waiting()
    wake_overdue()
    run_waiting()
    assert fresh(alert).state == "resolved"


@pytest.mark.parametrize("leaves", ["the team", "the clinic", "the role"])
def test_what_somebody_has_taken_on_who_leaves_waits_anew(at, patient, team, psychiatrist, second, leaves):
    alert = alert_of(patient)
    acknowledge(alert, by=psychiatrist, version=1)
    if leaves == "the team":
        leave_team(team=team, user=psychiatrist)
    elif leaves == "the clinic":
        psychiatrist.is_active = False
        psychiatrist.save()
    else:
        psychiatrist.groups.clear()
        wake_overdue()
    run_waiting()
    now = fresh(alert)
    assert (now.state, now.owner) == ("escalated", second)
    assert told(alert)[-1] == "second"


def test_self_harm_is_done_only_with_what_was_done(at, patient, psychiatrist, signed_in):
    alert = alert_of(patient)
    client = signed_in(psychiatrist)
    page = client.post(f"/patients/{patient.pk}/alerts/{alert.pk}/resolve/", {"version": 1, "note": " "})
    assert (page.status_code, "Write what was done" in page.content.decode()) == (422, True)
    answer = client.post(f"/api/v1/alerts/{alert.pk}/resolve", {"version": 1}, content_type="application/json")
    assert (answer.status_code, list(answer.json()["fields"])) == (400, ["note"])
    assert fresh(alert).state == "open"
    silent = raise_alert(patient=patient, kind="silent_stream", severity="low", key="s")
    resolve(silent, by=psychiatrist, version=1)
    assert fresh(silent).state == "resolved"


def test_an_alert_that_reaches_no_address_has_failed_and_the_administrators_are_told(at, patient, team, psychiatrist):
    alert = alert_of(patient)
    User.objects.filter(pk=psychiatrist.pk).update(is_active=False)
    run_waiting()
    lost = Delivery.objects.get(about_id=alert.pk)
    assert (lost.state, lost.log[-1]["what"]) == ("failed", "no_contact")
    assert AdminAlert.objects.count() == 1
    Delivery.objects.update(created_at=WEDNESDAY)
    assert next(one.state for one in delivery_checks() if one.key == "deliveries_arrive") == "fails"
