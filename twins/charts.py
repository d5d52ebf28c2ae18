"""The correlation of two series by lag: data in, figure out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from novamind.charts import Figure, days_axis, figure, horizontal_band, packed, vertical_line
from novamind.display import DASH, day
from twins.changes import BASELINE_DAYS
from twins.features import BIOMETRICS, SYMPTOMS, Floats
from twins.wording import in_days, signed

if TYPE_CHECKING:
    from twins.track_record import Pair


def by_lag(symptom: str, biometric: str, result: dict[str, Any]) -> Figure:
    """A bar for each lag; the lag the test picked is filled, with its interval."""
    values = [float("nan") if r is None else r for r in result["by_lag"]]
    lags, picked = np.arange(len(values), dtype=np.int16), result["lag"]
    bars: Figure = {
        "type": "bar", "x": packed(lags), "y": packed(np.array(values, dtype=np.float32)), "width": 0.55,
        "marker": {"color": ["var(--model)" if lag == picked else "var(--model-2)" for lag in range(len(values))]},
        "text": [in_days(lag) for lag in range(len(values))], "textposition": "none",
        "hovertemplate": "%{text}<br>r = %{y:.2f}<extra></extra>",
        "error_y": {
            "type": "data", "symmetric": False, "color": "var(--text)", "thickness": 1.5, "width": 0,
            "array": [result["high"] - r if lag == picked else None for lag, r in enumerate(values)],
            "arrayminus": [r - result["low"] if lag == picked else None for lag, r in enumerate(values)],
        },
    }  # fmt: skip
    source, target = BIOMETRICS[biometric].label, SYMPTOMS[symptom].label.lower()
    return figure(
        [bars],
        height=220,
        caption=f"{source} and {target}: correlation of what is left after trend, week and memory, by the days that "
        f"{source.lower()} comes first. Filled: the lag the test picked, with an interval that holds for all lags "
        f"(95 %).",
        table=(("Days before", "r"), [(str(lag), DASH if r != r else signed(r)) for lag, r in enumerate(values)]),
        xaxis={"title": {"text": "days before the symptom"}, "dtick": 1, "fixedrange": True},
        yaxis={"range": [-1, 1], "title": {"text": "r"}, "fixedrange": True, "zeroline": True,
               "zerolinecolor": "var(--line-strong)"},
    )  # fmt: skip


def departure(name: str, first: date, values: Floats, one: Mapping[str, Any]) -> Figure:
    """A series by day with what was usual before, and since when it has been another.

    Parameters
    ----------
    name : str
        The series.
    first : date
        Of the first value.
    values : (WINDOW_DAYS,) float64
        NaN where missing.
    one : mapping
        Its part of the answer.
    """
    feature = (BIOMETRICS | SYMPTOMS)[name]
    days = [first + timedelta(days=day) for day in range(len(values))]
    since = date.fromisoformat(one["since"])
    shades = [
        _dots(days[:BASELINE_DAYS], values[:BASELINE_DAYS], "before", "var(--muted)", "circle-open", "markers"),
        _dots(days[BASELINE_DAYS:], values[BASELINE_DAYS:], "the last four weeks", "var(--model)", "circle", "markers"),
    ]
    for trace in shades:
        trace["hovertemplate"] = "%{y:.3g}<br>%{x|%a %-d %b %Y}<extra></extra>"
    low, high = one["median"] - one["mad"], one["median"] + one["mad"]
    return figure(
        shades,
        height=220,
        caption=f"{feature.label} ({feature.unit}) by day: open, the {BASELINE_DAYS} days before, with their "
        f"median absolute deviation about the median as a band; filled, the last {len(values) - BASELINE_DAYS} days; "
        f"the line: since when it has been another.",
        table=(("Day", feature.label),
               [(day(on), f"{value:.3g}") for on, value in zip(days, values, strict=True) if value == value]),
        xaxis=days_axis(days[0], days[-1]),
        yaxis={"title": {"text": feature.unit}, "fixedrange": True},
        shapes=[horizontal_band(low, high, color="var(--model-1)"), vertical_line(f"{since} 00:00", dash="dot")],
    )  # fmt: skip


#: Earlier forecasts are drawn as they stood this many days before.
AHEAD: Final = 7


def forecast(
    symptom: str, said: Mapping[date, float], points: Sequence[Mapping[str, Any]], pairs: Sequence[Pair]
) -> Figure:
    """What was said, what is likely next with both intervals, and what was forecast a week before for days gone by.

    Parameters
    ----------
    said : mapping of date to float
        Check-ins of the days before; NaN where nothing was said.
    points : sequence of mapping
        As the API has them, a day each.
    pairs : sequence of Pair
        Earlier forecasts; those of ``AHEAD`` days ahead are drawn.
    """
    words, days = SYMPTOMS[symptom], [one["date"] for one in points]
    earlier = [pair for pair in pairs if pair.ahead == AHEAD and pair.on in said]
    traces = [
        _band(days, [one["lower_95"] for one in points], [one["upper_95"] for one in points], "95 %", "var(--model-1)"),
        _band(days, [one["confidence_lower"] for one in points], [one["confidence_upper"] for one in points], "80 %",
              "var(--model-2)"),
        _dots(list(said), list(said.values()), "said", "var(--symptom)", "circle", "lines+markers"),
        _dots(days, [one["value"] for one in points], "forecast", "var(--model)", "diamond", "lines+markers"),
        _dots([pair.on for pair in earlier], [pair.point for pair in earlier], f"forecast {AHEAD} days before",
              "var(--model)", "diamond-open", "markers"),
    ]  # fmt: skip
    return figure(
        traces,
        height=280,
        caption=f"{words.label} of the daily check-in ({words.unit}): what was said (dots), what is likely next "
        f"(diamonds) with the intervals that should hold 80 % (darker) and 95 % of the days; open diamonds: what was "
        f"forecast {AHEAD} days before.",
        table=(("Day", "Forecast", "80 %", "95 %"), [_told(one) for one in points]),
        xaxis=days_axis(min(said), days[-1]),
        yaxis={"range": [-0.5, 10.5], "dtick": 5, "title": {"text": words.label}, "fixedrange": True},
        shapes=[vertical_line(f"{days[0] - timedelta(days=1)} 12:00", dash="dot")],
    )


def what_if(points: Sequence[Mapping[str, Any]]) -> Figure:
    """Simulated mood of the coming days without and with a change, each with its 80 % band; points as the API's."""
    days = [one["date"] for one in points]
    looks = {
        "without": ("as it is", "var(--muted)", "circle-open"),
        "with": ("with the change", "var(--model)", "diamond"),
    }
    traces = [
        _band(days, [one[f"{name}_low"] for one in points], [one[f"{name}_high"] for one in points],
              f"{label}, 80 %", shade)
        for (name, (label, _, _)), shade in zip(looks.items(), ("var(--model-1)", "var(--model-2)"), strict=True)
    ] + [
        _dots(days, [one[f"{name}_median"] for one in points], label, color, symbol, "lines+markers")
        for name, (label, color, symbol) in looks.items()
    ]  # fmt: skip
    for trace in traces[2:]:
        trace["hovertemplate"] = f"{trace['name']}: %{{y:.1f}} of 10<br>%{{x|%a %-d %b %Y}}<extra></extra>"
    return figure(
        traces,
        height=240,
        caption=f"A simulation, no advice: mood of the coming days ({SYMPTOMS['mood'].unit}) as it is (circles) and "
        "with the change (diamonds), medians and the bands that hold 80 % of the draws.",
        table=(("Day", "As it is", "80 %", "With the change", "80 %"), [
            (day(one["date"]), f"{one['without_median']:.1f}", f"{one['without_low']:.1f} to {one['without_high']:.1f}",
             f"{one['with_median']:.1f}", f"{one['with_low']:.1f} to {one['with_high']:.1f}") for one in points]),
        xaxis=days_axis(days[0], days[-1]),
        yaxis={"range": [-0.5, 10.5], "dtick": 5, "title": {"text": "Mood"}, "fixedrange": True},
    )  # fmt: skip


