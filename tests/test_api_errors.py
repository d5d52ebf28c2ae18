"""One form of error, whatever goes wrong, and never more than the caller may know."""

from __future__ import annotations

from base64 import b64encode
from typing import Any

import pytest
from django.db import DatabaseError

from novamind.accounts import tokens
from novamind.audit.models import AuditEvent
from novamind.phi.keys import KeyUnavailable
from novamind.phi.models import DataKey

PATIENTS = "/api/v1/patients"
NEW = {"first_name": "Ada", "last_name": "Berg", "date_of_birth": "1980-01-01"}


@pytest.fixture
def api(signed_in, psychiatrist):
    return signed_in(psychiatrist)


def says(response: Any, status: int, code: str) -> dict[str, Any]:
    assert response.status_code == status, response.content
    body = response.json()
    assert set(body) <= {"code", "detail", "fields", "line", "request_id"}
    assert body["code"] == code
    assert body["detail"]
    assert body["request_id"] == response.headers["X-Request-ID"]
    return body


def test_400_names_each_field_that_is_wrong(api):
    body = says(api.post(PATIENTS, {"first_name": ""}, content_type="application/json"), 400, "invalid")
    assert set(body["fields"]) == {"first_name", "last_name", "date_of_birth"}


def test_400_for_what_is_no_json(api):
    says(api.post(PATIENTS, "{", content_type="application/json"), 400, "parse_error")


def test_401_for_a_stranger_says_how_to_sign_in(client, db):
    response = client.get(PATIENTS)
    says(response, 401, "not_authenticated")
    assert response.headers["WWW-Authenticate"].startswith("Bearer")
    refused = says(client.get(PATIENTS, headers={"Authorization": "Bearer nonsense"}), 401, "token_not_valid")
    assert refused["detail"] == "Given token not valid for any token type"


def test_401_for_a_token_of_somebody_who_left_is_a_sentence_too(client, psychiatrist):
    token = tokens.begin(psychiatrist).access
    type(psychiatrist).objects.update(is_active=False)
    refused = says(client.get(PATIENTS, headers={"Authorization": f"Bearer {token}"}), 401, "authentication_failed")
    assert refused["detail"] == "User is inactive"


def test_403_for_a_role_that_may_not(signed_in, researcher):
    says(signed_in(researcher).get(PATIENTS), 403, "role_required")


def test_404_for_a_hidden_a_missing_and_an_unmatched_address(api, make_patient, other_team):
    hidden = make_patient(other_team)
    for address in (
        f"{PATIENTS}/{hidden.pk}",
        f"{PATIENTS}/00000000-0000-0000-0000-000000000007",
        "/api/v1/nowhere",
        "/api/",
    ):
        says(api.get(address), 404, "not_found")


@pytest.mark.parametrize(
    "position",
    ["p=abc", "p=%00", "p=", "p=2027-01-01", "p=2027-01-01T00:00:00", "p=0001-01-01T00:00:00%2B23:00", "p=9999-99-99"],
)
@pytest.mark.parametrize("of", ["patients", "actigraphy/recordings", "actigraphy/analyses"])
def test_404_for_a_page_of_a_list_that_was_made_up(api, patient, position, of):
    cursor = b64encode(position.encode()).decode()
    says(api.get(f"/api/v1/{of}", {"cursor": cursor}), 404, "not_found")


def test_the_next_page_of_a_list_opens(api, make_patient, team):
    made = {str(make_patient(team).pk) for _ in range(3)}
    first = api.get(PATIENTS, {"page_size": 2}).json()
    second = api.get(first["next"]).json()
    assert {row["id"] for row in first["results"] + second["results"]} == made


def test_405_for_a_method_that_is_not_there(api, patient):
    for response in (api.put(f"{PATIENTS}/{patient.pk}"), api.delete(PATIENTS), api.get("/api/v1/actigraphy/upload")):
        says(response, 405, "method_not_allowed")


def test_406_for_a_form_that_is_not_spoken(api):
    says(api.get(PATIENTS, headers={"Accept": "application/xml"}), 406, "not_acceptable")


