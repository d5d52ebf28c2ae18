"""What the Actigraphy page shows of one analysis: its figures, nights and numbers. Reads, never computes a result."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from actigraphy import signals
from actigraphy.charts import DayRow, MeanDay, RestBar, Series, Stretch, actogram, profile, trend
from actigraphy.models import Analysis, Night, Recording
from actigraphy.numbers import NIGHT, RHYTHM
from actigraphy.science.baseline import own_baseline
from actigraphy.science.devices import DEVICES
from actigraphy.science.thresholds import VALID_DAY_WORN_H
from novamind import clock, display
from novamind.jobs.models import Job
from novamind.measures import Abstained, Measure, Shown, Window

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

MINUTE_S = 60
SHOWN_DAYS = 28  # of the actogram and the table of nights, newest; the trends and numbers are of the whole window

#: What happened on a night, in words.
FLAGS = {
    "dst": "clock changed",
    "partial_wear": "partly worn",
    "long_rest": "rest over 12 h",
    "split_rest": "rest in pieces",
    "no_rest_found": "no rest found",
    "truncated": "cut by the end of the recording",
}
GAPS = {"missing": "no data", "non_wear": "off wrist", "filled": "one value repeated"}


def recording_row(recording: Recording, job_states: dict[str, str]) -> dict[str, Any]:
    """A recording as the list and the status line show it."""
    state, error = recording.state, recording.error_detail or None
    if state == Recording.State.PENDING:
        state = job_states.get(f"actigraphy.analyze:{recording.pk}", "pending")
        if state in {Job.State.QUARANTINED, Job.State.FAILED}:
            state, error = "failed", f"{Abstained('failed').reason.capitalize()}."
        elif state == Job.State.DONE:
            state = "pending"
    days = (recording.end - recording.start) / timedelta(days=1)
    return {
        "id": recording.pk,
        "label": f"{display.short_day(local_date(recording.start, recording.zone))} to "
        f"{display.day(local_date(recording.end, recording.zone))}",
        "state": state,
        "error": error,
        "start": recording.start,
        "end": recording.end,
        "days": round(days, 1),
        "device": DEVICES[recording.source.device_type].label,
        "format": recording.format,
        "uploaded_at": recording.created_at,
    }


def recording_rows(recordings: list[Recording]) -> list[dict[str, Any]]:
    """Recordings with the state of their jobs; one query for all jobs."""
    keys = [f"actigraphy.analyze:{recording.pk}" for recording in recordings if recording.state == "pending"]
    jobs = Job.objects.filter(key__in=keys).order_by("created_at").values_list("key", "state")
    states = dict(jobs) if keys else {}
    return [recording_row(recording, states) for recording in recordings]


def local_date(moment: datetime, zone_name: str) -> date:
    """The date of a moment where the patient was."""
    return moment.astimezone(clock.zone(zone_name)).date()


def analysis_context(analysis: Analysis, days: int | None) -> dict[str, Any]:
    """Everything below the recording list: figures, nights, rhythm, quality, PAT; ``days`` is how many to draw."""
    return shown(analysis, list(analysis.nights.all()), Minutes.of(analysis), days)


def shown(analysis: Analysis, nights: list[Night], minutes: Minutes, days: int | None) -> dict[str, Any]:
    """The same for an analysis that is not stored."""
    recent = nights[-days:] if days else nights
    return {
        "analysis": {
            "record_id": analysis.pk,
            "headline": headline(analysis, nights),
            "window": window_in_words(analysis),
            "method_lines": [f"{name.replace('_', ' ')}: {method}" for name, method in analysis.methods.items()],
        },
        "figures": figures(analysis, nights, minutes, recent[0].date if recent else None),
        "nights": [night_row(night, analysis) for night in reversed(recent)],
        "drawn": len(recent),
        "measured": len(nights),
        "rhythm": rhythm_rows(analysis),
        "quality": quality(analysis),
        "pat": Abstained.from_json(analysis.results["pat"]),
    }


class Minutes:
    """The recording by the minute: activity per minute and whether it was worn, on a UTC grid."""

    def __init__(self, start_s: int, activity: Floats, worn: Bools) -> None:
        self.start_s, self.activity, self.worn = start_s, activity, worn

    @classmethod
    def of(cls, analysis: Analysis) -> Minutes:
        """From the stored signals; empty when they are gone."""
        found = signals.read(analysis.source, "activity", start=analysis.window_start, end=analysis.window_end)
        if found is None:
            return cls(int(analysis.window_start.timestamp()), np.empty(0), np.empty(0, dtype=bool))
        start_s, epoch_s, values = found
        activity = per_minute(values.astype(np.float64), epoch_s)
        worn = np.isfinite(activity)
        for gap in analysis.results["quality"]["gaps"]:
            first, last = (int(datetime.fromisoformat(gap[name]).timestamp()) for name in ("start", "end"))
            worn[max(0, (first - start_s) // MINUTE_S) : max(0, -(-(last - start_s) // MINUTE_S))] = False
        return cls(start_s, activity, worn)

    def cut(self, start_s: int, n: int) -> tuple[Floats, Bools]:
        """``n`` minutes from a UTC second on; NaN and not worn where there is nothing."""
        activity, worn = np.full(n, np.nan), np.zeros(n, dtype=bool)
        offset = (self.start_s - start_s) // MINUTE_S
        first, last = max(0, offset), min(n, offset + len(self.activity))
        if last > first:
            activity[first:last] = self.activity[first - offset : last - offset]
            worn[first:last] = self.worn[first - offset : last - offset]
        return activity, worn


def per_minute(values: Floats, epoch_s: int) -> Floats:
    """Counts per epoch as counts per minute; a minute with a missing part is missing."""
    if epoch_s >= MINUTE_S:
        return np.repeat(values * MINUTE_S / epoch_s, epoch_s // MINUTE_S)
    parts = MINUTE_S // epoch_s
    whole = len(values) // parts
    return values[: whole * parts].reshape(whole, parts).sum(axis=1)


def figures(analysis: Analysis, nights: list[Night], minutes: Minutes, since: date | None) -> dict[str, Any]:
    """The four charts of the page; the actogram from the evening ``since`` on."""
    evenings = [night.date for night in nights]

    def series(name: str, column: str) -> Series:
        return _series(nights, name, _column(nights, column), "min", column)

    return {
        "actogram": actogram(day_rows(analysis, minutes, since), zone=analysis.zone),
        "profile": profile(mean_day(analysis, minutes)),
        "trend_sleep": trend(
            evenings, [series("Total sleep time", "tst_min"), series("Wake after sleep onset", "waso_min")]
        ),
        "trend_timing": trend(
            evenings,
            [
                _series(nights, name, _clock_hours(nights, column, analysis.zone), "clock", column)
                for column, name in TIMES
            ],
        ),
    }


TIMES = (("onset", "Sleep onset"), ("offset", "Wake up"))


def _series(nights: list[Night], name: str, values: Floats, unit: str, column: str) -> Series:
    """One line of a trend, with wear for the hover and the person's own usual range where there are nights enough."""
    try:
        baseline = own_baseline(values)
    except Abstained:
        baseline = None
    worn = np.array([night.worn_h / 24 for night in nights])
    wake = column in {"waso_min", "offset"}
    look = {"color": "var(--light)", "symbol": "diamond"} if wake else {}
    return Series(name, values, unit, coverage=worn, baseline=baseline, **look)