def _told(point: Mapping[str, Any]) -> tuple[str, ...]:
    return (
        day(point["date"]), f"{point['value']:g}", f"{point['confidence_lower']:g} to {point['confidence_upper']:g}",
        f"{point['lower_95']:g} to {point['upper_95']:g}",
    )  # fmt: skip


def _band(days: Sequence[date], low: Sequence[float], high: Sequence[float], name: str, color: str) -> Figure:
    return {
        "type": "scatter", "mode": "lines", "line": {"width": 0}, "fill": "toself", "fillcolor": color, "name": name,
        "x": [str(on) for on in (*days, *reversed(days))], "hoverinfo": "skip",
        "y": packed(np.array([*high, *reversed(low)], dtype=np.float32)),
    }  # fmt: skip


def _dots(days: Sequence[date], values: Sequence[float], name: str, color: str, symbol: str, mode: str) -> Figure:
    return {
        "type": "scatter", "mode": mode, "name": name, "connectgaps": False, "x": [str(on) for on in days],
        "y": packed(np.array(values, dtype=np.float32)), "line": {"color": color, "width": 1.5},
        "marker": {"color": color, "size": 7, "symbol": symbol},
        "hovertemplate": f"{name}: %{{y:.0f}} of 10<br>%{{x|%a %-d %b %Y}}<extra></extra>",
    }  # fmt: skip
