"""What cannot be analyzed is refused by name, and nothing of it is kept."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest

from actigraphy.models import Recording
from actigraphy.tests.analyze_requests import ANALYZE, COUNTS, START, lists, moving, rows, send


@pytest.fixture
def api(signed_in, psychiatrist):
    return signed_in(psychiatrist)


def row(**changed: Any) -> dict[str, Any]:
    return {"readings": [{**each, **changed} if at == 3 else each for at, each in enumerate(rows())]}


def a_century(years: int) -> list[dict[str, Any]]:
    return [each | {"timestamp": each["timestamp"].replace("2026", str(2026 + years))} for each in rows(3)]


XYZ = {"start_time": START.isoformat(), "sampling_rate_hz": 30}
EVEN = {"start_time": START.isoformat(), "sampling_rate_hz": 1 / 60}


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({}, "invalid"),
        ({"readings": 7}, "invalid"),
        ({"readings": []}, "too_short"),
        ({"readings": rows(1)}, "too_short"),
        ({"readings": [7]}, "invalid"),
        ({"readings": rows(), "recording_id": "00000000-0000-0000-0000-000000000007"}, "invalid"),
        ({"recording_id": "00000000-0000-0000-0000-000000000007", **EVEN}, "invalid"),
        ({"readings": rows(), "analysis_types": ["fortune"]}, "invalid"),
        ({"readings": rows(), "analysis_types": []}, "invalid"),
        ({"readings": rows(), "device_info": {"type": "abacus"}}, "invalid"),
        ({"readings": rows(), "device_info": 7}, "invalid"),
        ({"readings": rows(), "options": {"include_raw_metrics": "perhaps"}}, "invalid"),
        ({"readings": rows(), "start_time": "2026-02-02T11:00:00"}, "invalid"),
        ({"readings": rows(), "start_time": "2026-02-02T11:00:00+25:00"}, "invalid"),
        ({"readings": rows(), "start_time": "0001-01-01T00:00:00+14:00"}, "invalid"),
        ({"readings": rows(), "start_time": START.isoformat(), "end_time": START.isoformat()}, "end_before_start"),
        ({"readings": rows(), "start_time": "2031-01-01T00:00:00Z"}, "empty_window"),
        ({"readings": rows(), "sampling_rate_hz": 1 / 30}, "rate_mismatch"),
        ({"readings": rows(), "sampling_rate_hz": 0}, "epoch_unsupported"),
        ({"readings": rows(), "sampling_rate_hz": "nan"}, "invalid"),
        ({"readings": rows(count=1)}, "invalid"),
        (row(counts="12"), "not_a_number"),
        (row(counts=True), "not_a_number"),
        (row(counts=-1), "negative_counts"),
        (row(counts=1e300), "impossible_value"),
        (row(counts=10**400), "impossible_value"),
        (row(timestamp="2026-02-02T11:03:00"), "no_offset"),
        (row(timestamp="yesterday"), "no_timestamps"),
        (row(timestamp=7), "no_timestamps"),
        (row(timestamp="2026-02-02T11:03:00+25:00"), "no_timestamps"),
        (row(timestamp="2026-01-02T11:03:00Z"), "unordered_timestamps"),
        (row(timestamp="2026-02-02T11:02:00Z"), "duplicate_timestamps"),
        (row(x=1), "mixed_readings"),
        (row(source_device="another"), None),
        ({"readings": [*rows(9, source_device="one"), *rows(9, source_device="two")]}, "mixed_devices"),
        ({"readings": rows(source_device=7)}, "invalid"),
        ({"readings": a_century(100)}, "in_the_future"),
        ({"readings": a_century(-100)}, "before_1970"),
        ({"readings": {"counts": COUNTS}}, "invalid"),
        ({"readings": {"counts": COUNTS}, "start_time": START.isoformat()}, "invalid"),
        ({"readings": {"counts": "many"}, **EVEN}, "invalid"),
        ({"readings": {"counts": [None] * 9}, **EVEN}, "no_values"),
        ({"readings": {"counts": COUNTS, "x": COUNTS}, **EVEN}, "invalid"),
        ({"readings": {"x": [1, 2], "y": [1, 2], "z": [1]}, **XYZ}, "mixed_lengths"),
        ({"readings": {"x": [1, 2], "y": [1, 2]}, **XYZ}, "invalid"),
        ({"readings": moving(300), "start_time": START.isoformat(), "sampling_rate_hz": 25}, "unsupported_rate"),
        ({"readings": moving(300), "start_time": START.isoformat()}, "invalid"),
        ({"readings": moving(119), **XYZ}, "too_short"),
        ({"readings": {**moving(300), "z": [9.81] * 9000}, **XYZ}, "wrong_unit"),
        ({"readings": {**moving(300), "z": [1.0] * 8999 + [99]}, **XYZ}, "impossible_value"),
        ({"readings": {**moving(300), "z": [1.0] * 8999 + [None]}, **XYZ}, "not_a_number"),
        ({"readings": moving(300), **XYZ, "device_info": {"type": "actiwatch"}}, "wrong_device"),
    ],
)  # fmt: skip
def test_what_cannot_be_taken_is_refused_by_name_and_leaves_nothing(api, patient, tmp_path, body, code):
    answer = send(api, patient, body)
    assert (answer.status_code, answer.json().get("code")) == ((202, None) if code is None else (400, code)), (
        answer.content
    )
    if code is not None:
        assert answer.json()["detail"]
        assert not Recording.objects.exists()
        assert [path for path in (tmp_path / "files").rglob("*") if path.is_file()] == []


def test_the_reading_to_blame_is_named(api, patient):
    answer = send(api, patient, row(counts=-1)).json()
    assert answer["line"] == 4
    assert answer["detail"].endswith("See reading 4.")


def test_it_is_counted_as_the_sender_counts_also_after_a_cut_and_a_gap(api, patient):
    after = {"start_time": (START + timedelta(minutes=2)).isoformat()}
    assert send(api, patient, row(counts=-1) | after).json()["line"] == 4
    at = [START + timedelta(seconds=n / 30) for n in range(200 * 30)]
    readings = [{"timestamp": moment.isoformat(), "x": 0, "y": 0, "z": 1} for moment in at[:3000] + at[3300:]]
    readings[4000]["x"] = 99
    answer = send(api, patient, {"readings": readings, "sampling_rate_hz": 30}).json()
    assert (answer["code"], answer["line"]) == ("impossible_value", 4001)


def test_nan_and_infinity_are_no_json(api, patient):
    for value in (b"NaN", b"Infinity", b"-Infinity"):
        content = json.dumps({"patient_id": str(patient.pk), **lists(readings={"counts": ["@"]})}).encode()
        answer = api.post(ANALYZE, content.replace(b'"@"', value), content_type="application/json")
        assert (answer.status_code, answer.json()["code"]) == (400, "parse_error")
