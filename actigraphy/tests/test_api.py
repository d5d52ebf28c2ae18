"""Uploads over the API: who may, what is refused, what is answered."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from actigraphy.models import Recording
from novamind.jobs.models import Job
from novamind.jobs.runner import run_waiting
from novamind.simulator import ALL, Persona, simulate, write_awd

UPLOAD = "/api/v1/actigraphy/upload"
LIVED = simulate(Persona.draw(3, zone="Europe/Oslo"), start=date(2026, 2, 2), days=3, effects=ALL.without("missing"))
CONTENT = write_awd(LIVED)


def send(client: Any, patient_id: Any, content: bytes = CONTENT, **fields: Any) -> Any:
    upload = SimpleUploadedFile("SYNTHETIC_3.awd", content)
    return client.post(UPLOAD, {"file": upload, "patient_id": patient_id, **fields})


@pytest.fixture
def api(signed_in, psychiatrist):
    return signed_in(psychiatrist)


def test_an_upload_is_201_then_202_then_results(api, patient):
    answer = send(api, patient.pk, device_type="actiwatch", metadata='{"site": "wrist"}')
    assert answer.status_code == 201
    body = answer.json()
    assert (body["status"], body["patient_id"]) == ("pending", str(patient.pk))
    assert api.get(body["results_url"]).status_code == 202
    assert run_waiting() >= 5  # analyzed, read, judged, scored, later ones anew; who listens above too
    assert api.get(body["status_url"]).json()["status"] == "analyzed"
    assert api.get(body["results_url"]).status_code == 200


def test_the_same_file_again_is_200_and_one_job(api, patient):
    first, again = send(api, patient.pk), send(api, patient.pk)
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json()["recording_id"] == again.json()["recording_id"]
    assert Job.objects.count() == 1


def test_a_hidden_patient_and_an_unknown_one_are_the_same_404(api, make_patient, other_team):
    hidden = make_patient(other_team)
    answers = [send(api, who).json() for who in (hidden.pk, "00000000-0000-0000-0000-000000000007")]
    assert [answer.pop("request_id") != "" for answer in answers] == [True, True]
    assert answers[0] == answers[1] == {"code": "not_found", "detail": "Not found."}
    assert not Recording.objects.exists()


def test_the_same_file_of_two_patients_is_two_recordings_and_neither_tells_of_the_other(
    api, patient, make_patient, team
):
    other = make_patient(team)
    assert [send(api, who.pk).status_code for who in (patient, other)] == [201, 201]


@pytest.mark.parametrize(
    ("content", "fields", "code"),
    [
        (b"", {}, "invalid"),
        (b"\x00" * 2000, {}, None),
        (b"PK\x03\x04" + b"x" * 500, {}, None),
        (CONTENT[:200], {}, None),
        (CONTENT, {"device_type": "actigraph_hip"}, "wrong_device"),
        (CONTENT, {"device_type": "no such"}, "invalid"),
        (CONTENT, {"start_time": "2031-01-01T00:00:00Z"}, "empty_window"),
        (CONTENT, {"start_time": "2026-02-04T00:00:00Z", "end_time": "2026-02-03T00:00:00Z"}, "empty_window"),
        (CONTENT, {"start_time": "yesterday"}, "invalid"),
        (CONTENT, {"start_time": "0001-01-01T00:00:00+14:00"}, None),
        (CONTENT, {"metadata": "[1]"}, "invalid"),
        (CONTENT, {"metadata": "{"}, "invalid"),
        (CONTENT, {"columns": "nonsense"}, "invalid"),
    ],
)
def test_what_cannot_be_taken_is_400_with_a_sentence_and_leaves_nothing(api, patient, tmp_path, content, fields, code):
    answer = send(api, patient.pk, content, **fields)
    if code is None and answer.status_code == 201:
        return  # a short or oddly bounded file that is still a recording
    assert answer.status_code == 400, answer.content
    assert answer.json()["detail"]
    assert code in (None, answer.json()["code"])
    assert not Recording.objects.exists()
    assert [path for path in (tmp_path / "files").rglob("*") if path.is_file()] == []


def test_only_the_stated_window_is_kept(api, patient):
    body = send(api, patient.pk, start_time="2026-02-03T00:00:00Z", end_time="2026-02-04T00:00:00Z").json()
    assert (body["start_time"], body["end_time"]) == ("2026-02-03T00:00:00Z", "2026-02-04T00:00:00Z")


def test_a_failed_analysis_is_409_with_its_reason(api, patient):
    body = send(api, patient.pk).json()
    Recording.objects.update(state="failed", error_code="x", error_detail="The file ends in the middle.")
    answer = api.get(body["results_url"])
    assert answer.status_code == 409
    assert answer.json()["detail"] == "The file ends in the middle."
