"""The lag plot: valid for Plotly, and showing what the test said."""

from __future__ import annotations

import plotly.graph_objects as go

from novamind.display import DASH, MINUS
from twins.charts import by_lag

RESULT = {"by_lag": [0.1, None, -0.42], "lag": 2, "low": -0.6, "high": -0.2}


def test_a_lag_plot_is_valid_and_marks_the_lag_that_was_picked():
    drawn = by_lag("mood", "sleep_duration", RESULT)
    bars = go.Figure(drawn).data[0]
    assert list(bars.marker.color) == ["var(--model-2)", "var(--model-2)", "var(--model)"]
    errors = drawn["data"][0]["error_y"]
    assert errors["array"][:2] == errors["arrayminus"][:2] == [None, None]
    assert (round(errors["array"][2], 2), round(errors["arrayminus"][2], 2)) == (0.22, 0.18)
    assert drawn["layout"]["meta"]["table"]["rows"] == [["0", "0.10"], ["1", DASH], ["2", f"{MINUS}0.42"]]
