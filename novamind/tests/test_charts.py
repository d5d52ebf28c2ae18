"""What all charts share."""

import base64
import json
import re
from datetime import date
from pathlib import Path

import numpy as np
import plotly.graph_objects as go
import pytest

from novamind import charts

STYLES = Path(__file__).resolve().parents[2] / "static" / "css" / "novamind.css"


def unpacked(typed):
    return np.frombuffer(base64.b64decode(typed["bdata"]), dtype=typed["dtype"])


@pytest.mark.parametrize("kind", ["int16", "uint8", "uint16", "int32", "float32", "float64"])
def test_a_packed_array_comes_back_as_it_was(kind):
    array = np.array([0, 1, 100], dtype=kind)
    assert (unpacked(charts.packed(array)) == array).all()


def test_a_table_keeps_its_shape():
    assert charts.packed(np.zeros((2, 3), dtype=np.uint8))["shape"] == "2, 3"


def test_missing_values_stay_missing():
    assert np.isnan(unpacked(charts.packed(np.array([1, np.nan], dtype=np.float32)))[1])


def test_a_type_that_the_browser_does_not_know_is_refused():
    with pytest.raises(KeyError):
        charts.packed(np.zeros(3, dtype=np.int64))


def test_a_figure_is_valid_for_plotly_and_carries_its_words():
    drawn = charts.figure(
        [{"type": "scatter", "y": [1, 2]}], height=200, caption="Two points.", table=(["x"], [["1"]]), linked="nights"
    )
    go.Figure(drawn)
    assert drawn["layout"]["meta"] == {
        "caption": "Two points.",
        "table": {"head": ["x"], "rows": [["1"]]},
        "linked": "nights",
    }


def test_every_color_of_the_template_is_a_property_of_the_page_in_both_themes():
    styles = STYLES.read_text(encoding="utf-8")
    light, dark = styles.split(':root[data-theme="dark"]', 1)
    names = set(re.findall(r"var\((--[\w-]+)\)", json.dumps(charts.TEMPLATE)))
    assert names
    # Fully transparent is the same in both.
    assert {name for name in names if f"{name}:" not in light} == set()
    assert {name for name in names - {"--nothing"} if f"{name}:" not in dark} == set()


def test_boxes_are_closed_outlines_with_gaps_between_them():
    x, y = charts.rectangles(np.array([0, 10]), np.array([5, 12]), np.array([0, 0]), np.array([1, 1]))
    assert x[:6].tolist()[:5] == [0, 5, 5, 0, 0]
    assert np.isnan(x[5])
    assert np.isnan(y[11])


def test_a_calendar_axis_begins_half_a_day_before_the_first_day():
    assert charts.days_axis(date(2027, 3, 1), date(2027, 3, 9))["range"] == ["2027-02-28 12:00", "2027-03-09 12:00"]
