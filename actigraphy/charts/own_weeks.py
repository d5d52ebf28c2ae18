"""A week against a person's own: the score around the clock, and the line from which on it is told."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from novamind.charts import Figure, figure, label, packed
from novamind.display import MINUS, clock_time, significant

Floats = NDArray[np.floating[Any]]
_ROOM = 1.15


def own_weeks(day: Floats, threshold: float) -> Figure:
    """The score of a week by time of day, with the alarm lines.

    Parameters
    ----------
    day : ndarray of float, shape (slots,)
        From local midnight on, as :class:`actigraphy.science.pat.anomaly.JudgedWeek` has it; NaN where not known.
    threshold : float
        Told from here on, in either direction.
    """
    hours = ((np.arange(len(day)) + 0.5) * 24 / len(day)).astype(np.float32)
    top = _ROOM * max(threshold, float(np.nanmax(np.abs(day))) if np.isfinite(day).any() else 0.0)
    said = [clock_time(float(hour)) for hour in hours]
    traces = [
        {
            "type": "scatter", "mode": "lines", "line": {"color": "var(--model)", "width": 2},
            "x": packed(hours), "y": packed(day.astype(np.float32)), "text": said,
            "hovertemplate": "%{text}<br>score %{y:.1f}<extra></extra>",
        }
    ]  # fmt: skip
    lines = [_line(sign * threshold) for sign in (1, -1)] + [_line(0.0, "var(--line-strong)", "solid")]
    words = [
        label(
            "told: more active than usual", x=0.1, y=threshold, color="var(--text)", xanchor="left", yanchor="bottom"
        ),
        label("told: quieter than usual", x=0.1, y=-threshold, color="var(--text)", xanchor="left", yanchor="top"),
    ]
    limit = significant(threshold)
    return figure(
        traces,
        height=240,
        caption=f"Score by clock time, the mean of the week's days over three hours, in robust standard deviations "
        f"from the person's own earlier weeks; told from {limit} up or {MINUS}{limit} down (dashed).",
        table=(["Clock time", "Score"], _rows(day, said)),
        shapes=lines,
        annotations=words,
        xaxis={"range": [0, 24], "tickvals": [0, 6, 12, 18, 24], "ticktext": ["00", "06", "12", "18", "24"],
               "fixedrange": True},
        yaxis={"range": [-top, top], "fixedrange": True},
    )  # fmt: skip


def _line(y: float, color: str = "var(--text)", dash: str = "5px,3px") -> Figure:
    line = {"color": color, "width": 1, "dash": dash}
    return {"type": "line", "xref": "paper", "x0": 0, "x1": 1, "y0": y, "y1": y, "layer": "below", "line": line}


def _rows(day: Floats, said: list[str]) -> list[list[str]]:
    every = max(1, len(day) // 24)
    return [
        [at, significant(float(score)) if np.isfinite(score) else "not known"]
        for at, score in list(zip(said, day, strict=True))[::every]
    ]
