"""A thousand malformed requests to analyze: each is answered by a sentence, none by an accident of ours."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from actigraphy.analyzing import ingest_readings
from actigraphy.readers import Readings
from novamind.jobs.runner import run_waiting

pytestmark = pytest.mark.once

ANALYZE = "/api/v1/actigraphy/analyze"
FORM = {"code", "detail", "fields", "line", "request_id"}

TEXT = st.text(st.characters(), max_size=30) | st.sampled_from(
    ["\x00", "\ud800", "2026-02-02T11:00:00Z", "2026-02-02", "0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59",
     "2026-02-02T11:00:60Z", "2026-02-30T00:00:00Z", "2026-W06-1T00:00Z", "2026-02-02T11:00:00+25:00", "NaN", "1e999",
     "Europe/Oslo", "actiwatch", "sleep", "true"]
)  # fmt: skip
NUMBER = (
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
    | st.sampled_from([10**400, -(10**400), 2**63, -1, 0, 1e308, 1e-308, 30, 1 / 60])
)  # fmt: skip
VALUE = st.recursive(
    NUMBER | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=5,
)
#: Long enough to be taken, or with one thing wrong in it.
MINUTES = st.builds(
    lambda n, bad, at: [bad if i == at else i for i in range(n)],
    st.integers(0, 200),
    NUMBER | TEXT,
    st.integers(0, 400),
)
STAMPS = st.builds(
    lambda minute, zone: f"2026-02-02T11:{minute:02}:00{zone}",
    st.integers(0, 61), st.sampled_from(["Z", "", "+01:00", "+25:00", "-00:00:30"]),
)  # fmt: skip
ROW = st.fixed_dictionaries(
    {"timestamp": STAMPS | VALUE},
    optional={"counts": NUMBER, "x": NUMBER, "y": NUMBER, "z": NUMBER, "source_device": TEXT, "other": VALUE},
)
READINGS = (
    VALUE
    | st.lists(ROW | VALUE, max_size=6)
    | st.fixed_dictionaries({}, optional={"counts": MINUTES, "x": MINUTES, "y": MINUTES, "z": MINUTES})
)
BODY = st.fixed_dictionaries(
    {"readings": READINGS},
    optional={
        "start_time": STAMPS | TEXT | VALUE,
        "end_time": STAMPS | TEXT | VALUE,
        "sampling_rate_hz": NUMBER | VALUE,
        "device_info": st.dictionaries(st.sampled_from(["type", "model"]), TEXT | VALUE) | VALUE,
        "analysis_types": st.lists(TEXT, max_size=3) | VALUE,
        "options": st.dictionaries(st.sampled_from(["include_raw_metrics", "generate_visualizations"]), VALUE) | VALUE,
        "recording_id": TEXT | VALUE,
        "patient_id": TEXT | VALUE,
        "unheard_of": VALUE,
    },
)
NOISE = st.binary(max_size=60) | st.sampled_from(
    [b'{"readings": [1e999]}', b'{"readings": NaN}', b"[" * 5000, b'{"a":' * 99]
)

often = settings(max_examples=1000, deadline=None, suppress_health_check=list(HealthCheck))


def refused_or_taken(client: Any, content: bytes, **headers: str) -> int:
    with transaction.atomic():
        answer = client.post(ANALYZE, content, content_type="application/json", headers=headers)
        transaction.set_rollback(True)
    assert answer.status_code in {200, 202, 400, 403, 404, 409, 413, 422}, (answer.status_code, content)
    if answer.status_code >= 400:
        assert set(answer.json()) <= FORM
        assert answer.json()["detail"]
    return answer.status_code


@pytest.fixture
def recording(patient):
    readings = Readings("counts", 1_710_000_000, 60, np.arange(200.0)[:, None])
    made, _ = ingest_readings(patient=patient, readings=readings, by=None)
    run_waiting()
    return made


@often
@given(body=BODY)
def test_a_thousand_malformed_requests_are_none_of_them_an_accident(body, patient, signed_in, psychiatrist):
    client = signed_in(psychiatrist)
    client.raise_request_exception = False
    refused_or_taken(client, json.dumps({"patient_id": str(patient.pk)} | body).encode())


@settings(often, max_examples=200)
@given(content=NOISE, key=st.text(st.characters(min_codepoint=33, max_codepoint=255), max_size=9))
def test_what_is_no_json_is_refused(content, key, signed_in, psychiatrist):
    client = signed_in(psychiatrist)
    client.raise_request_exception = False
    assert refused_or_taken(client, content, **{"Idempotency-Key": key}) in {400, 413}


@settings(often, max_examples=100)
@given(query=st.dictionaries(st.sampled_from(["analysis_types", "include_raw_metrics", "x"]), TEXT, max_size=3))
def test_any_question_about_a_recording_is_answered(query, recording, signed_in, psychiatrist):
    client = signed_in(psychiatrist)
    client.raise_request_exception = False
    query = {name: text.encode("utf-8", "replace").decode() for name, text in query.items()}
    answer = client.get(f"/api/v1/actigraphy/recordings/{recording.pk}/analysis", query)
    assert answer.status_code in {200, 400}
