"""One request: one audit row that says who, what, whose and from where, and nothing that was typed."""

from __future__ import annotations

import pytest
from auditlog.models import LogEntry
from django.test import Client

from novamind.accounts import tokens
from novamind.audit.models import AuditEvent, AuditEventPatient
from patients.services import leave_team
from tests.trail import CANARIES, bearer, new_patient, patients_of, requests, the_request


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
    token = tokens.begin(psychiatrist).access
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
        ("anonymous", 302, "refused"),
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


TYPED = {
    "/patients/Zqxlast Zqxfirst 1931/": "/patients/",
    "/patients/Zqxlast/actigraphy/": "/patients/",
    "/api/v1/patients/Zqxlast": "/api/",
    "/admin/patients/patient/Zqxlast/change/": "/admin/",
    "/admin/Zqxlast/": "/admin/",
    "/static/Zqxlast": "",
    "/Zqxlast/": "",
}


@pytest.mark.django_db
@pytest.mark.parametrize("path", TYPED)
def test_what_is_typed_into_the_address_bar_is_not_kept(signed_in, clinical_admin, path):
    signed_in(clinical_admin).get(path)
    assert the_request().path == TYPED[path]
    assert "Zqx" not in str(list(AuditEvent.objects.values()))


@pytest.mark.django_db
def test_an_address_of_ours_is_kept_whole(signed_in, clinical_admin, patient):
    path = f"/admin/patients/patient/{patient.pk}/history/"
    signed_in(clinical_admin).get(path)
    assert the_request().path == path


@pytest.mark.django_db
def test_no_prefix_of_an_address_hides_a_request(signed_in, psychiatrist, patient):
    for prefix in ("/static", "/health", "/metrics", "/api/docs"):
        path = f"/patients/{patient.pk}/actigraphy/"
        assert signed_in(psychiatrist).get(prefix + path, SCRIPT_NAME=prefix).status_code in {200, 404}
    told = list(requests().values_list("status_code", "path"))
    assert len(told) == 4
    assert {status for status, _ in told} <= {200, 404}


@pytest.mark.django_db
@pytest.mark.parametrize("key", ['"aaaaaaaaaa\\000"', "short", "UPPER" * 7, "'; --", "é" * 32, ""])
def test_a_malformed_session_is_no_session_and_the_request_is_on_record(client, settings, key):
    answer = client.get("/patients/", HTTP_COOKIE=f"{settings.SESSION_COOKIE_NAME}={key}")
    assert (answer.status_code, the_request().outcome) == (302, "refused")


@pytest.mark.django_db
def test_signing_out_is_no_refusal(signed_in, psychiatrist):
    assert signed_in(psychiatrist).post("/accounts/logout/").status_code == 302
    assert the_request().outcome == "success"


@pytest.mark.django_db
def test_a_query_of_too_many_parameters_is_recorded(signed_in, psychiatrist):
    query = "&".join(f"a{n}=" for n in range(1200))
    assert signed_in(psychiatrist).get(f"/patients/?{query}").status_code == 400
    assert (the_request().outcome, len(the_request().query_params)) == ("refused", 20)


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
def test_what_a_signed_in_person_sees_is_kept_by_no_cache(signed_in, psychiatrist, patient):
    for path in ("/patients/", f"/api/v1/patients/{patient.pk}"):
        assert signed_in(psychiatrist).get(path)["Cache-Control"] == "no-store, private"
