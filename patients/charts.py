"""Scores over time with their severity bands, and check-ins day by day: data in, figures out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
from numpy.typing import NDArray

from novamind.charts import Figure, days_axis, figure, free_text, horizontal_band, horizontal_line, label, packed
from novamind.display import DASH, day
from novamind.measures import Abstained
from patients.instruments import Instrument

NEEDS = 2  # values: one point is no trend


@dataclass(frozen=True, slots=True)
class Point:
    """One score: the local day, the points, who reported, what it means against the first one (see `changes`)."""

    on: date
    total: int
    by: str
    change: str = ""
    band: str = ""


def changes(instrument: Instrument, totals: Sequence[int]) -> list[str]:
    """Each score against the first: ``lower`` or ``higher`` where the difference is a reliable change, else empty.

    The number of points is the instrument's published one; without one no change is called reliable.
    """
    points = instrument.reliable_points
    if points is None or not totals:
        return [""] * len(totals)
    moved = [total - totals[0] for total in totals]
    return ["lower" if by <= -points else "higher" if by >= points else "" for by in moved]


def scores(instrument: Instrument, points: Sequence[Point]) -> Figure | Abstained:
    """The scores of one instrument as points and a line; reliable changes are triangles. Beneath them its bands of
    severity, or, of one without, its published cutoffs as dashed lines."""
    if len(points) < NEEDS:
        return Abstained("too_few_inputs", needed=NEEDS, got=len(points))
    assert instrument.total_range is not None
    top = instrument.total_range[1]
    symbols = {"lower": "triangle-down", "higher": "triangle-up", "": "circle"}
    trace: Figure = {
        "type": "scatter",
        "mode": "lines+markers",
        "x": [str(point.on) for point in points],
        "y": packed(np.array([point.total for point in points], dtype=np.int16)),
        "line": {"color": "var(--symptom)", "width": 2},
        "marker": {"color": "var(--symptom)", "size": 11, "symbol": [symbols[point.change] for point in points]},
        "text": [_hover(instrument, point) for point in points],
        "hovertemplate": "%{text}<extra></extra>",
    }
    cutoffs = _cutoffs(instrument)
    shapes = [horizontal_line(one["at"], color="var(--text)", dash="dash") for one in cutoffs] + [
        horizontal_band(low - 0.5 if low else 0, high + (0.5 if high < top else 0), color=f"var(--severity-{place})")
        | {"opacity": 0.55}
        for (low, high, _), place in zip(instrument.bands, _places(len(instrument.bands)), strict=True)
    ]
    words = [
        label(word, x=1, y=(low + high) / 2, color="var(--text)", xref="paper", xanchor="right")
        for low, high, word in instrument.bands
    ] + [
        label(_short(one), x=1, y=one["at"], color="var(--text)", xref="paper", xanchor="right", yanchor="bottom")
        for one in cutoffs
    ]
    return figure(
        [trace],
        height=260,
        caption=_caption(instrument),
        table=(
            ("Day", "Points", "Band", "Change from the first", "Reported by"),
            [(day(one.on), str(one.total), one.band or DASH, _in_words(one.change), one.by) for one in points],
        ),
        xaxis=days_axis(points[0].on, points[-1].on),
        yaxis={"range": [0, top], "title": {"text": f"{instrument.short}, 0 to {top}"}},
        shapes=shapes,
        annotations=words,
    )


def check_ins(days: Sequence[date], scales: dict[str, NDArray[np.floating[Any]]]) -> Figure | Abstained:
    """Check-ins day by day: one small panel for each scale, 0 to 10; a day without an answer is a gap.

    Parameters
    ----------
    days : sequence of date, shape (n,)
        Every day from the first to the last, in order.
    scales : dict of str to ndarray, shape (n,)
        What is written at the panel -> 0 to 10, NaN where not said.
    """
    got = max((int(np.isfinite(values).sum()) for values in scales.values()), default=0)
    if got < NEEDS:
        return Abstained("too_few_inputs", needed=NEEDS, got=got)
    height, gap = 1 / len(scales), 0.06  # the gap holds the words
    traces, layout, words = [], {}, []
    for number, (name, values) in enumerate(scales.items()):
        axis = "" if number == 0 else str(number + 1)
        top = 1 - number * height
        layout[f"yaxis{axis}"] = {"domain": [top - height + 0.01, top - gap], "range": [-0.5, 10.5], "dtick": 5}
        words.append(
            label(name, x=0, y=top, color="var(--text)", xref="paper", yref="paper", xanchor="left", yanchor="top")
        )
        traces.append(
            {
                "type": "scatter",
                "mode": "lines+markers",
                "connectgaps": False,
                "x": [str(on) for on in days],
                "y": packed(values.astype(np.float32)),
                "yaxis": f"y{axis}",
                "line": {"color": "var(--symptom)", "width": 1.5},
                "marker": {"color": "var(--symptom)", "size": 6},
                "hovertemplate": f"{name}: %{{y:.0f}} of 10<br>%{{x|%a %-d %b %Y}}<extra></extra>",
            }
        )
    rows = [(day(on), *(_whole(values[at]) for values in scales.values())) for at, on in enumerate(days)]
    return figure(
        traces,
        height=90 * len(scales) + 60,
        caption="Check-ins, each scale from 0 to 10; of several on one day the last. Days without one are gaps.",
        table=(("Day", *scales), rows),
        xaxis=days_axis(days[0], days[-1]) | {"anchor": f"y{len(scales)}" if len(scales) > 1 else "y"},
        annotations=words,
        **layout,
    )


def _places(count: int) -> list[int]:
    """Which of the five severity colours the bands have: the palest for the lowest, the deepest for the highest."""
    return [1 + round(place * 4 / max(1, count - 1)) for place in range(count)]


def _cutoffs(instrument: Instrument) -> list[Mapping[str, Any]]:
    """Those to be drawn: where there are bands, they say it."""
    return [] if instrument.bands else sorted(instrument.cutoffs, key=lambda one: one["at"])


def _short(cutoff: Mapping[str, Any]) -> str:
    """For a phone's width; the caption has the whole of it."""
    whom = {"male": "men", "female": "women"}.get(cutoff.get("sex", ""))
    return f"from {cutoff['at']}: {whom or cutoff['says'].partition(' (')[0]}"


def _caption(instrument: Instrument) -> str:
    said = f"{instrument.short} over time."
    if cutoffs := _cutoffs(instrument):
        named = "; ".join(f"{one['at']} or more, {one['says']}" for one in cutoffs)
        said += f" Dashed: {named}. Source: {instrument.sources['cutoffs']}."
    if instrument.reliable_points:
        said += (
            f" Triangles: {instrument.reliable_points} points or more from the first score, a reliable change "
            f"({instrument.reliable_source})."
        )
    else:
        said += " No reliable change is published for this instrument, so none is marked."
    return said


def _hover(instrument: Instrument, point: Point) -> str:
    words = f"{day(point.on)}<br>{point.total} of {instrument.total_range[1]}"  # type: ignore[index]
    return words + (f", {point.band}" if point.band else "") + f"<br>{free_text(point.by)}"


def _in_words(change: str) -> str:
    return f"reliably {change}" if change else DASH


def _whole(value: float) -> str:
    return DASH if np.isnan(value) else f"{value:.0f}"
