"""The OpenAPI document against what was promised to apps, devices and partner systems."""

from __future__ import annotations

import io
from typing import Any

import pytest
from django.core.management import call_command
from drf_spectacular.generators import SchemaGenerator

from novamind.audit.models import EventType

#: (method, path) -> the fields that its request must take.
BUILT = {
    ("post", "/api/v1/patients"): {"first_name", "last_name", "date_of_birth"},
    ("post", "/api/v1/actigraphy/upload"): {
        "file", "patient_id", "device_type", "start_time", "end_time", "metadata",
    },
    ("post", "/api/v1/actigraphy/analyze"): {
        "patient_id", "readings", "start_time", "end_time", "sampling_rate_hz", "device_info", "analysis_types",
        "options",
    },
    ("post", "/api/v1/biometric-events"): {"patient_id", "data_type", "timestamp", "data"},
    ("post", "/api/v1/patients/{patient_id}/biometrics/{data_type}/order/{data_key}"): {"sources", "reason", "version"},
    ("post", "/api/v1/patients/{patient_id}/medications/check"): {"name"},
    ("post", "/api/v1/patients/{patient_id}/digital-twin"): {
        "time_series_model_id", "biometric_model_id", "medication_model_id",
    },
    ("post", "/api/v1/digital-twins/generate"): {"patient_id"},
    ("post", "/api/v1/patients/{patient_id}/what-if"): {
        "sleep_change_min", "sleep_shift_min", "activity_change_percent", "drug", "days",
    },
}  # fmt: skip

#: path -> the fields that its answer to GET must have.
ANSWERED = {
    "/api/v1/patients/{patient_id}/digital-twin": {
        "id", "patient_id", "created_at", "updated_at", "version", "confidence_score", "models", "last_calibration",
    },
    "/api/v1/patients/{patient_id}/biometrics/{data_type}/order/{data_key}": {
        "channel", "version", "own", "sources", "decisions",
    },
    "/api/v1/analytics/aggregated": {"patient_id", "bucket", "channels"},
    "/api/v1/analytics/clinic": {"people", "purposes", "first", "last", "smallest_cell", "tables", "abstentions"},
    "/api/v1/patients/{patient_id}/clinical-insights": {"patient_id", "insights", "generated_at"},
    "/api/v1/patients/{patient_id}/symptom-forecast": {
        "patient_id", "symptom_type", "forecast_days", "forecast_points", "confidence_score", "model_version",
        "generated_at", "reliability", "contributing_models",
    },
    "/api/v1/patients/{patient_id}/biometric-correlations": {
        "patient_id", "model_version", "correlations", "generated_at", "insights", "biometric_coverage", "reliability",
    },
    "/api/v1/patients/{patient_id}/what-if/{what_if_id}": {
        "id", "patient_id", "state", "status_url", "label", "result", "points", "similar_patients", "overlap",
        "model_version", "record_id", "abstentions",
    },
    "/api/v1/patients/{patient_id}/medication-response": {
        "patient_id", "courses", "disclaimer", "generated_at", "abstentions",
    },
    "/api/v1/patients/{patient_id}/medication-recommendations": {
        "patient_id", "condition_type", "model_version", "recommendations", "generated_at", "not_assessed",
        "comparative_analysis", "genetic_data_quality", "disclaimer",
    },
}  # fmt: skip

#: (path, a field of its answer, …) -> the fields that a thing in it must have.
NESTED = {
    ("/api/v1/patients/{patient_id}/medication-recommendations", "recommendations"): {
        "medication_class", "predicted_efficacy", "side_effect_risks", "net_benefit", "efficacy", "side_effects",
        "genetic_factors", "metabolizer_status", "recommendation",
    },
    ("/api/v1/patients/{patient_id}/medication-recommendations", "recommendations", "side_effect_risks"): {
        "effect_type", "risk_level",
    },
    ("/api/v1/patients/{patient_id}/medication-recommendations", "recommendations", "efficacy"): {
        "score", "confidence", "percentile",
    },
    ("/api/v1/patients/{patient_id}/medication-recommendations", "recommendations", "side_effects"): {"effect", "risk"},
    ("/api/v1/patients/{patient_id}/medication-recommendations", "recommendations", "recommendation"): {
        "action", "rationale", "caution_level",
    },
    ("/api/v1/patients/{patient_id}/medication-recommendations", "comparative_analysis"): {
        "highest_efficacy", "lowest_side_effects", "optimal_balance",
    },
}  # fmt: skip

AUDIT_EVENT_TYPES = (
    "API_ACCESS API_RESPONSE DATA_ACCESS CREATION MODEL_INFERENCE CLINICAL_DECISION_SUPPORT DATA_COLLECTION".split()
)


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    return SchemaGenerator().get_schema(request=None, public=True)


def fields_of(document: dict[str, Any], method: str, path: str, answer: str = "") -> dict[str, Any]:
    asked = document["paths"][path][method]
    content = (asked["responses"][answer] if answer else asked["requestBody"])["content"]
    return resolved(document, next(iter(content.values()))["schema"])


def resolved(document: dict[str, Any], schema: dict[str, Any]) -> dict[str, Any]:
    """The schema of a thing, or of the things of a list, without references."""
    schema = schema.get("items", schema)
    if "allOf" in schema:
        (schema,) = schema["allOf"]
    return document["components"]["schemas"][schema["$ref"].rsplit("/", 1)[1]] if "$ref" in schema else schema


def test_the_document_is_made_without_a_warning():
    call_command("spectacular", "--fail-on-warn", "--validate", stdout=io.StringIO())


@pytest.mark.parametrize(("method", "path"), BUILT)
def test_a_built_endpoint_takes_the_promised_fields(document, method, path):
    assert BUILT[method, path] - set(fields_of(document, method, path)["properties"]) == set()


@pytest.mark.parametrize("path", ANSWERED)
def test_a_built_endpoint_answers_with_the_promised_fields(document, path):
    assert ANSWERED[path] - set(fields_of(document, "get", path, "200")["properties"]) == set()


@pytest.mark.parametrize("place", NESTED, ids=lambda place: ".".join(place[1:]))
def test_what_an_answer_holds_has_the_promised_fields(document, place):
    path, *names = place
    schema = fields_of(document, "get", path, "200")
    for name in names:
        schema = resolved(document, schema["properties"][name])
    assert NESTED[place] - set(schema["properties"]) == set()


def test_no_more_is_required_of_a_new_patient_than_was_promised(document):
    assert set(fields_of(document, "post", "/api/v1/patients")["required"]) == BUILT["post", "/api/v1/patients"]


def test_an_upload_is_a_form_and_answers_201(document):
    upload = document["paths"]["/api/v1/actigraphy/upload"]["post"]
    assert list(upload["requestBody"]["content"]) == ["multipart/form-data"]
    assert "201" in upload["responses"]


def test_every_endpoint_but_the_sign_in_asks_who_is_calling(document):
    open_to_all = {
        path
        for path, methods in document["paths"].items()
        for operation in methods.values()
        if {} in operation.get("security", [{}])
    }
    assert open_to_all == {"/api/v1/auth/login", "/api/v1/auth/refresh", "/api/v1/auth/logout"}


def test_audit_events_have_the_promised_types():
    assert set(AUDIT_EVENT_TYPES) <= set(EventType.values)
