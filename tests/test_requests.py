"""One request: one transaction, one audit row, and no answer where the row cannot be written."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from auditlog.models import LogEntry
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from rest_framework_simplejwt.tokens import AccessToken

from actigraphy.models import Recording
from actigraphy.tests.recording_files import depresjon, minutes
from novamind.audit.models import AuditEvent, AuditEventPatient
from novamind.audit.recording import IncompleteAudit
from novamind.jobs.models import Job
from novamind.phi.keys import forget_keys
from novamind.phi.models import DataKey
from patients.models import Patient
from patients.services import leave_team
from tests.test_uploads import stored_files

CANARIES = ("Zqxfirst", "Zqxlast", "1931", "ZQX-MRN-7781", "99977810", "zqx7781")
NEW = {"first_name": "Zqxnew", "last_name": "Zqxnewlast", "date_of_birth": "1931-02-17"}
PASSWORD = "correct horse battery staple"  # noqa: S105


def requests() -> Any:
    """The events of requests; signing a test client in has one of its own."""
    return AuditEvent.objects.filter(status_code__isnull=False)


def the_request() -> AuditEvent:
    return requests().get()


def patients_of(event: AuditEvent) -> set[Any]:
    return set(event.patients.values_list("patient_id", flat=True))


def bearer(user: Any) -> dict[str, str]:
    return {"HTTP_AUTHORIZATION": f"Bearer {AccessToken.for_user(user)}"}


def new_patient(client: Client, **more: Any) -> Any:
    return client.post("/api/v1/patients", NEW, content_type="application/json", **more)


@contextmanager
def no_audit(table: str = "audit_auditevent") -> Iterator[None]:
    """The database itself refuses new rows of the trail."""
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(
                "CREATE FUNCTION no_audit() RETURNS trigger LANGUAGE plpgsql AS "
                "$$ BEGIN RAISE EXCEPTION 'disk full'; END $$"
            )
            cursor.execute(f"CREATE TRIGGER no_audit BEFORE INSERT ON {table} EXECUTE FUNCTION no_audit()")
        else:
            cursor.execute(
                f"CREATE TRIGGER no_audit BEFORE INSERT ON {table} BEGIN SELECT RAISE(ABORT, 'disk full'); END"
            )
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute(
                f"DROP TRIGGER no_audit ON {table}" if connection.vendor == "postgresql" else "DROP TRIGGER no_audit"
            )
            if connection.vendor == "postgresql":
                cursor.execute("DROP FUNCTION no_audit()")


@pytest.fixture
def doctor(transactional_db: None, signed_in: Any, psychiatrist: Any) -> Client:
    client = signed_in(psychiatrist)
    client.raise_request_exception = False
    return client


@pytest.mark.django_db
@pytest.mark.parametrize("path", ["/patients/{}/actigraphy/", "/api/v1/patients/{}"])
def test_reading_a_chart_leaves_one_event_with_its_patient(signed_in, psychiatrist, patient, path):
    answer = signed_in(psychiatrist).get(path.format(patient.pk), HTTP_USER_AGENT="Browser")
    assert answer.status_code == 200
    event = the_request()
    assert patients_of(event) == {patient.pk}
    assert (event.actor_id, event.actor_label, event.role) == (psychiatrist.pk, psychiatrist.email, "psychiatrist")
    assert (event.event_type, event.outcome, event.status_code) == ("DATA_ACCESS", "success", 200)
    assert (event.path, event.method, event.user_agent, event.ip) == (
        path.format(patient.pk),
        "GET",
        "Browser",
        "127.0.0.1",
    )
    assert answer["X-Request-ID"] == event.request_id
    assert len(event.session_hash) == 32


@pytest.mark.django_db
def test_the_bearer_of_a_token_is_the_actor(client, psychiatrist, patient):
    assert client.get(f"/api/v1/patients/{patient.pk}", **bearer(psychiatrist)).status_code == 200
    event = the_request()
    assert (event.actor_id, patients_of(event), event.session_hash) == (psychiatrist.pk, {patient.pk}, "")


@pytest.mark.django_db
def test_a_forged_token_is_nobody(client, psychiatrist, patient):
    token = str(AccessToken.for_user(psychiatrist))
    head, body, signature = token.split(".")
    for forged in (f"{head}.{body}.{'A' * len(signature)}", f"eyJhbGciOiJub25lIn0.{body}.", token[:-3]):
        answer = client.get(f"/api/v1/patients/{patient.pk}", HTTP_AUTHORIZATION=f"Bearer {forged}")
        assert answer.status_code == 401
    assert set(AuditEvent.objects.values_list("actor_id", "outcome")) == {(None, "refused")}
    assert not AuditEventPatient.objects.exists()


@pytest.mark.django_db
def test_each_refusal_is_on_record(client, signed_in, nurse, researcher, patient):
    client.get("/patients/")
    client.get("/api/v1/patients")
    signed_in(nurse).get(f"/patients/{patient.pk}/actigraphy/")
    nurse_post = new_patient(client, HTTP_ACCEPT="*/*")
    assert nurse_post.status_code == 201
    new_patient(signed_in(researcher))
    told = list(requests().order_by("at").values_list("actor_label", "status_code", "outcome"))
    assert told == [
        ("anonymous", 302, "success"),
        ("anonymous", 401, "refused"),
        (nurse.email, 404, "refused"),
        (nurse.email, 201, "success"),
        (researcher.email, 403, "refused"),
    ]
    assert not AuditEventPatient.objects.filter(patient_id=patient.pk).exists()


@pytest.mark.django_db
def test_a_form_without_its_token_is_refused_on_record(psychiatrist):
    client = Client(enforce_csrf_checks=True)
    client.force_login(psychiatrist)
    assert client.post("/patients/search/", {"q": "x"}).status_code == 403
    event = the_request()
    assert (event.actor_id, event.outcome) == (psychiatrist.pk, "refused")


def test_a_change_that_is_refused_is_rolled_back_and_on_record(doctor, make_patient, team):
    make_patient(team, mrn="TAKEN")
    before = Patient.objects.count()
    answer = doctor.post("/api/v1/patients", NEW | {"mrn": "taken"}, content_type="application/json")
    assert answer.status_code == 409
    assert Patient.objects.count() == before
    assert AuditEvent.objects.get(method="POST").outcome == "refused"
    forget_keys()
    assert doctor.post("/api/v1/patients", NEW | {"mrn": "free"}, content_type="application/json").status_code == 201


def test_a_refused_change_leaves_no_key_that_later_data_depends_on(doctor, team):
    """The first chart of a new clinic is refused; nothing encrypted afterwards may depend on what was rolled back."""
    DataKey.objects.all().delete()
    forget_keys()
    assert (
        doctor.post("/api/v1/patients", {**NEW, "mrn": "A-1", "zone": "x"}, content_type="application/json").status_code
        == 400
    )
    with no_audit():
        assert (
            doctor.post("/api/v1/patients", {**NEW, "mrn": "A-1"}, content_type="application/json").status_code == 503
        )
    made = doctor.post("/api/v1/patients", {**NEW, "mrn": "A-2"}, content_type="application/json").json()
    forget_keys()  # another process looks
    assert str(Patient.objects.get(mrn_index="a-2").pk) == made["id"]
    assert Patient.objects.get(pk=made["id"]).first_name == "Zqxnew"


@pytest.mark.parametrize("table", ["audit_auditevent", "audit_auditeventpatient"])
def test_no_record_no_chart(doctor, patient, table):
    with no_audit(table):
        for path in (
            f"/patients/{patient.pk}/actigraphy/",
            f"/api/v1/patients/{patient.pk}",
            "/patients/",
            "/api/v1/patients",
        ):
            answer = doctor.get(path)
            assert answer.status_code == 503, path
            whole = answer.content.decode() + str(answer.headers)
            assert not [canary for canary in CANARIES if canary in whole]
            if path.startswith("/api/"):
                assert answer.json()["code"] == "audit_unavailable"
    assert doctor.get(f"/api/v1/patients/{patient.pk}").status_code == 200


def test_no_record_no_change_and_no_file(doctor, patient, settings):
    content = depresjon(minutes("2024-01-08T12:00:00", 1440), [(at * 37) % 400 for at in range(1440)])
    before = Patient.objects.count()
    with no_audit():
        assert new_patient(doctor).status_code == 503
        for path, more in (
            ("/api/v1/actigraphy/upload", {"patient_id": str(patient.pk)}),
            (f"/patients/{patient.pk}/actigraphy/upload/", {}),
        ):
            answer = doctor.post(path, {"file": SimpleUploadedFile("a.csv", content)} | more)
            assert answer.status_code == 503
            assert not [canary for canary in CANARIES if canary in answer.content.decode()]
    assert Patient.objects.count() == before
    assert not Recording.objects.exists()
    assert not Job.objects.exists()
    assert stored_files(settings) == []


def test_no_record_no_sign_in(transactional_db, psychiatrist, team):
    client = Client(raise_request_exception=False)
    form = {"username": psychiatrist.email, "password": PASSWORD}
    with no_audit():
        assert client.post("/accounts/login/", form).status_code >= 500
        answer = client.post(
            "/api/v1/auth/login", {"email": psychiatrist.email, "password": PASSWORD}, content_type="application/json"
        )
        assert answer.status_code >= 500
        assert b"access" not in answer.content
    assert client.get("/patients/").status_code == 302
    assert client.post("/accounts/login/", form).status_code == 302


def test_an_incomplete_record_undoes_the_change_and_its_file(doctor, patient, settings, monkeypatch):
    content = depresjon(minutes("2024-01-08T12:00:00", 1440), [(at * 37) % 400 for at in range(1440)])

    def incomplete(*args: Any) -> None:
        raise IncompleteAudit("planted")

    monkeypatch.setattr("novamind.audit.recording.require_complete", incomplete)
    path = f"/patients/{patient.pk}/actigraphy/upload/"
    assert doctor.post(path, {"file": SimpleUploadedFile("a.csv", content)}).status_code == 500
    assert stored_files(settings) == []
    assert not Recording.objects.exists()


FORGED = {
    "HTTP_X_FORWARDED_FOR": "not-an-ip, 1.2.3.4",
    "HTTP_X_REAL_IP": "1.2.3.4",
    "HTTP_FORWARDED": "for=1.2.3.4",
    "HTTP_X_FORWARDED_PORT": "99999999999",
    "HTTP_X_CORRELATION_ID": "c" * 300,
    "HTTP_X_REQUEST_ID": "forged",
    "HTTP_X_FORWARDED_HOST": "evil.test",
    "HTTP_USER_AGENT": "u" * 5000 + "\x00",
}


def test_forged_headers_break_and_forge_nothing(doctor, patient, psychiatrist):
    assert new_patient(doctor, **FORGED).status_code == 201
    assert doctor.get(f"/patients/{patient.pk}/actigraphy/", **FORGED).status_code == 200
    assert requests().filter(actor_id=psychiatrist.pk, ip="127.0.0.1").count() == 2
    assert not AuditEvent.objects.filter(request_id="forged").exists()
    entries = LogEntry.objects.filter(content_type__model="patient", actor_id=psychiatrist.pk)
    assert {entry.remote_addr for entry in entries} == {None}
    assert entries


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("trusted", "told", "noted"),
    [
        (0, "9.9.9.9", "127.0.0.1"),
        (1, "6.6.6.6, 9.9.9.9", "9.9.9.9"),
        (2, "6.6.6.6, 9.9.9.9, 10.0.0.1", "9.9.9.9"),
        (2, "9.9.9.9", "127.0.0.1"),
        (1, "nonsense", None),
        (1, "fe80::1%eth0", "fe80::1"),
    ],
)
def test_only_counted_proxies_are_believed(client, settings, trusted, told, noted):
    settings.TRUSTED_PROXY_COUNT = trusted
    client.get("/help/", HTTP_X_FORWARDED_FOR=told)
    assert the_request().ip == noted


@pytest.mark.django_db
@pytest.mark.parametrize(
    "path", ["/patients/%00", "/patients/?%00=1", "/api/v1/%00", "/%ff%fe", "/patients/?" + "a" * 3000 + "=1"]
)
def test_no_address_is_too_strange_to_be_recorded(signed_in, psychiatrist, path):
    assert signed_in(psychiatrist).get(path).status_code in {200, 404}
    assert the_request().actor_id == psychiatrist.pk


@pytest.mark.django_db
def test_names_of_parameters_are_kept_and_their_values_are_not(signed_in, psychiatrist):
    signed_in(psychiatrist).get("/patients/", {"page": "1", "q": "Zqxlast", "Zqx last, first": ""})
    assert the_request().query_params == ["page", "q"]


@pytest.mark.django_db
def test_a_list_notes_the_page_that_is_shown(signed_in, psychiatrist, make_patient, team):
    charts = [make_patient(team, first_name="A", last_name=f"Name{n:03d}") for n in range(52)]
    client = signed_in(psychiatrist)
    for page, shown in ((1, charts[:50]), (2, charts[50:])):
        AuditEventPatient.objects.all().delete()
        AuditEvent.objects.all().delete()
        assert client.get("/patients/", {"page": page}).status_code == 200
        assert patients_of(the_request()) == {chart.pk for chart in shown}


@pytest.mark.django_db
def test_a_page_of_the_api_notes_the_page_that_is_shown(signed_in, psychiatrist, make_patient, team):
    for number in range(3):
        make_patient(team, first_name="A", last_name=f"Name{number}")
    answer = signed_in(psychiatrist).get("/api/v1/patients", {"page_size": 2})
    noted = {str(pk) for pk in patients_of(the_request())}
    assert noted == {row["id"] for row in answer.json()["results"]}


@pytest.mark.django_db
def test_a_search_notes_its_hits_and_never_what_was_typed(signed_in, psychiatrist, make_patient, team):
    hits = [make_patient(team, first_name="Ada", last_name=f"Zqxhit{n}") for n in range(2)]
    make_patient(team, first_name="Eve", last_name="Other")
    signed_in(psychiatrist).post("/patients/search/", {"q": "zqxhit"})
    event = the_request()
    assert patients_of(event) == {chart.pk for chart in hits}
    assert "zqxhit" not in str(list(AuditEvent.objects.values())).lower()


@pytest.mark.django_db
def test_a_search_without_hits_notes_nobody(signed_in, psychiatrist, patient):
    signed_in(psychiatrist).post("/patients/search/", {"q": "nobody at all"})
    assert patients_of(the_request()) == set()


PAGES = [
    "/patients/",
    "/patients/new/",
    "/api/v1/patients",
    "/api/v1/actigraphy/recordings",
    "/api/v1/actigraphy/analyses",
]
ADMIN = [
    f"/admin/{name}/" for name in (
        "patients/patient", "patients/careassignment", "patients/grant", "actigraphy/recording", "actigraphy/source",
        "actigraphy/analysis", "registry/inferencerecord", "registry/modelversion", "phi/datakey", "audit/auditevent",
        "auditlog/logentry",
    )
]  # fmt: skip


@pytest.mark.django_db
@pytest.mark.parametrize("path", PAGES)
def test_whoever_has_no_patients_gets_empty_lists(signed_in, psychiatrist, team, patient, path):
    leave_team(team=team, user=psychiatrist)
    assert signed_in(psychiatrist).get(path).status_code == 200
    assert patients_of(the_request()) == set()


@pytest.mark.django_db
@pytest.mark.parametrize("path", ADMIN)
@pytest.mark.parametrize("query", ["", "?q=Zqxlast"])
def test_the_admin_of_somebody_without_patients_is_empty(signed_in, clinical_admin, patient, path, query):
    answer = signed_in(clinical_admin).get(path + query)
    if answer.status_code == 404:
        pytest.skip("not in the admin")
    assert answer.status_code in {200, 302}
    assert patients_of(the_request()) == set()
    assert not [canary for canary in CANARIES if canary in answer.content.decode() and canary not in query]


@pytest.mark.django_db
def test_a_key_that_is_gone_is_503_on_pages_and_api(signed_in, psychiatrist, patient):
    DataKey.objects.filter(patient_id=patient.pk).delete()
    forget_keys()
    client = signed_in(psychiatrist)
    for path in (f"/patients/{patient.pk}/actigraphy/", "/patients/", f"/api/v1/patients/{patient.pk}"):
        answer = client.get(path)
        assert answer.status_code == 503, path
        assert b"key" not in answer.content.replace(b"keys_unavailable", b"")
    assert set(requests().values_list("outcome", flat=True)) == {"failed"}


@pytest.mark.django_db
@pytest.mark.parametrize("body", ["[" * 100_000, '{"a":' * 100_000, "{", "NaN", "[]", '"x"', "null", ""])
def test_broken_json_is_a_mistake_of_the_sender(signed_in, psychiatrist, body):
    client = signed_in(psychiatrist)
    client.raise_request_exception = False
    answer = client.generic("POST", "/api/v1/patients", body, "application/json")
    assert answer.status_code == 400, answer.content
    assert set(answer.json()) >= {"code", "detail", "request_id"}


@pytest.mark.django_db
def test_what_a_signed_in_person_sees_is_kept_by_no_cache(signed_in, psychiatrist, patient):
    for path in ("/patients/", f"/api/v1/patients/{patient.pk}"):
        assert signed_in(psychiatrist).get(path)["Cache-Control"] == "no-store, private"


def test_nothing_reads_a_streamed_answer_before_its_record():
    """The ledger closes when the view returns: a stream would read charts after it. So there is none."""
    root = Path(__file__).resolve().parents[1]
    found = [
        str(path.relative_to(root))
        for app in ("novamind", "patients", "actigraphy", "twins", "insights")
        for path in (root / app).rglob("*.py")
        if "tests" not in path.parts
        and any(
            isinstance(node, ast.Name) and node.id == "StreamingHttpResponse"
            for node in ast.walk(ast.parse(path.read_text()))
        )
    ]
    assert found == []
