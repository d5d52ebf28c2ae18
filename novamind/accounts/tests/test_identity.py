"""ID tokens and single sign-on, against an identity provider that really answers over HTTP."""

from __future__ import annotations

import base64
import hmac
import re
import time
from html import unescape
from urllib.parse import parse_qsl, urlsplit

import pytest
from allauth.socialaccount.models import SocialAccount
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from django.apps import apps
from django.test import Client

from novamind.accounts import identity
from novamind.accounts.ending import reset_second_factor
from novamind.accounts.models import User
from tests.openid_provider import Provider, new_key
from tests.signing_in import code_of, sign_in

pytestmark = pytest.mark.django_db


@pytest.fixture
def provider(settings):
    server = Provider().in_background()
    settings.OIDC_PROVIDERS = [
        {"id": "clinic", "name": "Clinic", "issuer": server.issuer, "client_id": "novamind", "secret": "s", "api": True}
    ]
    settings.SOCIALACCOUNT_PROVIDERS = {
        "openid_connect": {
            "APPS": [
                {
                    "provider_id": "clinic",
                    "name": "Clinic",
                    "client_id": "novamind",
                    "secret": "s",
                    "settings": {"server_url": server.issuer, "oauth_pkce_enabled": True},
                }
            ]
        }
    }
    identity.forget_keys()
    yield server
    identity.forget_keys()
    server.shutdown()
    server.server_close()


def ask(token):
    answer = Client().get("/api/v1/patients", headers={"Authorization": f"Bearer {token}"})
    return answer.status_code, answer.json().get("code")


def connect(user, subject="subject-1"):
    SocialAccount.objects.create(user=user, provider="clinic", uid=subject)


def test_an_id_token_opens_the_api_for_whom_it_is_connected_with(provider, psychiatrist):
    assert ask(provider.token()) == (401, "authentication_failed")
    connect(psychiatrist)
    assert ask(provider.token()) == (200, None)
    assert ask(provider.token(email="therapist@clinic.test", sub="subject-2"))[0] == 401
    User.objects.update(is_active=False)
    assert ask(provider.token())[0] == 401


def test_staff_need_a_second_factor_there(provider, psychiatrist, make_user):
    connect(psychiatrist)
    for claims in (
        {"amr": ["pwd"]},
        {"amr": None},
        {"amr": "mfa"},
        {"firebase": {"sign_in_provider": "password"}, "amr": None},
    ):
        assert ask(provider.token(**claims)) == (401, "second_factor_required"), claims
    assert ask(provider.token(amr=None, firebase={"sign_in_second_factor": "totp"}))[0] == 200
    connect(make_user("someone@mail.test", "patient"), "subject-3")
    assert ask(provider.token(sub="subject-3", amr=None)) == (403, "role_required")


def signed_with_the_public_key(provider):
    """HS256, for a server that takes the algorithm from the token and the key from the provider."""
    public = provider.key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    head = base64.urlsafe_b64encode(b'{"alg":"HS256","typ":"JWT","kid":"k1"}').decode().rstrip("=")
    signed = f"{head}.{provider.token().split('.')[1]}"
    mac = hmac.new(public, signed.encode(), "sha256").digest()
    return f"{signed}.{base64.urlsafe_b64encode(mac).decode().rstrip('=')}"


def test_no_forged_or_foreign_id_token_is_taken(provider, psychiatrist):
    connect(psychiatrist)
    stranger = new_key()
    good = provider.token()
    forged = [
        provider.token(key=stranger),
        provider.token(key=stranger, kid="k2"),
        provider.token(kid=None),
        signed_with_the_public_key(provider),
        provider.token(aud="another-app"),
        provider.token(exp=int(time.time()) - 60),
        provider.token(iat=int(time.time()) + 600),
        provider.token(sub=None),
        provider.token(exp=None),
        good[:-6] + "AAAAAA",
        good.rsplit(".", 1)[0] + ".",
    ]
    assert [number for number, token in enumerate(forged) if ask(token)[0] != 401] == []
    assert ask(provider.token(iss="https://elsewhere.test"))[0] == 401  # nobody we know: ours, and not valid
    assert ask(good)[0] == 200


def test_its_keys_are_asked_for_once_and_made_up_key_ids_ask_nobody(provider, psychiatrist):
    connect(psychiatrist)
    for number in range(5):
        ask(provider.token())
        ask(provider.token(kid=f"made-up-{number}"))
    assert provider.asked.count("/keys") == 1


def test_a_provider_that_does_not_answer_is_not_waited_for_by_everybody(provider, psychiatrist):
    provider.broken = True
    for _ in range(3):
        assert ask(provider.token())[0] == 503
    assert len(provider.asked) == 1


def test_a_provider_that_is_down_is_503_and_nobody_is_let_in(provider, psychiatrist):
    connect(psychiatrist)
    provider.broken = True
    assert ask(provider.token()) == (503, "provider_unavailable")


