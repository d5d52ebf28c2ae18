"""Passkeys in Chromium, with a virtual authenticator: added, used alone, used as the second step, refused."""

from __future__ import annotations

from typing import Any

import pytest

from tests.running import PASSWORD
from tests.test_browser import chromium, demo  # noqa: F401  (fixtures)

pytestmark = pytest.mark.browser
THERAPIST = "tom.north@demo.novamind.test"


class Window:
    """A browser window with a virtual authenticator; passkeys need a name, so it opens ``localhost``."""

    def __init__(self, demo: Any, chromium: Any) -> None:  # noqa: F811
        self.demo, self.address = demo, f"http://localhost:{demo.port}"
        self.context = chromium.new_context()
        self.context.set_default_timeout(60_000)
        self.page = self.context.new_page()
        self.tools = self.context.new_cdp_session(self.page)
        self.tools.send("WebAuthn.enable")
        options = {"protocol": "ctap2", "transport": "internal", "hasResidentKey": True, "hasUserVerification": True}
        options |= {"isUserVerified": True, "automaticPresenceSimulation": True}
        self.key = self.tools.send("WebAuthn.addVirtualAuthenticator", {"options": options})["authenticatorId"]

    def verifies(self, verified: bool) -> None:
        """Whether the finger, the face or the PIN is the right one."""
        self.tools.send("WebAuthn.setUserVerified", {"authenticatorId": self.key, "isUserVerified": verified})

    def go(self, path: str) -> None:
        self.page.goto(self.address + path)

    def give_password(self) -> None:
        self.go("/accounts/login/")
        self.page.fill("input[name=username]", THERAPIST)
        self.page.fill("input[name=password]", PASSWORD)
        self.page.press("input[name=password]", "Enter")
        self.page.wait_for_url("**/accounts/code/")

    def sign_out(self) -> None:
        self.go("/accounts/security/")
        self.page.locator("form[action='/accounts/logout/'] button").click()
        self.page.wait_for_url("**/accounts/login/**")


@pytest.fixture
def window(demo: Any, chromium: Any) -> Any:  # noqa: F811
    opened = Window(demo, chromium)
    yield opened
    opened.context.close()


def test_a_passkey_is_added_and_signs_in_alone_and_as_the_second_step(window: Any) -> None:
    page = window.page
    window.give_password()
    page.fill("input[name=code]", window.demo.code(THERAPIST))
    page.press("input[name=code]", "Enter")
    page.wait_for_url(lambda url: "/accounts/" not in url)

    window.go("/accounts/security/passkeys/new/")
    page.fill("input[name=name]", "test laptop")
    page.check("input[name=passwordless]")
    page.click("#passkey-add")
    page.wait_for_url(lambda url: "/new/" not in url)
    window.go("/accounts/security/")
    assert "test laptop" in page.inner_text("main")

    window.sign_out()
    page.click("#passkey-login")
    page.wait_for_url(lambda url: "/accounts/" not in url)
    assert page.goto(f"{window.address}/patients/").status == 200

    window.sign_out()
    window.give_password()
    page.click("#passkey-authenticate")
    page.wait_for_url(lambda url: "/accounts/" not in url)

    window.sign_out()
    window.verifies(False)  # somebody else's finger
    page.click("#passkey-login")
    page.wait_for_selector("#passkey-failed:not([hidden])")
    assert page.goto(f"{window.address}/patients/").url.startswith(f"{window.address}/accounts/login/")


def test_a_passkey_that_was_removed_opens_nothing(window: Any) -> None:
    page = window.page
    window.give_password()
    page.fill("input[name=code]", window.demo.code(THERAPIST))
    page.press("input[name=code]", "Enter")
    page.wait_for_url(lambda url: "/accounts/" not in url)
    window.go("/accounts/security/passkeys/new/")
    page.fill("input[name=name]", "lost phone")
    page.check("input[name=passwordless]")
    page.click("#passkey-add")
    page.wait_for_url(lambda url: "/new/" not in url)

    window.go("/accounts/security/")
    page.locator("main p", has_text="lost phone").get_by_role("link", name="remove").click()
    page.get_by_role("button", name="Remove it").click()
    page.wait_for_url(lambda url: "/remove/" not in url)
    assert "lost phone" not in page.inner_text("main")

    window.sign_out()
    with page.expect_response(lambda answer: answer.request.method == "POST" and "/passkey/" in answer.url):
        page.click("#passkey-login")  # the authenticator still has it, and signs
    page.wait_for_load_state()
    assert page.goto(f"{window.address}/patients/").url.startswith(f"{window.address}/accounts/login/")
    window.give_password()
    if page.locator("#passkey-authenticate").count():  # another one of the account's is left
        page.click("#passkey-authenticate")
        page.wait_for_selector("#passkey-failed:not([hidden])")
    assert page.goto(f"{window.address}/patients/").url.startswith(f"{window.address}/accounts/login/")
