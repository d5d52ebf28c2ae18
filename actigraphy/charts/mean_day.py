"""The mean day: activity by the clock, with L5 and M10."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from novamind.charts import Figure, figure, label, packed, vertical_band
from novamind.display import DASH, clock_time, in_words, significant

Floats = NDArray[np.floating[Any]]

DAY_MIN = 1440
BIN_MIN = 10
BAND_NEEDS = 5  # days; of fewer, the middle 80 % is only their extremes


@dataclass(frozen=True, slots=True)
class Stretch:
    """Five or ten hours of the mean day: when they begin (minute of the day) and their mean."""

    start_min: float
    length_min: float
    mean: float


@dataclass(frozen=True, slots=True, eq=False)
class MeanDay:
    """What the mean 24-hour profile is drawn from.

    Parameters
    ----------
    days : ndarray of float, shape (n_days, 1440)
        Counts per minute by minute of the local day from midnight; NaN where not worn.
    l5, m10 : Stretch, optional
        None where they were not computed: nothing is shaded then.
    unit : str
        Of the counts.
    """

    days: Floats
    l5: Stretch | None = None
    m10: Stretch | None = None
    unit: str = "counts/min"


def profile(mean_day: MeanDay) -> Figure:
    """The mean day by the clock, midnight to midnight, with L5 and M10 shaded and named and the spread between days."""
    n_days = len(mean_day.days)
    bins = mean_day.days.reshape(n_days, -1, BIN_MIN)
    known = np.isfinite(bins).sum(axis=2)
    if not known.any():
        return figure([], height=120, caption="No minute was worn, so there is no mean day.")
    per_day = np.divide(np.nansum(bins, axis=2), known, out=np.full(known.shape, np.nan), where=known > 0)
    low, mean, high = _spread(per_day)
    hours = ((np.arange(len(mean)) + 0.5) * BIN_MIN / 60).astype(np.float32)
    ceiling = float(np.nanmax(np.fmax(mean, high)))
    n = np.isfinite(per_day).sum(axis=0).astype(np.uint16)
    shapes, labels = _stretches(mean_day, ceiling)
    at = [clock_time(float(hour) - BIN_MIN / 120) for hour in hours]
    line: Figure = {
        "type": "scatter",
        "mode": "lines",
        "x": packed(hours),
        "y": packed(mean.astype(np.float32)),
        "line": {"width": 2, "color": "var(--activity)"},
        "connectgaps": False,
        "text": at,
        "customdata": packed(n),
        "hovertemplate": f"%{{text}}<br>mean %{{y:.0f}} {mean_day.unit}<br>n = %{{customdata}} days<extra></extra>",
    }
    band = _band(hours, low, high)
    return figure(
        [band, line] if band else [line],
        height=280,
        caption=_caption(int(known.any(axis=1).sum()), int(n.max()), banded=band is not None),
        table=_profile_table(at, low, mean, high, mean_day.unit),
        shapes=shapes,
        annotations=labels,
        xaxis={
            "range": [0, 24],
            "tickvals": list(range(0, 25, 3)),
            "ticktext": [f"{h % 24:02d}" for h in range(0, 25, 3)],
        },
        yaxis={"title": {"text": mean_day.unit}, "range": [0, ceiling * 1.25 or 1], "nticks": 6},
    )


def _caption(n_days: int, most: int, *, banded: bool) -> str:
    """Counts only the days that have a worn minute; ``most`` is how many have one at the same time of day."""
    days = f"mean of {n_days} days" if most > 1 else "one day at each time of day"
    line = f"Line: {days}, in {BIN_MIN}-minute steps."
    if banded:
        return f"{line} Band: the middle 80 % of days, where at least {BAND_NEEDS} have a value."
    return f"{line} No band: it needs {BAND_NEEDS} days with a value at the same time of day."


def _spread(per_day: Floats) -> tuple[Floats, Floats, Floats]:
    """10th percentile, mean and 90th percentile over days.

    NaN where no day has a value; the percentiles also where fewer than ``BAND_NEEDS`` days have one.
    """
    n = np.isfinite(per_day).sum(axis=0)
    some, enough = n > 0, n >= BAND_NEEDS
    out = np.full((3, per_day.shape[1]), np.nan)
    out[1, some] = np.nanmean(per_day[:, some], axis=0)
    if enough.any():
        out[0, enough], out[2, enough] = np.nanquantile(per_day[:, enough], [0.1, 0.9], axis=0)
    return out[0], out[1], out[2]


def _band(hours: NDArray[np.float32], low: Floats, high: Floats) -> Figure | None:
    """The spread between days as one closed outline for each run of bins that have one.

    Not a fill between two lines: Plotly draws that across the gaps of both.
    """
    known = np.isfinite(low)
    edges = np.flatnonzero(np.diff(np.concatenate([[False], known, [False]]).astype(np.int8))).reshape(-1, 2)
    if not len(edges):
        return None
    xs: list[Floats] = []
    ys: list[Floats] = []
    for start, end in edges:
        run = slice(start, end)
        xs += [hours[run], hours[run][::-1], np.array([hours[start], np.nan])]
        ys += [low[run], high[run][::-1], np.array([low[start], np.nan])]
    return {
        "type": "scatter",
        "mode": "lines",
        "line": {"width": 0},
        "fill": "toself",
        "fillcolor": "var(--activity-tint)",
        "hoverinfo": "skip",
        "x": packed(np.concatenate(xs).astype(np.float32)),
        "y": packed(np.concatenate(ys).astype(np.float32)),
    }


def _stretches(mean_day: MeanDay, ceiling: float) -> tuple[list[Figure], list[Figure]]:
    shapes, labels = [], []
    for name, stretch, tint, color in (
        ("L5", mean_day.l5, "var(--sleep-tint)", "var(--sleep)"),
        ("M10", mean_day.m10, "var(--light-tint)", "var(--light)"),
    ):
        if stretch is None:
            continue
        start = stretch.start_min % DAY_MIN / 60
        end = start + stretch.length_min / 60
        pieces = [(start, min(end, 24.0))] + ([(0.0, end - 24)] if end > 24 else [])
        shapes += [vertical_band(low, high, color=tint) for low, high in pieces]
        low, high = max(pieces, key=lambda piece: piece[1] - piece[0])
        words = f"{name} {significant(stretch.mean)}<br>from {clock_time(start)}"
        place: Figure = {"xanchor": "center", "yanchor": "top", "yref": "paper"}
        labels.append(label(words, x=(low + high) / 2, y=1, color=color, **place))
    return shapes, labels


def _profile_table(
    at: list[str], low: Floats, mean: Floats, high: Floats, unit: str
) -> tuple[list[str], list[list[str]]]:
    step = 60 // BIN_MIN
    rows = [
        [at[i]] + [in_words(float(values[i]), unit) if np.isfinite(values[i]) else DASH for values in (low, mean, high)]
        for i in range(0, len(at), step)
    ]
    return ["Clock time", "10th percentile", "Mean", "90th percentile"], rows
