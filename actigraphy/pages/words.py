"""What a clinician reads first: how the person sleeps and moves, and how far to trust it, in words with the numbers."""

from __future__ import annotations

from datetime import datetime, timedelta

import numpy as np

from actigraphy.models import Analysis, Night
from actigraphy.pages.figures import clock_hours, column_of
from actigraphy.pages.recordings import local_date
from actigraphy.pages.tables import notices_of, rhythm_measure, worn_share
from actigraphy.science.baseline import own_baseline
from novamind import clock, display
from novamind.measures import Abstained

UNSETTLED_H = 3.0  # middle half of sleep onsets; beyond it one typical bed time would describe no night
PIECES_SHARE = 1 / 3
WEEK = 7
SPREAD_NEEDS = 4  # nights; of fewer, each is named, for a middle half would describe none

#: Notices that put the dates, the times or the patient in doubt.
WORRYING = {"year_before_2000", "clock_not_changed", "also_elsewhere"}


def headline(analysis: Analysis, nights: list[Night]) -> list[str]:
    """Sleep, its timing, what changed, movement; medians over the nights that were measured."""
    measured = [night for night in nights if night.tst_min is not None]
    if not measured:
        return [_no_night(analysis)]
    return [*_sleep(analysis, measured), *_change(measured), *_movement(analysis)]


def _no_night(analysis: Analysis) -> str:
    hours = (analysis.window_end - analysis.window_start) / timedelta(hours=1)
    if hours < 24:
        return f"The recording is too short to show a night: {display.duration(hours * 60)}."
    return "No night could be measured; the table of nights says why."


def _sleep(analysis: Analysis, measured: list[Night]) -> list[str]:
    minutes = column_of(measured, "tst_min")
    onset, wake = (clock_hours(measured, name, analysis.zone) for name in ("onset", "offset"))
    if len(measured) < SPREAD_NEEDS:
        return [
            f"Slept {display.duration(slept)} in the night of {display.short_day(night.date)}, "
            f"{display.clock_time(begin)} to {display.clock_time(end)}."
            for night, slept, begin, end in zip(measured, minutes, onset, wake, strict=True)
        ]
    low, high = np.percentile(minutes, [25, 75])
    pieces = sum("split_rest" in night.flags for night in measured)
    spread = np.percentile(onset, [25, 75])
    typical = f"Slept {display.duration(float(np.median(minutes)))} in the main rest of a night"
    half = f"half the nights {display.duration(low)} to {display.duration(high)}; n = {len(measured)} nights"
    if spread[1] - spread[0] > UNSETTLED_H or pieces > PIECES_SHARE * len(measured):
        began = f"{display.clock_time(spread[0])} to {display.clock_time(spread[1])}"
        why = f"sleep began anywhere from {began} (middle half)"
        broken = f", and rest came in pieces in {pieces} of {len(measured)} nights" if pieces else ""
        return [f"No settled night: {why}{broken}.", f"{typical} ({half}). {_with_naps(analysis, measured)}"]
    return [
        f"{typical} ({half}), from about {display.clock_time(float(np.median(onset)))} "
        f"to {display.clock_time(float(np.median(wake)))}.",
        f"Half the nights began {display.clock_time(spread[0])} to {display.clock_time(spread[1])}. "
        f"{_with_naps(analysis, measured)}",
    ]


def _with_naps(analysis: Analysis, measured: list[Night]) -> str:
    """Rest found between the noons of the nights that were measured, naps included."""
    periods = [
        (datetime.fromisoformat(period["start"]), datetime.fromisoformat(period["end"]))
        for period in analysis.results["rest"]
    ]
    tz = clock.zone(analysis.zone)
    totals = []
    for night in measured:
        start, end = clock.night_window(night.date, tz)
        overlaps = (min(stop, end) - max(begin, start) for begin, stop in periods if begin < end and stop > start)
        totals.append(sum(overlaps, timedelta()) / timedelta(minutes=1))
    return f"Rest including naps: {display.duration(float(np.median(totals)))} in 24 h (median)."


def _change(measured: list[Night]) -> list[str]:
    """The last week against the person's own range; silent where there is none."""
    minutes = column_of(measured, "tst_min")
    try:
        low, high = own_baseline(minutes)
    except Abstained:
        return []
    recent = float(np.median(minutes[-WEEK:]))
    where = "below" if recent < low else "above" if recent > high else "within"
    own = f"{display.duration(low)} to {display.duration(high)}"
    return [
        f"Last {WEEK} measured nights {display.duration(recent)}: {where} the own range of the first weeks ({own})."
    ]


def _movement(analysis: Analysis) -> list[str]:
    m10, start, l5 = (rhythm_measure(analysis, name) for name in ("m10", "m10_onset", "l5_onset"))
    if isinstance(m10, Abstained) or isinstance(start, Abstained) or isinstance(l5, Abstained):
        why = m10.reason if isinstance(m10, Abstained) else ""
        return [f"Rhythm of rest and activity not given: {why}."]
    return [
        f"Most active for 10 h from {display.clock_time(start.value)} ({display.in_words(m10.value, m10.unit)}), "
        f"quietest for 5 h from {display.clock_time(l5.value)} (mean of {m10.n} valid days)."
    ]


def cautions(analysis: Analysis, nights: list[Night]) -> list[str]:
    """How far to trust the page, in one place: wear, nights not measured, a clock in doubt, a placement not known."""
    measured = sum(night.tst_min is not None for night in nights)
    within = sum(night.tst_min is not None or "recording_edge" not in night.flags for night in nights)
    said = [
        f"Worn {display.in_words(100 * worn_share(analysis.results['quality']), '%')} of the recording; "
        f"{measured} of {within} nights measured."
    ]
    said += [notice["detail"] for notice in notices_of(analysis) if notice["code"] in WORRYING]
    if analysis.patient_id.int and local_date(analysis.window_start, analysis.zone) < analysis.patient.date_of_birth:
        said.append("The recording is dated before this person was born: no date or weekday on this page can be right.")
    if analysis.device_type == "actigraph":
        said.append("Where the ActiGraph was worn is not known; sleep and wear are judged as at the wrist.")
    return said


def window_in_words(analysis: Analysis) -> str:
    """From when to when, on the patient's clock, with the zone named."""
    tz = clock.zone(analysis.zone)
    first, last = (moment.astimezone(tz) for moment in (analysis.window_start, analysis.window_end))
    return f"{display.day(first)} {first:%H:%M} to {display.day(last)} {last:%H:%M}, {analysis.zone}"