def _column(nights: list[Night], name: str) -> Floats:
    return np.array([np.nan if (value := getattr(night, name)) is None else value for night in nights], dtype=float)


def _clock_hours(nights: list[Night], name: str, zone_name: str) -> Floats:
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


def day_rows(analysis: Analysis, minutes: Minutes, since: date | None = None) -> list[DayRow]:
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
            RestBar((max(b, start) - start) / 60, (min(e, end) - start) / 60, kind)  # type: ignore[arg-type]
            for b, e, kind in bars
            if b < end and e > start
        ]
        change = (changes[0][0] - start) // MINUTE_S if changes else None
        rows.append(DayRow(evening, activity, worn, rest, change))
        evening += timedelta(days=1)
    return rows


def mean_day(analysis: Analysis, minutes: Minutes) -> MeanDay:
    """Each local day by the minute of its clock; a skipped hour is missing, of a double hour the second pass stays."""
    times = clock.local_times(minutes.start_s, MINUTE_S, len(minutes.activity), clock.zone(analysis.zone))
    if not len(times):
        return MeanDay(np.full((1, 1440), np.nan))
    first = int(times.day[0])
    days = np.full((int(times.day[-1]) - first + 1, 1440), np.nan)
    days[times.day - first, times.second_of_day // MINUTE_S] = np.where(minutes.worn, minutes.activity, np.nan)
    rhythm = analysis.results["rhythm"]
    return MeanDay(days, l5=_stretch(rhythm, "l5", 5), m10=_stretch(rhythm, "m10", 10))


def _stretch(rhythm: dict[str, Any], name: str, hours: int) -> Stretch | None:
    level, onset = rhythm[name], rhythm[f"{name}_onset"]
    if isinstance(level, dict) or isinstance(onset, dict):
        return None
    return Stretch(onset * 60, hours * 60, level)


def rhythm_measure(analysis: Analysis, name: str) -> Shown:
    """One rest-activity number of an analysis, measured or abstained."""
    number, value = RHYTHM[name], analysis.results["rhythm"][name]
    if isinstance(value, dict):
        return Abstained.from_json(value)
    quality = analysis.results["quality"]
    return Measure(
        value,
        number.unit,
        method=analysis.methods.get("SRI" if number.key == "SRI" else "rhythm", ""),
        window=Window(analysis.window_start, analysis.window_end),
        n=quality["valid_days"],
        coverage=quality["worn_minutes"] / max(1, quality["minutes"]),
        record_id=analysis.pk,
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
    return Measure(value, unit, method=night.method, record_id=analysis.pk)


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
        "worn_share": kept["worn_minutes"] / max(1, kept["minutes"]),
        "gaps": [gap_in_words(gap, analysis.zone) for gap in kept["gaps"]],
        "notices": [notice["detail"] for notice in analysis.source.recording.notices],
        "per_day": [
            {"date": date.fromisoformat(day["date"]), "worn_h": day["worn_min"] / 60, "valid": day["valid"]}
            for day in kept["days"]
        ],
    }


def gap_in_words(gap: dict[str, str], zone_name: str) -> str:
    """``Sat 19 Sep 11:24, 4 h 12 min: off wrist``, on the patient's clock."""
    start, end = (datetime.fromisoformat(gap[name]) for name in ("start", "end"))
    local = start.astimezone(clock.zone(zone_name))
    length = display.duration((end - start) / timedelta(minutes=1))
    return f"{display.short_day(local)} {local:%H:%M}, {length}: {GAPS.get(gap['reason'], gap['reason'])}"


def headline(analysis: Analysis, nights: list[Night]) -> list[str]:
    """What a clinician reads first, in words with the numbers; medians over the nights that were measured."""
    measured = [night for night in nights if night.tst_min is not None]
    if not measured:
        return ["No night was worn long enough to measure sleep."]
    minutes = float(np.median([night.tst_min for night in measured]))
    onset = float(np.nanmedian(_clock_hours(measured, "onset", analysis.zone)))
    wake = float(np.nanmedian(_clock_hours(measured, "offset", analysis.zone)))
    sentences = [
        f"Slept {display.duration(minutes)} a night (median of {len(measured)} of {len(nights)} nights), "
        f"from about {display.clock_time(onset)} to {display.clock_time(wake)}."
    ]
    regularity = rhythm_measure(analysis, "interdaily_stability")
    if isinstance(regularity, Abstained):
        sentences.append(f"Rhythm not given: {regularity.reason}.")
    else:
        amplitude = rhythm_measure(analysis, "relative_amplitude")
        contrast = "" if isinstance(amplitude, Abstained) else f", relative amplitude {amplitude.value:.2f}"
        sentences.append(f"Interdaily stability {regularity.value:.2f}{contrast} over {regularity.n} valid days.")
    return sentences


def window_in_words(analysis: Analysis) -> str:
    """From when to when, on the patient's clock, with the zone named."""
    first, last = (
        moment.astimezone(clock.zone(analysis.zone)) for moment in (analysis.window_start, analysis.window_end)
    )
    return f"{display.day(first)} {first:%H:%M} to {display.day(last)} {last:%H:%M}, {analysis.zone}"


def provenance_rows(analysis: Analysis) -> dict[str, Any]:
    """The provenance page of an analysis and of every number on it."""
    recording = getattr(analysis.source, "recording", None)
    record = {
        "Record": str(analysis.pk),
        "Patient": str(analysis.patient_id),
        "Window": window_in_words(analysis),
        "Device": DEVICES[analysis.device_type].label,
        **{f"Method, {name.replace('_', ' ')}": method for name, method in analysis.methods.items()},
        "Code version": analysis.code_version,
        "Input hash (SHA-256)": analysis.input_hash,
        "Computed": f"{analysis.created_at:%Y-%m-%d %H:%M:%S} UTC",
        "Asked for by": str(analysis.requested_by or "the system"),
    }
    inputs = {}
    if recording is not None:
        inputs = {
            "Recording": str(recording.pk),
            "File (SHA-256)": recording.sha256,
            "Format": recording.format,
            "Epoch": f"{recording.epoch_s} s",
            "Uploaded": f"{recording.created_at:%Y-%m-%d %H:%M:%S} UTC",
        }
    return {"record": record, "inputs": inputs, "numbers": exact_numbers(analysis)}


def exact_numbers(analysis: Analysis) -> dict[str, str]:
    """Every rhythm number in full precision."""
    shown = {}
    for name, number in RHYTHM.items():
        value = analysis.results["rhythm"][name]
        shown[number.label] = value["reason"] if isinstance(value, dict) else f"{value!r} {number.unit}".strip()
    return shown


def provenance_of(record_id: UUID, user: Any) -> dict[str, Any] | None:
    """The provenance page's context for an analysis this user may see; ``None`` for any other id."""
    analysis = Analysis.objects.visible_to(user).filter(pk=record_id).select_related("source").first()
    return None if analysis is None else provenance_rows(analysis)
