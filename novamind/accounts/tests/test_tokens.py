"""Attack 6: refresh races, tokens that come back, forged and foreign tokens."""

from __future__ import annotations

import base64
import json
import threading
from datetime import timedelta

import jwt
import pytest
from django.db import connection, connections
from django.test import Client

from novamind import clock
from novamind.accounts import pruning, tokens
from novamind.accounts.models import RefreshToken, SignIn, TokenFamily
from tests.signing_in import PASSWORD, code_of, tokens_of

JSON = "application/json"


def refresh(token, client=None, **headers):
    return (client or Client()).post("/api/v1/auth/refresh", {"refresh": token}, content_type=JSON, headers=headers)


def opens(access):
    return Client().get("/api/v1/patients", headers={"Authorization": f"Bearer {access}"}).status_code


@pytest.mark.django_db
def test_the_api_wants_the_second_factor_too(client, psychiatrist):
    def login(**more):
        body = {"email": psychiatrist.email, "password": PASSWORD} | more
        answer = client.post("/api/v1/auth/login", body, content_type=JSON)
        return answer.status_code, answer.json().get("code")

    assert login() == (403, "second_factor_not_set_up")
    code = code_of(psychiatrist)
    assert login() == (401, "second_factor_required")
    assert login(code="000000") == (401, "authentication_failed")
    assert login(code=code)[0] == 200
    assert login(code=code) == (401, "authentication_failed")  # once


@pytest.mark.django_db
def test_a_pair_is_refreshed_and_the_old_access_lives_its_minutes(client, psychiatrist):
    first = tokens_of(client, psychiatrist)
    second = refresh(first["refresh"]).json()
    assert second["refresh"] != first["refresh"]
    assert second["access"] != first["access"]
    assert (opens(first["access"]), opens(second["access"])) == (200, 200)
    assert RefreshToken.objects.filter(digest=first["refresh"]).count() == 0  # kept as digests


@pytest.mark.django_db
def test_a_repeat_by_the_same_client_gets_the_same_pair_for_ten_seconds(client, psychiatrist, monkeypatch):
    first = tokens_of(client, psychiatrist)
    answers = [refresh(first["refresh"], **{"User-Agent": "app 1"}).json() for _ in range(3)]
    assert answers[0] == answers[1] == answers[2]
    assert RefreshToken.objects.count() == 2
    moment = clock.now() + timedelta(seconds=11)
    monkeypatch.setattr("novamind.accounts.tokens.now", lambda: moment)
    assert refresh(first["refresh"], **{"User-Agent": "app 1"}).status_code == 401
    assert opens(answers[0]["access"]) == 401


@pytest.mark.django_db
def test_a_token_that_comes_back_from_another_client_ends_the_family(client, psychiatrist):
    stolen = tokens_of(client, psychiatrist)
    mine = refresh(stolen["refresh"], **{"User-Agent": "phone"}).json()
    other = tokens_of(client, psychiatrist)
    answer = refresh(stolen["refresh"], **{"User-Agent": "thief"})
    assert (answer.status_code, answer.json()["code"]) == (401, "token_ended")
    assert refresh(mine["refresh"], **{"User-Agent": "phone"}).status_code == 401
    assert (opens(mine["access"]), opens(stolen["access"]), opens(other["access"])) == (401, 401, 200)
    assert TokenFamily.objects.get(ended_because="reuse").ended_at is not None


@pytest.mark.parametrize("agents", ["one", "many"])
def test_of_six_at_once_one_pair_is_minted(transactional_db, psychiatrist, agents):
    if connection.vendor != "postgresql":
        pytest.skip("SQLite's test database lives in shared memory, where writers fail instead of waiting")
    for _ in range(5):
        answers = six_at_once(tokens_of(Client(), psychiatrist)["refresh"], agents)
        family = TokenFamily.objects.latest("started_at")
        assert family.refresh_tokens.count() == 2
        given = [answer.content for answer in answers if answer.status_code == 200]
        assert (len(given), len(set(given))) == (6 if agents == "one" else 1, 1)
        assert (family.ended_at is None) is (agents == "one")


def six_at_once(token, agents):
    barrier, answers = threading.Barrier(6), []

    def ask(number):
        barrier.wait()
        answers.append(refresh(token, **{"User-Agent": "app" if agents == "one" else f"app {number}"}))
        connections.close_all()

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return answers


