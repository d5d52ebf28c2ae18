"""The numbers of the page: nights, rhythm, quality; each measured or abstained, each with its name for provenance."""

from __future__ import annotations

import math
from datetime import date, datetime, timedelta
from typing import Any

from actigraphy.analysis import kept_rhythm
from actigraphy.models import Analysis, Night
from actigraphy.numbers import NIGHT, RHYTHM
from actigraphy.science.thresholds import VALID_DAY_WORN_H
from novamind import clock, display
from novamind.measures import Abstained, Measure, Shown, Window

#: What happened on a night, in words.
FLAGS = {
    "dst": "clock changed",
    "partial_wear": "partly worn",
    "recording_edge": "recording begins or ends here",
    "long_rest": "rest over 12 h",
    "split_rest": "rest in pieces",
    "no_rest_found": "no rest found",
    "maybe_not_worn": "may not have been worn",
    "truncated": "rest meets time not worn",
}
GAPS = {"missing": "no data", "non_wear": "off wrist", "filled": "one value repeated"}


def rhythm_measure(analysis: Analysis, name: str) -> Shown:
    """One rest-activity number of an analysis, measured or abstained."""
    number, value = RHYTHM[name], kept_rhythm(analysis.results)[name]
    if isinstance(value, dict):
        return Abstained.from_json(value)
    kept = analysis.results["quality"]
    return Measure(
        value,
        number.unit,
        method=analysis.methods.get("SRI" if number.key == "SRI" else "rhythm", ""),
        window=Window(analysis.window_start, analysis.window_end),
        n=int(kept["overlapping_days"]) if number.key == "SRI" else kept["valid_days"],
        coverage=kept["worn_minutes"] / max(1, kept["minutes"]),
        record_id=analysis.pk,
        name=f"rhythm.{name}",
    )


def rhythm_rows(analysis: Analysis) -> list[dict[str, Any]]:
    """The rhythm table: label, what it means, the number."""
    return [
        {"label": number.label, "what": number.what, "measure": rhythm_measure(analysis, name)}
        for name, number in RHYTHM.items()
    ]


def night_measure(night: Night, column: str, analysis: Analysis) -> Shown:
    """One number of a night; efficiency as a percentage."""
    if column in night.abstentions:
        return Abstained.from_json(night.abstentions[column])
    _, _, unit = NIGHT[column]
    value = float(getattr(night, column)) * (100 if unit == "%" else 1)
    start, end = clock.night_window(night.date, clock.zone(analysis.zone))
    return Measure(
        value,
        unit,
        method=night.method,
        window=Window(start, end),
        coverage=min(1.0, night.worn_h * 3600 / (end - start).total_seconds()),
        record_id=analysis.pk,
        name=f"night.{night.date}.{column}",
    )


def night_row(night: Night, analysis: Analysis) -> dict[str, Any]:
    """A row of the nights table."""
    names = {"tst_min": "tst", "sol_min": "sol", "waso_min": "waso"}
    row: dict[str, Any] = {names.get(column, column): night_measure(night, column, analysis) for column in NIGHT}
    for column in ("onset", "offset"):
        abstained = night.abstentions.get(column)
        row[column] = Abstained.from_json(abstained) if abstained else getattr(night, column)
    flags = [FLAGS.get(flag, flag) for flag in night.flags]
    return row | {"date": night.date, "flags": flags, "method": night.method}


def quality(analysis: Analysis) -> dict[str, Any]:
    """How much of the window was worn, and what the reader noticed."""
    kept = analysis.results["quality"]
    return {
        "valid_days": kept["valid_days"],
        "days": len(kept["days"]),
        "needed_h": VALID_DAY_WORN_H,
        "worn_share": worn_share(kept),
        "gaps": [gap_in_words(gap, analysis.zone) for gap in kept["gaps"]],
        "acceleration": acceleration_in_words(kept.get("acceleration")),
        "notices": [notice["detail"] for notice in notices_of(analysis)],
        "per_day": [
            {"date": date.fromisoformat(day["date"]), "worn_h": day["worn_min"] / 60, "valid": day["valid"]}
            for day in kept["days"]
        ],
    }


def notices_of(analysis: Analysis) -> list[dict[str, str]]:
    """What the reader of the file noticed; a streaming source has no file."""
    recording = getattr(analysis.source, "recording", None)
    return recording.notices if recording is not None else []


def worn_share(kept: dict[str, Any]) -> float:
    """Share of the recording that was worn, rounded down to a percent: 100 % means all of it."""
    return math.floor(100 * kept["worn_minutes"] / max(1, kept["minutes"])) / 100


def acceleration_in_words(kept: dict[str, Any] | None) -> str:
    """``Mean acceleration (ENMO) 31.2 mg, MAD 24.0 mg; calibrated from 21.0 to 2.1 mg at rest.``; empty without any."""
    if kept is None:
        return ""
    enmo, mad, fit = kept["enmo_mg"], kept["mad_mg"], kept["calibration"]
    if isinstance(enmo, dict):
        said = f"Mean acceleration not given: {enmo['reason']}"
    else:
        said = f"Mean acceleration (ENMO) {enmo:.1f} mg, MAD {mad:.1f} mg"
    if "abstained" in fit:
        return f"{said}; not calibrated: {fit['reason']}."
    return f"{said}; calibrated from {fit['error_before_mg']:.1f} to {fit['error_after_mg']:.1f} mg at rest."


def gap_in_words(gap: dict[str, str], zone_name: str) -> str:
    """``Sat 19 Sep 11:24, 4 h 12 min: off wrist``, on the patient's clock."""
    start, end = (datetime.fromisoformat(gap[name]) for name in ("start", "end"))
    local = start.astimezone(clock.zone(zone_name))
    length = display.duration((end - start) / timedelta(minutes=1))
    return f"{display.short_day(local)} {local:%H:%M}, {length}: {GAPS.get(gap['reason'], gap['reason'])}"
