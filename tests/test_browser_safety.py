"""In Chromium: from an answer about self-harm to the clinician who takes it on; answers that wait for a network."""

from __future__ import annotations

from typing import Any

import pytest

from tests.needed import axe
from tests.running import HANG_S
from tests.test_browser import ADMIN, PSYCHIATRIST, chromium, demo, visit

__all__ = ["chromium", "demo", "visit"]
pytestmark = [pytest.mark.browser, pytest.mark.slow]

PATIENT = "mara@demo.novamind.test"
PHQ9 = "/patients/mine/questionnaires/phq9/"
PAGES = ("", "check-in/", "symptom/", "questionnaires/phq9/", "questionnaires/cssrs/")


def choose(page: Any, item: int, place: int) -> None:
    """Answer the question on the screen and go on."""
    page.locator(f"input[name=item_{item}]").nth(place).check()
    page.locator("fieldset:visible [data-next]").click()


def test_an_answer_about_self_harm_reaches_a_clinician_who_takes_it_on(visit: Any) -> None:
    phone = visit(PATIENT, "phone")
    phone.page.goto(phone.demo.address + PHQ9)
    for item in range(1, 9):
        choose(phone.page, item, 1)
    choose(phone.page, 9, 2)
    phone.page.get_by_role("button", name="Send").click()
    phone.page.get_by_role("heading", name="Thank you for telling us").wait_for()
    assert phone.page.get_by_text("call your local emergency number").first.is_visible()
    watched = phone.page.get_by_text("A clinician of your team is being told now")  # by the hour of the day
    assert watched.or_(phone.page.get_by_text("Nobody is monitoring these pages right now.")).is_visible()
    assert not phone.complaints

    office = visit(ADMIN)  # the worker has sent it to every clinician of the team

    def sent() -> bool:
        office.page.goto(f"{office.demo.address}/admin/delivery/delivery/?state__exact=sent&template__exact=alert")
        return office.page.locator("#result_list tbody tr").count() >= 3

    office.demo.until(sent, within_s=HANG_S)

    desk = visit(PSYCHIATRIST)
    desk.open_patient("Ellingsen")
    desk.page.get_by_role("link", name="Symptoms", exact=True).click()
    desk.page.locator("[aria-labelledby=instrument-phq9] .headline a[href*=assessments]").click()
    assert desk.page.get_by_text("Not complete: no clinician has acknowledged").is_visible()
    answers = desk.page.url
    desk.page.get_by_role("link", name="the alert").click()
    desk.page.get_by_role("button", name="I take it on").first.click()
    desk.page.get_by_text("Somebody is on it").first.wait_for()
    desk.page.goto(answers)
    assert desk.page.get_by_text("Acknowledged by Dr Ada North").is_visible()
    assert not desk.page.get_by_text("Not complete").count()


def test_answers_wait_in_the_tab_until_they_have_arrived(visit: Any) -> None:
    phone = visit(PATIENT, "phone")
    phone.page.goto(phone.demo.address + "/patients/mine/check-in/")
    phone.page.locator("input[name=mood]").nth(4).check()
    phone.page.fill("textarea[name=note]", "On the train")
    said_at = phone.page.locator("input[name=said_at]")
    then = said_at.input_value()
    assert then.endswith("Z")
    phone.context.set_offline(True)
    phone.page.get_by_role("button", name="Send").click()
    phone.page.get_by_text("There is no connection.").wait_for()
    phone.context.set_offline(False)
    phone.page.reload()
    assert phone.page.locator("input[name=mood]").nth(4).is_checked()
    assert phone.page.locator("textarea[name=note]").input_value() == "On the train"
    assert said_at.input_value() == then
    phone.page.get_by_role("button", name="Send").click()
    phone.page.get_by_role("heading", name="Sent").wait_for()
    assert phone.page.evaluate("Object.keys(sessionStorage).filter((key) => key.startsWith('unsent')).length") == 0


def test_answers_that_were_refused_are_not_refused_for_ever(visit: Any) -> None:
    phone = visit(PATIENT, "phone")
    page, form = phone.page, phone.demo.address + "/patients/mine/symptom/"
    send, once = page.get_by_role("button", name="Send"), page.locator("input[name=once]")
    page.goto(form)
    used = once.input_value()
    for severity in (2, 5):
        page.goto(form)
        once.evaluate("(field, value) => { field.value = value; }", used)
        page.locator("input[name=severity]").nth(severity).check()
        send.click()
        page.get_by_role("heading", name="Sent").or_(page.get_by_text("This page was sent before")).wait_for()
    page.goto(form)
    assert page.locator("input[name=severity]").nth(5).is_checked()
    assert once.input_value() != used
    send.click()
    page.get_by_role("heading", name="Sent").wait_for()


