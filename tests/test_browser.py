"""The demo in Chromium: sign in, upload a real recording, wait for the worker, see the actogram drawn."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from novamind.simulator import Persona, simulate, write_awd
from tests.needed import axe, in_ci, needed
from tests.running import HANG_S, PASSWORD, Demo

pytestmark = [pytest.mark.browser, pytest.mark.slow]

CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium") or "/usr/bin/chromium"
QUIET = "--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking".split()
SIZES = {"desktop": (1440, 900, "light"), "phone": (390, 844, "dark")}
# swagger-ui writes one <style> of its own, which our policy blocks and its pages do without; Chromium reports its hash.
SWAGGERS_STYLE = "('sha256-MMpT0iDxyjALd9PdfepImGX3DBfJPXZ4IlDWdPAgtn0=')"
PSYCHIATRIST, NURSE_SOUTH, ADMIN = (f"{who}@demo.novamind.test" for who in ("ada.north", "ines.south", "admin"))


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    running = Demo(tmp_path_factory.mktemp("demo"))
    yield running
    running.stop()


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    sync_api = needed("playwright.sync_api")
    if not Path(CHROMIUM).exists():
        assert not in_ci(), f"no Chromium at {CHROMIUM}"
        pytest.skip("needs Chromium; on Debian: apt-get install chromium")
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        yield browser
        browser.close()


SIGNED_IN: dict[str, Any] = {}  # cookies by person: a code counts once, and the next comes in thirty seconds


class Visit:
    """One signed-in window, and what its console complained about."""

    def __init__(self, demo: Demo, chromium: Any, email: str, size: str = "desktop") -> None:
        width, height, scheme = SIZES[size]
        self.demo = demo
        self.context = chromium.new_context(
            viewport={"width": width, "height": height}, color_scheme=scheme, storage_state=SIGNED_IN.get(email)
        )
        self.context.set_default_timeout(HANG_S * 1000)
        self.page = self.context.new_page()
        self.complaints: list[str] = []
        self.page.on("console", lambda line: self._heard(line))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.goto(demo.address)
        if "/accounts/" in self.page.url:
            self.sign_in(email)
        SIGNED_IN[email] = self.context.storage_state()

    def sign_in(self, email: str) -> None:
        self.page.fill("input[name=username]", email)
        self.page.fill("input[name=password]", PASSWORD)
        self.page.press("input[name=password]", "Enter")
        self.page.wait_for_url(lambda url: "/accounts/login" not in url)
        if "/accounts/" in self.page.url:  # patients have no second factor
            self.page.fill("input[name=code]", self.demo.code(email))
            self.page.press("input[name=code]", "Enter")
        self.page.wait_for_url(lambda url: "/accounts/" not in url)

    def _heard(self, line: Any) -> None:
        if line.type in {"error", "warning"}:
            self.complaints.append(line.text)

    def open_patient(self, name: str) -> None:
        self.page.goto(f"{self.demo.address}/patients/")
        self.page.locator("main a", has_text=name).first.click()
        self.page.get_by_role("link", name="Actigraphy", exact=True).click()
        self.page.wait_for_url("**/actigraphy/**")

    def wait_for_charts(self) -> None:
        self.page.wait_for_selector("[data-figure][data-drawn-ms]")


@pytest.fixture
def visit(demo: Demo, chromium: Any) -> Iterator[Any]:
    opened: list[Visit] = []

    def sign_in(email: str, size: str = "desktop") -> Visit:
        opened.append(Visit(demo, chromium, email, size))
        return opened[-1]

    yield sign_in
    for one in opened:
        one.context.close()


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    """A real Actiwatch file where there is one, else a simulated one in the same format."""
    real = Path(__file__).resolve().parent.parent.parent / "shared" / "data" / "actiwatch" / "example_01.AWD"
    if real.is_file():
        return real
    path = tmp_path / "SYNTHETIC.awd"
    path.write_bytes(write_awd(simulate(Persona.draw(77), start=date(2026, 3, 20), days=13)))
    return path


def test_a_clinician_uploads_a_recording_and_sees_the_actogram_drawn(visit: Any, recording: Path) -> None:
    one = visit(PSYCHIATRIST)
    one.open_patient("Solheim")
    one.page.get_by_text("Upload another recording").click()
    one.page.set_input_files("input[type=file]", recording)
    one.page.locator("form[enctype='multipart/form-data'] button[type=submit]").first.click()
    one.page.wait_for_url("**recording=**")
    one.wait_for_charts()
    assert one.page.locator("#actogram").is_visible()
    assert one.page.locator("[data-figure] svg.main-svg path").count() > 10
    assert one.page.locator("tr[id^=night-]").count() >= 10
    assert not one.complaints


def test_a_file_that_is_no_recording_is_answered_with_a_sentence(visit: Any, tmp_path: Path) -> None:
    junk = tmp_path / "holiday.zip"
    junk.write_bytes(b"PK\x03\x04" + bytes(200))
    one = visit(PSYCHIATRIST)
    one.open_patient("Solheim")
    one.page.get_by_text("Upload another recording").click()
    one.page.set_input_files("input[type=file]", junk)
    one.page.locator("form[enctype='multipart/form-data'] button[type=submit]").first.click()
    one.page.get_by_text("The file is an archive").wait_for()


@pytest.mark.parametrize("size", SIZES)
def test_the_page_fits_and_draws_without_a_complaint(visit: Any, size: str) -> None:
    one = visit(PSYCHIATRIST, size)
    one.open_patient("Ellingsen")
    one.wait_for_charts()
    too_wide = one.page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert too_wide <= 0
    assert not one.complaints


@pytest.mark.parametrize("size", SIZES)
def test_no_page_has_a_serious_barrier(visit: Any, size: str) -> None:
    checker = axe()
    one = visit(PSYCHIATRIST, size)
    one.open_patient("Ellingsen")
    one.wait_for_charts()
    for path in (one.page.url, "/patients/", "/patients/new/"):
        one.page.goto(path if path.startswith("http") else one.demo.address + path)
        found = checker.run(one.page).response["violations"]
        serious = [(each["id"], len(each["nodes"])) for each in found if each["impact"] in {"serious", "critical"}]
        assert not serious, f"{path}: {serious}"


def test_a_short_recording_says_what_is_missing(visit: Any) -> None:
    one = visit(NURSE_SOUTH)
    one.open_patient("Kowalczyk")
    assert one.page.get_by_text("valid days; 5 needed").count() >= 5


def test_a_patient_without_a_recording_says_what_to_do(visit: Any) -> None:
    one = visit(NURSE_SOUTH)
    one.open_patient("Marković")
    assert one.page.get_by_text("No recording yet").is_visible()


def test_the_other_teams_patient_is_not_there(visit: Any) -> None:
    north = visit(PSYCHIATRIST)
    north.open_patient("Ellingsen")
    hidden = north.page.url
    south = visit(NURSE_SOUTH)
    answer = south.page.goto(hidden)
    assert answer.status == 404
    assert "Ellingsen" not in south.page.content()


@pytest.mark.parametrize("size", SIZES)
def test_the_pages_of_compliance_fit_and_have_no_serious_barrier(visit: Any, size: str) -> None:
    checker = axe()
    one = visit(ADMIN, size)
    for path in ("/compliance/", "/compliance/incidents/", "/compliance/incidents/new/"):
        one.page.goto(one.demo.address + path)
        found = checker.run(one.page).response["violations"]
        assert not [(each["id"], path) for each in found if each["impact"] in {"serious", "critical"}]
        assert one.page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth") <= 0
    one.page.goto(one.demo.address + "/compliance/incidents/")
    one.page.get_by_role("link", name="A list of appointments").click()
    assert one.page.get_by_text("Whom to tell").is_visible()
    assert not one.complaints


@pytest.mark.parametrize("size", SIZES)
def test_the_pages_of_models_fit_and_have_no_serious_barrier(visit: Any, size: str) -> None:
    checker = axe()
    one = visit(ADMIN, size)
    one.page.goto(one.demo.address + "/models/")
    addresses = [link.get_attribute("href") for link in one.page.locator("main th a").all()]
    # What comes with it: encoder, cohort, detector, forecaster, correlation, change, what-if.
    assert len(addresses) == 7
    for path in ("/models/", *addresses):
        one.page.goto(one.demo.address + path)
        found = checker.run(one.page).response["violations"]
        assert not [(each["id"], path) for each in found if each["impact"] in {"serious", "critical"}]
        assert one.page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth") <= 0
        assert one.page.get_by_text("simulated").count()
    assert not one.complaints


@pytest.mark.parametrize("size", SIZES)
def test_what_models_say_of_a_patient_is_drawn_and_has_no_serious_barrier(visit: Any, size: str) -> None:
    checker = axe()
    one = visit(PSYCHIATRIST, size)
    one.open_patient("Ellingsen")
    chart = one.page.url.split("?")[0]

    def there() -> bool:
        one.page.goto(chart)
        return bool(one.page.get_by_role("link", name="What the answer rests on").count())

    one.demo.until(there, within_s=HANG_S)  # the worker explains last
    one.page.get_by_role("link", name="What the answer rests on").click()
    one.wait_for_charts()
    assert one.page.get_by_text("the strongest tenth of these weeks").is_visible()
    assert one.page.get_by_text("Farthest from usual").count()
    found = checker.run(one.page).response["violations"]
    assert not [each["id"] for each in found if each["impact"] in {"serious", "critical"}]
    assert not one.complaints


@pytest.mark.parametrize("size", SIZES)
def test_the_twin_and_the_medication_fit_and_have_no_serious_barrier(visit: Any, size: str) -> None:
    checker = axe()
    one = visit(PSYCHIATRIST, size)
    one.open_patient("Ellingsen")
    chart = one.page.url.split("/actigraphy/")[0]

    def there() -> bool:
        one.page.goto(f"{chart}/twin/")
        return one.page.get_by_text("days with a check-in").count() and one.page.get_by_text("pairs tested").count()

    one.demo.until(there, within_s=HANG_S)
    for path in ("twin", "medication", "brief", "twin/medication", "actigraphy/upload", "/worklist"):
        one.page.goto(f"{one.demo.address if path.startswith('/') else chart + '/'}{path}/")
        if path in {"twin", "medication", "brief"}:
            one.wait_for_charts()
        found = checker.run(one.page).response["violations"]
        assert not [(each["id"], path) for each in found if each["impact"] in {"serious", "critical"}]
        assert one.page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth") <= 0
    assert not one.complaints


@pytest.mark.parametrize("path", ["/jobs/", "/audit/", "/audit/account/", "/audit/activity/", "/admin/", "/api/docs"])
def test_the_administrators_pages_open(visit: Any, path: str) -> None:
    one = visit(ADMIN)
    assert one.page.goto(one.demo.address + path).status == 200
    one.page.wait_for_load_state("networkidle")
    known = SWAGGERS_STYLE if path == "/api/docs" else "nothing is known"
    assert not [line for line in one.complaints if known not in line]
