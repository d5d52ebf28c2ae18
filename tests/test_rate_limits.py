"""Rate limits as a caller meets them: pages, API, uploads, exports."""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from uuid import uuid4

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import RequestFactory

from novamind.audit.middleware import AuditMiddleware
from novamind.audit.models import AuditEvent
from novamind.audit.recording import recorded, write_event
from novamind.throttle import callers, counter
from novamind.throttle.callers import count_export
from novamind.throttle.rates import RATES, TooMany, rate, waiting
from tests.trail import bearer, requests

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def own_counter(monkeypatch: pytest.MonkeyPatch) -> None:
    """A process that has counted nothing yet, and no Redis that others count in."""
    fresh = counter.Counter("")
    monkeypatch.setattr(callers, "counter", lambda: fresh)


@pytest.fixture
def narrow(monkeypatch: pytest.MonkeyPatch) -> Any:
    """``narrow(read=3)``: these limits, the others as they are in the table."""

    def set_limits(**limits: int) -> None:
        table = {kind: replace(RATES[kind], limit=limits.get(kind, RATES[kind].limit)) for kind in RATES}
        monkeypatch.setattr(callers, "RATES", table)

    return set_limits


@pytest.fixture
def make_event() -> Any:
    """``make_event(user, patients)``: this account touched these charts."""

    def make(user: Any, patients: list[Any]) -> None:
        with recorded(actor_label=user.email, actor_id=user.pk, request_id="r") as ledger:
            ledger.patients |= set(patients)
            write_event(ledger, event_type="DATA_ACCESS", action="test")

    return make


def statuses(ask: Any, times: int) -> list[int]:
    return [ask().status_code for _ in range(times)]


def test_the_api_says_when_to_come_back(narrow, signed_in, psychiatrist):
    narrow(read=3)
    client = signed_in(psychiatrist)
    assert statuses(lambda: client.get("/api/v1/patients"), 3) == [200] * 3
    answer = client.get("/api/v1/patients")
    assert answer.status_code == 429
    body = answer.json()
    assert (body["code"], body["request_id"]) == ("rate_limited", answer["X-Request-ID"])
    assert body["detail"] == waiting(int(answer["Retry-After"]))
    assert 1 <= int(answer["Retry-After"]) <= 65


def test_a_page_says_it_in_words_and_the_trail_has_it(narrow, signed_in, psychiatrist):
    narrow(read=1)
    client = signed_in(psychiatrist)
    assert statuses(lambda: client.get("/patients/"), 1) == [200]
    answer = client.get("/patients/")
    assert (answer.status_code, "Try again in" in answer.content.decode()) == (429, True)
    assert answer["Retry-After"]
    assert requests().get(status_code=429).outcome == "refused"


def test_a_person_has_one_rate_by_session_and_by_token_and_others_have_theirs(narrow, client, psychiatrist, therapist):
    narrow(read=2)
    client.force_login(psychiatrist)
    assert client.get("/patients/").status_code == 200
    client.logout()
    assert client.get("/api/v1/patients", **bearer(psychiatrist)).status_code == 200
    assert client.get("/api/v1/patients", **bearer(psychiatrist)).status_code == 429
    assert client.get("/api/v1/patients", **bearer(therapist)).status_code == 200


def test_strangers_share_their_address_and_people_do_not(narrow, client, psychiatrist):
    narrow(stranger=2)
    assert statuses(lambda: client.get("/patients/"), 3) == [302, 302, 429]
    assert client.get("/patients/", REMOTE_ADDR="203.0.113.9").status_code == 302
    assert client.get("/api/v1/patients", **bearer(psychiatrist)).status_code == 200


def test_tokens_made_up_by_one_address_share_its_rate(narrow, client):
    narrow(unproven=2)
    made_up = iter("abc")
    told = statuses(lambda: client.get("/api/v1/patients", HTTP_AUTHORIZATION=f"Bearer {next(made_up)}"), 3)
    assert told == [401, 401, 429]


def test_one_token_that_only_the_database_knows_has_a_rate_of_its_own(narrow, client):
    narrow(read=1)
    told = [client.get("/api/v1/patients", HTTP_AUTHORIZATION=f"Device {token}").status_code for token in "aab"]
    assert told == [401, 429, 401]


