"""Statements: made of a patient's own days, one of a kind, gone when withdrawn, dismissed or over."""

from __future__ import annotations

import statistics
from datetime import timedelta
from typing import Any

import numpy as np
import pytest
from django.test import Client
from django.utils.html import escape

from actigraphy.models import Analysis, Night, Source
from insights import services
from insights.jobs import derive, nightly
from insights.models import Feedback, Insight, Standing
from insights.statements import Evidence, InsightType, Statement, Tier, merged
from novamind import clock
from novamind.audit.recording import recorded
from novamind.jobs.models import Job
from novamind.measures import Abstained, Window
from patients.consent import record_consent
from patients.models import CheckIn, Medication, Patient, Reminder, Schedule
from patients.reports.services import submit_assessment

pytestmark = pytest.mark.django_db
DAYS = 63
SHORTER = 120


@pytest.fixture
def ledger():
    with recorded(actor_label="system:test", request_id="test"):
        yield


@pytest.fixture
def patient(ledger: None, make_patient: Any, team: Any) -> Patient:
    """Eight weeks as ever, then a week of short nights; the mood as ever."""
    made = make_patient(team)
    rng = np.random.default_rng(6)
    slept = 420 + 30 * rng.standard_normal(DAYS)
    slept[-7:] -= SHORTER
    mood = 4 + rng.integers(0, 3, DAYS)
    today = clock.now().astimezone(made.tz).date()
    source = Source.objects.create(patient=made, kind="recording", device_type="actiwatch")
    analysis = Analysis.objects.create(
        patient=made, source=source, window_start=clock.now() - timedelta(days=DAYS), window_end=clock.now(),
        zone=made.zone, device_type="actiwatch", methods={}, results={}, input_hash="0", code_version="0",
    )  # fmt: skip
    for back in range(DAYS):
        morning = today - timedelta(days=DAYS - back)
        Night.objects.create(
            patient=made,
            analysis=analysis,
            date=morning - timedelta(days=1),
            tst_min=slept[back],
            worn_h=24,
            method="m",
        )
        at = clock.midnight(morning, made.tz) + timedelta(hours=9)
        CheckIn.objects.create(patient=made, at=at, by_patient=True, day=morning, mood=int(mood[back]))
    return made


def run(patient: Patient) -> None:
    derive(patient.pk).store()


def keys(patient: Patient) -> set[str]:
    return {row.key for row in services.insights_of(patient)}


def withdraw(patient: Patient, stream: str, *, given: bool = False) -> None:
    record_consent(patient=patient, purpose="treatment", stream=stream, given=given, how="written", by=None)


def test_a_week_of_short_nights_is_said_with_the_days_it_rests_on(patient):
    run(patient)
    (row,) = [row for row in services.insights_of(patient) if row.key == "sleep_duration:lower"]
    nights = list(Night.objects.filter(patient=patient).order_by("-date")[:7])
    values = {one["value"] for one in row.said["evidence"] if "low" in one}
    assert {round(night.tst_min, 4) for night in nights} <= values
    usual = np.median([night.tst_min for night in Night.objects.filter(patient=patient).order_by("date")[:56]])
    found = Standing.objects.get(patient=patient).found["series"]["sleep_duration"]
    assert found["usual"] == usual
    assert found["value"] == np.median([night.tst_min for night in nights])
    assert Standing.objects.get(patient=patient).found["left"] == ["sleep_duration"]
    assert row.insight_type == "sleep"
    assert row.expires_at == row.window_end + timedelta(days=3)
    assert "mood:lower" not in keys(patient)


def test_what_is_not_known_is_no_statement_but_a_reason(patient):
    run(patient)
    found = Standing.objects.get(patient=patient).found["series"]
    assert found["heart_rate"] == Abstained("too_few_days", needed=28, got=0).as_json()


def test_nothing_new_says_nothing_new_and_the_end_of_a_change_ends_its_statement(patient):
    run(patient)
    first = Insight.objects.get(key="sleep_duration:lower")
    run(patient)
    assert Insight.objects.get(key="sleep_duration:lower") == first
    Night.objects.filter(patient=patient).update(tst_min=420.0)
    run(patient)
    first.refresh_from_db()
    assert first.ended_at is not None
    assert "sleep_duration:lower" not in keys(patient)


def test_a_newer_statement_takes_the_place_and_remembers_when_it_was_first_said(patient):
    run(patient)
    first = Insight.objects.get(key="sleep_duration:lower")
    newest = Night.objects.filter(patient=patient).order_by("-date").first()
    newest.tst_min -= 30
    newest.save()
    run(patient)
    second = Insight.objects.get(key="sleep_duration:lower", ended_at=None)
    assert second.pk != first.pk
    assert second.first_said_at == first.first_said_at


