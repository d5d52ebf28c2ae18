"""Twins: made once, refreshed by what is new, versions kept, and what is withdrawn is gone at once."""

from __future__ import annotations

import re
from datetime import UTC, datetime, time, timedelta
from typing import Any

import numpy as np
import pytest
from django.test import Client
from django.utils.html import escape

from actigraphy.models import Analysis, Night, Signal, Source
from actigraphy.signals import pack, unpack
from novamind import clock
from novamind.audit.recording import recorded
from novamind.jobs.models import Job
from novamind.measures import Abstained
from novamind.registry.inference import input_of, replay
from novamind.registry.models import InferenceRecord, ModelVersion
from patients.consent import record_consent
from patients.models import CheckIn, Medication, Patient
from twins import correlations, forecasts, services
from twins.features import BIOMETRICS, SYMPTOMS, check_ins_of, daily_of
from twins.installing import install_correlation, install_forecaster
from twins.jobs import correlate, forecast
from twins.models import Component, Twin
from twins.told import correlations_as_told
from twins.track_record import track_record

pytestmark = pytest.mark.django_db
DAYS = 80


@pytest.fixture
def ledger():
    with recorded(actor_label="system:test", request_id="test"):
        yield


@pytest.fixture
def patient(ledger: None, make_patient: Any, team: Any) -> Patient:
    """80 days in which somebody sleeps and, the day after, is the better for it."""
    made = make_patient(team)
    install_correlation()
    install_forecaster()
    for stream in ("actigraphy", "heart", "questionnaires"):
        record_consent(patient=made, purpose="models", stream=stream, given=True, how="written", by=None)
    rng = np.random.default_rng(4)
    slept = 420 + 60 * rng.standard_normal(DAYS)
    mood = np.clip(np.round(5 + (slept - 420) / 40 + rng.standard_normal(DAYS)), 0, 10)
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


def run_refresh(patient: Patient) -> Any:
    return correlate(patient.pk).store()


@pytest.fixture
def twin(patient: Patient, make_user: Any) -> Twin:
    made = services.create_twin(patient=patient, by=make_user("maker@clinic.test", "psychiatrist"))
    run_refresh(patient)
    made.refresh_from_db()
    return made


def test_days_are_those_of_the_patient_and_a_night_belongs_to_its_morning(patient):
    daily = daily_of(patient, days=90)
    names = [*BIOMETRICS, *SYMPTOMS]
    slept, mood = daily.values[names.index("sleep_duration")], daily.values[names.index("mood")]
    assert np.isnan(slept[:10]).all()
    assert not np.isnan(slept[10:]).any()
    newest = Night.objects.filter(patient=patient).order_by("-date").first()
    assert newest.date == daily.last - timedelta(days=1)
    assert slept[-1] == newest.tst_min
    assert mood[-1] == CheckIn.objects.get(patient=patient, day=daily.last).mood
    assert np.isnan(np.delete(daily.values, [names.index("sleep_duration"), names.index("mood")], axis=0)).all()


def test_movement_of_a_watch_that_was_not_worn_long_enough_is_missing(patient):
    """Three days of 10 counts a minute: worn all day, until 18, and until 12 o'clock; then it counted none."""
    source = Source.objects.get(patient=patient)
    end = clock.midnight(daily_of(patient, days=3).last + timedelta(days=1), patient.tz)
    gaps = []
    for back, worn_h in ((3, 24), (2, 18), (1, 12)):
        start = end - timedelta(days=back)
        moments = np.arange(1440) < 60 * worn_h
        for day in {start.date(), (start + timedelta(days=1)).date()}:
            first = datetime.combine(day, time(), UTC)
            offset = int((start - first).total_seconds()) // 60
            block = np.full(1440, np.nan, dtype=np.float32)
            held = np.arange(max(0, offset), min(1440, offset + 1440))
            block[held] = 10.0 * moments[held - offset]
            row, _ = Signal.objects.get_or_create(
                patient=patient, source=source, channel="activity", day=day,
                defaults={"start": first, "epoch_s": 60, "samples": pack(block), "valid": len(held)},
            )  # fmt: skip
            both = np.where(np.isnan(block), unpack(row.samples), block)
            row.samples, row.valid = pack(both), int(np.isfinite(both).sum())
            row.save()
        if worn_h < 24:
            off = {"start": start + timedelta(hours=worn_h), "end": start + timedelta(days=1)}
            gaps.append({"reason": "non_wear", **{name: moment.isoformat() for name, moment in off.items()}})
    Analysis.objects.update(results={"quality": {"gaps": gaps}}, window_end=end)
    movement = daily_of(patient, days=3).values[list(BIOMETRICS).index("activity")]
    assert movement.tolist()[:2] == [10.0, 10.0]
    assert np.isnan(movement[2])


