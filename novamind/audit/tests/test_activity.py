"""The weekly review: planted misuse is found, ordinary work is not, and a week is marked once."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from django.db import DatabaseError, connection, transaction

from novamind import clock
from novamind.audit import activity, compliance
from novamind.audit.models import ActivityReview, AuditEvent, AuditEventPatient
from novamind.audit.recording import recorded, saw, write_event

pytestmark = pytest.mark.django_db

MONDAY = datetime(2027, 3, 1, tzinfo=UTC)
WEEK = activity.Week(MONDAY.date())
PAGE, REVIEW = "/audit/activity/", "/audit/activity/review/"
NOON = MONDAY + timedelta(hours=11)


def event(user, at, *patients, label=None, **facts):
    known = {"event_type": "DATA_ACCESS", "action": "test"} | facts
    with recorded(actor_label=label or user.email, actor_id=user.pk, role=user.role_label, request_id="r") as ledger:
        for pk in patients:
            saw(pk)
        made = write_event(ledger, **known)
    AuditEvent.objects.filter(pk=made.pk).update(at=at)
    AuditEventPatient.objects.filter(event=made).update(at=at)
    return made


def found(key):
    rule = next(rule for rule in activity.rules() if rule.key == key)
    return [(finding.who, finding.fact) for finding in rule.find(WEEK)]


@pytest.fixture(autouse=True)
def later(settings, monkeypatch):
    """It is the Tuesday after the week, in Oslo."""
    settings.CLINIC_TIME_ZONE = "Europe/Oslo"
    at = datetime(2027, 3, 9, 9, tzinfo=UTC)
    for place in ("novamind.clock.now", "novamind.audit.compliance.now"):
        monkeypatch.setattr(place, lambda: at)


def test_emergency_access_is_listed(nurse):
    event(nurse, NOON, uuid4(), purpose="ETREAT")
    event(nurse, NOON, uuid4())
    assert found("emergency") == [("nurse", "charts by emergency access: 1, in events: 1")]


def test_a_list_with_one_emergency_is_one_emergency(nurse):
    listed = event(nurse, NOON, uuid4(), uuid4(), uuid4())
    listed.patients.filter(pk=listed.patients.first().pk).update(purpose="ETREAT")
    assert found("emergency") == [("nurse", "charts by emergency access: 1, in events: 1")]


def test_an_emergency_from_before_charts_had_a_purpose_each_is_listed(nurse):
    event(nurse, NOON, uuid4(), purpose="ETREAT").patients.update(purpose="")
    assert found("emergency") == [("nurse", "charts by emergency access: 1, in events: 1")]


@pytest.mark.parametrize(
    ("utc", "late"), [((1, 20, 59), False), ((1, 21, 0), True), ((2, 4, 59), True), ((2, 5, 0), False)]
)
def test_the_night_is_the_clinics(nurse, utc, late):
    day, hour, minute = utc
    event(nurse, datetime(2027, 3, day, hour, minute, tzinfo=UTC), uuid4())
    assert bool(found("after_hours")) is late


def test_jobs_patients_refusals_and_other_weeks_are_no_ones_night_work(nurse, make_user):
    night = MONDAY + timedelta(hours=1)
    event(nurse, night, uuid4(), label="system:actigraphy.analyze")
    event(make_user("own@mail.test", "patient"), night, uuid4())
    event(nurse, night, uuid4(), outcome="refused")
    event(nurse, night - timedelta(days=1), uuid4())
    event(nurse, night + timedelta(days=7), uuid4())
    event(nurse, night)
    assert found("after_hours") == []


@pytest.mark.parametrize("form", ["edit/", "consents/record/", "devices/", "actigraphy/upload/"])
def test_a_chart_shown_around_a_refused_form_was_seen(form, signed_in, psychiatrist, patient):
    answer = signed_in(psychiatrist).post(f"/patients/{patient.pk}/{form}", {})
    assert (answer.status_code, "Zqxlast" in answer.content.decode()) == (422, True)
    sent = AuditEvent.objects.get(status_code=422)
    AuditEvent.objects.filter(pk=sent.pk).update(at=MONDAY + timedelta(hours=1))
    assert found("after_hours") == [("psychiatrist", "charts between 22:00 and 06:00: 1, in events: 1")]


def open_many(user, number, start, apart):
    for count in range(number):
        event(user, start + count * apart, uuid4())


def test_more_than_fifty_charts_within_any_hour_are_found(nurse, therapist):
    open_many(nurse, 51, NOON + timedelta(minutes=30), timedelta(seconds=70))  # over the clock's hour
    open_many(therapist, 50, NOON, timedelta(seconds=60))
    assert found("many") == [("nurse", "51 charts within an hour")]


def test_the_rule_of_many_asks_three_questions_however_many_people_are_found(
    nurse, therapist, psychiatrist, django_assert_num_queries
):
    for who in (nurse, therapist, psychiatrist):
        open_many(who, 51, NOON, timedelta(seconds=60))
    with django_assert_num_queries(3):
        assert sorted(who for who, _ in found("many")) == ["nurse", "psychiatrist", "therapist"]


def test_of_rows_from_before_it_was_kept_those_alone_were_opened(nurse, therapist):
    open_many(nurse, 51, NOON, timedelta(seconds=60))
    event(therapist, NOON, *(uuid4() for _ in range(80)))
    AuditEventPatient.objects.update(opened=None, purpose="")
    assert found("many") == [("nurse", "51 charts within an hour")]


def test_a_slow_reader_a_list_and_the_same_chart_are_not_many(nurse, therapist, psychiatrist):
    open_many(nurse, 60, NOON, timedelta(seconds=75))
    event(therapist, NOON, *(uuid4() for _ in range(80)))
    same = uuid4()
    for count in range(60):
        event(psychiatrist, NOON + timedelta(seconds=count), same)
    assert found("many") == []


def test_a_day_of_three_times_the_own_median_is_found(nurse, therapist):
    for day in range(1, 7):
        for user, charts in ((nurse, 4), (therapist, 8)):
            open_many(user, charts, NOON - timedelta(days=day), timedelta(minutes=1))
    for user in (nurse, therapist):
        open_many(user, 13, NOON, timedelta(minutes=10))
    assert found("unusual") == [("nurse", "13 charts on 2027-03-01; the person's median day has 4")]


def test_of_somebody_without_a_past_nothing_is_usual(nurse):
    for day in range(1, 5):
        open_many(nurse, 1, NOON - timedelta(days=day), timedelta(minutes=1))
    open_many(nurse, 30, NOON, timedelta(minutes=10))
    assert found("unusual") == []


def test_ten_refusals_in_five_minutes_are_found_and_nine_are_not(nurse, therapist):
    for count in range(10):
        event(nurse, NOON + timedelta(seconds=29 * count), outcome="refused", status_code=404)
    for count in range(9):
        event(therapist, NOON + timedelta(seconds=count), outcome="refused", status_code=404)
        event(therapist, NOON + timedelta(seconds=count), outcome="refused", status_code=422)
    assert found("denied") == [("nurse", "10 refusals within five minutes")]


def test_failed_sign_ins_are_counted_by_their_address(nurse, therapist):
    for count in range(12):
        who = nurse if count % 2 else therapist
        event(who, NOON + timedelta(seconds=count), event_type="SIGN_IN_FAILED", outcome="refused", ip="192.0.2.9")
    assert found("denied") == [("192.0.2.9", "12 failed sign-ins within five minutes")]


def test_what_left_as_a_file_is_listed(nurse):
    event(nurse, NOON, event_type="EXPORT", action="export", object_label="a file", details={"rows": 7})
    assert found("taken_out") == [(nurse.email, "a file, 7 rows, done")]


def test_a_namesakes_chart_is_found_by_its_id_alone(nurse, patient, make_patient, team):
    other = make_patient(team, last_name="Elsewhere")
    nurse.display_name = "Kari zqxLAST"
    nurse.save()
    strange = make_patient(team, last_name="zqxLast")
    event(nurse, NOON + timedelta(hours=1), patient.pk)
    event(nurse, NOON, patient.pk, other.pk)
    event(nurse, NOON - timedelta(days=30), strange.pk)
    event(nurse, NOON, strange.pk, outcome="refused")
    assert found("same_surname") == [
        ("Kari zqxLAST", f"chart {str(patient.pk)[:8]}… is of somebody with the same surname")
    ]
    rule = next(rule for rule in activity.rules() if rule.key == "same_surname")
    assert [finding.at for finding in rule.find(WEEK)] == [NOON]  # the first time
    nurse.display_name = ""
    nurse.save()
    assert found("same_surname") == []


def test_a_week_is_marked_once_with_what_was_found(signed_in, clinical_admin, nurse):
    event(nurse, MONDAY + timedelta(hours=2), uuid4())
    client = signed_in(clinical_admin)
    assert "After hours" in client.get(PAGE).content.decode()
    sent = {"week": "2027-03-01", "notes": "Asked the nurse: on call."}
    assert client.post(REVIEW, sent).status_code == 302
    review = ActivityReview.objects.get()
    assert (review.week, review.reviewed_by, review.findings["after_hours"]) == (WEEK.monday, clinical_admin, 1)
    assert set(review.findings) == {rule.key for rule in activity.rules()}
    assert "on call" in client.get(PAGE, {"week": "2027-03-04"}).content.decode()
    assert client.post(REVIEW, sent).status_code == 422
    assert AuditEvent.objects.filter(event_type="CREATION", object_id=str(review.pk)).exists()


@pytest.mark.parametrize("week", ["2027-03-08", "2027-03-02", "9999-12-27", "0001-01-01", "soon", ""])
def test_a_week_that_is_not_over_or_no_week_is_not_marked(signed_in, clinical_admin, week):
    client = signed_in(clinical_admin)
    assert client.post(REVIEW, {"week": week}).status_code == 422
    assert client.get(PAGE, {"week": week}).status_code == 200
    assert client.get("/audit/account/", {"account": clinical_admin.pk, "last": week}).status_code == 200
    assert not ActivityReview.objects.exists()


def test_a_superuser_looks_and_does_not_mark(signed_in, superuser):
    client = signed_in(superuser)
    assert "Mark as reviewed" not in client.get(PAGE).content.decode()
    assert client.post(REVIEW, {"week": "2027-03-01"}).status_code == 403


def test_whoever_reviews_their_own_activity_is_told(signed_in, clinical_admin):
    event(clinical_admin, MONDAY + timedelta(hours=2), uuid4())
    assert "your own activity" in signed_in(clinical_admin).get(PAGE).content.decode()


def test_the_compliance_line_wants_a_review_within_eight_days(clinical_admin):
    def state():
        return next(check.state for check in compliance.checks() if check.key == "activity_review")

    assert state() == "fails"
    review = ActivityReview.objects.create(week=WEEK.monday, reviewed_by=clinical_admin, reviewed_at=clock.now())
    assert state() == "holds"
    ActivityReview.objects.filter(pk=review.pk).update(reviewed_at=clock.now() - timedelta(days=8))
    assert state() == "fails"


@pytest.mark.usefixtures("audit_triggers")
def test_a_review_stays_as_it_was(transactional_db, clinical_admin):
    ActivityReview.objects.create(week=WEEK.monday, reviewed_by=clinical_admin)
    for statement in ("UPDATE audit_activityreview SET notes = 'x'", "DELETE FROM audit_activityreview"):
        with pytest.raises(DatabaseError, match="append-only"), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(statement)
