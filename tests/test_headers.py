"""What every answer carries, at every URL, whoever asks."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import transaction
from django.http import HttpResponse
from django.test import Client

from novamind.throttle.rates import Rate
from tests.urls_of_novamind import every_url, values_for

#: What a browser must be told with every answer of ours.
ALWAYS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Opener-Policy": "same-origin",
}
NO_STORE = "no-store"


def answers(client: Client, chart: Any, user: Any) -> list[tuple[str, HttpResponse]]:
    """The answer to GET and POST at every URL; nothing that was changed stays."""
    found = []
    client.raise_request_exception = False
    kept = client.cookies.copy()
    for url in every_url():
        for method in ("GET", "POST"):
            with transaction.atomic():
                answer = client.generic(method, url.of(values_for(url, chart, user or chart.patient)))
                transaction.set_rollback(True)
            client.cookies = kept.copy()
            found.append((f"{method} {url.name}: {answer.status_code}", answer))
    return found


@pytest.mark.exhaustive
@pytest.mark.parametrize("who", [None, "psychiatrist", "clinical_admin"])
def test_every_answer_tells_the_browser_what_it_may_do(chart, request, who):
    client, user = Client(), None if who is None else request.getfixturevalue(who)
    if user is not None:
        client.force_login(user)
    missing = []
    for name, answer in answers(client, chart, user):
        wrong = [header for header, value in ALWAYS.items() if answer.headers.get(header) != value]
        policy = answer.headers.get("Content-Security-Policy", "")
        if "default-src 'self'" not in policy or "frame-ancestors 'none'" not in policy:
            wrong.append("Content-Security-Policy")
        if NO_STORE not in answer.headers.get("Cache-Control", ""):
            wrong.append("Cache-Control")
        if wrong:
            missing.append(f"{name} lacks {wrong}")
    assert missing == []


@pytest.mark.django_db
def test_no_policy_allows_what_stands_in_a_page(client):
    policy = client.get("/accounts/login/").headers["Content-Security-Policy"]
    parts = dict(part.strip().split(" ", 1) for part in policy.split(";"))
    assert parts["script-src"] == parts["style-src"] == "'self'"
    assert (parts["object-src"], parts["base-uri"], parts["form-action"]) == ("'none'", "'none'", "'self'")
    assert "unsafe" not in policy
    assert "http" not in policy


@pytest.mark.django_db
def test_a_refusal_before_any_view_carries_them_too(client):
    client.raise_request_exception = False
    for address, more in (("/nowhere/", {}), ("/patients/", {"HTTP_HOST": "evil.test"}), ("/api/nowhere", {})):
        answer = client.get(address, **more)
        assert {header: answer.headers.get(header) for header in ALWAYS} == ALWAYS, address


def test_what_the_middleware_answers_by_itself_carries_them_too(signed_in, psychiatrist, settings, monkeypatch):
    client = signed_in(psychiatrist)
    settings.UPLOAD_LIMIT_MB = 0
    assert_carries(client.post("/patients/new/", b"x" * 100_000, content_type="application/octet-stream"), 413)
    monkeypatch.setattr("novamind.throttle.callers.RATES", {"read": Rate(0, 60, "nothing")})
    assert_carries(client.get("/patients/"), 429)


def assert_carries(answer: HttpResponse, status: int) -> None:
    assert answer.status_code == status
    assert {header: answer.headers.get(header) for header in ALWAYS} == ALWAYS
    assert "default-src 'self'" in answer.headers["Content-Security-Policy"]
    assert NO_STORE in answer.headers["Cache-Control"]


@pytest.mark.django_db
def test_over_tls_a_browser_is_told_to_stay_there_for_a_year(settings):
    settings.SECURE_HSTS_SECONDS, settings.SECURE_HSTS_INCLUDE_SUBDOMAINS = 31_536_000, True
    settings.SECURE_SSL_REDIRECT = True
    answer = Client().get("/accounts/login/", secure=True)
    assert answer.headers["Strict-Transport-Security"].startswith("max-age=31536000; includeSubDomains")
    assert Client().get("/accounts/login/").status_code == 301


def test_cookies_of_a_session_are_out_of_reach(client, psychiatrist, settings):
    sent = {"username": psychiatrist.email, "password": "correct horse battery staple"}
    answer = client.post("/accounts/login/", sent)
    cookie = answer.cookies[settings.SESSION_COOKIE_NAME]
    assert cookie["httponly"]
    assert cookie["samesite"] == "Lax"
    assert cookie["path"] == "/"
    assert not cookie["domain"]
    page = Client().get("/accounts/login/")
    assert page.cookies[settings.CSRF_COOKIE_NAME]["httponly"]


@pytest.mark.django_db
def test_no_other_origin_is_let_in(signed_in, psychiatrist):
    client = signed_in(psychiatrist)
    for address in ("/patients/", "/api/v1/patients"):
        for ask in (client.get, client.options):
            answer = ask(address, headers={"Origin": "https://evil.test"})
            assert "Access-Control-Allow-Origin" not in answer.headers


#: What somebody sees who did not get in; whoever is signed in has no way there.
ENTRANCE = {"account_inactive", "socialaccount_login_cancelled", "socialaccount_login_error"}


def test_every_page_of_somebody_signed_in_has_the_way_out(chart, clinical_admin, psychiatrist):
    for user in (clinical_admin, psychiatrist):
        client = Client()
        client.force_login(user)
        pages = 0
        for url in every_url():
            if url.name.startswith(("admin", "api", "docs", "schema")) or url.name in ENTRANCE:
                continue
            answer = client.get(url.of(values_for(url, chart, user)))
            if answer.status_code == 200 and b"<html" in answer.content:
                pages += 1
                assert b'action="/accounts/logout/"' in answer.content, url.name
        assert pages > 5
