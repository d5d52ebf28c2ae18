"""Scores and check-ins as figures: bands, reliable changes, gaps."""

from __future__ import annotations

from datetime import date

import numpy as np
import plotly.graph_objects as go
import pytest

from novamind.display import DASH
from novamind.measures import Abstained
from patients.charts import Point, changes, check_ins, scores
from patients.instruments import instrument

PHQ9 = instrument("phq9")
DAYS = [date(2027, 3, day) for day in (1, 2, 3)]


@pytest.mark.parametrize(
    ("name", "totals", "expected"),
    [("phq9", [15, 10, 9, 21, 20], ["", "", "lower", "higher", ""]),
     ("gad7", [10, 6, 7, 14], ["", "lower", "", "higher"]),
     ("auditc", [0, 12], ["", ""]), ("phq9", [], [])],
)  # fmt: skip
def test_a_change_is_reliable_from_the_published_points_on(name, totals, expected):
    assert changes(instrument(name), totals) == expected


def test_scores_stand_over_their_bands_and_one_is_no_trend():
    points = [Point(DAYS[0], 20, "the patient", "", "severe"), Point(DAYS[2], 4, "the patient", "lower", "minimal")]
    drawn = scores(PHQ9, points)
    go.Figure(data=drawn["data"], layout={key: value for key, value in drawn["layout"].items() if key != "meta"})
    assert len(drawn["layout"]["shapes"]) == 5
    assert drawn["data"][0]["marker"]["symbol"] == ["circle", "triangle-down"]
    assert drawn["layout"]["meta"]["table"]["rows"][1][3] == "reliably lower"
    assert scores(PHQ9, points[:1]) == Abstained("too_few_inputs", needed=2, got=1)


@pytest.mark.parametrize(
    ("name", "at", "words"),
    [("epds", [10, 13], ["from 10: possible depression", "from 13: probable depression"]),
     ("pcl5", [31], ["from 31: probable PTSD"]), ("phq2", [3], ["from 3: the PHQ-9 should follow"]),
     ("auditc", [3, 4], ["from 3: women", "from 4: men"]),
     ("psqi", [6], ["from 6: poor sleep"])],
)  # fmt: skip
def test_an_instrument_without_bands_shows_its_published_cutoffs_and_their_source(name, at, words):
    one = instrument(name)
    found = scores(one, [Point(DAYS[0], 0, "the patient"), Point(DAYS[2], 2, "the patient")])
    drawn = found["layout"]
    go.Figure(data=found["data"], layout={key: value for key, value in drawn.items() if key != "meta"})
    assert [line["y0"] for line in drawn["shapes"] if line["line"].get("dash") == "dash"] == at
    assert [said["text"] for said in drawn["annotations"]] == words
    assert f"Source: {one.sources['cutoffs']}." in drawn["meta"]["caption"]


def test_where_bands_say_it_no_cutoff_is_drawn():
    points = [Point(DAYS[0], 20, "the patient", "", "severe"), Point(DAYS[2], 4, "the patient", "lower", "minimal")]
    drawn = scores(PHQ9, points)["layout"]
    assert [said["text"] for said in drawn["annotations"]] == [word for _, _, word in PHQ9.bands]
    assert not any(shape["line"].get("dash") for shape in drawn["shapes"])


def test_the_name_of_who_reported_is_text_and_no_markup():
    named = [Point(on, 4, "<a href='https://evil.example'>Ada</a>", "", "minimal") for on in (DAYS[0], DAYS[2])]
    assert scores(PHQ9, named)["data"][0]["text"][0].endswith("<br>&lt;a href='https://evil.example'&gt;Ada&lt;/a&gt;")


def test_a_day_without_a_check_in_is_a_gap():
    drawn = check_ins(DAYS, {"Mood": np.array([3.0, np.nan, 5.0]), "Energy": np.array([1.0, np.nan, np.nan])})
    assert [row[1:] for row in drawn["layout"]["meta"]["table"]["rows"]] == [["3", "1"], [DASH, DASH], ["5", DASH]]
    assert all(trace["connectgaps"] is False for trace in drawn["data"])
    assert isinstance(check_ins(DAYS, {"Mood": np.array([3.0, np.nan, np.nan])}), Abstained)