def test_409_for_a_change_made_from_an_older_version(api, patient):
    def change(**fields: Any) -> Any:
        return api.patch(f"{PATIENTS}/{patient.pk}", fields, content_type="application/json")

    assert change(version=1, first_name="Adele").json()["version"] == 2
    says(change(version=1, first_name="Bea"), 409, "stale")
    says(change(first_name="Bea"), 409, "version_needed")
    assert api.get(f"{PATIENTS}/{patient.pk}").json()["first_name"] == "Adele"


def test_409_for_a_number_that_a_hidden_patient_has_tells_nothing_of_that_patient(
    api, patient, make_patient, other_team
):
    hidden = make_patient(other_team, mrn="HIDDEN-1", last_name="Hiddenname")
    for response in (
        api.post(PATIENTS, NEW | {"mrn": "hidden-1 "}, content_type="application/json"),
        api.patch(f"{PATIENTS}/{patient.pk}", {"version": 1, "mrn": "HIDDEN-1"}, content_type="application/json"),
    ):
        says(response, 409, "mrn_taken")
        assert str(hidden.pk) not in response.content.decode()
        assert "Hiddenname" not in response.content.decode()
    assert api.get(f"{PATIENTS}/{patient.pk}").json()["mrn"] == "ZQX-MRN-7781"


def test_413_is_decided_from_the_length_alone(api, settings, patient):
    settings.UPLOAD_LIMIT_MB = 1
    response = api.generic("POST", "/api/v1/actigraphy/upload", b"", CONTENT_LENGTH=str(3 * 1024 * 1024))
    says(response, 413, "too_large")


def test_415_for_a_body_of_another_kind(api):
    says(api.post(PATIENTS, "<a/>", content_type="application/xml"), 415, "unsupported_media_type")


def test_503_when_keys_are_out_of_reach_and_no_word_of_the_patient(api, patient, monkeypatch):
    def fail(*args: Any, **kwargs: Any) -> None:
        raise KeyUnavailable("kms")

    monkeypatch.setattr("novamind.phi.cipher.decrypt", fail)
    response = api.get(f"{PATIENTS}/{patient.pk}")
    says(response, 503, "keys_unavailable")
    assert b"Zqx" not in response.content


def test_503_when_the_trail_cannot_be_written_and_the_change_is_undone(api, monkeypatch):
    from novamind.audit.models import AuditEvent
    from patients.models import Patient

    def fail(*args: Any, **kwargs: Any) -> None:
        raise DatabaseError("disk full")

    monkeypatch.setattr(AuditEvent, "save", fail)
    says(api.post(PATIENTS, NEW, content_type="application/json"), 503, "audit_unavailable")
    assert not Patient.objects.exists()


def test_500_tells_nothing(api, patient, monkeypatch):
    def fail(*args: Any, **kwargs: Any) -> None:
        raise RuntimeError("Zqxsecret")

    monkeypatch.setattr("patients.api.PatientViewSet.get_queryset", fail)
    response = api.get(f"{PATIENTS}/{patient.pk}")
    says(response, 500, "unexpected")
    assert b"Zqxsecret" not in response.content


def test_nothing_of_the_api_is_kept_in_a_cache(api, patient):
    assert "no-store" in api.get(f"{PATIENTS}/{patient.pk}").headers["Cache-Control"]


def test_a_chart_that_holds_something_is_not_deleted_and_an_empty_one_is(signed_in, clinical_admin, patient):
    from actigraphy.models import Source
    from patients.models import Patient
    from patients.services import share_patient

    share_patient(patient=patient, user=clinical_admin)
    api = signed_in(clinical_admin)
    source = Source.objects.create(patient=patient, kind="stream", device_type="actiwatch")
    says(api.delete(f"{PATIENTS}/{patient.pk}"), 409, "not_empty")
    source.delete()
    assert api.delete(f"{PATIENTS}/{patient.pk}").status_code == 204
    assert not Patient.objects.exists()
    key = DataKey.objects.get(patient_id=patient.pk)
    assert (bytes(key.wrapped), key.destroyed_at is None) == (b"", False)
    event = AuditEvent.objects.filter(outcome="success").latest("at")
    assert (event.event_type, event.object_label, event.object_id) == ("DELETION", "patients.Patient", str(patient.pk))
    assert [row.patient_id for row in event.patients.all()] == [patient.pk]
