"""Single sign-on against a provider of its own process, over sockets: the deployed web server, pages and API."""

from __future__ import annotations

import base64
import json
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from hashlib import sha256
from html import unescape
from secrets import token_urlsafe
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
import requests

from novamind.accounts.codes import STEP_S, code_at
from tests.openid_provider import CLIENT, SECRET
from tests.running import HANG_S, ROOT, free_port
from tests.test_browser import chromium
from tests.test_web_server import Web

__all__ = ["chromium"]

SEED = """
import django; django.setup()
from allauth.mfa.totp.internal.auth import TOTP, generate_totp_secret
from allauth.socialaccount.models import SocialAccount
from novamind.accounts.adapters import secrets_of
from novamind.accounts.models import User
user, secret = User.objects.get(), generate_totp_secret()
with secrets_of(user):
    TOTP.activate(user, secret)
SocialAccount.objects.create(user=user, provider="clinic", uid="subject-1")
print(secret)
"""
SIGN_INS = """
import django; django.setup()
from novamind.audit.models import AuditEvent
for e in AuditEvent.objects.filter(event_type__in=["SIGN_IN", "SIGN_IN_FAILED"]).order_by("at"):
    print(e.event_type, e.actor_label, sep="|")
"""


class Clinic:
    """A web server and a provider that know each other, and one psychiatrist who is connected."""

    def __init__(self, folder: Any) -> None:
        port = free_port()
        self.issuer = f"http://127.0.0.1:{port}"
        provider = {"id": "clinic", "name": "Clinic", "issuer": self.issuer, "client_id": CLIENT, "secret": SECRET}
        self.web = Web(folder, OIDC_PROVIDERS=json.dumps([provider | {"api": True}]))
        self.address = f"http://127.0.0.1:{self.web.port}"
        self.callback = f"{self.address}/accounts/sso/clinic/callback/"
        words = [sys.executable, "-m", "tests.openid_provider", str(port), self.callback]
        self.provider = subprocess.Popen(words, cwd=ROOT)
        self.secret = self.web.python("-c", SEED).strip()
        self.last_step = 0
        self.web.until_ready()

    def stop(self) -> None:
        for process in (self.provider, self.web.process):
            process.terminate()
            process.wait(timeout=HANG_S)

    def lie(self, **lies: Any) -> None:
        requests.post(f"{self.issuer}/lies", json=lies, timeout=HANG_S).raise_for_status()

    def code(self) -> str:
        """One that counts now; each counts once."""
        self.last_step = max(int(time.time()) // STEP_S - 1, self.last_step + 1)
        time.sleep(max(0.0, (self.last_step - 1) * STEP_S - time.time() + 1))
        return code_at(self.secret, self.last_step)

    def sign_ins(self) -> list[str]:
        return self.web.python("-c", SIGN_INS).split("\n")[:-1]


class Browser(requests.Session):
    """Goes where forms and pages send it, and keeps cookies."""

    def __init__(self, clinic: Clinic) -> None:
        super().__init__()
        self.clinic = clinic

    def ask(self, method: str, address: str, **more: Any) -> requests.Response:
        return self.request(method, address, timeout=HANG_S, allow_redirects=False, **more)

    def submit(self, path: str, **fields: str) -> requests.Response:
        """A form of ours, with the token of the sign-in page's."""
        page = self.ask("GET", f"{self.clinic.address}/accounts/login/").text
        token = re.search(r'csrfmiddlewaretoken" value="([^"]+)"', page)
        fields["csrfmiddlewaretoken"] = token[1] if token else self.cookies["csrftoken"]
        return self.ask("POST", self.clinic.address + path, data=fields)

    def to_provider(self) -> dict[str, str]:
        """What is asked of the provider for us."""
        page = self.submit("/accounts/sso/clinic/").text
        address = unescape(re.search(r'0;url=([^"]+)', page)[1])  # type: ignore[index]
        assert address.startswith(f"{self.clinic.issuer}/authorize?")
        return dict(parse_qsl(urlsplit(address).query))

    def agree(self, asked: dict[str, str]) -> str:
        """Where the provider sends us back to."""
        return self.ask("POST", f"{self.clinic.issuer}/authorize", data=asked).headers["Location"]

    def sign_on(self) -> requests.Response:
        return self.ask("GET", self.agree(self.to_provider()))

    def is_in(self) -> bool:
        return self.ask("GET", f"{self.clinic.address}/patients/").status_code == 200


@pytest.fixture(scope="module")
def clinic(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Clinic]:
    running = Clinic(tmp_path_factory.mktemp("sign_on"))
    yield running
    running.stop()


@pytest.fixture
def browser(clinic: Clinic) -> Iterator[Browser]:
    yield Browser(clinic)
    clinic.lie()


@pytest.mark.processes
def test_the_clinics_own_sign_on_and_then_the_second_factor_open_the_pages(clinic: Clinic, browser: Browser) -> None:
    answer = browser.sign_on()
    assert (answer.status_code, answer.headers["Location"]) == (302, "/accounts/code/")
    assert not browser.is_in()
    page = browser.ask("GET", f"{clinic.address}/accounts/code/").text
    token = re.search(r'csrfmiddlewaretoken" value="([^"]+)"', page)[1]  # type: ignore[index]
    given = {"code": clinic.code(), "csrfmiddlewaretoken": token}
    assert browser.ask("POST", f"{clinic.address}/accounts/code/", data=given).headers["Location"] == "/"
    assert browser.is_in()
    assert clinic.sign_ins()[-1] == "SIGN_IN|p@clinic.test"


LIES = {
    "for another client": {"claims": {"aud": "another"}},
    "of several clients, asked for by another": {"claims": {"aud": [CLIENT, "another"], "azp": "another"}},
    "of another issuer": {"claims": {"iss": "https://elsewhere.test"}},
    "of another sign-on": {"claims": {"nonce": "made-up"}},
    "of no sign-on": {"claims": {"nonce": None}},
    "too old": {"claims": {"exp": 1_700_000_000}},
    "not yet": {"claims": {"iat": 4_000_000_000}},
    "of nobody": {"claims": {"sub": None}},
    "signed by a stranger": {"signed": "by a stranger"},
    "signed with an unknown key": {"signed": "with an unknown key"},
    "signed with the client's secret": {"signed": "with the secret of the client"},
    "not there": {"id_token": False},
}


@pytest.mark.processes
@pytest.mark.parametrize("lie", LIES)
def test_an_id_token_that_is_not_ours_signs_nobody_in(clinic: Clinic, browser: Browser, lie: str) -> None:
    clinic.lie(**LIES[lie])
    answer = browser.sign_on()
    assert answer.status_code == 401
    assert "did not work" in answer.text
    assert browser.ask("GET", f"{clinic.address}/accounts/code/").status_code == 302
    assert not browser.is_in()


@pytest.mark.processes
def test_a_state_a_code_and_a_verifier_belong_to_one_browser(clinic: Clinic, browser: Browser) -> None:
    thief = Browser(clinic)
    back = browser.agree(browser.to_provider())
    assert thief.ask("GET", back).status_code == 401  # the state is another browser's
    stolen = dict(parse_qsl(urlsplit(back).query))["code"]
    own = thief.to_provider()
    answer = thief.ask("GET", clinic.callback, params={"code": stolen, "state": own["state"]})
    assert answer.status_code == 401  # the verifier does not fit the code
    assert browser.ask("GET", back).status_code == 401  # and the code is spent
    back = browser.agree(browser.to_provider())
    assert browser.ask("GET", back).headers["Location"] == "/accounts/code/"
    assert browser.ask("GET", back).status_code == 401  # a state counts once
    assert not thief.is_in()


@pytest.mark.processes
@pytest.mark.parametrize("is_verified", [True, False])
def test_an_address_that_the_provider_vouches_for_or_not_is_nobodys_proof(
    clinic: Clinic, browser: Browser, is_verified: bool
) -> None:
    clinic.lie(claims={"sub": "subject-2", "email": "p@clinic.test", "email_verified": is_verified})
    assert "No account here yet" in browser.sign_on().text
    assert not browser.is_in()
    assert clinic.sign_ins()[-1] == "SIGN_IN_FAILED|unknown address"


@pytest.mark.processes
def test_the_api_takes_an_id_token_that_an_app_was_given(clinic: Clinic, browser: Browser) -> None:
    def asked(**claims: Any) -> tuple[int, Any]:
        clinic.lie(claims=claims)
        verifier = token_urlsafe(48)
        challenge = base64.urlsafe_b64encode(sha256(verifier.encode()).digest()).decode().rstrip("=")
        wanted = {"client_id": CLIENT, "redirect_uri": clinic.callback, "response_type": "code", "scope": "openid"}
        wanted |= {"state": "s", "code_challenge": challenge, "code_challenge_method": "S256"}
        code = dict(parse_qsl(urlsplit(browser.agree(wanted)).query))["code"]
        sent = {"grant_type": "authorization_code", "code": code, "code_verifier": verifier, "client_id": CLIENT}
        sent |= {"client_secret": SECRET, "redirect_uri": clinic.callback}
        token = browser.ask("POST", f"{clinic.issuer}/token", data=sent).json()["id_token"]
        head = {"Authorization": f"Bearer {token}"}
        answer = requests.get(f"{clinic.address}/api/v1/patients", headers=head, timeout=HANG_S)
        return answer.status_code, answer.json().get("code")

    assert asked() == (200, None)
    assert asked(amr=["pwd"]) == (401, "second_factor_required")
    assert asked(aud="another")[0] == 401
    assert asked(exp=1_700_000_000)[0] == 401
    assert asked(sub="subject-2") == (401, "authentication_failed")


@pytest.mark.browser
def test_a_person_signs_on_in_chromium(clinic: Clinic, chromium: Any) -> None:
    """The strict policy of our pages lets the sign-on leave and come back; no script or style is refused."""
    context = chromium.new_context()
    page, said = context.new_page(), []
    page.on("console", lambda line: said.append(line.text))
    page.goto(f"{clinic.address}/accounts/login/")
    page.get_by_role("button", name="Sign in with Clinic").click()
    page.get_by_role("button", name="I am subject-1").click()
    page.wait_for_url("**/accounts/code/")
    page.fill("input[name=code]", clinic.code())
    page.press("input[name=code]", "Enter")
    page.wait_for_url(lambda url: "/accounts/" not in url)
    assert page.goto(f"{clinic.address}/patients/").status == 200
    assert said == []
    context.close()