@pytest.mark.parametrize(("stream", "gone"), [("actigraphy", "sleep_duration"), ("questionnaires", "mood")])
@pytest.mark.parametrize("purpose", ["treatment", "models"])
def test_what_a_patient_withdraws_is_no_input(patient, stream, gone, purpose):
    record_consent(patient=patient, purpose=purpose, stream=stream, given=False, how="written", by=None)
    row = [*BIOMETRICS, *SYMPTOMS].index(gone)
    assert np.isnan(daily_of(patient, days=90).values[row]).all()


@pytest.mark.parametrize("purpose", ["treatment", "models"])
def test_what_a_patient_withdraws_is_no_input_of_a_forecast(patient, purpose):
    assert np.isfinite(check_ins_of(patient, days=90)[1]).any()
    record_consent(patient=patient, purpose=purpose, stream="questionnaires", given=False, how="written", by=None)
    assert np.isnan(check_ins_of(patient, days=90)[1]).all()


def test_the_link_that_is_there_is_found_and_its_record_replays(twin):
    component = services.current(twin)["biometric_correlation"]
    found = component.answer["symptoms"]["mood"]["sleep_duration"]
    assert (found["found"], found["lag"], found["exploratory"]) == (True, 0, False)
    assert found["low"] < found["r"] < found["high"]
    assert found["n"] == DAYS
    assert component.answer["symptoms"]["mood"]["heart_rate"]["abstained"] == "too_few_pairs"
    assert component.answer["symptoms"]["anxiety"]["sleep_duration"]["abstained"] == "too_few_pairs"
    assert replay(component.record, correlations.run).same
    altered = input_of(component.record).copy()
    altered[0] = altered[0][::-1]
    assert correlations.run(altered) != component.record.output


def test_nothing_new_makes_no_version_and_a_new_day_makes_one(twin, patient):
    assert twin.version == 1
    run_refresh(patient)
    twin.refresh_from_db()
    assert (twin.version, InferenceRecord.objects.count()) == (1, 1)
    CheckIn.objects.filter(patient=patient, day=daily_of(patient, days=90).last).update(mood=0)
    run_refresh(patient)
    twin.refresh_from_db()
    assert (twin.version, InferenceRecord.objects.count()) == (2, 2)
    first, second = (services.current(twin, version)["biometric_correlation"] for version in (1, 2))
    assert first.record_id != second.record_id
    assert first.since_version == 1


