"""Passkeys at the server, with an authenticator written from the standard: what a dishonest one sends is refused."""

from __future__ import annotations

import json
import re
from hashlib import sha256
from os import urandom

import pytest
from allauth.mfa.models import Authenticator
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from django.test import Client
from fido2.cose import ES256
from fido2.utils import websafe_encode
from fido2.webauthn import AttestationObject, AttestedCredentialData, AuthenticatorData, CollectedClientData

from tests.signing_in import PASSWORD, sign_in

pytestmark = pytest.mark.django_db
PRESENT, VERIFIED, ATTESTED = 0x01, 0x04, 0x40
NEW, LOGIN = "/accounts/security/passkeys/new/", "/accounts/passkey/"


class Key:
    """A passkey (WebAuthn level 3, ES256, no attestation)."""

    def __init__(self, user, rp="testserver"):
        self.private, self.id, self.user, self.rp = ec.generate_private_key(ec.SECP256R1()), urandom(16), user, rp

    def registration(self, challenge, flags=PRESENT | VERIFIED):
        public = ES256.from_cryptography_key(self.private.public_key())
        attested = AttestedCredentialData.create(bytes(16), self.id, public)
        data = AuthenticatorData.create(sha256(self.rp.encode()).digest(), flags | ATTESTED, 0, attested)
        client = self._client("webauthn.create", challenge)
        return self._json(client, attestationObject=websafe_encode(AttestationObject.create("none", data, {})))

    def assertion(self, challenge, flags=PRESENT | VERIFIED, handle=None):
        data = AuthenticatorData.create(sha256(self.rp.encode()).digest(), flags, 1)
        client = self._client("webauthn.get", challenge)
        signature = self.private.sign(bytes(data) + sha256(client).digest(), ec.ECDSA(SHA256()))
        return self._json(
            client,
            authenticatorData=websafe_encode(data),
            signature=websafe_encode(signature),
            userHandle=websafe_encode((handle or self.user).pk.hex.encode()),
        )

    def _client(self, kind, challenge):
        return CollectedClientData.create(kind, challenge, f"https://{self.rp}")

    def _json(self, client, **response):
        response["clientDataJSON"] = websafe_encode(client)
        found = {"id": websafe_encode(self.id), "rawId": websafe_encode(self.id), "type": "public-key"}
        return json.dumps(found | {"response": response, "clientExtensionResults": {}})


def add(client, user):
    page = client.get(NEW).content.decode()
    challenge = json.loads(re.search(r'id="passkey-data"[^>]*>(.*?)</script>', page)[1])
    key = Key(user)
    credential = key.registration(challenge["creation_options"]["publicKey"]["challenge"])
    assert client.post(NEW, {"name": "laptop", "passwordless": "on", "credential": credential}).status_code == 302
    return key


def challenge_of(client):
    answer = client.get(LOGIN, headers={"Accept": "application/json"}).json()
    return answer["request_options"]["publicKey"]["challenge"]


@pytest.fixture
def key(client, psychiatrist):
    sign_in(client, psychiatrist)
    return add(client, psychiatrist)


def lets_in(client, credential):
    client.post(LOGIN, {"credential": credential})
    return client.get("/patients/").status_code == 200


def test_a_passkey_that_asked_for_its_owner_signs_in(key):
    stranger = Client()
    assert lets_in(stranger, key.assertion(challenge_of(stranger)))


def test_one_that_did_not_ask_for_its_owner_is_one_factor_and_refused(key):
    stranger = Client()
    assert not lets_in(stranger, key.assertion(challenge_of(stranger), flags=PRESENT))
    stranger.post("/accounts/login/", {"username": key.user.email, "password": PASSWORD})
    page = stranger.get("/accounts/code/").content.decode()
    challenge = json.loads(re.search(r'id="passkey-data"[^>]*>(.*?)</script>', page)[1])["request_options"]["publicKey"]
    credential = key.assertion(challenge["challenge"], flags=PRESENT)
    stranger.post("/accounts/code/", {"credential": credential})
    assert stranger.get("/patients/").status_code == 302


def test_a_challenge_counts_once_and_only_for_whom_it_was_given(key):
    stranger, thief = Client(), Client()
    credential = key.assertion(challenge_of(stranger))
    challenge_of(thief)
    assert not lets_in(thief, credential)
    assert lets_in(stranger, credential)
    stranger.post("/accounts/logout/")
    assert not lets_in(stranger, credential)


def test_a_key_opens_its_own_account_for_its_own_site(key, therapist, client):
    other = Client()
    assert not lets_in(other, key.assertion(challenge_of(other), handle=therapist))
    key.rp = "evil.test"
    assert not lets_in(other, key.assertion(challenge_of(other)))


@pytest.mark.parametrize(
    "credential", ["", "x", "null", "[]", "{}", "1", '{"response": 1}', '{"response": {"userHandle": 1}}']
)
def test_what_is_no_credential_is_refused_without_an_error(client, credential):
    challenge_of(client)
    assert client.post(LOGIN, {"credential": credential})["Location"] == "/accounts/login/"


def test_a_stranger_cannot_add_one(client, psychiatrist):
    client.post("/accounts/login/", {"username": psychiatrist.email, "password": "wrong"})
    assert client.get(NEW)["Location"].startswith("/accounts/login/")
    assert not Authenticator.objects.exists()
