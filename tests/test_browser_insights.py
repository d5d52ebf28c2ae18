"""The clinician's day in Chromium: worklist, rules, notes, cohort by hand; every page of insights by axe, each way."""

from __future__ import annotations

from datetime import timedelta
from itertools import product
from types import SimpleNamespace
from typing import Any

import pytest
from django.db import transaction
from django.test import Client
from django.urls import reverse

from insights.alerting.services import try_rule
from insights.cohort import days_to_keep
from insights.models import AlertRule, EncounterNote, SavedView
from insights.notes.drafting import ask_for_draft
from insights.notes.formats import format_of
from insights.notes.writing import start_note
from insights.services import derive
from novamind import clock
from novamind.audit.recording import recorded
from novamind.jobs.runner import run_waiting
from patients.alerts import raise_alert
from patients.messaging.services import start_thread
from patients.models import CheckIn
from patients.services import link_own_account
from tests.test_browser import SIZES, chromium
from tests.test_browser_alerts import looked_at, loop_of_playwright

__all__ = ["chromium", "loop_of_playwright"]
pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.django_db(transaction=True)]
LOW_MOOD = {"kind": "threshold", "series": "mood", "way": "below", "value": 3, "days": 2}


@pytest.fixture
def filled(patient: Any, psychiatrist: Any, make_user: Any) -> Any:
    """Nine weeks of check-ins that end low, an alert, a message, a rule that was tried and a drafted note."""
    own = make_user("self@clinic.test", "patient")
    link_own_account(patient=patient, user=own)
    with recorded(actor_label="system:test", request_id="test"):
        today = clock.now().astimezone(patient.tz).date()
        for back in range(1, 64):
            on, mood = today - timedelta(days=back), 2 if back <= 7 else 6 + back % 3
            at = clock.midnight(on, patient.tz) + timedelta(hours=20)
            CheckIn.objects.create(patient=patient, at=at, day=on, by_patient=True, mood=mood, energy=5 + back % 2)
        with transaction.atomic():  # as a job stores what it made
            derive(patient)()
            days_to_keep(patient)()
        with transaction.atomic():
            raise_alert(patient=patient, kind="silent_stream", severity="medium", key="a")
        first = start_thread(patient=patient, by=own, by_patient=True, subject="Nights", text="I sleep badly.").message
        trial = try_rule(definition=LOW_MOOD, severity="low", patient=patient, by=psychiatrist)
        note = start_note(patient=patient, author=psychiatrist, form=format_of("soap"), encounter_on=today)
        ask_for_draft(note, by=psychiatrist)
        run_waiting()
    return SimpleNamespace(patient=patient, thread=first.thread, trial=trial, note=note)


class Window:
    """One sign-in; its window takes any size and scheme."""

    def __init__(self, chromium: Any, live_server: Any, user: Any) -> None:
        client = Client()
        client.force_login(user)
        self.url = live_server.url
        self.context = chromium.new_context()
        cookie = {"name": "sessionid", "value": client.cookies["sessionid"].value, "url": self.url}
        self.context.add_cookies([cookie])
        self.page = self.context.new_page()
        self.clicks = 0

    def open(self, path: str) -> Any:
        assert self.page.goto(self.url + path).status == 200, path
        return self.page

    def click(self, place: Any) -> None:
        self.clicks += 1
        place.click()


def work(page: Any) -> None:
    """What waits is done while the page asks for nothing, for both share a database in memory; then it is loaded."""
    address = page.url
    page.goto("about:blank")
    run_waiting()
    page.goto(address)


@pytest.fixture
def desk(chromium: Any, live_server: Any, psychiatrist: Any, filled: Any) -> Any:
    window = Window(chromium, live_server, psychiatrist)
    yield window
    window.context.close()


def looked_at_each_way(window: Window, pages: dict[str, str]) -> None:
    """Every page on a desk and on a phone, light and dark, as it was loaded so."""
    for size, scheme in product(SIZES, ("light", "dark")):
        width, height, _ = SIZES[size]
        window.page.set_viewport_size({"width": width, "height": height})
        window.page.emulate_media(color_scheme=scheme)
        for name, path in pages.items():
            window.open(path)
            looked_at(window.page, f"insights-{size}-{scheme}-{name}")


