"""What to expect of a course: served once promoted, of the clinic's own training, and gone with the consent."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from novamind.audit.models import AuditEvent, EventType
from novamind.audit.recording import recorded
from novamind.jobs.models import Job
from novamind.measures import Abstained
from novamind.registry.inference import replay
from novamind.registry.models import InferenceRecord, ModelVersion
from novamind.registry.services import move
from patients.consent import record_consent
from patients.models import Patient
from patients.services import join_team
from twins.jobs import treatment
from twins.response import serving
from twins.response.installing import install_file
from twins.science.treatment import TARGETS
from twins.tests.treated import allow, begin, fill_in, of_a_clinic, write

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def ledger():
    with recorded(actor_label="system:test", request_id="test"):
        yield


@pytest.fixture
def clinician(make_user: Any, team: Any) -> Any:
    user = make_user("advises@clinic.test", "psychiatrist")
    join_team(team=team, user=user)
    return user


@pytest.fixture
def patient(make_patient: Any, team: Any) -> Patient:
    """A course of 20 days ago, after a total of 16."""
    made = make_patient(team)
    allow(made)
    begin(made, 20)
    fill_in(made, 22, [2] * 9)
    return made


@pytest.fixture
def promoted(models: Any, tmp_path: Path) -> dict[str, ModelVersion]:
    return promote({target: of_a_clinic(model) for target, model in models.items()}, tmp_path)


def promote(models: dict[str, Any], folder: Path) -> dict[str, ModelVersion]:
    made = {}
    for target, model in models.items():
        draft, _ = install_file(write(model, folder), by="operator:test", reason="Trained here")
        made[target] = move(draft, to=ModelVersion.Stage.PRODUCTION, by="operator:test", reason="Good enough")
    return made


def run(patient: Patient) -> None:
    treatment(patient.pk).store()


def told(patient: Patient, clinician: Any, signed_in: Any) -> dict[str, Any]:
    return dict(signed_in(clinician).get(f"/api/v1/patients/{patient.pk}/medication-response").json())


def codes(patient: Patient) -> set[str]:
    (one,) = serving.expected(patient)
    return {answer.code for answer in one.said.values() if isinstance(answer, Abstained)}


def test_without_a_promoted_model_nothing_is_said_and_nothing_computed(patient, models, tmp_path):
    assert codes(patient) == {"not_promoted"}
    for model in models.values():
        install_file(write(of_a_clinic(model), tmp_path), by="operator:test", reason="Trained here")
    run(patient)
    assert codes(patient) == {"not_promoted"}
    assert not InferenceRecord.objects.exists()


def test_a_model_of_simulated_people_is_promoted_and_still_serves_nobody(patient, models, tmp_path):
    promote(models, tmp_path)
    run(patient)
    assert codes(patient) == {"not_promoted"}
    assert not InferenceRecord.objects.exists()


def test_promoted_it_is_computed_once_per_input_and_replays(patient, promoted):
    assert codes(patient) == {"indeterminate"}
    run(patient)
    (one,) = serving.expected(patient)
    assert set(one.said) == set(TARGETS)
    for target, record in one.said.items():
        assert record.model_version == promoted[target]
        assert replay(record, serving.runner(record.model_version)).same
    assert 0 < one.said["response"].output["value"] < 1
    assert 0 < one.said["risk"].output["value"] < 1
    outcome = one.said["outcome"].output
    assert 0 <= outcome["low"] <= outcome["value"] <= outcome["high"] <= 24
    run(patient)
    assert InferenceRecord.objects.count() == len(TARGETS)
    kinds = AuditEvent.objects.filter(event_type=EventType.MODEL_INFERENCE)
    assert kinds.count() == 2 * len(TARGETS)


@pytest.mark.usefixtures("promoted")
def test_item_9_moves_no_answer(patient):
    run(patient)
    fill_in(patient, 21, [2] * 8 + [3])
    (one,) = serving.expected(patient)
    assert all(isinstance(answer, InferenceRecord) for answer in one.said.values())


@pytest.mark.usefixtures("promoted")
def test_what_changes_the_chart_before_the_start_asks_anew_and_what_comes_later_does_not(patient):
    run(patient)
    fill_in(patient, 5, [0] * 9)
    assert codes(patient) == set()
    fill_in(patient, 21, [3] * 9)
    assert codes(patient) == {"indeterminate"}
    run(patient)
    assert codes(patient) == set()
    assert InferenceRecord.objects.count() == 2 * len(TARGETS)


@pytest.mark.usefixtures("promoted")
@pytest.mark.parametrize("stream", ["medication", "questionnaires"])
def test_what_is_withdrawn_is_gone_at_once_and_computed_no_more(patient, stream):
    run(patient)
    allow(patient, stream, given=False)
    assert codes(patient) == {"consent_withheld"}
    run(patient)
    assert InferenceRecord.objects.count() == len(TARGETS)


@pytest.mark.usefixtures("promoted")
def test_without_a_total_before_the_start_only_the_early_stop_is_told(make_patient, team):
    bare = make_patient(team)
    allow(bare)
    begin(bare, 20)
    run(bare)
    (one,) = serving.expected(bare)
    assert isinstance(one.said["risk"], InferenceRecord)
    for target in ("response", "outcome"):
        assert "no whole questionnaire" in one.said[target].reason


@pytest.mark.parametrize(
    ("back", "more"),
    [(85, {}), (-1, {}), (20, {"part2": True}), (20, {"entered_in_error": True}), (20, {"started_precision": "month"}),
     (20, {"drug": "", "drug_text": "a herb"})],
)  # fmt: skip
def test_only_coded_courses_that_go_on_and_began_lately_are_asked_about(make_patient, team, back, more):
    other = make_patient(team)
    allow(other)
    begin(other, back, **more)
    assert serving.expected(other) == []


@pytest.mark.usefixtures("promoted")
def test_a_file_that_was_changed_says_nothing(patient, promoted, settings: Any):
    serving.loaded.cache_clear()
    (settings.PAT_WEIGHTS_DIR / promoted["risk"].weights_file).write_bytes(b"another")
    run(patient)
    (one,) = serving.expected(patient)
    assert one.said["risk"].code == "weights_mismatch"
    assert isinstance(one.said["response"], InferenceRecord)


@pytest.mark.usefixtures("promoted")
def test_over_the_api_it_is_asked_for_and_read(patient, clinician, signed_in):
    client = signed_in(clinician)
    asked = client.post(f"/api/v1/patients/{patient.pk}/medication-response")
    assert (asked.status_code, asked["Location"]) == (202, asked.json()["status_url"])
    assert Job.objects.filter(kind="twins.treatment").count() == 1
    assert {one["abstained"] for one in told(patient, clinician, signed_in)["courses"][0]["abstentions"].values()} == {
        "waiting"
    }
    run(patient)
    course = told(patient, clinician, signed_in)["courses"][0]
    assert (course["medication"], course["abstentions"]) == ("sertraline", {})
    assert set(course["predictions"]) == set(TARGETS)
    assert course["predictions"]["outcome"]["unit"] == "points"
    assert course["predictions"]["outcome"]["instrument"].startswith("PHQ-8")
    assert course["predictions"]["response"]["low"] is None


def test_over_the_api_each_null_has_its_reason(patient, clinician, signed_in):
    found = told(patient, clinician, signed_in)
    course = found["courses"][0]
    assert course["predictions"] == dict.fromkeys(TARGETS)
    assert {one["abstained"] for one in course["abstentions"].values()} == {"not_promoted"}
    assert "no score of suicide" in found["disclaimer"]


def test_without_consent_to_medication_no_course_is_named(patient, clinician, signed_in):
    """Also where no model serves: the rest of the page names none either."""
    record_consent(patient=patient, purpose="treatment", stream="medication", given=False, how="spoken", by=None)
    found = told(patient, clinician, signed_in)
    assert (found["courses"], found["abstentions"]["courses"]["abstained"]) == ([], "consent_withheld")
    shown = page(signed_in(clinician), patient)
    assert "Nothing is predicted: the patient has not consented to this use" in shown
    assert "sertraline</" not in shown.split("What to expect of a course")[1]


def page(client: Client, patient: Patient) -> str:
    return client.get(f"/patients/{patient.pk}/twin/medication/").content.decode()


def test_the_page_says_why_nothing_is_predicted(patient, clinician, signed_in, make_patient, team):
    client = signed_in(clinician)
    shown = page(client, patient)
    assert "no model of this kind is in production" in shown
    assert "medication/response/" not in shown
    assert "Nothing is predicted" in page(client, make_patient(team))


@pytest.mark.usefixtures("promoted")
def test_the_page_asks_and_shows_with_where_it_comes_from(patient, clinician, signed_in):
    client = signed_in(clinician)
    assert "medication/response/" in page(client, patient)
    assert client.post(f"/patients/{patient.pk}/twin/medication/response/").status_code == 302
    run(patient)
    shown = page(client, patient)
    assert "80 % interval" in shown
    (one,) = serving.expected(patient)
    for record in one.said.values():
        assert f"/provenance/{record.pk}/" in shown
        source = client.get(f"/provenance/{record.pk}/")
        assert source.status_code == 200
        assert "no score of suicide" in source.content.decode()
    allow(patient, "medication", given=False)
    assert client.get(f"/provenance/{record.pk}/").status_code == 404
