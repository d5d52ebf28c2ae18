"""Trends: one value a night, the 7-day median, the own range."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from textwrap import wrap
from typing import Any

import numpy as np
from numpy.typing import NDArray

from novamind.charts import Figure, days_axis, figure, horizontal_band, label, packed
from novamind.display import CLOCK, DASH, clock_time, day, in_words
from novamind.measures import Abstained

Floats = NDArray[np.floating[Any]]

NEEDS = 2  # nights with a value
MEDIAN_DAYS, MEDIAN_NEEDS = 7, 4


@dataclass(frozen=True, slots=True, eq=False)
class Series:
    """One value a night.

    Parameters
    ----------
    name : str
        As written at the line.
    values : ndarray of float, shape (n,)
        NaN where abstained. Unit ``min``: minutes. Unit ``clock``: hours from the midnight that ends the evening, so
        that 23:30 is -0.5 and no night tears at midnight. Any other unit is printed as it is.
    unit : str
    color : str
        A custom property of the page, ``var(--sleep)``.
    coverage : ndarray of float, shape (n,), optional
        Share of the night worn, 0 to 1.
    baseline : (low, high), optional
        The person's own range, in the unit of the values; drawn as a band after the nights it was made from.
    baseline_nights : sequence of date, optional
        Evenings of those nights, in order; without them no band is drawn, since nobody could say what it is.
    """

    name: str
    values: Floats
    unit: str
    color: str = "var(--sleep)"
    coverage: Floats | None = None
    baseline: tuple[float, float] | None = None
    symbol: str = field(default="circle")
    baseline_nights: Sequence[date] = ()


def trend(evenings: Sequence[date], series: Sequence[Series], *, per: str = "night") -> Figure | Abstained:
    """One value a night as points, the 7-day median as a line, the person's own range as a band; gaps stay gaps.

    Parameters
    ----------
    evenings : sequence of date, shape (n,)
        In order; evenings that are missing among them are gaps.
    series : sequence of Series
        Of one unit.
    per : {"night", "day"}
        What a value is of; ``evenings`` are then days.

    Returns
    -------
    dict or Abstained
        ``too_few_nights`` or ``too_few_days`` where no series has two values: one point is no trend, and axes without
        any are invented.
    """
    most = max((int(np.isfinite(one.values).sum()) for one in series), default=0)
    if most < NEEDS:
        return Abstained(f"too_few_{per}s", needed=NEEDS, got=most)
    unit = series[0].unit
    calendar = [evenings[0] + timedelta(days=n) for n in range((evenings[-1] - evenings[0]).days + 1)]
    at = np.array([(evening - evenings[0]).days for evening in evenings])
    traces: list[Figure] = []
    shapes, labels = [], []
    drawn_with_band: list[Series] = []
    for one in series:
        values = np.full(len(calendar), np.nan)
        values[at] = one.values
        traces += _trend_traces(calendar, values, one, evenings)
        if one.baseline is not None and one.baseline_nights and one.baseline_nights[-1] < calendar[-1]:
            span = {"xref": "x", "x0": f"{one.baseline_nights[-1]} 12:00", "x1": f"{calendar[-1]} 12:00"}
            shapes.append(horizontal_band(*one.baseline, color="var(--activity-tint)") | span)
            drawn_with_band.append(one)
        if len(series) > 1 and np.isfinite(values).any():
            labels.append(_end_label(values, one))
    every = np.concatenate(
        [one.values for one in series] + [np.array(one.baseline or (), dtype=float) for one in series]
    )
    caption = f"Points: {per}s. Line: median of the last 7 {per}s, where at least 4 of them and the {per} itself"
    caption += " have a value."
    caption += "".join(f" {sentence}" for sentence in _bands_in_words(drawn_with_band))
    return figure(
        traces,
        height=240 if len(series) == 1 else 300,
        caption=caption,
        table=_trend_table(evenings, series, "Night of" if per == "night" else "Day"),
        linked=f"{per}s",
        shapes=shapes,
        annotations=labels,
        margin={"l": 8, "r": 16 + 8 * max(map(len, _name_lines(*series))) if len(series) > 1 else 12, "t": 8, "b": 8},
        xaxis=days_axis(calendar[0], calendar[-1]),
        yaxis=_value_axis(every[np.isfinite(every)], unit),
    )


def running_median(values: Floats) -> Floats:
    """Median of each night and the six before it, shape (n,); NaN where under 4 of them, or not itself, are known."""
    padded = np.concatenate([np.full(MEDIAN_DAYS - 1, np.nan), values])
    windows = np.lib.stride_tricks.sliding_window_view(padded, MEDIAN_DAYS)
    shown = (np.isfinite(windows).sum(axis=1) >= MEDIAN_NEEDS) & np.isfinite(values)
    out = np.full(len(values), np.nan)
    if shown.any():
        out[shown] = np.nanmedian(windows[shown], axis=1)
    return out


def _trend_traces(calendar: list[date], values: Floats, one: Series, evenings: Sequence[date]) -> list[Figure]:
    x = [evening.isoformat() for evening in calendar]
    coverage = dict(zip(evenings, one.coverage, strict=True)) if one.coverage is not None else {}
    words = [
        "<br>".join(
            [day(evening), f"{one.name} {in_words(value, one.unit)}"]
            + ([f"worn {in_words(100 * coverage[evening], '%')}"] if evening in coverage else [])
        )
        if np.isfinite(value)
        else ""
        for evening, value in zip(calendar, values, strict=True)
    ]
    points = {
        "type": "scatter",
        "mode": "markers",
        "x": x,
        "y": packed(values.astype(np.float32)),
        "marker": {"size": 7, "color": one.color, "symbol": one.symbol, "opacity": 0.75},
        "text": words,
        "hovertemplate": "%{text}<extra></extra>",
    }
    line = {
        "type": "scatter",
        "mode": "lines",
        "x": x,
        "y": packed(running_median(values).astype(np.float32)),
        "line": {"width": 2, "color": one.color},
        "connectgaps": False,
        "hoverinfo": "skip",
    }
    return [line, points]


def _end_label(values: Floats, one: Series) -> Figure:
    last = int(np.flatnonzero(np.isfinite(values))[-1])
    # Beside the plot, not in it: there it would lie on the points it names.
    place = {"xref": "paper", "xanchor": "left", "yanchor": "middle", "xshift": 4, "align": "left"}
    return label("<br>".join(_name_lines(one)), x=1, y=float(values[last]), color=one.color, **place)


def _bands_in_words(series: Sequence[Series]) -> list[str]:
    """What each band is, once for all series whose own nights are the same."""
    named: dict[str, list[str]] = {}
    for one in series:
        first, last = (f"{evening.day} {evening:%b}" for evening in (one.baseline_nights[0], one.baseline_nights[-1]))
        nights = f"{len(one.baseline_nights)} measured nights ({first} to {last})"
        named.setdefault(f"own baseline, median \u00b1 scaled MAD of the first {nights}", []).append(one.name)
    if len(named) == 1:
        return [f"Band: {words}." for words in named]
    return [f"Band of {', '.join(names)}: {words}." for words, names in named.items()]


def _name_lines(*series: Series) -> list[str]:
    return [line for one in series for line in wrap(one.name, 12)]


def _value_axis(every: Floats, unit: str) -> Figure:
    if unit not in {"min", CLOCK} or not len(every):
        return {"title": {"text": unit}, "nticks": 6}
    per_hour = 60 if unit == "min" else 1
    low, high = np.floor(every.min() / per_hour), np.ceil(every.max() / per_hour)
    step = max(1, int(np.ceil((high - low) / 6)))
    ticks = np.arange(low, high + step, step)
    words = [clock_time(tick) if unit == CLOCK else f"{tick:.0f} h" for tick in ticks]
    return {
        "tickvals": [float(tick * per_hour) for tick in ticks],
        "ticktext": words,
        "range": [float((low - 0.2) * per_hour), float((high + 0.6) * per_hour)],
    }


def _trend_table(evenings: Sequence[date], series: Sequence[Series], head: str) -> tuple[list[str], list[list[str]]]:
    rows = [
        [day(evening)]
        + [in_words(float(one.values[i]), one.unit) if np.isfinite(one.values[i]) else DASH for one in series]
        for i, evening in enumerate(evenings)
    ]
    return [head, *(one.name for one in series)], rows
