"""``POST /api/v1/actigraphy/analyze``: readings in, the results of an uploaded file out."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from actigraphy import analyzing
from actigraphy.analysis_types import TYPES
from actigraphy.models import Analysis, Recording, Signal
from actigraphy.pat.bedrock import ANALYSIS_TYPES
from actigraphy.science.counts import counts
from actigraphy.tests.analyze_requests import ANALYZE, COUNTS, LIVED, START, lists, moving, rows, send
from novamind.audit.models import AuditEvent
from novamind.jobs.models import Job
from novamind.jobs.runner import run_waiting
from novamind.registry.models import InferenceRecord, ModelVersion
from patients.consent import record_consent
from patients.devices import DeviceKind, enrol


@pytest.fixture
def api(signed_in, psychiatrist):
    return signed_in(psychiatrist)


@pytest.fixture
def a_worker(monkeypatch, settings):
    """A worker that is quick: whoever waits finds everything done."""
    settings.ANALYZE_WAIT_S = 60
    monkeypatch.setattr(analyzing, "pause", lambda seconds: run_waiting())


def test_a_short_recording_is_answered_at_once(api, patient, a_worker):
    answer = send(api, patient, lists())
    assert answer.status_code == 200, answer.content
    body = answer.json()
    assert set(body["results"]) == set(TYPES)
    assert (body["patient_id"], body["status"]) == (str(patient.pk), "analyzed")
    assert Analysis.objects.get().pk == Analysis.objects.get(pk=body["analysis_id"]).pk
    measured = [night for night in body["results"]["sleep"]["nights"] if night["tst_min"] is not None]
    assert len(measured) >= 4
    assert body["results"]["activity"]["rhythm"]["interdaily_stability"] is not None
    assert body["results"]["digital_twin_integration"]["nights"] == body["results"]["sleep"]["nights"]
    assert {name: why["abstained"] for name, why in body["abstentions"].items()} == {
        "mood": "not_promoted",
        "anomaly_detection": "not_promoted",
        "digital_twin_integration.embedding": "no_weights",
        "rhythm.period_chi_square_h": "too_few_days",  # ten days
        "rhythm.period_lomb_scargle_h": "too_few_days",
        "rhythm.social_jetlag_h": "too_few_nights",
    }
    assert "raw_metrics" not in body
    assert "visualizations" not in body


def test_the_numbers_are_those_of_the_same_file_uploaded(api, patient, make_patient, team, a_worker):
    from django.core.files.uploadedfile import SimpleUploadedFile

    stamps = (datetime.fromtimestamp(int(at), UTC).strftime("%Y-%m-%dT%H:%M:%SZ") for at in LIVED.utc_s)
    table = "\n".join(["t,a", *(f"{stamp},{count}" for stamp, count in zip(stamps, COUNTS, strict=True))])
    file = SimpleUploadedFile("w.csv", table.encode())
    sent = {
        "file": file,
        "patient_id": make_patient(team).pk,
        "columns": "time=t,activity=a",
        "device_type": "actiwatch",
    }
    uploaded = api.post("/api/v1/actigraphy/upload", sent).json()
    run_waiting()
    by_file = api.get(uploaded["results_url"]).json()
    by_readings = send(api, patient, lists()).json()
    assert by_readings["results"]["sleep"]["nights"] == by_file["nights"]
    assert by_readings["results"]["activity"]["rhythm"] == by_file["rhythm"]
    assert by_readings["provenance"]["input_hash"] == by_file["provenance"]["input_hash"]


def test_without_a_worker_it_is_202_then_results_at_the_address_that_was_given(api, patient):
    answer = send(api, patient, lists(analysis_types=["sleep"], options={"include_raw_metrics": True}))
    body = answer.json()
    assert (answer.status_code, body["status"], body["analysis_id"]) == (202, "pending", None)
    assert "results" not in body
    assert api.get(body["results_url"]).status_code == 202
    run_waiting()
    assert api.get(body["status_url"]).json()["status"] == "analyzed"
    later = api.get(body["results_url"])
    assert later.status_code == 200
    assert set(later.json()["results"]) == {"sleep"}
    assert later.json()["raw_metrics"]["counts_per_min"] == COUNTS
    assert later.json()["results_url"] == body["results_url"]


def test_whoever_prefers_it_is_not_made_to_wait(api, patient, a_worker):
    assert send(api, patient, lists(), Prefer="respond-async").status_code == 202
    assert Recording.objects.get().state == "pending"


def test_nobody_waits_for_a_long_recording(api, patient, a_worker):
    body = lists(readings={"counts": COUNTS * 2})
    assert send(api, patient, body).status_code == 202


def test_while_too_many_wait_the_next_is_not_made_to(api, patient, a_worker):
    taken = [analyzing._WAITING.acquire(blocking=False) for _ in range(2)]
    try:
        assert send(api, patient, lists()).status_code == 202
    finally:
        for _ in taken:
            analyzing._WAITING.release()
    assert send(api, patient, lists()).status_code == 200


def test_models_that_are_still_at_work_are_waited_for_only_where_asked(api, patient):
    body = send(api, patient, lists(analysis_types=["sleep"])).json()
    run_waiting(limit=1)  # analyzed; the encoder's job waits
    assert api.get(body["results_url"]).status_code == 200
    models = body["results_url"].split("?")[0] + "?analysis_types=mood"
    assert api.get(models).status_code == 202
    run_waiting()
    answer = api.get(models).json()
    assert answer["results"] == {"mood": None}
    assert answer["abstentions"]["mood"]["abstained"] == "not_promoted"


def test_what_a_model_in_production_said_is_shown_with_its_checksum(api, patient):
    body = send(api, patient, lists()).json()
    run_waiting()
    analysis = Analysis.objects.get()
    version = ModelVersion.objects.create(
        name="PAT-L", version="7", kind="encoder", stage="production", weights_sha256="5" * 64, weights_file="w.h5",
        code_version="0", created_by="a",
    )  # fmt: skip
    record = InferenceRecord.objects.create(
        patient_id=patient.pk, model_version=version, input_hash="0" * 64, input_array=b"", input_shape=[0],
        window_start=START, window_end=START + timedelta(days=7), output=[0.25], code_version="0",
    )  # fmt: skip
    analysis.week_readings.all()[0].delete()
    analysis.week_readings.create(patient=patient, task="embedding", record=record)
    answer = api.get(body["results_url"]).json()
    (week,) = answer["results"]["digital_twin_integration"]["embedding"]
    assert (week["model"], week["model_sha256"], week["output"]) == ("PAT-L 7", "5" * 64, [0.25])
    assert "digital_twin_integration.embedding" not in answer["abstentions"]


def test_charts_are_those_of_the_page(api, patient, a_worker):
    body = send(api, patient, lists(options={"generate_visualizations": True})).json()
    assert set(body["visualizations"]) == {"actogram", "profile", "trend_sleep", "trend_timing"}
    assert body["visualizations"]["actogram"]["data"]


def test_a_chart_of_a_recording_too_short_for_it_says_why(api, patient, a_worker):
    body = lists(readings={"counts": COUNTS[:600]}, options={"generate_visualizations": True})
    answer = send(api, patient, body).json()
    assert answer["visualizations"]["actogram"]
    assert answer["visualizations"]["trend_sleep"] is None
    assert answer["abstentions"]["visualizations.trend_sleep"]["reason"]


def test_acceleration_becomes_actigraph_counts_in_the_worker(api, patient):
    sent = moving(300)
    body = {
        "start_time": START.isoformat(),
        "sampling_rate_hz": 30,
        "readings": sent,
        "device_info": {"type": "actigraph_wrist"},
    }
    assert send(api, patient, body).status_code == 202
    assert not Signal.objects.exists()
    run_waiting()
    expected = counts(np.array([sent[axis] for axis in "xyz"]).T, 30)
    kept = {row.channel: row for row in Signal.objects.all()}
    assert set(kept) == {"activity", "axis1", "axis2", "axis3"}
    from actigraphy.signals import read

    for channel, column in (("activity", 1), ("axis1", 1), ("axis2", 0), ("axis3", 2)):
        _, epoch_s, values = read(kept[channel].source, channel, start=START, end=START + timedelta(minutes=5))
        assert (epoch_s, values.tolist()) == (60, expected[:, column].tolist())


def test_a_gap_in_acceleration_costs_the_minutes_it_touches_and_no_other(api, patient):
    sent = moving(300)
    at = [START + timedelta(seconds=n / 30) for n in range(300 * 30)]
    readings = [
        {"timestamp": moment.isoformat(), **{axis: sent[axis][n] for axis in "xyz"}}
        for n, moment in enumerate(at)
        if not 3000 <= n < 3010
    ]
    assert send(api, patient, {"readings": readings, "sampling_rate_hz": 30}).status_code == 202
    run_waiting()
    from actigraphy.signals import read

    _, _, values = read(Recording.objects.get().source, "activity", start=START, end=START + timedelta(minutes=5))
    assert np.isnan(values).tolist() == [False, True, False, False, False]


def test_a_recording_that_is_here_is_asked_by_its_id(api, patient, a_worker):
    known = send(api, patient, lists()).json()
    answer = send(api, patient, {"recording_id": known["recording_id"], "analysis_types": ["activity"]})
    assert answer.status_code == 200
    assert answer.json()["analysis_id"] == known["analysis_id"]
    assert set(answer.json()["results"]) == {"activity"}
    assert Job.objects.filter(kind="actigraphy.analyze").count() == 1


def test_a_recording_that_older_code_analyzed_is_analyzed_again(api, patient, a_worker):
    known = send(api, patient, lists()).json()
    Analysis.objects.update(code_version="0.0.0+older")
    again = send(api, patient, {"recording_id": known["recording_id"]}).json()
    assert again["analysis_id"] != known["analysis_id"]
    assert again["results"] == known["results"]


def test_a_recording_of_somebody_else_is_no_recording(api, patient, make_patient, team, other_team):
    for other in (make_patient(team), make_patient(other_team)):
        send(api, other, lists())
    for recording in Recording.objects.exclude(patient=patient):
        assert send(api, patient, {"recording_id": str(recording.pk)}).status_code == 404


def test_what_cannot_be_read_again_is_409(api, patient):
    body = send(api, patient, lists()).json()
    Recording.objects.update(state="failed", error_code="x", error_detail="The file is gone.")
    Job.objects.update(state="done")
    for answer in (api.get(body["results_url"]), send(api, patient, {"recording_id": body["recording_id"]})):
        assert (answer.status_code, answer.json()["detail"]) == (409, "The file is gone.")


def test_a_device_sends_and_is_told_an_id_alone(client, patient):
    token = enrol(patient=patient, kind=DeviceKind.WEARABLE)
    sent = json.dumps({"patient_id": str(patient.pk), **lists()})
    answer = client.post(ANALYZE, sent, content_type="application/json", headers={"Authorization": f"Bearer {token}"})
    assert (answer.status_code, set(answer.json())) == (202, {"recording_id"})
    asked = json.dumps({"patient_id": str(patient.pk), "recording_id": answer.json()["recording_id"]})
    refused = client.post(ANALYZE, asked, content_type="application/json", headers={"Authorization": f"Bearer {token}"})
    assert (refused.status_code, refused.json()["code"]) == (403, "role_required")


def test_a_withdrawn_consent_takes_nothing_and_shows_nothing(api, patient):
    known = send(api, patient, lists()).json()
    run_waiting()
    record_consent(patient=patient, purpose="treatment", stream="actigraphy", given=False, how="written", by=None)
    for body in (lists(readings={"counts": COUNTS[:200]}), {"recording_id": known["recording_id"]}):
        answer = send(api, patient, body)
        assert (answer.status_code, answer.json()["code"]) == (403, "consent_withheld")
    assert api.get(known["results_url"]).status_code == 403
    assert Recording.objects.count() == 1


def test_what_was_sent_and_what_was_shown_are_both_on_record(api, patient, a_worker):
    send(api, patient, lists())
    events = AuditEvent.objects.filter(action="api:analyze").order_by("at")
    assert list(events.values_list("event_type", "status_code", "outcome")) == [
        ("DATA_COLLECTION", 202, "success"), ("DATA_ACCESS", 200, "success"),
    ]  # fmt: skip
    assert [list(event.patients.values_list("patient_id", flat=True)) for event in events] == [[patient.pk]] * 2


def test_a_device_named_after_its_owner_is_kept_without_the_name(api, patient, settings):
    body = lists(device_info={"type": "actiwatch", "model": f"{patient.first_name}'s AW4"})
    send(api, patient, body)
    kept = Recording.objects.get().source.device_model
    assert patient.first_name not in kept
    assert kept.endswith("AW4")


@pytest.mark.parametrize(
    ("level", "kept"),
    [
        ("strict", ["[NAME]'s watch", "Fitbit [NAME] 6"]),
        ("moderate", ["[NAME]'s watch", "Fitbit Charge 6"]),
        ("relaxed", ["John's watch", "Fitbit Charge 6"]),
    ],
)
def test_the_level_says_what_is_taken_for_a_name(api, patient, settings, level, kept):
    settings.PAT_PHI_DETECTION_LEVEL = level
    for at, model in enumerate(["John's watch", "Fitbit Charge 6"]):
        send(api, patient, {"readings": rows(9 + at), "device_info": {"model": model}})
    assert [one.source.device_model for one in Recording.objects.order_by("created_at")] == kept


def test_the_table_of_types_is_the_contracts():
    assert tuple(TYPES) == ANALYSIS_TYPES
