"""The medication chart: heights that are doses a day, no bar where nothing was given, valid for Plotly."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import plotly.graph_objects as go
import pytest

from novamind.measures import Abstained
from patients.treatment.charts import FULL, UNKNOWN, Course, Step, courses, dose_on

TODAY = date(2026, 11, 21)


def step(start: date, end: date, a_day: float | None, unit: str = "mg") -> Step:
    return Step(start, end, f"{a_day} mg once a day", f"{a_day} mg", a_day, unit)


def course(name: str, *steps: Step, surely_from: date | None = None, surely_until: date | None = None) -> Course:
    return Course(name, steps, "since then", surely_from or steps[0].start, surely_until or steps[-1].end, "")


def test_a_bar_is_as_high_as_its_dose_a_day_against_the_highest_of_the_drug():
    drawn = courses(
        [
            course("sertraline", step(date(2026, 3, 1), date(2026, 6, 1), 50), step(date(2026, 6, 1), TODAY, 200)),
            course("lithium", step(date(2026, 3, 1), TODAY, 900)),
            course("lorazepam", step(date(2026, 3, 1), TODAY, None)),
        ],
        today=TODAY,
    )
    go.Figure(drawn)
    heights = [(trace["yaxis"], trace["y"][1], "fillpattern" in trace) for trace in drawn["data"]]
    assert heights == [("y", FULL / 4, False), ("y", FULL, False), ("y2", FULL, False), ("y3", UNKNOWN, True)]
    assert len(drawn["layout"]["meta"]["table"]["rows"]) == 4


def test_a_beginning_of_which_only_the_month_is_known_is_lighter_until_it_is_sure():
    one = course("lithium", step(date(2026, 3, 1), TODAY, 900), surely_from=date(2026, 3, 31))
    drawn = courses([one], today=TODAY)
    assert [(trace["x"][0], trace["x"][2], trace["fillcolor"]) for trace in drawn["data"]] == [
        ("2026-03-01", "2026-03-31", "var(--medication-soft)"), ("2026-03-31", str(TODAY), "var(--medication)"),
    ]  # fmt: skip
    assert "Lighter" in drawn["layout"]["meta"]["caption"]


def test_a_drug_that_was_typed_is_text_and_no_markup():
    name = 'Lithium</b> & <a href="https://evil.example">open</a>'
    drawn = courses([course(name, step(date(2026, 3, 1), TODAY, 900))], today=TODAY)
    written = 'Lithium&lt;/b&gt; &amp; &lt;a href="https://evil.example"&gt;open&lt;/a&gt;'
    assert drawn["layout"]["annotations"][0]["text"].startswith(written)
    assert drawn["data"][0]["hovertext"][0].startswith(written)
    assert drawn["layout"]["meta"]["table"]["rows"][0][0] == name  # the page escapes it


def test_a_drug_is_named_with_the_dose_of_today_and_with_none_that_is_to_come():
    later = TODAY + timedelta(days=10)
    unknown = Step(date(2026, 3, 1), later, "dose not stated", "", None, "")
    drawn = courses([course("lithium", unknown, step(later, later + timedelta(days=30), 900))], today=TODAY)
    assert drawn["layout"]["annotations"][0]["text"] == "lithium, dose not stated"


def test_an_end_of_which_only_the_month_is_known_is_lighter_from_its_first_day():
    one = course("lithium", step(date(2026, 3, 1), TODAY, 900), surely_until=date(2026, 11, 1))
    drawn = courses([one], today=TODAY)
    assert [(trace["x"][0], trace["x"][2], trace["fillcolor"]) for trace in drawn["data"]] == [
        ("2026-03-01", "2026-11-01", "var(--medication)"), ("2026-11-01", str(TODAY), "var(--medication-soft)"),
    ]  # fmt: skip
    assert "stopped within this time" in drawn["layout"]["meta"]["caption"]


def test_the_axis_begins_at_most_two_years_ago_and_what_lies_before_is_in_the_table():
    old = course("paroxetine", step(date(2010, 1, 1), date(2012, 1, 1), 20))
    long = course("lithium", step(date(2015, 1, 1), TODAY, 900))
    drawn = courses([long, old], today=TODAY)
    first = date.fromisoformat(drawn["data"][0]["x"][0])
    assert TODAY + timedelta(days=14) - first == timedelta(days=730)
    assert len(drawn["data"]) == 1
    assert [row[0] for row in drawn["layout"]["meta"]["table"]["rows"]] == ["lithium", "paroxetine"]
    assert "in the table" in drawn["layout"]["meta"]["caption"]


@pytest.mark.parametrize("rows", [[], [Course("x", (), "", TODAY, TODAY, "")]])
def test_without_a_course_nothing_is_drawn(rows):
    assert isinstance(courses(rows, today=TODAY), Abstained)


def test_the_heading_says_what_is_given_now_and_of_what_is_not_that_it_is_not():
    def ended(one: Course) -> Course:
        return replace(one, ended="ended on 1 Jun 2026")

    past = ended(course("lithium", step(date(2026, 3, 1), date(2026, 6, 1), 900)))
    now = course("lithium", step(date(2026, 9, 1), TODAY, 600))
    later = course("lithium", step(TODAY + timedelta(days=3), TODAY + timedelta(days=9), 300))
    assert dose_on(TODAY, [past]) == "ended, last 900 mg once a day"
    assert dose_on(TODAY, [past, now]) == "600 mg once a day"
    assert dose_on(TODAY, [later]) == "not begun, 300 mg once a day"
