"""What the twin says, quoted with its record: never more than the twin shows, and gone with its consent."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import numpy as np
import pytest

from actigraphy.models import Analysis, Night, Source
from insights import services
from insights.jobs import derive
from insights.models import Insight
from insights.rules import twin as rule
from insights.statements import Tier
from novamind import clock
from novamind.audit.recording import recorded
from patients.consent import record_consent
from patients.models import CheckIn, Patient
from twins.changes import WINDOW_DAYS
from twins.departures import sentence
from twins.installing import install_change, install_correlation, install_forecaster
from twins.jobs import correlate, forecast, watch
from twins.models import Twin
from twins.services import create_twin, current

pytestmark = pytest.mark.django_db
FALLEN_DAYS = 12


@pytest.fixture
def patient(make_patient: Any, team: Any) -> Any:
    """Seventeen weeks in which mood follows sleep; energy falls by four points in the last twelve days."""
    with recorded(actor_label="system:test", request_id="test"):
        made = make_patient(team)
        for install in (install_change, install_correlation, install_forecaster):
            install()
        for stream in ("actigraphy", "questionnaires"):
            record_consent(patient=made, purpose="models", stream=stream, given=True, how="written", by=None)
        rng = np.random.default_rng(4)
        slept = 420 + 60 * rng.standard_normal(WINDOW_DAYS)
        mood = np.clip(np.round(5 + (slept - 420) / 40 + rng.standard_normal(WINDOW_DAYS)), 0, 10)
        energy = np.clip(np.round(7 + rng.standard_normal(WINDOW_DAYS)), 0, 10)
        energy[-FALLEN_DAYS:] -= 4
        source = Source.objects.create(patient=made, kind="recording", device_type="actiwatch")
        analysis = Analysis.objects.create(
            patient=made, source=source, window_start=clock.now() - timedelta(days=WINDOW_DAYS),
            window_end=clock.now(), zone=made.zone, device_type="actiwatch", methods={}, results={}, input_hash="0",
            code_version="0",
        )  # fmt: skip
        today = clock.now().astimezone(made.tz).date()
        for back in range(WINDOW_DAYS):
            on = today - timedelta(days=WINDOW_DAYS - back)
            Night.objects.create(
                patient=made, analysis=analysis, date=on - timedelta(days=1), tst_min=slept[back], worn_h=24, method="m"
            )
            CheckIn.objects.create(
                patient=made, at=clock.midnight(on, made.tz) + timedelta(hours=9), by_patient=True, day=on,
                mood=int(mood[back]), energy=int(max(energy[back], 0)),
            )  # fmt: skip
        yield made


@pytest.fixture
def twin(patient: Patient, make_user: Any) -> Twin:
    made = create_twin(patient=patient, by=make_user("maker@clinic.test", "psychiatrist"))
    for part in (watch, correlate, forecast):
        part(patient.pk).store()
    made.refresh_from_db()
    return made


def rows(patient: Patient) -> dict[str, Insight]:
    derive(patient.pk).store()
    return {row.key: row for row in services.insights_of(patient)}


def test_without_a_twin_nothing_is_quoted(patient):
    assert not any(key.startswith(("correlation:", "forecast:")) for key in rows(patient))


def test_what_left_its_baseline_is_one_statement_in_the_words_and_numbers_of_the_twin(twin, patient):
    component = current(twin)["early_warning"]
    found = rows(patient)
    assert sentence("energy", component.answer["features"]["energy"]) in found["energy:lower"].said["description"]
    assert sum("Energy" in row.said["description"] for row in found.values()) == 1


def test_a_link_that_stands_is_quoted_with_its_record_and_false_discovery_rate(twin, patient):
    component = current(twin)["biometric_correlation"]
    row = rows(patient)["correlation:sleep_duration:mood"]
    kept = component.answer["symptoms"]["mood"]["sleep_duration"]
    assert row.confidence == pytest.approx(1 - kept["q"])
    assert row.said["evidence"][0]["value"] == pytest.approx(kept["r"])
    assert row.record_id == component.record_id
    assert "Sleep duration above its usual goes with higher mood" in row.said["description"]


def test_what_models_may_not_use_any_more_is_quoted_to_nobody(twin, patient):
    assert "correlation:sleep_duration:mood" in rows(patient)
    record_consent(patient=patient, purpose="models", stream="questionnaires", given=False, how="written", by=None)
    left = {row.key for row in services.insights_of(patient)}
    assert not any(key.startswith(("correlation:", "forecast:")) for key in left)


@pytest.mark.parametrize("turned", [False, True])
def test_no_forecast_is_held_against_two_weeks_in_which_mood_left_its_baseline(twin, patient, monkeypatch, turned):
    told = rule.forecast_as_told

    def moved(*args: Any) -> Any:
        found = told(*args)
        last = found["forecast_points"][-1] | {"value": 8.4, "confidence_lower": 7.6, "confidence_upper": 9.2}
        return found | {"forecast_points": [last]}

    monkeypatch.setattr(rule, "forecast_as_told", moved)
    today = clock.now().astimezone(patient.tz).date()
    CheckIn.objects.filter(patient=patient, day__gte=today - timedelta(days=20)).update(mood=5)
    if turned:
        CheckIn.objects.filter(patient=patient, day__gte=today - timedelta(days=9)).update(mood=0)
    found = rows(patient)
    assert ("mood:lower" in found) == turned
    assert ("forecast:mood:higher" in found) == (not turned)


@pytest.mark.parametrize(
    ("low", "value", "high", "key"),
    [
        (7.6, 8.4, 9.2, "forecast:mood:higher"),
        (0.4, 1.2, 2.3, "forecast:mood:lower"),
        (2.0, 5.0, 8.0, None),
        (5.04, 6.0, 7.0, None),  # reads as 5.0 to 7.0, which holds the usual 5
    ],
)
def test_a_forecast_is_said_where_it_leaves_the_usual_and_neither_way_is_good_news(
    twin, patient, monkeypatch, low, value, high, key
):
    told = rule.forecast_as_told

    def moved(*args: Any) -> Any:
        found = told(*args)
        last = found["forecast_points"][-1] | {"value": value, "confidence_lower": low, "confidence_upper": high}
        return found | {"forecast_points": [last]}

    monkeypatch.setattr(rule, "forecast_as_told", moved)
    CheckIn.objects.filter(patient=patient, day__gte=clock.now().date() - timedelta(days=20)).update(mood=5)
    found = {one: row for one, row in rows(patient).items() if one.startswith("forecast:")}
    assert set(found) == ({key} if key else set())
    for row in found.values():
        assert row.tier == Tier.LOOK
        assert f"{value:.1f} of 10 in 14 days (80 % interval {low:.1f} to {high:.1f})" in row.said["description"]
        assert row.record_id == current(twin)["symptom_forecast"].record_id