def begin(client, process="login"):
    """What the browser asks of the provider."""
    page = client.post(f"/accounts/sso/clinic/?process={process}").content.decode()
    asked = dict(parse_qsl(urlsplit(unescape(re.search(r'0;url=([^"]+)', page)[1])).query))
    assert asked["code_challenge_method"] == "S256"
    assert len(asked["nonce"]) > 30
    return asked


def sign_on(provider, client, process="login"):
    back = urlsplit(provider.authorize(begin(client, process)))
    return client.get(back.path, dict(parse_qsl(back.query)))


def test_single_sign_on_knows_by_subject_and_still_asks_for_the_second_factor(provider, client, psychiatrist):
    answer = sign_on(provider, client)
    assert b"No account here yet" in answer.content  # the address is a colleague's, and that is nothing
    assert User.objects.count() == 1
    connect(psychiatrist)
    code = code_of(psychiatrist)
    assert sign_on(provider, client)["Location"] == "/accounts/code/"
    assert client.get("/patients/")["Location"].startswith("/accounts/login/")
    assert client.post("/accounts/code/", {"code": code})["Location"] == "/"
    assert client.get("/patients/").status_code == 200
    assert "Zqxname" not in str(list(SocialAccount.objects.values()))


def test_every_sign_on_that_fails_is_on_record(provider, client, psychiatrist):
    sign_on(provider, client)  # nobody is connected
    connect(psychiatrist)
    provider.lies = {"claims": {"nonce": "another"}}
    assert sign_on(provider, client).status_code == 401
    provider.lies = {}
    User.objects.update(is_active=False)
    sign_on(provider, client)
    failed = apps.get_model("audit", "AuditEvent").objects.filter(event_type="SIGN_IN_FAILED").order_by("at")
    assert [event.actor_label for event in failed] == ["unknown address", "unknown address", psychiatrist.email]


def test_a_provider_that_is_down_or_answers_nonsense_is_no_error_of_ours(provider, client):
    provider.broken = True
    assert client.post("/accounts/sso/clinic/").status_code == 401
    assert b"did not work" in client.post("/accounts/sso/clinic/").content
    assert client.get("/accounts/sso/clinic/")["Location"] == "/accounts/login/"


@pytest.mark.parametrize("answer", [[], [1], {}, {"access_token": 1}, {"access_token": "a", "id_token": {}}])
def test_what_is_no_answer_to_a_code_signs_nobody_in(provider, client, psychiatrist, answer, monkeypatch):
    connect(psychiatrist)
    monkeypatch.setattr(provider, "exchange", lambda sent: (200, answer))
    assert sign_on(provider, client).status_code == 401


def test_single_sign_on_without_a_second_factor_opens_nothing(provider, client, psychiatrist):
    connect(psychiatrist)
    sign_on(provider, client)
    assert client.get("/patients/")["Location"].startswith("/accounts/security/")


def test_an_account_is_connected_by_its_owner(provider, client, psychiatrist, monkeypatch):
    sign_in(client, psychiatrist)
    signed_at = int(time.time())
    provider.lies = {"claims": {"iat": signed_at, "exp": signed_at + 300}}  # no part of what the clock is moved for
    at = time.time() + 660
    monkeypatch.setattr(time, "time", lambda: at)
    assert sign_on(provider, client, "connect")["Location"].startswith("/accounts/confirm/")
    assert not SocialAccount.objects.exists()
    client.post("/accounts/confirm/code/", {"code": code_of(psychiatrist)})
    assert SocialAccount.objects.get().user == psychiatrist


def test_a_callback_nobody_asked_for_signs_nobody_in(provider, client, psychiatrist):
    connect(psychiatrist)
    code_of(psychiatrist)
    for query in ({}, {"code": "c"}, {"code": "c", "state": "made-up"}, {"error": "access_denied", "state": "x"}):
        client.get("/accounts/sso/clinic/callback/", query)
        assert client.get("/patients/")["Location"].startswith("/accounts/login/")


def test_of_several_audiences_the_token_must_have_been_asked_for_by_us(provider, psychiatrist):
    connect(psychiatrist)
    both = ["novamind", "other"]
    taken = [{"aud": both, "azp": "novamind"}, {"azp": "novamind"}, {"aud": ["novamind"]}]
    refused = [{"aud": both}, {"aud": both, "azp": "other"}, {"azp": "other"}, {"aud": both, "azp": both}]
    assert [ask(provider.token(**claims))[0] for claims in taken] == [200] * 3
    assert [ask(provider.token(**claims))[0] for claims in refused] == [401] * 4


def test_a_reset_second_factor_closes_the_api_to_what_was_signed_before(provider, psychiatrist):
    connect(psychiatrist)
    before = provider.token()
    assert ask(before)[0] == 200
    reset_second_factor(psychiatrist)
    later = int(time.time()) + 2
    assert ask(before) == (401, "token_not_valid")
    assert ask(provider.token(iat=later, auth_time=later - 600)) == (401, "token_not_valid")  # of the old sign-on
    assert ask(provider.token(iat=later, auth_time="soon")) == (401, "token_not_valid")
    assert ask(provider.token(iat=later, auth_time=later))[0] == 200
