"""What-if: asked on the page and over the API, answered by a worker, and never a number without days."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import numpy as np
import pytest
from django.test import Client
from django.utils.html import escape

from actigraphy.models import Analysis, Night, Source
from novamind import clock
from novamind.audit.models import AuditEvent
from novamind.audit.recording import recorded
from novamind.jobs.models import Job
from novamind.measures import Abstained
from novamind.registry.inference import input_of, replay
from novamind.registry.models import InferenceRecord, ModelVersion
from patients.consent import record_consent
from patients.models import CheckIn, Medication, Patient
from patients.services import join_team
from twins.installing import install_what_if
from twins.jobs import what_if
from twins.models import Twin, WhatIf
from twins.whatif import model
from twins.whatif.asking import Answered, ask, shown
from twins.whatif.overlap import ENOUGH, similar_patients

pytestmark = pytest.mark.django_db
DAYS = 60


@pytest.fixture(autouse=True)
def ledger():
    with recorded(actor_label="system:test", request_id="test"):
        yield


def live(patient: Patient, *, days: int = DAYS, slept: float = 420, mood: float = 5, effect: float = 1.0) -> Patient:
    """Days that are over, in which each hour of sleep above the usual lifts the next mood; and models may use them."""
    for stream in ("actigraphy", "questionnaires"):
        record_consent(patient=patient, purpose="models", stream=stream, given=True, how="written", by=None)
    rng = np.random.default_rng(4)
    more = rng.standard_normal(days)
    moods = np.clip(np.round(mood + effect * more + 0.8 * rng.standard_normal(days)), 0, 10)
    today = clock.now().astimezone(patient.tz).date()
    source = Source.objects.create(patient=patient, kind="recording", device_type="actiwatch")
    analysis = Analysis.objects.create(
        patient=patient, source=source, window_start=clock.now() - timedelta(days=days), window_end=clock.now(),
        zone=patient.zone, device_type="actiwatch", methods={}, results={}, input_hash="0", code_version="0",
    )  # fmt: skip
    mornings = [today - timedelta(days=days - at) for at in range(days)]
    Night.objects.bulk_create(
        Night(patient=patient, analysis=analysis, date=morning - timedelta(days=1), tst_min=slept + 60 * more[at],
              midsleep=3.0 + 0.5 * np.sin(at), worn_h=24, method="m")
        for at, morning in enumerate(mornings)
    )  # fmt: skip
    CheckIn.objects.bulk_create(
        CheckIn(patient=patient, at=clock.midnight(morning, patient.tz) + timedelta(hours=9), by_patient=True,
                day=morning, mood=int(moods[at]))
        for at, morning in enumerate(mornings)
    )  # fmt: skip
    return patient


@pytest.fixture
def asker(make_user: Any, team: Any) -> Any:
    user = make_user("asker@clinic.test", "psychiatrist")
    join_team(team=team, user=user)
    return user


@pytest.fixture
def patient(make_patient: Any, team: Any) -> Patient:
    install_what_if()
    made = live(make_patient(team))
    Twin.objects.create(patient=made)
    return made


@pytest.fixture
def browser(asker: Any) -> Client:
    client = Client()
    client.force_login(asker)
    return client


def answered(patient: Patient, by: Any, **asked: Any) -> WhatIf:
    made = ask(patient=patient, by=by, days=14, **asked)
    what_if(made.pk).store()
    made.refresh_from_db()
    return made


def test_the_page_asks_a_worker_answers_and_page_and_api_tell_the_same(browser, patient):
    page, api = f"/patients/{patient.pk}/twin/", f"/api/v1/patients/{patient.pk}/what-if"
    sent = browser.post(page + "what-if/", {"sleep_min": "60", "days": "14"})
    assert (sent.status_code, sent.headers["Location"]) == (302, page + "#what-if")
    asked = WhatIf.objects.get()
    assert "Being computed" in browser.get(page).content.decode()
    assert browser.get(f"{api}/{asked.pk}").json()["state"] == "waiting"
    what_if(asked.pk).store()
    asked.refresh_from_db()
    found = asked.record.output
    assert found["told"]
    assert 0.5 < found["low"] < found["median"] < found["high"] < 1.5
    told = browser.get(f"{api}/{asked.pk}").json()
    assert (told["state"], told["similar_patients"], told["overlap"]) == ("answered", 0, "poor")
    assert told["result"]["median"] == found["median"]
    assert told["result"]["own_days"] == int(np.sum(_slept(patient) >= _slept(patient).mean() + 1))
    assert [one["with_median"] for one in told["points"]] == found["course"]["with"]["median"]
    assert told["points"][0]["date"] == str(clock.now().astimezone(patient.tz).date())
    html = browser.get(page).content.decode()
    assert escape(told["result"]["message"]) in html
    assert "more sleep, each of the next 14 days" in html
    assert "0 similar patients; poor overlap: do not use" in html
    assert escape(told["label"]) in html
    events = AuditEvent.objects.filter(event_type="CLINICAL_DECISION_SUPPORT")
    assert events.filter(object_label="twins.WhatIf", object_id=str(asked.pk)).exists()
    assert events.filter(object_label="model what-if").exists()


def _slept(patient: Patient) -> np.ndarray:
    return np.array(Night.objects.filter(patient=patient).values_list("tst_min", flat=True), dtype=np.float32) / 60


def test_the_record_replays_and_the_same_question_is_recalled(patient, asker):
    first, second = answered(patient, asker, sleep_min=60), answered(patient, asker, sleep_min=60)
    assert first.record_id == second.record_id
    assert replay(first.record, model.run).same
    altered = input_of(first.record).copy()
    altered[2, -DAYS:] = altered[2, -DAYS:][::-1]
    assert model.run(altered) != first.record.output
    assert answered(patient, asker, sleep_min=-60).record.output["median"] < 0 < first.record.output["median"]


def test_where_sleep_has_no_effect_the_days_cannot_say(make_patient, team, asker, browser):
    install_what_if()
    even = live(make_patient(team), effect=0.0)
    Twin.objects.create(patient=even)
    found = answered(even, asker, sleep_min=60).record.output
    assert not found["told"]
    assert found["low"] < 0 < found["high"]
    assert "cannot say which way" in browser.get(f"/patients/{even.pk}/twin/").content.decode()


@pytest.mark.parametrize(
    ("asked", "code"),
    [
        ({"sleep_min": 180}, "indeterminate"),  # never lived
        ({"activity_percent": 20}, "indeterminate"),  # low mood lowers movement
        ({"drug": "sertraline"}, "consent_withheld"),  # of medicines
    ],
)
def test_what_the_days_do_not_hold_is_not_simulated(browser, patient, asker, asked, code):
    row = answered(patient, asker, **asked)
    assert row.record is None
    assert row.abstention["abstained"] == code
    told = browser.get(f"/api/v1/patients/{patient.pk}/what-if/{row.pk}").json()
    assert (told["state"], told["result"], told["points"], told["similar_patients"]) == ("abstained", None, [], None)
    assert told["abstentions"]["result"]["abstained"] == code
    html = browser.get(f"/patients/{patient.pk}/twin/").content.decode()
    assert "Nothing is simulated: " in html
    assert not InferenceRecord.objects.exists()


def test_few_days_and_a_model_that_does_not_serve_say_so(patient, asker):
    Night.objects.filter(patient=patient).order_by("date").first().delete()
    kept = list(CheckIn.objects.filter(patient=patient).order_by("-day").values_list("pk", flat=True)[:41])
    CheckIn.objects.filter(patient=patient).exclude(pk__in=kept).update(mood=None)
    assert answered(patient, asker, sleep_min=60).abstention == (Abstained("too_few_days", needed=42, got=41).as_json())
    ModelVersion.objects.filter(name=model.NAME).update(stage="retired")
    assert answered(patient, asker, sleep_min=60).abstention["abstained"] == "not_promoted"
    ModelVersion.objects.filter(name=model.NAME).update(stage="production", version="0.0.0+other")
    assert answered(patient, asker, sleep_min=60).abstention["abstained"] == "weights_mismatch"


def test_where_mood_is_not_where_it_was_no_course_is_drawn_that_the_forecast_denies(browser, patient, asker):
    today = clock.now().astimezone(patient.tz).date()
    since = CheckIn.objects.filter(patient=patient, day__gte=today - timedelta(days=14))
    for row in since.order_by("day"):  # more sleep still lifts it: the science alone would answer
        CheckIn.objects.filter(pk=row.pk).update(mood=min(row.mood + 4, 9))
    row = answered(patient, asker, sleep_min=60)
    assert row.record is None
    assert row.abstention["abstained"] == "indeterminate"
    assert "mood has left its own baseline since about" in row.abstention["reason"]
    assert "Nothing is simulated: " in browser.get(f"/patients/{patient.pk}/twin/").content.decode()


def test_where_it_is_not_watched_whether_mood_is_where_it_was_nothing_is_simulated(make_patient, team, asker):
    install_what_if()
    fewer = live(make_patient(team), days=50)  # 22 before the four weeks that are watched
    Twin.objects.create(patient=fewer)
    assert answered(fewer, asker, sleep_min=60).abstention == Abstained("too_few_days", needed=28, got=22).as_json()


def test_of_a_medicine_the_model_says_why_it_says_nothing(patient, asker):
    record_consent(patient=patient, purpose="models", stream="medication", given=True, how="written", by=None)
    said = answered(patient, asker, drug="sertraline").abstention
    assert "none of the patient's last 120 days was one with" in said["reason"]
    begun = clock.now().date() - timedelta(days=20)
    labelled = Medication.objects.create(
        patient=patient, drug="sertraline", started_on=begun, started_precision="day", part2=True
    )
    assert answered(patient, asker, drug="sertraline").abstention == said
    Medication.objects.filter(pk=labelled.pk).update(part2=False)
    assert (
        "was begun because of how the patient was" in answered(patient, asker, drug="sertraline").abstention["reason"]
    )


def test_an_answer_that_knew_of_medicines_ends_with_their_consent(patient, asker):
    row = answered(patient, asker, sleep_min=60)
    assert row.record.output["courses"] == 0
    streams = {"actigraphy", "questionnaires"}
    assert shown(row, streams).why is None
    row.record.output["courses"] = 1
    assert shown(row, streams | {"medication"}).why is None
    assert shown(row, streams) == Answered(row, {}, Abstained("consent_withheld"), None)


@pytest.mark.parametrize(("purpose", "stream"), [("treatment", "questionnaires"), ("models", "actigraphy")])
def test_what_is_withdrawn_is_shown_nowhere_and_asked_of_no_model(browser, patient, asker, purpose, stream):
    row = answered(patient, asker, sleep_min=60)
    number = f"{row.record.output['median']:.2f}"
    assert number in browser.get(f"/patients/{patient.pk}/twin/").content.decode()
    assert browser.get(f"/provenance/{row.record_id}/").status_code == 200
    record_consent(patient=patient, purpose=purpose, stream=stream, given=False, how="written", by=None)
    assert shown(row).why == Abstained("consent_withheld")
    assert number not in browser.get(f"/patients/{patient.pk}/twin/").content.decode()
    told = browser.get(f"/api/v1/patients/{patient.pk}/what-if/{row.pk}").json()
    assert (told["result"], told["points"], told["record_id"]) == (None, [], None)
    assert browser.get(f"/provenance/{row.record_id}/").status_code == 404
    assert answered(patient, asker, sleep_min=60).abstention["abstained"] == "consent_withheld"


def test_similar_are_those_whom_the_asker_may_see_who_allow_it_and_lived_it(
    patient, asker, make_patient, team, other_team
):
    like = [live(make_patient(team), days=30) for _ in range(2)]
    live(make_patient(other_team), days=30)  # hidden from the asker
    live(make_patient(team), days=30, mood=9, effect=0.1)  # usually better
    live(make_patient(team), days=30, slept=540)  # sleeps longer
    live(make_patient(team), days=13)  # hardly known
    asked = {"sleep_duration": 1.0}
    assert similar_patients(patient, asker, asked) == 2
    assert similar_patients(patient, asker, {"sleep_duration": 4.0}) == 0
    record_consent(patient=like[0], purpose="models", stream="actigraphy", given=False, how="written", by=None)
    assert similar_patients(patient, asker, asked) == 1
    CheckIn.objects.filter(patient=patient).update(mood=None)
    with pytest.raises(Abstained, match="indeterminate"):
        similar_patients(patient, asker, asked)


@pytest.mark.parametrize(("similar", "said"), [(ENOUGH - 1, "poor"), (ENOUGH, "enough")])
def test_overlap_is_called_poor_below_a_number_that_stands_beside_it(browser, patient, asker, similar, said):
    row = answered(patient, asker, sleep_min=60)
    WhatIf.objects.filter(pk=row.pk).update(similar=similar)
    told = browser.get(f"/api/v1/patients/{patient.pk}/what-if/{row.pk}").json()
    assert (told["similar_patients"], told["overlap"]) == (similar, said)
    html = browser.get(f"/patients/{patient.pk}/twin/").content.decode()
    assert (f"{similar} similar patients; poor overlap: do not use" in html) == (said == "poor")
    _, section = html.split('id="what-if"', 1)
    before, after = section.split(escape(told["result"]["message"]), 1)
    folded = before.rfind("<details") > before.rfind("</details>")
    assert folded == (said == "poor")  # a number that is not to be used is not what the eye meets first
    assert before.endswith("<strong>") == (said == "enough")
    assert after.split("</figure>")[1].lstrip().startswith("</details>") == folded


def test_the_api_takes_a_question_once_and_refuses_what_is_none(browser, patient):
    api = f"/api/v1/patients/{patient.pk}/what-if"
    key = {"headers": {"Idempotency-Key": "one"}}
    first = browser.post(api, {"sleep_change_min": 30}, "application/json", **key)
    again = browser.post(api, {"sleep_change_min": 30}, "application/json", **key)
    assert (first.status_code, again.status_code) == (202, 202)
    assert first.json()["id"] == again.json()["id"]
    assert first.headers["Location"] == first.json()["status_url"]
    assert first.headers["Location"].endswith(f"{api}/{first.json()['id']}")
    for wrong in (
        {}, {"sleep_change_min": 0}, {"sleep_change_min": 181}, {"drug": "sertraline", "sleep_shift_min": 30},
        {"drug": "nothing"}, {"activity_change_percent": 20, "days": 29},
    ):  # fmt: skip
        assert browser.post(api, wrong, "application/json").status_code == 400
    assert browser.post(f"/patients/{patient.pk}/twin/what-if/", {"days": "14"}).status_code == 422
    assert WhatIf.objects.count() == 1
    Twin.objects.all().delete()
    assert browser.post(api, {"sleep_change_min": 30}, "application/json").status_code == 404


def test_a_question_whose_work_failed_says_so(browser, patient, asker):
    row = ask(patient=patient, by=asker, days=14, sleep_min=60)
    Job.objects.update(state=Job.State.QUARANTINED)
    assert shown(row).why == Abstained("failed")
    assert "the computation failed" in browser.get(f"/patients/{patient.pk}/twin/").content.decode()