def test_every_page_reads_well_on_desk_and_phone_light_and_dark(
    desk, filled, chromium, live_server, clinical_admin, team
):
    from patients.services import join_team

    pk = filled.patient.pk
    looked_at_each_way(
        desk,
        {
            "worklist": reverse("insights:worklist"),
            "brief": reverse("insights:brief", args=[pk]),
            "brief-report": reverse("insights:brief-report", args=[pk]),
            "shared": reverse("insights:shared", args=[pk]),
            "cohort": "/cohort/?measure=mood",
            "rules": reverse("insights:rules"),
            "rule": reverse("insights:new-patient-rule", args=[pk]),
            "trial": reverse("insights:rule-trial", args=[filled.trial.pk]),
            "notes": reverse("insights:notes", args=[pk]),
            "note": reverse("insights:note", args=[pk, filled.note.pk]),
            "edit-note": reverse("insights:edit-note", args=[pk, filled.note.pk]),
            "inbox": reverse("patients:messages"),
            "thread": reverse("patients:thread", args=[pk, filled.thread.pk]),
            "axis": reverse("twins:medication-axis", args=[pk]),
        },
    )
    join_team(team=team, user=clinical_admin)
    office = Window(chromium, live_server, clinical_admin)
    looked_at_each_way(office, {"clinic": reverse("insights:clinic"), "research": reverse("insights:research-exports")})
    office.context.close()


def test_from_the_worklist_an_alert_is_taken_on_in_three_clicks_at_most(desk, filled):
    page = desk.open("/worklist/")
    desk.click(page.locator("tbody a[href*='#alert-']").first)
    page.wait_for_url("**/alerts/#alert-*")
    desk.click(page.get_by_role("button", name="I take it on").first)
    page.get_by_text("It is yours now").wait_for()
    assert desk.clicks <= 3
    assert filled.patient.alerts.get().state == "acknowledged"


def test_a_rule_is_composed_tried_and_kept(desk, filled):
    page = desk.open(f"/patients/{filled.patient.pk}/brief/")
    page.locator("a[href$='/rules/new/']").first.click()
    page.select_option("select[name=c0-series]", "mood")
    page.select_option("select[name=c0-kind]", "threshold")
    page.select_option("select[name=c0-way]", "down")
    page.fill("input[name=c0-value]", "3")
    page.fill("input[name=c0-days]", "2")
    page.get_by_role("button", name="Try it on the last 90 days").click()
    page.wait_for_url("**/rules/trials/**")
    work(page)
    assert page.get_by_text("alerts a week").is_visible()
    assert page.get_by_text("1 in the last 90 days, of 1 patient.").is_visible()
    page.select_option("select[name=why]", "new")
    page.select_option("select[name=active]", "on")
    page.get_by_role("button", name="Keep the rule").click()
    page.wait_for_url("**/rules/")
    assert AlertRule.objects.get(patient=filled.patient).active
    assert page.locator("section", has_text="Mood below 3 of 10").get_by_text("on", exact=True).is_visible()


def test_a_note_is_drafted_read_and_signed(desk, filled):
    page = desk.open(f"/patients/{filled.patient.pk}/notes/")
    page.get_by_role("link", name="New note").click()
    page.get_by_role("button", name="Begin").click()
    page.get_by_role("link", name="Cancel").click()
    page.get_by_role("button", name="Draft from the record").click()
    assert page.get_by_text("Being drafted", exact=True).is_visible()
    work(page)
    page.get_by_role("button", name="Put into the note").click()
    page.wait_for_url("**/edit/")
    page.locator("textarea[name=section_plan]").fill("See again in a week.")
    page.get_by_role("button", name="Save").click()
    page.get_by_role("button", name="Sign", exact=True).click()
    assert page.get_by_text("have read and checked").first.is_visible()  # it is not signed unread
    page.get_by_label("I have read and checked").check()
    page.get_by_role("button", name="Sign", exact=True).click()
    page.get_by_role("heading", name="Add to it").wait_for()
    signed = EncounterNote.objects.get(signed_at__isnull=False)
    assert "See again in a week." in str(signed.sections)
    assert page.locator("ins", has_text="See again in a week.").is_visible()


def test_a_cohort_is_filtered_and_the_view_kept(desk, filled):
    page = desk.open("/cohort/")
    page.select_option("select[name=measure]", "mood")
    page.select_option("select[name=least]", "28")
    page.select_option("select[name=sort]", "change")
    page.get_by_role("button", name="Show").click()
    assert page.locator("table.cohort tbody tr").count() == 1
    assert "2 of 10" in page.locator("table.cohort tbody tr").inner_text()
    page.get_by_role("button", name="Keep this view").click()
    kept = page.get_by_role("link", name="Mood, all teams, at least 28 days, change, largest first")
    assert SavedView.objects.get().least == 28
    page.goto(f"{desk.url}/cohort/")
    kept.click()
    assert page.locator("select[name=measure]").input_value() == "mood"
    page.get_by_role("button", name="Forget").click()
    assert kept.count() == 0