@pytest.mark.django_db
def test_signing_out_ends_access_tokens_at_once(client, psychiatrist):
    first = tokens_of(client, psychiatrist)
    second = refresh(first["refresh"]).json()
    answer = client.post("/api/v1/auth/logout", {"refresh": first["refresh"]}, content_type=JSON)
    assert answer.status_code == 204
    assert (opens(first["access"]), opens(second["access"])) == (401, 401)
    assert refresh(second["refresh"]).status_code == 401
    assert client.post("/api/v1/auth/logout", {"refresh": "unknown"}, content_type=JSON).status_code == 204


@pytest.mark.django_db
@pytest.mark.parametrize("event", ["twelve hours", "password", "inactive"])
def test_a_family_ends_with(client, psychiatrist, monkeypatch, event):
    pair = tokens_of(client, psychiatrist)
    if event == "twelve hours":
        TokenFamily.objects.update(started_at=clock.now() - timedelta(hours=12))
    elif event == "password":
        psychiatrist.set_password("another phrase 12345")
    else:
        psychiatrist.is_active = False
    psychiatrist.save()
    assert refresh(pair["refresh"]).status_code == 401
    assert opens(pair["access"]) == 401


def forgeries(access, refresh_token, settings, user, other):
    """Thirty tokens that look right."""
    claims, header = jwt.decode(access, options={"verify_signature": False}), jwt.get_unverified_header(access)
    key, head = settings.JWT_SECRET_KEY, access.split(".")
    wrong_key = "another key that is long enough to be one, really"

    def signed(**changes):
        payload = {name: value for name, value in (claims | changes).items() if value is not None}
        return jwt.encode(payload, key, algorithm="HS256")

    def bare(alg):
        top = base64.urlsafe_b64encode(json.dumps(header | {"alg": alg}).encode()).decode().rstrip("=")
        return f"{top}.{head[1]}."

    yield from (bare(alg) for alg in ("none", "None", "NONE", "nOnE", "HS256", "RS256"))
    yield from (bare("none") + head[2], f"{head[0]}.{head[1]}.", f"{head[0]}.{head[1]}", head[1], "", "null", "x.y.z")
    yield from (access[:-4] + "AAAA", access[::-1], access + "A", refresh_token, settings.JWT_SECRET_KEY)
    yield jwt.encode(claims, wrong_key, algorithm="HS256")
    yield jwt.encode(claims, key, algorithm="HS512")
    yield jwt.encode(claims, settings.SECRET_KEY, algorithm="HS256")
    yield jwt.encode(claims, wrong_key, algorithm="HS256", headers={"kid": "../../dev/null"})
    yield from (signed(aud="elsewhere"), signed(iss="elsewhere"), signed(token_type="refresh"), signed(exp=1))
    yield from (signed(fam=None), signed(fam=str(user.pk)), signed(user_id=str(other.pk)), signed(exp=None))
    yield from (signed(user_id="nobody"), signed(fam="x"), signed(token_type=None), signed(aud=None))


@pytest.mark.django_db
def test_no_forgery_is_taken(client, psychiatrist, therapist, settings):
    pair = tokens_of(client, psychiatrist)
    assert opens(pair["access"]) == 200
    tried = list(forgeries(pair["access"], pair["refresh"], settings, psychiatrist, therapist))
    assert len(tried) >= 30
    assert [n for n, token in enumerate(tried) if opens(token) != 401] == []
    not_refresh = [token for token in [*tried, pair["access"]] if token != pair["refresh"]]
    assert [token for token in not_refresh if refresh(token).status_code not in {400, 401}] == []


@pytest.mark.django_db
def test_the_server_makes_the_same_pair_again_and_a_thief_cannot(client, psychiatrist, settings):
    pair = tokens_of(client, psychiatrist)
    successor = refresh(pair["refresh"]).json()["refresh"]
    settings.JWT_SECRET_KEY = "another key that is long enough to be one"
    assert tokens._successor(pair["refresh"]) != successor


@pytest.mark.django_db
def test_what_is_over_for_a_month_is_deleted_and_what_lives_stays(client, psychiatrist):
    pair = tokens_of(client, psychiatrist)
    client.force_login(psychiatrist)
    old = clock.now() - timedelta(days=31)
    TokenFamily.objects.create(user=psychiatrist, started_at=old)
    SignIn.objects.create(user=psychiatrist, started_at=old, last_active_at=old)
    assert pruning.prune() >= 2
    assert opens(pair["access"]) == 200
    assert client.get("/patients/").status_code == 200
    assert (TokenFamily.objects.count(), SignIn.objects.count()) == (1, 1)
