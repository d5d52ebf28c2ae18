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
    per_day = np.divide(np.nansum(bins, axis=2), known, out=np.full(known.shape, np.nan), where=known > 0)
    low, mean, high = _spread(per_day)
    hours = ((np.arange(len(mean)) + 0.5) * BIN_MIN / 60).astype(np.float32)
    ceiling = float(np.nanmax(high)) if np.isfinite(high).any() else 1.0
    shapes, labels = _stretches(mean_day, ceiling)
    at = [clock_time(float(hour) - BIN_MIN / 120) for hour in hours]
    n = np.isfinite(per_day).sum(axis=0).astype(np.uint8)
    edge: Figure = {"type": "scatter", "mode": "lines", "line": {"width": 0}, "x": packed(hours), "hoverinfo": "skip"}
    line = edge | {
        "y": packed(mean.astype(np.float32)),
        "line": {"width": 2, "color": "var(--activity)"},
        "text": at,
        "customdata": packed(n),
        "hoverinfo": "all",
        "hovertemplate": f"%{{text}}<br>mean %{{y:.0f}} {mean_day.unit}<br>n = %{{customdata}} days<extra></extra>",
    }
    return figure(
        [
            edge | {"y": packed(low.astype(np.float32))},
            edge | {"y": packed(high.astype(np.float32)), "fill": "tonexty", "fillcolor": "var(--activity-tint)"},
            line,
        ],
        height=280,
        caption=f"Line: mean of {n_days} days in {BIN_MIN}-minute steps. Band: the middle 80 % of days.",
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


def _spread(per_day: Floats) -> tuple[Floats, Floats, Floats]:
    """10th percentile, mean and 90th percentile over days; NaN where no day has a value."""
    some = np.isfinite(per_day).any(axis=0)
    out = np.full((3, per_day.shape[1]), np.nan)
    if some.any():
        out[0, some], out[2, some] = np.nanquantile(per_day[:, some], [0.1, 0.9], axis=0)
        out[1, some] = np.nanmean(per_day[:, some], axis=0)
    return out[0], out[1], out[2]


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
