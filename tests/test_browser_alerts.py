"""Alerts, schedules and deliveries in Chromium: from the list to the answer, on a desk and on a phone, axe at hand."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import time
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from novamind.delivery.services import PatientContact, deliver
from patients.alerts import raise_alert
from patients.schedules import plan_schedule
from tests.test_browser import SIZES, chromium

__all__ = ["chromium"]
pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.django_db(transaction=True)]
SHOTS = os.environ.get("SHOTS")  # a folder to look at the pages in


@pytest.fixture(autouse=True, scope="module")
def loop_of_playwright() -> Iterator[None]:
    """Playwright's loop runs in this thread, and Django takes that for asynchronous code, also while it tidies up."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "true")
        yield


@pytest.fixture
def filled(patient: Any, psychiatrist: Any) -> Any:
    """Two alerts, two schedules and a message."""
    raise_alert(patient=patient, kind="self_harm", severity="high", key="a")
    raise_alert(patient=patient, kind="silent_stream", severity="low", key="b")
    plan_schedule(patient=patient, by=psychiatrist, what="check-in", local_time=time(19), window_min=240, channel="sms")
    plan_schedule(
        patient=patient,
        by=None,
        what="check-in",
        local_time=time(8, 30),
        window_min=4320,
        weekdays=[0, 3],
        active=False,
    )
    deliver(key="r", recipient=PatientContact(patient.pk), channel="sms", template="reminder")
    return patient


def window(chromium: Any, live_server: Any, user: Any, size: str) -> Any:
    """A page, signed in."""
    client = Client()
    client.force_login(user)
    width, height, scheme = SIZES[size]
    context = chromium.new_context(viewport={"width": width, "height": height}, color_scheme=scheme)
    context.add_cookies([{"name": "sessionid", "value": client.cookies["sessionid"].value, "url": live_server.url}])
    return context.new_page()


def looked_at(page: Any, name: str) -> None:
    """No serious finding of axe; nothing wider than the window."""
    from axe_playwright_python.sync_playwright import Axe

    if SHOTS:
        page.screenshot(path=str(Path(SHOTS) / f"{name}.png"), full_page=True)
    found = Axe().run(page).response["violations"]
    assert [(one["id"], one["nodes"][0]["html"]) for one in found if one["impact"] in {"serious", "critical"}] == []
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")


@pytest.mark.parametrize("size", SIZES)
def test_every_page_reads_well(size, filled, psychiatrist, clinical_admin, chromium, live_server):
    page = window(chromium, live_server, psychiatrist, size)
    schedule = filled.schedules.first()
    for name, path in {
        "list": "alerts/", "alerts": f"{filled.pk}/alerts/", "schedules": f"{filled.pk}/schedules/",
        "edit": f"{filled.pk}/schedules/{schedule.pk}/",
    }.items():  # fmt: skip
        assert page.goto(f"{live_server.url}/patients/{path}").status == 200
        looked_at(page, f"{size}-{name}")
    page = window(chromium, live_server, clinical_admin, size)
    assert page.goto(f"{live_server.url}/deliveries/").status == 200
    looked_at(page, f"{size}-deliveries")


def test_from_the_list_to_the_answer_by_keyboard(filled, psychiatrist, chromium, live_server):
    page = window(chromium, live_server, psychiatrist, "phone")
    page.goto(f"{live_server.url}/patients/alerts/")
    page.locator("tbody a").first.press("Enter")
    page.wait_for_url("**/alerts/#alert-*")
    page.get_by_role("button", name="I take it on").first.press("Enter")
    page.get_by_text("It is yours now").wait_for()
    assert page.get_by_text("Somebody is on it").count() == 1
    note = page.get_by_label("What was done").last
    note.fill("Rang; the watch lay in a drawer.")
    page.get_by_role("button", name="Done").last.press("Enter")
    page.get_by_text("Rang; the watch lay in a drawer.").wait_for()
    looked_at(page, "phone-answered")


def test_a_schedule_is_planned_and_what_was_typed_stays_after_an_error(filled, psychiatrist, chromium, live_server):
    page = window(chromium, live_server, psychiatrist, "desktop")
    page.goto(f"{live_server.url}/patients/{filled.pk}/schedules/")
    page.fill("input[name=local_time]", "23:00")
    page.select_option("select[name=channel]", "sms")
    page.select_option("select[name=window_min]", "60")
    page.fill("input[name=quiet_from]", "22:00")
    page.fill("input[name=quiet_to]", "06:00")
    page.get_by_role("button", name="Plan it").click()
    page.get_by_text("A reminder would wait in quiet hours until it is too late.").wait_for()
    assert page.input_value("input[name=local_time]") == "23:00"
    page.fill("input[name=local_time]", "20:00")
    page.get_by_role("button", name="Plan it").click()
    page.get_by_text("Planned: daily check-in.").wait_for()
    assert page.get_by_text("at 20:00, for 1 h").count() == 1