def test_searches_and_uploads_have_their_own_rates(narrow, signed_in, psychiatrist, patient):
    narrow(search=1, upload=1, write=1)
    client = signed_in(psychiatrist)
    upload = f"/patients/{patient.pk}/actigraphy/upload/"
    assert statuses(lambda: client.post("/patients/search/", {"q": "nobody"}), 2) == [200, 429]
    assert client.post("/api/v1/actigraphy/upload", {"file": SimpleUploadedFile("a", b"x")}).status_code == 400
    assert client.post(upload, {"file": SimpleUploadedFile("a", b"x")}).status_code == 429
    assert client.get(upload).status_code == 200
    assert statuses(lambda: client.post("/patients/new/", {}), 2) == [422, 429]


def test_a_body_is_not_read_for_whoever_is_over_the_rate(narrow, client, psychiatrist, monkeypatch):
    narrow(upload=0)
    client.force_login(psychiatrist)

    def read(request: Any) -> None:
        raise AssertionError("the body was read")

    monkeypatch.setattr("novamind.audit.middleware.receive", read)
    assert client.post("/api/v1/actigraphy/upload", {"file": SimpleUploadedFile("a", b"x")}).status_code == 429


def test_health_is_never_limited(narrow, client):
    narrow(stranger=0, read=0)
    assert client.get("/health/live").status_code == 200


def test_the_switch_turns_it_off(narrow, signed_in, psychiatrist, settings):
    narrow(read=0)
    settings.RATE_LIMITING_ENABLED = False
    assert signed_in(psychiatrist).get("/patients/").status_code == 200
    count_export(psychiatrist.pk, patients=10_000)


def test_the_file_of_an_accounts_trail_is_an_export_of_the_patients_in_it(
    narrow, signed_in, clinical_admin, nurse, therapist, make_event
):
    narrow(export=2, export_patients=5)
    patients = [uuid4() for _ in range(6)]
    make_event(nurse, patients[:2])
    make_event(nurse, patients[1:2])
    make_event(therapist, patients)
    client = signed_in(clinical_admin)

    def take(account: Any) -> int:
        return client.post("/audit/account/export/", {"account": account}).status_code

    assert take(therapist.pk) == 429  # six patients
    assert take("nobody") == 422
    assert [take(nurse.pk), take(nurse.pk)] == [200, 200]  # two patients each
    assert take(clinical_admin.pk) == 429  # a third file, of nobody
    assert requests().filter(status_code=429, outcome="refused").count() == 2


def test_five_exports_an_hour_and_five_hundred_patients(psychiatrist, therapist, monkeypatch, caplog):
    monkeypatch.setattr(callers, "RATES", RATES)
    for _ in range(5):
        count_export(psychiatrist.pk, patients=1)
    with pytest.raises(TooMany) as refusal:
        count_export(psychiatrist.pk, patients=1)
    assert (refusal.value.kind, 3000 < refusal.value.wait_s <= 3900) == ("export", True)
    count_export(therapist.pk, patients=500)
    with pytest.raises(TooMany) as refusal:
        count_export(therapist.pk, patients=1)
    assert refusal.value.kind == "export_patients"
    alerts = [record for record in caplog.records if record.name == "novamind.alerts"]
    assert [(alert.levelname, alert.severity) for alert in alerts] == [("CRITICAL", "HIGH")] * 2


def test_an_export_beyond_the_share_is_429_wherever_it_is_asked_for(psychiatrist):
    middleware = AuditMiddleware(lambda request: None)  # type: ignore[arg-type,return-value]
    request = RequestFactory().get("/api/v1/patients")
    answer = middleware.process_exception(request, TooMany("export", 600))
    assert (answer.status_code, answer["Retry-After"]) == (429, "600")
    assert b"Try again in 10 minutes." in answer.content


def test_a_view_that_raises_it_within_the_api_is_429(monkeypatch, signed_in, psychiatrist):
    def refuse(self: Any) -> None:
        raise TooMany("export", 61)

    monkeypatch.setattr("patients.api.PatientViewSet.get_queryset", refuse)
    answer = signed_in(psychiatrist).get("/api/v1/patients")
    assert (answer.status_code, answer["Retry-After"], answer.json()["code"]) == (429, "61", "rate_limited")
    assert AuditEvent.objects.filter(status_code=429, outcome="refused").count() == 1


def test_no_key_names_anybody(monkeypatch, signed_in, psychiatrist):
    keys = []

    class Watched(counter.Counter):
        def take(self, claims: Any) -> Any:
            keys.extend(claim.key for claim in claims)

    monkeypatch.setattr(callers, "counter", lambda: Watched(""))
    signed_in(psychiatrist).get("/patients/")
    assert len(keys) == 1
    assert str(psychiatrist.pk) not in keys[0]


def test_a_rate_that_is_not_in_the_table_is_a_mistake():
    with pytest.raises(ValueError, match="no rate"):
        rate("often")