def test_a_failure_leaves_the_last_good_answer(twin, patient, monkeypatch):
    before = services.current(twin)["biometric_correlation"]
    CheckIn.objects.filter(patient=patient, day=daily_of(patient, days=90).last).update(mood=0)
    monkeypatch.setattr(correlations, "run", lambda array: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        correlate(patient.pk)
    twin.refresh_from_db()
    assert services.current(twin)["biometric_correlation"] == before
    assert twin.version == 1


@pytest.mark.parametrize("change", [{"stage": "retired"}, {"version": "0.0.0+other"}])
def test_a_model_that_does_not_serve_abstains_and_says_why(twin, patient, change):
    ModelVersion.objects.filter(name=correlations.NAME).update(**change)
    run_refresh(patient)
    twin.refresh_from_db()
    answer = services.current(twin)["biometric_correlation"].answer
    assert answer == Abstained("not_promoted" if "stage" in change else "weights_mismatch")


def test_a_patient_without_check_ins_has_no_correlations(ledger, make_patient, make_user, team):
    lonely = make_patient(team)
    install_correlation()
    install_forecaster()
    record_consent(patient=lonely, purpose="models", stream="questionnaires", given=True, how="written", by=None)
    twin = services.create_twin(patient=lonely, by=make_user("maker@clinic.test", "psychiatrist"))
    run_refresh(lonely)
    assert services.shown(twin, "biometric_correlation").why == Abstained("too_few_pairs", needed=30, got=0)


def test_one_twin_per_patient(twin, patient):
    with pytest.raises(services.TwinExists):
        services.create_twin(patient=patient, by=twin.created_by)
    assert Twin.objects.count() == 1


def test_events_ask_for_one_refresh_of_those_who_have_a_twin(twin, patient):
    Job.objects.all().delete()
    record_consent(patient=patient, purpose="research", stream="heart", given=True, how="written", by=None)
    record_consent(patient=patient, purpose="research", stream="body", given=True, how="written", by=None)
    assert Job.objects.filter(kind="twins.correlate", args={"patient_id": str(patient.pk)}).count() == 1
    assert services.is_refreshing(patient.pk)


def test_a_patient_without_a_twin_is_not_computed(patient):
    assert run_refresh(patient) is None
    assert not Component.objects.exists()
    assert not InferenceRecord.objects.exists()


def test_at_night_every_twin_of_yesterday_is_asked_for(twin, patient):
    from twins.jobs import nightly

    Job.objects.all().delete()
    nightly().store()
    assert not services.is_refreshing(patient.pk)
    Twin.objects.update(updated_at=clock.now() - timedelta(days=1))
    nightly().store()
    assert services.is_refreshing(patient.pk)


def test_of_two_recordings_of_a_night_the_one_worn_longer_counts(patient):
    night = Night.objects.filter(patient=patient).order_by("-date").first()
    source = Source.objects.create(patient=patient, kind="recording", device_type="actiwatch")
    analysis = Analysis.objects.create(
        patient=patient, source=source, window_start=clock.now() - timedelta(days=2), window_end=clock.now(),
        zone=patient.zone, device_type="actiwatch", methods={}, results={}, input_hash="1", code_version="0",
    )  # fmt: skip
    second = Night.objects.create(
        patient=patient, analysis=analysis, date=night.date, tst_min=100, worn_h=12, method="m"
    )
    row = list(BIOMETRICS).index("sleep_duration")
    assert daily_of(patient, days=90).values[row, -1] == night.tst_min
    Night.objects.filter(pk=night.pk).update(worn_h=11)
    assert daily_of(patient, days=90).values[row, -1] == second.tst_min


@pytest.fixture
def browser(twin, make_user, team) -> Client:
    from patients.services import join_team

    user = make_user("reader@clinic.test", "psychiatrist")
    join_team(team=team, user=user)
    client = Client()
    client.force_login(user)
    return client


def test_page_and_api_tell_the_same_and_withhold_the_same(browser, twin, patient):
    page, api = f"/patients/{patient.pk}/twin/", f"/api/v1/patients/{patient.pk}/biometric-correlations"
    told = browser.get(api, {"minimum_correlation": "0.5"}).json()
    assert [(row["biometric_type"], row["symptom_type"]) for row in told["correlations"]] == [
        ("sleep_duration", "mood")
    ]
    row = told["correlations"][0]
    assert told["reliability"] == "firm"
    assert told["biometric_coverage"]["sleep_duration"] == pytest.approx(DAYS / 90)
    assert told["insights"][0]["message"].startswith("Sleep duration above its usual goes with higher mood on the same")
    html = browser.get(page).content.decode()
    assert f"<strong>{row['correlation_strength']:.2f}</strong>" in html
    assert escape(told["insights"][0]["message"]) in html
    assert browser.get(api, {"minimum_correlation": "0.99"}).json()["correlations"] == []

    record_consent(patient=patient, purpose="models", stream="actigraphy", given=False, how="written", by=None)
    told = browser.get(api).json()
    assert told["correlations"] == told["insights"] == []
    assert told["abstentions"]["sleep_duration/mood"]["abstained"] == "consent_withheld"
    assert f"{row['correlation_strength']:.2f}" not in browser.get(page).content.decode()

    record_consent(patient=patient, purpose="treatment", stream="questionnaires", given=False, how="written", by=None)
    told = browser.get(api).json()
    assert told["abstentions"] == {"correlations": Abstained("consent_withheld").as_json()}
    assert "the patient has not consented" in browser.get(page).content.decode()


def test_provenance_shows_the_record_and_hides_it_from_others(browser, twin, patient, make_user):
    record = services.current(twin)["biometric_correlation"].record
    html = browser.get(f"/provenance/{record.pk}/").content.decode()
    assert record.input_hash in html
    assert html.count(f"{DAYS} of 90 days") == 2  # sleep and mood
    record_consent(patient=patient, purpose="models", stream="actigraphy", given=False, how="written", by=None)
    assert browser.get(f"/provenance/{record.pk}/").content.decode().count(f"{DAYS} of 90 days") == 1
    stranger = Client()
    stranger.force_login(make_user("stranger@clinic.test", "psychiatrist"))
    assert stranger.get(f"/provenance/{record.pk}/").status_code == 404
    record_consent(patient=patient, purpose="models", stream="questionnaires", given=False, how="written", by=None)
    assert browser.get(f"/provenance/{record.pk}/").status_code == 404


def test_the_api_makes_one_twin_and_refreshes_it(patient, make_user, team):
    from patients.services import join_team

    user = make_user("reader@clinic.test", "psychiatrist")
    join_team(team=team, user=user)
    client = Client()
    client.force_login(user)
    api = f"/api/v1/patients/{patient.pk}/digital-twin"
    assert client.get(api).status_code == 404
    serving = ModelVersion.objects.get(name=correlations.NAME)
    wrong = client.post(api, {"time_series_model_id": str(serving.pk)}, content_type="application/json")
    assert (wrong.status_code, wrong.json()["code"]) == (400, "not_promoted")
    made = client.post(api, {"biometric_model_id": str(serving.pk)}, content_type="application/json")
    assert (made.status_code, made.json()["version"], made.json()["refreshing"]) == (201, 0, True)
    again = client.post(api, {}, content_type="application/json")
    assert (again.status_code, again.json()["code"]) == (409, "twin_exists")
    run_refresh(patient)
    told = client.get(api).json()
    assert (told["version"], told["confidence_score"]) == (1, None)
    assert told["models"][0]["model_type"] == "biometric_correlation"
    assert told["models"][0]["id"] == str(serving.pk)
    assert "confidence_score" in told["abstentions"]
    assert client.get(api, {"version": 0}).json()["models"] == []
    assert client.get(api, {"version": 7}).status_code == 404
    asked = client.post("/api/v1/digital-twins/generate", {"patient_id": str(patient.pk)}, "application/json")
    assert asked.status_code == 202
    assert asked.json()["status_url"].endswith(api)
    assert asked.headers["Location"] == asked.json()["status_url"]


def test_a_course_of_a_medicine_within_the_window_is_taken_out_and_named(twin, patient):
    window = daily_of(patient, days=90)
    begins, ends = window.last - timedelta(days=40), window.last - timedelta(days=10)
    before = window.first - timedelta(days=30)
    for started, ended, precision, wrong in (
        (begins, ends, "day", False), (before, None, "day", False), (begins, None, "month", False),
        (begins, None, "day", True),
    ):  # fmt: skip
        Medication.objects.create(
            patient=patient, drug="sertraline", started_on=started, started_precision=precision, ended_on=ended,
            ended_precision="day" if ended else "", stop_reason="no_effect" if ended else "", entered_in_error=wrong,
        )  # fmt: skip
    Medication.objects.create(
        patient=patient, drug="lithium", started_on=begins, started_precision="day", ended_on=ends.replace(day=1),
        ended_precision="month", stop_reason="cost",
    )  # fmt: skip
    assert len(daily_of(patient, days=90).medication) == 0  # the patient has not allowed models to use it
    record_consent(patient=patient, purpose="models", stream="medication", given=True, how="written", by=None)
    courses = daily_of(patient, days=90).medication
    assert courses.shape == (1, 90)
    assert np.flatnonzero(np.diff(courses[0])).tolist() == [48, 79]
    run_refresh(patient)
    answer = services.current(twin)["biometric_correlation"].answer
    assert answer["courses"] == 1
    row = correlations_as_told(patient.pk, None, answer, None, 0.5)["insights"][0]
    assert "One medicine began or ended within the window and was taken out too." in row["message"]
    record_consent(patient=patient, purpose="treatment", stream="medication", given=False, how="written", by=None)
    assert services.correlations_shown(twin, services.shown(twin, "biometric_correlation"))["courses"] == 0
    record_consent(patient=patient, purpose="treatment", stream="medication", given=True, how="written", by=None)
    Medication.objects.filter(patient=patient).update(part2=True)
    assert len(daily_of(patient, days=90).medication) == 0


def test_reliability_is_that_of_what_was_found_and_small_q_is_not_zero(twin, patient):
    answer = services.current(twin)["biometric_correlation"].answer
    one = answer["symptoms"]["mood"]["sleep_duration"] | {"q": 1e-5, "found": True}
    weak = one | {"n": 40, "found": False, "exploratory": True}
    answer = answer | {"symptoms": {"mood": {"sleep_duration": one, "steps": weak}}}
    told = correlations_as_told(patient.pk, None, answer, None, 0.0)
    assert told["reliability"] == "firm"
    assert "q < 0.001" in told["insights"][0]["message"]
    answer["symptoms"]["mood"]["steps"] = weak | {"found": True}
    assert correlations_as_told(patient.pk, None, answer, None, 0.0)["reliability"] == "exploratory"


def run_forecast(patient: Patient) -> Any:
    return forecast(patient.pk).store()


def test_the_forecast_of_the_mood_is_of_the_coming_days_on_its_scale_and_replays(twin, patient):
    run_forecast(patient)
    component = services.current(twin)["symptom_forecast"]
    found = component.answer["mood"]
    assert (len(found["points"]), found["reliability"], found["days_known"]) == (14, "high", DAYS)
    for at, point in enumerate(found["points"]):
        ends = [found["low"]["95"][at], found["low"]["80"][at], point, found["high"]["80"][at], found["high"]["95"][at]]
        assert ends == sorted(ends)
        assert all(0 <= end <= 10 and end == round(end) for end in ends)
    assert component.record.window_end == clock.midnight(clock.now().astimezone(patient.tz).date(), patient.tz)
    version = component.record.model_version
    assert replay(component.record, forecasts.runner(version)).same
    before = component.record.output
    other = input_of(component.record).copy()
    other[1] = 10 - other[1]
    mirrored = forecasts.runner(version)(other)["mood"]
    assert mirrored["points"] != before["mood"]["points"]


def test_a_low_mood_is_forecast_low(ledger, make_patient, make_user, team):
    """The forecaster was trained on low mood, where 0 is none; a check-in's 0 is the worst."""
    install_forecaster()
    found = {}
    for level in (2, 8):
        made = make_patient(team)
        record_consent(patient=made, purpose="models", stream="questionnaires", given=True, how="written", by=None)
        services.create_twin(patient=made, by=make_user(f"maker{level}@clinic.test", "psychiatrist"))
        today = clock.now().astimezone(made.tz).date()
        for back in range(1, 41):
            day = today - timedelta(days=back)
            at = clock.midnight(day, made.tz) + timedelta(hours=9)
            CheckIn.objects.create(patient=made, at=at, by_patient=True, day=day, mood=level + back % 2)
        run_forecast(made)
        found[level] = services.current(made.twin)["symptom_forecast"].answer["mood"]
    assert max(found[2]["points"]) <= 4
    assert min(found[8]["points"]) >= 7
    assert max(found[2]["high"]["80"]) < 10
    assert min(found[8]["low"]["80"]) > 0


def test_below_seven_days_and_without_a_file_there_is_no_forecast(twin, patient, monkeypatch, tmp_path):
    from twins.forecasts import loaded

    monkeypatch.setattr(forecasts, "SHIPPED", tmp_path)
    loaded.cache_clear()
    run_forecast(patient)
    assert services.shown(twin, "symptom_forecast").why == Abstained("no_weights")
    (tmp_path / "forecaster.npz").write_bytes(b"not a forecaster")
    run_forecast(patient)
    assert services.shown(twin, "symptom_forecast").why == Abstained("weights_mismatch")
    kept = list(CheckIn.objects.filter(patient=patient).order_by("-day").values_list("pk", flat=True)[:6])
    CheckIn.objects.filter(patient=patient).exclude(pk__in=kept).update(mood=None)
    run_forecast(patient)
    assert services.shown(twin, "symptom_forecast").why == Abstained("too_few_days", needed=7, got=6)
    loaded.cache_clear()


def test_earlier_forecasts_are_held_against_what_was_said(twin, patient, monkeypatch):
    """Forecasts of 20 days ago and of today; of what came after, the share within the interval is counted by hand."""
    now = clock.now()
    monkeypatch.setattr(clock, "now", lambda: now - timedelta(days=20))
    run_forecast(patient)
    monkeypatch.setattr(clock, "now", lambda: now)
    run_forecast(patient)
    earlier = Component.objects.filter(kind="symptom_forecast").order_by("since_version").first()
    first = earlier.record.window_end.astimezone(patient.tz).date()
    found, record = earlier.answer["mood"], track_record(twin, "mood")
    said = {one.day: one.mood for one in CheckIn.objects.filter(patient=patient)}
    by_hand = [
        found["low"]["80"][at] <= said[first + timedelta(days=at)] <= found["high"]["80"][at] for at in range(14)
    ]
    assert record.n == 14
    assert [pair.held["80"] for pair in record.pairs] == by_hand
    with pytest.raises(Abstained, match="too_few_pairs"):
        record.mean_error()
    doubled = type(record)(record.pairs * 3)
    assert doubled.held("80") == sum(by_hand) / 14
    errors = [abs(found["points"][at] - said[first + timedelta(days=at)]) for at in range(14)]
    assert doubled.mean_error() == pytest.approx(sum(errors) / 14)


def test_another_patients_days_change_no_forecast(twin, patient, make_patient, team):
    run_forecast(patient)
    before = services.current(twin)["symptom_forecast"]
    other = make_patient(team)
    CheckIn.objects.create(patient=other, at=clock.now(), by_patient=True, day=clock.now().date(), mood=0)
    run_forecast(patient)
    assert services.current(twin)["symptom_forecast"] == before


def test_page_and_api_tell_the_same_forecast_and_withhold_it(browser, twin, patient):
    run_forecast(patient)
    page, api = f"/patients/{patient.pk}/twin/", f"/api/v1/patients/{patient.pk}/symptom-forecast"
    told = browser.get(api, {"symptom_type": "mood", "forecast_days": 3}).json()
    assert len(told["forecast_points"]) == told["forecast_days"] == 3
    assert told["forecast_points"][0]["date"] == str(clock.now().astimezone(patient.tz).date())
    assert (told["reliability"], told["confidence_score"], told["compared_forecasts"]) == ("high", None, 0)
    assert sum(told["contributing_models"].values()) == pytest.approx(1)
    html = browser.get(page).content.decode()
    assert re.search(r"Rests on \d+ days with a check-in", html)
    assert "Reliability" not in html  # no grade before it is known how earlier ones fared
    points = services.current(twin)["symptom_forecast"].answer["mood"]["points"]
    assert [one["value"] for one in browser.get(api).json()["forecast_points"]] == points
    assert browser.get(api, {"symptom_type": "anxiety"}).json()["abstentions"]["forecast_points"] == (
        Abstained("not_promoted").as_json()
    )
    assert browser.get(api, {"symptom_type": "phq9"}).status_code == 400
    assert browser.get(api, {"forecast_days": 15}).status_code == 400
    record_consent(patient=patient, purpose="models", stream="questionnaires", given=False, how="written", by=None)
    told = browser.get(api).json()
    assert told["forecast_points"] == []
    assert told["abstentions"]["forecast_points"] == Abstained("consent_withheld").as_json()
    assert "days with a check-in" not in browser.get(page).content.decode()
