"""What has changed, of one patient: kept, shown on the page, withheld with the consent, and an alert to nobody."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import numpy as np
import plotly.graph_objects as go
import pytest
from django.test import Client
from django.utils.html import escape

from novamind import clock
from novamind.audit.recording import recorded
from novamind.jobs.models import Job
from novamind.measures import Abstained
from novamind.registry.inference import replay
from novamind.registry.models import InferenceRecord, ModelVersion
from patients.consent import record_consent
from patients.models import Alert, CheckIn, Patient
from twins import changes, departures, services
from twins.installing import install_change
from twins.jobs import watch
from twins.models import Twin
from twins.science import change

pytestmark = pytest.mark.django_db
TURNED = 12


@pytest.fixture
def patient(make_patient: Any, team: Any) -> Any:
    """Seventeen weeks of check-ins; in the last twelve days mood falls by four points, energy stays."""
    with recorded(actor_label="system:test", request_id="test"):
        made = make_patient(team)
        install_change()
        record_consent(patient=made, purpose="models", stream="questionnaires", given=True, how="written", by=None)
        rng = np.random.default_rng(4)
        mood = np.round(7 + rng.standard_normal(changes.WINDOW_DAYS))
        mood[-TURNED:] -= 4
        energy = np.round(5 + rng.standard_normal(changes.WINDOW_DAYS))
        today = clock.now().astimezone(made.tz).date()
        for back in range(changes.WINDOW_DAYS):
            on = today - timedelta(days=changes.WINDOW_DAYS - back)
            CheckIn.objects.create(
                patient=made, at=clock.midnight(on, made.tz) + timedelta(hours=9), by_patient=True, day=on,
                mood=int(np.clip(mood[back], 0, 10)), energy=int(np.clip(energy[back], 0, 10)),
            )  # fmt: skip
        yield made


@pytest.fixture
def twin(patient: Patient, make_user: Any) -> Twin:
    made = services.create_twin(patient=patient, by=make_user("maker@clinic.test", "psychiatrist"))
    watch(patient.pk).store()
    made.refresh_from_db()
    return made


def test_the_days_of_the_science_are_those_that_are_fetched():
    assert (changes.BASELINE_DAYS, changes.LATELY_DAYS, changes.LEAST_BASELINE) == (
        change.BASELINE_DAYS, change.LATELY_DAYS, change.LEAST_BASELINE,
    )  # fmt: skip


def test_the_fall_is_told_with_its_day_and_its_record_replays(twin, patient):
    component = services.current(twin)["early_warning"]
    features = component.answer["features"]
    mood = features["mood"]
    assert (mood["changed"], features["energy"]["changed"], component.answer["watched"]) == (-1, 0, 2)
    turned = clock.now().astimezone(patient.tz).date() - timedelta(days=TURNED)
    assert abs((date.fromisoformat(mood["since"]) - turned).days) <= 2
    assert features["steps"]["abstained"] == "too_few_days"
    assert replay(component.record, changes.run).same
    words = departures.sentence("mood", mood)
    assert words.startswith("Mood has been lower since about ")
    assert f"{mood['now']:g} of 10, before {mood['median']:g} of 10" in words
    assert not Alert.objects.exists()


def test_the_clinics_load_is_part_of_the_input_and_moves_the_limit(twin, patient, settings):
    first = services.current(twin)["early_warning"].answer
    settings.CHANGE_ALERT_LOAD = 2.0
    watch(patient.pk).store()
    second = services.current(twin)["early_warning"].answer
    assert (first["load"], second["load"]) == (0.5, 2.0)
    assert second["limit"] < first["limit"]
    assert InferenceRecord.objects.filter(model_version__name=changes.NAME).count() == 2


def test_nothing_new_makes_no_version(twin, patient):
    before = twin.version
    watch(patient.pk).store()
    twin.refresh_from_db()
    assert twin.version == before


def test_a_patient_of_few_days_is_not_watched(make_patient, team, make_user):
    with recorded(actor_label="system:test", request_id="test"):
        young = make_patient(team)
        install_change()
        record_consent(patient=young, purpose="models", stream="questionnaires", given=True, how="written", by=None)
        twin = services.create_twin(patient=young, by=make_user("maker@clinic.test", "psychiatrist"))
        watch(young.pk).store()
        assert services.shown(twin, "early_warning").why == Abstained("too_few_days", needed=28, got=0)


@pytest.mark.parametrize("change_of", [{"stage": "retired"}, {"version": "0.0.0+other"}])
def test_a_method_that_does_not_serve_abstains_and_says_why(twin, patient, change_of):
    ModelVersion.objects.filter(name=changes.NAME).update(**change_of)
    watch(patient.pk).store()
    answer = services.current(twin)["early_warning"].answer
    assert answer == Abstained("not_promoted" if "stage" in change_of else "weights_mismatch")


def test_a_check_in_asks_for_it_anew(twin, patient):
    Job.objects.all().delete()
    record_consent(patient=patient, purpose="research", stream="heart", given=True, how="written", by=None)
    assert Job.objects.filter(kind="twins.watch", args={"patient_id": str(patient.pk)}).count() == 1


@pytest.fixture
def browser(twin: Twin, make_user: Any, team: Any) -> Client:
    from patients.services import join_team

    user = make_user("reader@clinic.test", "psychiatrist")
    join_team(team=team, user=user)
    client = Client()
    client.force_login(user)
    return client


def test_without_its_days_it_is_not_drawn_and_the_page_says_why(browser, twin, patient):
    component = services.current(twin)["early_warning"]
    InferenceRecord.objects.filter(pk=component.record_id).empty_inputs()
    page = browser.get(f"/patients/{patient.pk}/twin/")
    assert page.status_code == 200
    assert Abstained("not_kept").reason in page.content.decode()


def test_the_page_tells_it_and_withholds_it_and_the_api_lists_the_part(browser, twin, patient):
    page = f"/patients/{patient.pk}/twin/"
    component = services.current(twin)["early_warning"]
    sentence = departures.sentence("mood", component.answer["features"]["mood"])
    html = browser.get(page).content.decode()
    assert escape(sentence) in html
    assert "Watched and not changed: Energy." in html
    assert "research" in html
    assert "relapse" not in html.lower()
    told = browser.get(f"/api/v1/patients/{patient.pk}/digital-twin").json()["models"]
    assert [(one["model_type"], one["description"]) for one in told] == [("early_warning", "Own baseline left")]
    provenance = browser.get(f"/provenance/{component.record_id}/").content.decode()
    assert f"{changes.WINDOW_DAYS} of {changes.WINDOW_DAYS} days" in provenance
    record_consent(patient=patient, purpose="models", stream="questionnaires", given=False, how="written", by=None)
    assert escape(sentence) not in browser.get(page).content.decode()
    assert browser.get(f"/provenance/{component.record_id}/").status_code == 404


def test_a_stream_that_is_withdrawn_takes_its_series_along_and_leaves_the_others(twin, patient):
    record_consent(patient=patient, purpose="models", stream="actigraphy", given=True, how="written", by=None)
    record_consent(patient=patient, purpose="models", stream="questionnaires", given=False, how="written", by=None)
    features = services.changes_shown(twin, services.shown(twin, "early_warning"))["features"]
    assert features["mood"] == Abstained("consent_withheld").as_json()
    assert features["steps"]["abstained"] == "too_few_days"


def test_a_chart_of_a_change_is_valid_and_shows_before_and_lately(twin, patient):
    from twins.charts import departure

    one = services.current(twin)["early_warning"].answer["features"]["mood"]
    values = np.arange(changes.WINDOW_DAYS, dtype=float)
    values[3] = np.nan
    drawn = departure("mood", date(2026, 1, 1), values, one)
    before, lately = go.Figure(drawn).data
    assert (len(before.x), len(lately.x)) == (changes.BASELINE_DAYS, changes.LATELY_DAYS)
    assert len(drawn["layout"]["meta"]["table"]["rows"]) == changes.WINDOW_DAYS - 1
    assert [shape["type"] for shape in drawn["layout"]["shapes"]] == ["rect", "line"]


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [("sleep_duration", 310.0, "5 h 10 min"), ("midsleep", -0.5, "23:30"), ("sleep_efficiency", 0.85, "85 %"),
     ("mood", 6.0, "6 of 10"), ("heart_rate", 71.0, "71.0 bpm")],
)  # fmt: skip
def test_amounts_are_written_as_everywhere(name, value, words):
    assert departures.amount(name, value) == words


@pytest.mark.parametrize(
    ("by", "words", "exact"),
    [
        (-13.0, "(medians), 13 times the usual day-to-day spread.", "here by \u221213.00 median absolute deviations"),
        (
            None,
            "(medians), when at least half of the days were the same.",
            "no median absolute deviation to count it in",
        ),
    ],
)
def test_how_far_it_is_is_told_in_plain_words_and_exactly_beneath(by, words, exact):
    one = {"changed": -1, "since": "2027-05-03", "now": 3.0, "median": 9.0, "by": by}
    assert departures.sentence("mood", one).endswith(words)
    assert departures.exact_size(one).startswith(exact)


def test_a_middle_of_sleep_is_later_and_not_higher():
    one = {"changed": 1, "since": "2027-05-03", "now": 4.5, "median": 3.0, "by": 2.25}
    assert departures.sentence("midsleep", one) == (
        "Middle of sleep has been later since about Mon 3 May 2027: 04:30, before 03:00 (medians), 2.2 times the "
        "usual day-to-day spread."
    )