def test_an_expired_statement_is_shown_to_nobody(patient, monkeypatch):
    run(patient)
    assert "sleep_duration:lower" in keys(patient)
    later = clock.now() + timedelta(days=4)
    monkeypatch.setattr("novamind.clock.now", lambda: later)
    assert keys(patient) == set()


def test_what_is_withdrawn_is_gone_before_any_job_has_run(patient, psychiatrist):
    run(patient)
    client = Client()
    client.force_login(psychiatrist)
    address = f"/patients/{patient.pk}/brief/"
    said = Insight.objects.get(key="sleep_duration:lower").said["description"]
    assert escape(said) in client.get(address).content.decode()
    withdraw(patient, "actigraphy")
    assert "sleep_duration:lower" not in keys(patient)
    page = client.get(address).content.decode()
    assert escape(said) not in page
    assert "Sleep duration" not in page
    record = Insight.objects.get(key="sleep_duration:lower").pk
    assert client.get(f"/provenance/{record}/").status_code == 404
    standing = Standing.objects.get(patient=patient).pk
    page = client.get(f"/provenance/{standing}/?number=sleep_duration").content.decode()
    assert "Sleep duration" not in page
    run(patient)
    assert not Insight.objects.filter(key="sleep_duration:lower", ended_at=None).exists()


def test_the_api_has_what_holds_however_long_ago_it_was_said_and_what_has_ended_within_the_days(patient, psychiatrist):
    run(patient)
    client = Client()
    client.force_login(psychiatrist)

    def told(days: int) -> list[tuple[str, bool]]:
        answer = client.get(
            f"/api/v1/patients/{patient.pk}/clinical-insights", {"insight_types": "sleep", "days": days}
        )
        return [(one["id"], one["ended_at"] is None) for one in answer.json()["insights"]]

    ours = Insight.objects.filter(key="sleep_duration:lower")
    ours.update(first_said_at=clock.now() - timedelta(days=60))
    pk = str(ours.get().pk)
    assert (pk, True) in told(1)
    newest = Night.objects.filter(patient=patient).order_by("-date").first()
    newest.tst_min -= 30
    newest.save()
    run(patient)
    newer = str(ours.get(ended_at=None).pk)
    assert [one for one in told(30) if one[0] in (pk, newer)] == [(newer, True)]
    Night.objects.filter(patient=patient).update(tst_min=420.0)
    run(patient)
    assert [one for one in told(30) if one[0] in (pk, newer)] == [(newer, False)]
    ours.update(ended_at=clock.now() - timedelta(days=2))
    assert not [one for one in told(1) if one[0] in (pk, newer)]
    withdraw(patient, "actigraphy")
    assert told(30) == []


def test_page_api_and_provenance_say_the_same(patient, psychiatrist):
    run(patient)
    client = Client()
    client.force_login(psychiatrist)
    told = client.get(f"/api/v1/patients/{patient.pk}/clinical-insights", {"insight_types": "sleep"}).json()
    (one,) = [one for one in told["insights"] if "Sleep duration" in one["description"]]
    assert {found["insight_type"] for found in told["insights"]} == {"sleep"}
    assert one["description"] in client.get(f"/patients/{patient.pk}/brief/").content.decode()
    page = client.get(f"/provenance/{one['record_id']}/").content.decode()
    assert escape(one["description"]) in page
    assert "No confidence is given: its false statements are set for all series together." in page
    assert one["confidence"] is None
    assert one["abstentions"]["confidence"]["abstained"] == "set_for_all"
    value = one["supporting_evidence"][0]
    low, high = value["reference_range"]
    middle, spread = (low + high) / 2, (high - low) / 4
    assert value["deviation_severity"] == pytest.approx((value["value"] - middle) / spread, abs=0.01)
    assert client.get(f"/api/v1/patients/{patient.pk}/clinical-insights", {"days": 0}).status_code == 400


def test_a_dismissed_statement_stays_away_while_it_holds_and_can_be_shown_again(patient, psychiatrist):
    run(patient)
    client = Client()
    client.force_login(psychiatrist)
    row = Insight.objects.get(key="sleep_duration:lower")
    judge = f"/patients/{patient.pk}/brief/{row.pk}/"
    assert client.post(judge, {"verdict": "dismissed"}).status_code == 302
    assert "sleep_duration:lower" not in keys(patient)
    newest = Night.objects.filter(patient=patient).order_by("-date").first()
    newest.tst_min -= 30
    newest.save()
    run(patient)
    assert Insight.objects.get(key="sleep_duration:lower", ended_at=None).pk != row.pk  # a newer one, no worse
    assert "sleep_duration:lower" not in keys(patient)
    client.post(judge, {"verdict": "restored"})  # the newer one of the key is meant
    assert "sleep_duration:lower" in keys(patient)
    client.post(judge, {"verdict": "nonsense"})
    assert set(Feedback.objects.values_list("verdict", "by")) == {
        ("dismissed", psychiatrist.pk), ("restored", psychiatrist.pk)
    }  # fmt: skip


