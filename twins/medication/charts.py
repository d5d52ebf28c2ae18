"""Medication, scores, check-ins, sleep, movement, alerts and visits over one time axis: data in, figure out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from novamind.charts import Figure, days_axis, figure, free_text, label, packed, vertical_line
from novamind.display import day
from patients.treatment.charts import Course, dose_on
from patients.treatment.charts import panel as bars

Floats = NDArray[np.floating[Any]]

DRUG, SERIES, MARKS = 72, 112, 84  # pixels of a panel
WORDS: Final = 22  # of it, for the words above
BELOW: Final = 48  # for the days beneath


@dataclass(frozen=True, slots=True)
class Line:
    """One series: its days in order, the value of each (NaN: none) and how that is said."""

    name: str
    days: Sequence[date]
    values: Floats
    said: Sequence[str]
    color: str
    symbol: str = "circle"
    joined: bool = True


@dataclass(frozen=True, slots=True)
class Panel:
    """Series of one scale beneath a few words; ``span`` is the scale's own, ``None``: that of the values."""

    words: str
    lines: tuple[Line, ...]
    span: tuple[float, float] | None = None


@dataclass(frozen=True, slots=True)
class Mark:
    """Something that happened on a day: an alert was raised, a visit took place, did not, or is planned."""

    on: date
    said: str
    kind: str  # a key of _LOOKS


@dataclass(frozen=True, slots=True)
class Shown:
    """What stands over the axis, and from which day to which."""

    first: date
    last: date
    today: date
    courses: Sequence[Course]
    panels: Sequence[Panel]
    marks: Sequence[Mark]

    @property
    def drugs(self) -> list[str]:
        """The drugs of which a course lies within the days shown."""
        within = (one for one in self.courses if one.steps[-1].end > self.first and one.steps[0].start <= self.last)
        return list(dict.fromkeys(one.name for one in within))


_LOOKS: Final = {
    "alert": (1, "triangle-up", "var(--act-now)", "alert"),
    "visit": (0, "square", "var(--accent)", "visit"),
    "planned": (0, "square-open", "var(--accent)", "visit that is planned"),
    "not held": (0, "x", "var(--accent)", "visit that did not take place"),
}


def time_axis(shown: Shown, *, caption: str, table: tuple[Sequence[str], Sequence[Sequence[str]]]) -> Figure:
    """Panels one above the other on one axis of days; empty where there is nothing to draw.

    Where a course began, ended or changed its dose a thin line runs through all panels.
    """
    drugs = shown.drugs
    heights = [DRUG] * len(drugs) + [SERIES] * len(shown.panels) + ([MARKS] if shown.marks else [])
    if not heights:
        return figure([], height=0, caption=caption)
    traces: list[Figure] = []
    words: list[Figure] = []
    layout: dict[str, Any] = {}
    above, total = 0, sum(heights)
    for place, height in enumerate(heights):
        number = "" if place == 0 else str(place + 1)
        top, bottom = 1 - (above + WORDS) / total, 1 - (above + height - 6) / total
        own, said, axis = _content(shown, drugs, place, f"y{number}")
        traces += own
        layout[f"yaxis{number}"] = {"domain": [max(0.0, bottom), top], "fixedrange": True} | axis
        words.append(
            label(said, x=0, y=1 - above / total, color="var(--text)", xref="paper", yref="paper", xanchor="left",
                  yanchor="top", align="left")
        )  # fmt: skip
        above += height
    lines = [vertical_line(str(on), color="var(--medication)", dash="dot", opacity=0.5) for on in _changes(shown)]
    days = (shown.last - shown.first).days
    return figure(
        traces,
        height=total + BELOW,
        caption=caption,
        table=table,
        xaxis=days_axis(shown.first, shown.last)
        | {"anchor": f"y{len(heights)}" if len(heights) > 1 else "y", "nticks": 6,
           "tickformat": "%-d %b" if days < 150 else "%b %Y"},
        annotations=words,
        shapes=[*lines, vertical_line(str(shown.today), dash="dash")],
        **layout,
    )  # fmt: skip


def _content(shown: Shown, drugs: Sequence[str], place: int, axis: str) -> tuple[list[Figure], str, Figure]:
    """Of the panel at a place: its traces, its words, its own axis."""
    if place < len(drugs):
        own = [one for one in shown.courses if one.name == drugs[place]]
        said = f"{free_text(drugs[place])}, {free_text(dose_on(shown.today, own))}"
        return bars(own, axis, shown.first, shown.last), said, {"range": [0, 1], "visible": False}
    place -= len(drugs)
    if place < len(shown.panels):
        one = shown.panels[place]
        scale = {"nticks": 4} if one.span is None else {"range": _around(one.span), "tickvals": list(one.span)}
        return [_series(line, axis) for line in one.lines], free_text(one.words), scale
    kinds = {mark.kind for mark in shown.marks}
    traces = [
        _marks([mark for mark in shown.marks if mark.kind == kind], kind, axis) for kind in _LOOKS if kind in kinds
    ]
    return traces, "Alerts (triangles), visits (squares)", {"range": [-0.7, 1.7], "visible": False}


def _around(span: tuple[float, float]) -> list[float]:
    """A little more than the scale, so that marks at its ends are whole."""
    room = 0.06 * (span[1] - span[0])
    return [span[0] - room, span[1] + room]


def _series(line: Line, axis: str) -> Figure:
    return {
        "type": "scatter", "mode": "lines+markers" if line.joined else "markers", "connectgaps": False, "yaxis": axis,
        "name": line.name, "x": [str(on) for on in line.days], "y": packed(line.values.astype(np.float32)),
        "line": {"color": line.color, "width": 1.5},
        "marker": {"color": line.color, "size": 6, "symbol": line.symbol},
        "text": [f"{day(on)}<br>{free_text(said)}" for on, said in zip(line.days, line.said, strict=True)],
        "hovertemplate": "%{text}<extra></extra>",
    }  # fmt: skip


def _marks(marks: Sequence[Mark], kind: str, axis: str) -> Figure:
    height, symbol, color, name = _LOOKS[kind]
    return {
        "type": "scatter", "mode": "markers", "yaxis": axis, "name": name, "x": [str(one.on) for one in marks],
        "y": [height] * len(marks), "marker": {
            "color": color, "size": 11, "symbol": symbol, "line": {"color": color, "width": 2}
        },
        "cliponaxis": False,
        "text": [f"{day(one.on)}<br>{free_text(one.said)}" for one in marks],
        "hovertemplate": "%{text}<extra></extra>",
    }  # fmt: skip


def _changes(shown: Shown) -> list[date]:
    """The days on which a course began, ended or changed its dose, as far as the day is known."""
    found = set()
    for one in shown.courses:
        known = one.surely_from <= one.steps[0].start
        found |= {step.start for place, step in enumerate(one.steps) if place or known}
        if one.ended and one.surely_until >= one.steps[-1].end:
            found.add(one.steps[-1].end)
    return sorted(on for on in found if shown.first < on <= shown.last)
