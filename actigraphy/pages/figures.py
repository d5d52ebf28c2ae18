"""The charts of the page, from an analysis, its nights and the recording by the minute."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

import numpy as np

from actigraphy.charts import DayRow, MeanDay, RestBar, Series, Stretch, actogram, profile, trend
from actigraphy.minutes import MINUTE_S, Floats, Minutes
from actigraphy.models import Analysis, Night
from actigraphy.pages.layers import Layer
from actigraphy.science.baseline import own_baseline
from actigraphy.science.thresholds import BASELINE_NIGHTS
from novamind import clock
from novamind.measures import Abstained

TIMES = (("onset", "Sleep onset"), ("offset", "Wake up"))


def figures(
    analysis: Analysis, nights: list[Night], minutes: Minutes, since: date | None, layer: Layer | None = None
) -> dict[str, Any]:
    """The four charts of the page; the actogram from the evening ``since`` on, over a model's layer."""
    evenings = [night.date for night in nights]

    def series(name: str, column: str) -> Series:
        return _series(nights, name, column_of(nights, column), "min", column)

    return {
        "actogram": actogram(day_rows(analysis, minutes, since, layer), zone=analysis.zone),
        "profile": profile(mean_day(analysis, minutes)),
        "trend_sleep": trend(
            evenings, [series("Total sleep time", "tst_min"), series("Wake after sleep onset", "waso_min")]
        ),
        "trend_timing": trend(
            evenings,
            [
                _series(nights, name, clock_hours(nights, column, analysis.zone), "clock", column)
                for column, name in TIMES
            ],
        ),
    }


def _series(nights: list[Night], name: str, values: Floats, unit: str, column: str) -> Series:
    """One line of a trend, with wear for the hover and the person's own usual range where there are nights enough."""
    measured = [night.date for night, value in zip(nights, values, strict=True) if np.isfinite(value)]
    try:
        baseline = own_baseline(values)
    except Abstained:
        baseline = None
    worn = np.array([night.worn_h / 24 for night in nights])
    wake = column in {"waso_min", "offset"}
    look = {"color": "var(--light)", "symbol": "diamond"} if wake else {}
    return Series(
        name, values, unit, coverage=worn, baseline=baseline, baseline_nights=measured[:BASELINE_NIGHTS], **look
    )


def column_of(nights: list[Night], name: str) -> Floats:
    """One number of every night, NaN where it was not given."""
    return np.array([np.nan if (value := getattr(night, name)) is None else value for night in nights], dtype=float)


def clock_hours(nights: list[Night], name: str, zone_name: str) -> Floats:
    """Hours from the midnight that ends the evening: 23:30 is -0.5, so that no night tears at midnight."""
    tz = clock.zone(zone_name)
    hours = []
    for night in nights:
        moment = getattr(night, name)
        if moment is None:
            hours.append(np.nan)
            continue
        wall = moment.astimezone(tz).replace(tzinfo=None)
        midnight = datetime.combine(night.date + timedelta(days=1), datetime.min.time())
        hours.append((wall - midnight) / timedelta(hours=1))
    return np.array(hours, dtype=float)


def day_rows(
    analysis: Analysis, minutes: Minutes, since: date | None = None, layer: Layer | None = None
) -> list[DayRow]:
    """One row a local day, noon to noon; the day of a clock change has 23 or 25 hours."""
    tz = clock.zone(analysis.zone)
    evening = since or clock.night_of(analysis.window_start, tz)
    last = clock.night_of(analysis.window_end - timedelta(seconds=1), tz)
    bars = [
        (
            datetime.fromisoformat(period["start"]).timestamp(),
            datetime.fromisoformat(period["end"]).timestamp(),
            "sleep" if period["kind"] == "main" else "nap",
        )
        for period in analysis.results["rest"]
    ]
    rows = []
    while evening <= last:
        start, end = (int(moment.timestamp()) for moment in clock.night_window(evening, tz))
        activity, worn = minutes.cut(start, (end - start) // MINUTE_S)
        changes = clock.transitions(start, end, tz)[1:]
        rest = [
            RestBar((b - start) / 60, (e - start) / 60, kind)  # type: ignore[arg-type]
            for b, e, kind in bars
            if b < end and e > start
        ]
        change = (changes[0][0] - start) // MINUTE_S if changes else None
        at = start + MINUTE_S * np.arange(len(activity))
        recorded = (at + MINUTE_S > analysis.window_start.timestamp()) & (at < analysis.window_end.timestamp())
        tint = layer.cut(start, len(activity)) if layer else None
        rows.append(DayRow(evening, activity, worn, rest, change, recorded, tint))
        evening += timedelta(days=1)
    return rows


def mean_day(analysis: Analysis, minutes: Minutes) -> MeanDay:
    """Each valid local day by the minute of its clock; of a double hour the second pass stays."""
    times = clock.local_times(minutes.start_s, MINUTE_S, len(minutes.activity), clock.zone(analysis.zone))
    if not len(times):
        return MeanDay(np.full((1, 1440), np.nan))
    first = int(times.day[0])
    days = np.full((int(times.day[-1]) - first + 1, 1440), np.nan)
    days[times.day - first, times.second_of_day // MINUTE_S] = np.where(minutes.worn, minutes.activity, np.nan)
    valid = {day["date"] for day in analysis.results["quality"]["days"] if day["valid"]}
    kept = [str(clock.date_from_ordinal_day(first + n)) in valid for n in range(len(days))]
    days = days[kept] if any(kept) else np.full((1, 1440), np.nan)
    rhythm = analysis.results["rhythm"]
    return MeanDay(days, l5=_stretch(rhythm, "l5", 5), m10=_stretch(rhythm, "m10", 10))


def _stretch(rhythm: dict[str, Any], name: str, hours: int) -> Stretch | None:
    level, onset = rhythm[name], rhythm[f"{name}_onset"]
    if isinstance(level, dict) or isinstance(onset, dict):
        return None
    return Stretch(onset * 60, hours * 60, level)