def phq9(patient: Patient, score: int, *, days_ago: float) -> None:
    """Answers of items 1 to 8 that add up to the score; nothing that alerts."""
    points = {str(item): score // 8 + (item <= score % 8) for item in range(1, 9)}
    submit_assessment(
        patient=patient, by=None, by_patient=True, instrument_id="phq9", answers=points | {"9": 0},
        at=clock.now() - timedelta(days=days_ago),
    )  # fmt: skip


def scores_of(patient: Patient) -> list[Insight]:
    return [row for row in services.insights_of(patient) if row.key.startswith("phq9:")]


def dismiss(row: Insight, by: Any) -> None:
    services.give_feedback(row, by=by, verdict="dismissed")


@pytest.mark.parametrize(("steps", "shown"), [([20], False), ([20, 20, 20, 20, 20, 20], True)])
def test_a_dismissed_change_that_gets_clearly_worse_is_said_again_however_slowly(patient, psychiatrist, steps, shown):
    run(patient)
    dismiss(Insight.objects.get(key="sleep_duration:lower"), psychiatrist)
    week = list(Night.objects.filter(patient=patient).order_by("-date")[:7])
    for less in steps:
        for night in week:
            night.tst_min -= less
            night.save()
        run(patient)
    assert ("sleep_duration:lower" in keys(patient)) == shown


def test_a_dismissed_statement_that_asks_for_more_is_said_again(patient, psychiatrist):
    run(patient)
    row = Insight.objects.get(key="sleep_duration:lower")
    dismiss(row, psychiatrist)
    Insight.objects.filter(pk=row.pk).update(tier=Tier.KNOW, digest="another")
    run(patient)
    assert "sleep_duration:lower" in keys(patient)


def test_new_answers_are_said_whatever_was_dismissed_before(patient, psychiatrist):
    phq9(patient, 0, days_ago=40)
    phq9(patient, 16, days_ago=20)
    run(patient)
    dismiss(scores_of(patient)[0], psychiatrist)
    run(patient)
    assert scores_of(patient) == []
    phq9(patient, 24, days_ago=1)
    run(patient)
    (row,) = scores_of(patient)
    assert "24 (severe), 8 points higher than 16 (moderately severe)" in row.said["description"]
    assert row.tier == Tier.ACT


@pytest.mark.parametrize(
    ("scores", "said"),
    [
        ([4, 7, 10, 13, 16], "12 points higher than 4"),
        ([4, 7, 9], None),
        ([4, 20, 15], None),
        ([4, 20, 14], "6 points lower than 20"),
        ([15, 12, 9, 6], None),
    ],
)
def test_small_steps_that_add_up_are_held_against_the_best_of_three_months(patient, scores, said):
    for place, score in enumerate(scores):
        phq9(patient, score, days_ago=1 + 14 * (len(scores) - 1 - place))
    run(patient)
    assert [said in row.said["description"] for row in scores_of(patient)] == ([True] if said else [])


def test_the_best_of_longer_ago_than_three_months_is_no_measure(patient):
    for score, days_ago in ((4, 95), (8, 50), (11, 1)):
        phq9(patient, score, days_ago=days_ago)
    run(patient)
    assert scores_of(patient) == []


def test_a_reliable_change_of_a_score_is_said_with_its_source(patient):
    phq9(patient, 0, days_ago=20)
    phq9(patient, 8, days_ago=1)
    run(patient)
    (row,) = scores_of(patient)
    assert row.tier == Tier.ACT
    assert "8 points higher than 0" in row.said["description"]
    assert "NHS Talking Therapies" in row.said["method"]
    assert row.confidence is None
    assert row.said["no_confidence"]["abstained"] == "not_an_estimate"
    withdraw(patient, "questionnaires")
    assert scores_of(patient) == []


def test_medication_is_told_as_it_is_recorded_and_labelled_records_are_not(patient):
    today = clock.now().astimezone(patient.tz).date()
    for name, part2 in (("Zqxone", False), ("Zqxtwo", True)):
        Medication.objects.create(
            patient=patient, drug="", drug_text=name, started_on=today - timedelta(days=3), started_precision="day",
            part2=part2,
        )  # fmt: skip
    run(patient)
    said = [row.said["description"] for row in services.insights_of(patient) if row.insight_type == "medication"]
    assert len(said) == 1
    assert "Zqxone was begun" in said[0]


def test_answers_that_stop_are_said_and_a_device_that_stops_too(patient):
    schedule = Schedule.objects.create(
        patient=patient, what="check-in", starts_on="2026-01-01", local_time="09:00", window_min=60
    )
    today = clock.now().astimezone(patient.tz).date()
    for back in range(1, 50):
        on = today - timedelta(days=back)
        at = clock.midnight(on, patient.tz) + timedelta(hours=9)
        Reminder.objects.create(
            patient=patient, schedule=schedule, local_date=on, due_at=at, expires_at=at + timedelta(hours=1),
            outcome="silent", done_at=at if back > 13 else None,
        )  # fmt: skip
    Night.objects.filter(patient=patient, date__gte=today - timedelta(days=6)).delete()
    run(patient)
    said = {row.key: row.said["description"] for row in services.insights_of(patient)}
    assert "Answered 0 of 13" in said["answers:lower"] or "Answered 1 of 14" in said["answers:lower"]
    assert "nothing known for 5 days" in said["missing:actigraphy"]


def test_two_statements_of_one_key_become_one_with_what_both_rest_on():
    window = Window(clock.now() - timedelta(days=7), clock.now())
    first, second = (
        Statement(
            key="k", type=InsightType.SLEEP, description=words, method=words, needs=(("treatment", stream),),
            tier=Tier.LOOK, strength=strength, confidence=0.9, confidence_is="", window=window,
            expires_at=window.end + timedelta(days=days), evidence=(Evidence(words, window.end, 1.0),),
        )
        for words, stream, strength, days in (("Weak.", "heart", 1.0, 1), ("Strong.", "actigraphy", 2.0, 3))
    )  # fmt: skip
    (one,) = merged([first, second])
    assert one.description == "Strong. Weak."
    assert one.needs == (("treatment", "actigraphy"), ("treatment", "heart"))
    assert [found.data_type for found in one.evidence] == ["Strong.", "Weak."]
    assert one.expires_at == first.expires_at


def test_the_night_looks_at_everybody_once_a_day_and_an_empty_chart_can_still_be_deleted(patient, make_patient, team):
    empty = make_patient(team)
    Job.objects.all().delete()
    nightly().store()
    waiting = Job.objects.filter(kind="insights.derive")
    assert {job.args["patient_id"] for job in waiting} == {str(patient.pk), str(empty.pk)}
    run(patient)
    run(empty)
    Job.objects.all().delete()
    nightly().store()
    assert not waiting.all().exists()
    assert Standing.objects.filter(patient=empty).exists()
    empty.delete()
    assert not Patient.objects.filter(pk=empty.pk).exists()


def test_what_happens_to_a_patient_asks_for_a_look(patient):
    Job.objects.all().delete()
    withdraw(patient, "heart")
    assert Job.objects.filter(kind="insights.derive", key=f"insights.derive:{patient.pk}").count() == 1


def test_the_aggregates_are_the_numbers_of_the_brief_and_of_the_nights(patient, psychiatrist):
    run(patient)
    client = Client()
    client.force_login(psychiatrist)
    asked = {"patient_id": str(patient.pk), "days": 14, "bucket": "week"}
    told = client.get("/api/v1/analytics/aggregated", asked).json()
    slept = told["channels"]["sleep_duration"]
    nights = [night.tst_min for night in Night.objects.filter(patient=patient).order_by("date")][-14:]
    weeks = [nights[:7], nights[7:]]
    assert [one["mean"] for one in slept["buckets"]] == pytest.approx([statistics.mean(week) for week in weeks])
    assert [one["sd"] for one in slept["buckets"]] == pytest.approx([statistics.stdev(week) for week in weeks])
    assert [(one["n"], one["coverage"]) for one in slept["buckets"]] == [(7, 1.0), (7, 1.0)]
    standing = Standing.objects.get(patient=patient).found["series"]["sleep_duration"]
    assert slept["baseline"]["median"] == standing["usual"]
    assert slept["baseline"]["standard_errors"] == standing["z"]
    assert slept["baseline"]["last_week_median"] == slept["buckets"][-1]["median"]
    assert told["channels"]["heart_rate"]["abstentions"]["baseline"]["abstained"] == "too_few_days"
    days = client.get("/api/v1/analytics/aggregated", asked | {"days": 3, "bucket": "day"}).json()
    assert [one["median"] for one in days["channels"]["sleep_duration"]["buckets"]] == nights[-3:]
    withdraw(patient, "actigraphy")
    gone = client.get("/api/v1/analytics/aggregated", asked).json()["channels"]["sleep_duration"]
    assert gone["buckets"] == []
    assert gone["abstentions"]["buckets"]["abstained"] == "consent_withheld"


def test_aggregates_of_a_hidden_patient_are_nobodys(patient, nurse):
    client = Client()
    client.force_login(nurse)
    assert client.get("/api/v1/analytics/aggregated", {"patient_id": str(patient.pk)}).status_code == 404