def test_a_questionnaire_is_filled_in_with_the_keyboard_alone(visit: Any) -> None:
    phone = visit(PATIENT, "phone")
    phone.page.goto(phone.demo.address + "/patients/mine/questionnaires/phq2/")
    phone.page.locator("input[name=item_1]").first.focus()
    for key in ("Space", "ArrowDown", "Enter", "Tab", "Space", "Tab", "Tab", "Enter"):
        phone.page.keyboard.press(key)
    phone.page.get_by_role("heading", name="Sent").wait_for()


@pytest.mark.parametrize("script", [True, False])
def test_one_question_is_on_the_screen_and_nothing_said_is_lost(visit: Any, script: bool) -> None:
    one = visit(PATIENT, "phone")
    context = one.context.browser.new_context(
        viewport={"width": 360, "height": 740}, java_script_enabled=script, storage_state=one.context.storage_state()
    )
    page = context.new_page()
    page.goto(one.demo.address + "/patients/mine/questionnaires/gad7/")
    on_screen, send = page.locator("fieldset.item:visible"), page.get_by_role("button", name="Send")
    for item in range(1, 7):
        assert on_screen.count() == 1
        assert on_screen.get_by_text(f"Question {item} of 7 · the last 2 weeks").is_visible()
        assert not send.is_visible()
        choose(page, item, item % 4)
    on_screen.get_by_role("link", name="Back").click()
    assert on_screen.locator("input").nth(2).is_checked()
    page.go_back()
    assert on_screen.get_by_text("Question 7 of 7").is_visible()
    if script:
        assert page.get_by_text("Not answered: 7.").is_visible()
        page.reload()
        assert page.locator("input[name=item_6]").nth(2).is_checked()
    page.locator("input[name=item_7]").nth(0).check()
    send.click()
    page.get_by_role("heading", name="Sent").wait_for()
    context.close()


def test_what_is_not_asked_is_stepped_over(visit: Any) -> None:
    phone = visit(PATIENT, "phone")
    phone.page.goto(phone.demo.address + "/patients/mine/questionnaires/cssrs/")
    choose(phone.page, 1, 0)
    choose(phone.page, 2, 0)
    assert phone.page.get_by_text("Question 6 of 7").is_visible()
    phone.page.locator("input[name=item_6]").nth(0).check()
    assert phone.page.get_by_role("button", name="Send").is_visible()
    assert not phone.page.locator("fieldset:visible [data-next]").is_visible()
    phone.page.locator("input[name=item_6]").nth(1).check()
    assert not phone.page.get_by_role("button", name="Send").is_visible()


def test_a_check_in_is_one_page_and_at_most_eight_interactions(visit: Any) -> None:
    phone = visit(PATIENT, "phone")
    phone.page.goto(phone.demo.address + "/patients/mine/")
    phone.page.get_by_role("link", name="Daily check-in").first.click()
    page, interactions = phone.page.url, 1
    for scale in ("mood", "anxiety", "sleep_quality", "energy", "irritability"):
        phone.page.locator(f"input[name={scale}]").nth(6).check()
        interactions += 1
    phone.page.fill("textarea[name=note]", "Slept well.")
    assert phone.page.url == page
    phone.page.get_by_role("button", name="Send").click()
    phone.page.get_by_role("heading", name="Sent").wait_for()
    assert interactions + 2 <= 8


@pytest.mark.parametrize("width", [360, 1280])
def test_the_pages_of_a_patient_fit_and_have_no_serious_barrier(visit: Any, width: int) -> None:
    checker = axe()
    one = visit(PATIENT, "phone")
    one.page.set_viewport_size({"width": width, "height": 740})
    for path in PAGES:
        one.page.goto(f"{one.demo.address}/patients/mine/{path}")
        found = checker.run(one.page).response["violations"]
        assert not [(each["id"], path) for each in found if each["impact"] in {"serious", "critical"}]
        assert one.page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth") <= 0
    assert not one.complaints


@pytest.mark.parametrize("size", ["desktop", "phone"])
def test_the_symptoms_of_a_patient_fit_and_have_no_serious_barrier(visit: Any, size: str) -> None:
    checker = axe()
    one = visit(PSYCHIATRIST, size)
    one.open_patient("Ellingsen")
    one.page.get_by_role("link", name="Symptoms", exact=True).click()
    one.wait_for_charts()
    found = checker.run(one.page).response["violations"]
    assert not [each["id"] for each in found if each["impact"] in {"serious", "critical"}]
    assert one.page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth") <= 0
    assert not one.complaints
