"""In Chromium: what devices sent, by day with the reasons of gaps, how good it is, and why a total is what it is."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.needed import axe
from tests.test_browser import PSYCHIATRIST, SIZES, Visit, chromium, demo, visit

__all__ = ["chromium", "demo", "visit"]
pytestmark = [pytest.mark.browser, pytest.mark.slow]

MINUTES, NARROW = 1440, 360
SEND = """async ([path, body]) => {
  const token = document.querySelector("[name=csrfmiddlewaretoken]").value;
  const headers = {"Content-Type": "application/json", "X-CSRFToken": token};
  return (await fetch(path, {method: "POST", headers, body: JSON.stringify(body)})).status;
}"""


def days_ago(days: int) -> str:
    return (datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=days)).isoformat()


@pytest.fixture(scope="module")
def sent(demo: Any, chromium: Any) -> str:
    """Five days of heart rate from a band and a ring, then two days of a band that is not worn; the tab's address."""
    one = Visit(demo, chromium, PSYCHIATRIST)
    one.open_patient("Solheim")
    chart = one.page.url.split("/actigraphy/")[0]
    one.page.goto(f"{chart}/edit/")  # a page with a form: it has a token
    about = {"patient_id": chart.rsplit("/", 1)[1]}
    bodies: list[dict[str, Any]] = [
        about | {"data_type": "heart_rate", "source": source, "start": days_ago(days), "epoch_s": 60,
                 "values": [beats + at % 7 for at in range(MINUTES)]}
        for source, beats in (("band", 60), ("ring", 70))
        for days in range(4, 9)
    ]  # fmt: skip
    bodies.append(
        about
        | {"data_type": "device_status", "source": "band", "timestamp": days_ago(3), "data": {"state": "off_wrist"}}
    )
    for body in bodies:
        assert one.page.evaluate(SEND, ["/api/v1/biometric-events", body]) == 201
    one.context.close()
    return f"{chart}/data/"


def test_each_day_says_how_much_of_it_is_covered_and_why_not(visit: Any, sent: str) -> None:
    one = visit(PSYCHIATRIST)
    one.page.goto(sent)
    quality = one.page.locator("section[aria-labelledby=quality]")
    row = quality.locator("tr", has=one.page.get_by_role("link", name="Heart rate"))
    for measure in ("Outliers", "Consistency", "Completeness"):
        assert "%" in row.locator(f"td[data-label={measure}]").inner_text()
    assert "misses its aim" in row.locator("td[data-label=Completeness]").inner_text()  # three days are missing
    coverage = one.page.locator("section[aria-labelledby=coverage]")
    assert coverage.get_by_text("100 %").count() >= 4  # sent by days of UTC: four whole days where the patient is
    assert coverage.get_by_text("not worn").count() >= 2
    assert not one.complaints


def test_a_total_says_what_counts_and_follows_the_patients_own_order(visit: Any, sent: str) -> None:
    one = visit(PSYCHIATRIST)
    one.page.goto(sent)
    one.page.get_by_role("link", name="Heart rate").first.click()
    assert one.page.get_by_role("heading", name="Heart rate: why this mean?").is_visible()
    assert one.page.get_by_text("This is the clinic’s order.").is_visible()  # noqa: RUF001
    assert one.page.get_by_text(f"Ring: 0 samples count, {MINUTES} left out").count() >= 3
    one.page.get_by_text("Set another order for this patient").click()
    one.page.get_by_label("Chest or arm band").select_option("2")
    one.page.get_by_label("Ring").select_option("1")
    one.page.get_by_label("Reason").fill("The band is worn over a sleeve")
    one.page.get_by_role("button", name="Set the order").click()
    one.page.get_by_text("own order, set by Dr Ada North").wait_for()
    assert one.page.get_by_text("The band is worn over a sleeve").first.is_visible()
    assert one.page.get_by_text(f"Chest or arm band: 0 samples count, {MINUTES} left out").count() >= 3
    one.page.get_by_text("Set another order for this patient").click()
    one.page.get_by_label("The order of the clinic instead").check()
    one.page.get_by_label("Reason").fill("The sleeve is rolled up again")
    one.page.get_by_role("button", name="Set the order").click()
    one.page.get_by_text("This is the clinic’s order.").wait_for()  # noqa: RUF001
    one.page.get_by_text("How the order came about").click()
    assert one.page.get_by_text("Ring, then Chest or arm band").is_visible()
    assert not one.complaints


@pytest.mark.parametrize("size", SIZES)
def test_the_tab_fits_and_has_no_serious_barrier(visit: Any, sent: str, size: str) -> None:
    checker = axe()
    one = visit(PSYCHIATRIST, size)
    if size == "phone":
        one.page.set_viewport_size({"width": NARROW, "height": 740})
    for path in ("", "heart_rate/"):
        one.page.goto(sent + path)
        for summary in one.page.locator("main details summary").all():
            summary.click()
        assert one.page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth") <= 0
        found = checker.run(one.page).response["violations"]
        serious = [(each["id"], len(each["nodes"])) for each in found if each["impact"] in {"serious", "critical"}]
        assert not serious, f"{path}: {serious}"
