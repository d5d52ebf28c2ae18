"""From counts to nights and rhythm: the whole rest-activity analysis of one recording, in the order of the main road.

counts → one grid → filled-in values and stillness no sleeper keeps → rest → non-wear outside it → rest again →
watches laid aside beside non-wear → rest once more → sleep or wake → nights → valid days → rhythm.
Each step is a function of its own module; this one only puts them in order.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from actigraphy.science import rhythm as r
from actigraphy.science.devices import DeviceProfile
from actigraphy.science.nights import Night, Number, score_nights
from actigraphy.science.nonwear import (
    absorb_islands,
    choi,
    filled_in,
    laid_aside,
    movement_against_usual,
    too_still_for_sleep,
    zero_runs,
)
from actigraphy.science.raw_sleep import PERIOD_METHOD, WEAR_METHOD, RawSleep
from actigraphy.science.regularity import overlapping_days, sleep_regularity_index, social_jetlag
from actigraphy.science.rest import REST_METHOD, RestPeriod, find_rest, main_rest_mask
from actigraphy.science.rhythm_numbers import or_abstained, rhythm_numbers
from actigraphy.science.runs import runs_of
from actigraphy.science.thresholds import LAID_ASIDE_MOVEMENT, RHYTHM_VALID_DAYS, VALID_DAY_WORN_H, VALID_NIGHT_WORN_H
from novamind.clock import DAY_S, LocalTimes, date_from_ordinal_day
from novamind.measures import Abstained

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

GapReason = Literal["missing", "non_wear", "filled"]

_MINUTE_S = 60


@dataclass(frozen=True, slots=True)
class DayWear:
    """How long the device was worn on a local day (which may have 23 or 25 hours)."""

    day: date
    worn_min: float
    valid: bool


@dataclass(frozen=True, slots=True)
class Gap:
    """A stretch without usable data, UTC seconds, the end excluded.

    ``filled`` are values the exporting software put in; see :func:`actigraphy.science.nonwear.filled_in`.
    """

    start: float
    end: float
    reason: GapReason


@dataclass(frozen=True)
class RestActivity:
    """Everything the counts of one recording say.

    Attributes
    ----------
    device : str
        Key of the DeviceProfile.
    epoch_s : int
        Of the grid below: 60, or the recording's own epoch where that is longer.
    times : LocalTimes
        The wall clock of the grid.
    counts : ndarray, shape (n,)
        Counts per grid epoch, NaN where missing (non-wear keeps its counts; see ``worn``).
    worn : ndarray of bool, shape (n,)
    sleep : ndarray, shape (n,)
        1 sleep, 0 wake, NaN unknown or not worn.
    rest : tuple of RestPeriod
        Main rest periods and naps, as indices of the grid.
    nights : tuple of Night
    rhythm : mapping of str to float or Abstained
        IS, IV, RA, L5, M10 (counts per epoch), L5_onset_h, M10_onset_h, acrophase_h (local clock hours), mesor,
        amplitude (counts per epoch), cosinor_r2, those of :mod:`actigraphy.science.rhythm_numbers`, SRI,
        social_jetlag_h. All but the last two from the valid days only (every sample where the recording is assumed
        worn).
    days : tuple of DayWear
    valid_days : int
    overlapping_days : float
        Days' worth of epochs whose state is known there and 24 h later: what SRI rests on.
    gaps : tuple of Gap
    profile : ndarray, shape (86400 / epoch_s,)
        The mean of the same days, from local midnight on; NaN where never worn.
    l5, m10 : ActivityWindow or Abstained
        For the shading of the profile.
    methods : mapping of str to str
        What was computed how: "sleep", "rest", "non_wear", "rhythm", "SRI", "grid".
    """

    device: str
    epoch_s: int
    times: LocalTimes
    counts: Floats
    worn: Bools
    sleep: Floats
    rest: tuple[RestPeriod, ...]
    nights: tuple[Night, ...]
    rhythm: Mapping[str, Number]
    days: tuple[DayWear, ...]
    valid_days: int
    overlapping_days: float
    gaps: tuple[Gap, ...]
    profile: Floats
    l5: r.ActivityWindow | Abstained
    m10: r.ActivityWindow | Abstained
    methods: Mapping[str, str]


def analyze_counts(
    counts: Floats,
    *,
    epoch_s: int,
    times: LocalTimes,
    device: DeviceProfile,
    assume_worn: bool = False,
    nonwear: Bools | None = None,
    raw: RawSleep | None = None,
    min_days: int = RHYTHM_VALID_DAYS,
    min_night_worn_h: float = VALID_NIGHT_WORN_H,
) -> RestActivity:
    """Analyze one recording.

    Parameters
    ----------
    counts : ndarray, shape (n,)
        Counts per epoch in the device's own unit, NaN where missing. A value that no device can report (negative or
        infinite) is missing.
    epoch_s : int
        Seconds per epoch: a divisor of a minute (summed to minutes; a minute with a missing part is missing) or a whole
        number of minutes that divides a day.
    times : LocalTimes, length n
        The wall clock of the same epochs; a regular UTC grid.
    device : DeviceProfile
    assume_worn : bool
        Every sample that is there counts as worn: nothing is masked.
    nonwear : ndarray of bool, shape (n,), optional
        What the device itself says (off-wrist flag): used beside what is found.
    raw : RawSleep, optional
        What acceleration says, for the same minutes: its non-wear is used beside what is found, its sleep and sleep
        periods where the device's algorithm is HDCZA.
    min_days, min_night_worn_h
        Thresholds, from ``thresholds`` unless a test or a study asks otherwise.

    Returns
    -------
    RestActivity
        Complete for any input: what cannot be computed is Abstained in its place.

    Raises
    ------
    ValueError
        Lengths differ, the grid is not regular, or the epoch fits neither a minute nor a day.
    """
    if raw is not None:
        if epoch_s != _MINUTE_S or len(raw.sleep) != len(counts):
            raise ValueError("acceleration is reduced to the minutes of its counts")
        nonwear = raw.nonwear if nonwear is None else raw.nonwear | nonwear
    counts, off, times, grid_s = _to_grid(counts, nonwear, times, epoch_s)
    worn = np.isfinite(counts)
    filled, aside = np.zeros(len(counts), dtype=bool), np.zeros(len(counts), dtype=bool)
    if not assume_worn:
        filled = filled_in(counts, epoch_s=grid_s)
        off, aside = _off(np.where(filled, np.nan, counts), off, times, grid_s, device)
        worn &= ~filled & ~off
    usable = np.where(worn, counts, np.nan)
    by_raw = raw is not None and device.sleep_algorithm == "hdcza"
    rest = raw.periods if raw is not None and by_raw else find_rest(usable, times, epoch_s=grid_s)
    scored = raw.sleep if raw is not None and by_raw else _scored(counts, device, grid_s)
    sleep = np.where(worn, scored, np.nan)
    rest_method = PERIOD_METHOD if by_raw else REST_METHOD
    method = f"{device.sleep_method}; rest: {rest_method}"
    doubtful = frozenset[int]()
    if not assume_worn:
        doubtful = _maybe_not_worn(usable, aside, rest, times, grid_s, device.still_floor)
    nights = score_nights(
        sleep, worn, rest, times,
        epoch_s=grid_s, method=method, min_worn_h=min_night_worn_h, maybe_not_worn=doubtful,
    )  # fmt: skip
    days = _days(worn, times, grid_s)
    valid_days = sum(day.valid for day in days)
    counted = usable if assume_worn else r.on_valid_days(usable, times, epoch_s=grid_s)
    profile = r.average_profile(counted, times, epoch_s=grid_s)
    rhythm, l5, m10 = rhythm_numbers(
        counted, times, epoch_s=grid_s, profile=profile, valid=valid_days, min_days=min_days,
        active_from=device.active_from,
    )  # fmt: skip
    state = _state(sleep, worn, rest)
    rhythm["SRI"] = or_abstained(lambda: sleep_regularity_index(state, epoch_s=grid_s))
    rhythm["social_jetlag_h"] = or_abstained(lambda: _social_jetlag(nights))
    return RestActivity(
        device=device.key, epoch_s=grid_s, times=times, counts=counts, worn=worn, sleep=sleep, rest=rest, nights=nights,
        rhythm=rhythm, days=days, valid_days=valid_days,
        overlapping_days=overlapping_days(state, epoch_s=grid_s), gaps=_gaps(counts, worn, filled, times, grid_s),
        profile=profile, l5=l5, m10=m10,
        methods=_methods(device, method, rest_method, epoch_s, grid_s, assume_worn, raw is not None),
    )  # fmt: skip


def _to_grid(
    counts: Floats, nonwear: Bools | None, times: LocalTimes, epoch_s: int
) -> tuple[Floats, Bools, LocalTimes, int]:
    """Counts on the grid of the analysis: minutes, or the recording's own longer epochs."""
    counts = np.array(counts, dtype=np.float64)
    off = np.zeros(len(counts), dtype=bool) if nonwear is None else np.asarray(nonwear, dtype=bool)
    if counts.ndim != 1 or len(counts) != len(times) or len(off) != len(counts):
        raise ValueError("counts, non-wear and times have one value per epoch")
    if len(times) > 1 and not (np.diff(times.utc_s) == epoch_s).all():
        raise ValueError("times are not a regular UTC grid of this epoch")
    counts[~np.isfinite(counts) | (counts < 0)] = np.nan
    if epoch_s >= _MINUTE_S:
        if epoch_s % _MINUTE_S or DAY_S % epoch_s:
            raise ValueError(f"epochs of {epoch_s} s do not divide a day")
        return counts, off, times, epoch_s
    if epoch_s < 1 or _MINUTE_S % epoch_s:
        raise ValueError(f"epochs of {epoch_s} s do not divide a minute")
    per_minute = _MINUTE_S // epoch_s
    n = len(counts) // per_minute
    minutes = LocalTimes(times.utc_s[: n * per_minute : per_minute], times.offset_s[: n * per_minute : per_minute])
    summed = counts[: n * per_minute].reshape(n, per_minute).sum(axis=1)
    return summed, off[: n * per_minute].reshape(n, per_minute).max(axis=1, initial=False), minutes, _MINUTE_S


def _off(counts: Floats, told: Bools, times: LocalTimes, epoch_s: int, device: DeviceProfile) -> tuple[Bools, Bools]:
    """Non-wear, and which of it looked like rest.

    Told by the device, too still for sleep, (after a first look at rest) zero runs outside it, and (after a second)
    what the watch lay aside between.
    """
    # Per epoch, however long: five minutes' sum of a sleeper's few movements would pass for an idle sensor's.
    floor = device.still_floor
    off = told | too_still_for_sleep(counts, floor=floor, epoch_s=epoch_s)
    rest = find_rest(np.where(off, np.nan, counts), times, epoch_s=epoch_s)
    asleep = main_rest_mask(rest, len(counts))
    off |= zero_runs(counts, epoch_s=epoch_s, outside=asleep, floor=floor)
    if device.nonwear == "choi" and epoch_s == _MINUTE_S:
        off |= choi(counts) & ~asleep
    off = absorb_islands(off, epoch_s=epoch_s)
    unworn = off | np.isnan(counts)
    rest = find_rest(np.where(unworn, np.nan, counts), times, epoch_s=epoch_s)
    aside = laid_aside(counts, unworn, _spans(_mains(rest)), floor=floor, epoch_s=epoch_s)
    return absorb_islands(off | aside, epoch_s=epoch_s), aside


def _mains(rest: tuple[RestPeriod, ...]) -> list[RestPeriod]:
    return [period for period in rest if period.main]


def _spans(rest: list[RestPeriod]) -> list[tuple[int, int]]:
    return [(period.start, period.end) for period in rest]


def _maybe_not_worn(
    counts: Floats, aside: Bools, rest: tuple[RestPeriod, ...], times: LocalTimes, epoch_s: int, floor: float
) -> frozenset[int]:
    """The nights in which a watch was laid aside, or whose main rest is as still as if it had been."""
    mains = _mains(rest)
    rate, usual = movement_against_usual(counts, _spans(mains), floor=floor, epoch_s=epoch_s)
    still = rate < LAID_ASIDE_MOVEMENT * usual
    found = {period.night for period, doubtful in zip(mains, still, strict=True) if doubtful}
    return frozenset(found | {int(night) for night in np.unique(times.night[aside])})


def _scored(counts: Floats, device: DeviceProfile, epoch_s: int) -> Floats:
    """Sleep scores; all unknown where the algorithm is not defined for this epoch (the nights say so)."""
    try:
        return device.score(counts, epoch_s=epoch_s)
    except Abstained:
        return np.full(len(counts), np.nan)


def _state(sleep: Floats, worn: Bools, rest: tuple[RestPeriod, ...]) -> Floats:
    """Asleep only within a rest period: outside, scorers take stillness at a desk for sleep."""
    state = np.where(worn, 0.0, np.nan)
    for period in rest:
        state[period.start : period.end] = sleep[period.start : period.end]
    return state


def _days(worn: Bools, times: LocalTimes, epoch_s: int) -> tuple[DayWear, ...]:
    if not len(worn):
        return ()
    first = int(times.day[0])
    worn_s = np.bincount(times.day - first, weights=worn) * epoch_s
    return tuple(
        DayWear(date_from_ordinal_day(first + index), float(seconds) / 60, bool(seconds >= VALID_DAY_WORN_H * 3600))
        for index, seconds in enumerate(worn_s)
    )


def _gaps(counts: Floats, worn: Bools, filled: Bools, times: LocalTimes, epoch_s: int) -> tuple[Gap, ...]:
    missing = ~np.isfinite(counts)
    kinds: tuple[tuple[Bools, GapReason], ...] = (
        (missing, "missing"),
        (filled, "filled"),
        (~worn & ~missing & ~filled, "non_wear"),
    )
    found = [
        Gap(float(times.utc_s[start]), float(times.utc_s[end - 1]) + epoch_s, reason)
        for mask, reason in kinds
        for start, end in zip(*runs_of(mask), strict=True)
    ]
    return tuple(sorted(found, key=lambda gap: gap.start))


def _social_jetlag(nights: tuple[Night, ...]) -> float:
    midsleep = [np.nan if isinstance(night.midsleep_h, Abstained) else night.midsleep_h for night in nights]
    return social_jetlag(np.array(midsleep), np.array([night.evening.weekday() for night in nights], dtype=np.int64))


def _methods(
    device: DeviceProfile, sleep: str, rest: str, epoch_s: int, grid_s: int, assume_worn: bool, raw: bool
) -> dict[str, str]:
    still = f"counts <= {device.still_floor:g}"
    found = f"filled-in values; {still} for >= 5 h, or >= 3 h outside the main rest"
    found += "; rest beside non-wear with under half of the usual movement"
    if device.nonwear == "choi":
        found += "; Choi 2011 outside the main rest"
    if raw:
        found = f"{WEAR_METHOD}; {found}"
    return {
        "grid": f"{grid_s}-s epochs" + (f" summed from {epoch_s} s" if grid_s != epoch_s else ""),
        "non_wear": "every sample assumed worn" if assume_worn else found + "; islands after van Hees 2013",
        "rest": rest,
        "sleep": sleep,
        "rhythm": "Witting 1990 on hourly means; L5/M10 of the mean day; 24-h cosinor (OLS), local clock; "
        "extended cosinor (Marler 2006); periods and fluctuations in elapsed time; "
        + ("every sample" if assume_worn else f"days worn >= {VALID_DAY_WORN_H:g} h"),
        "SRI": f"Phillips 2017, {grid_s}-s epochs 24 h apart; asleep = scored sleep within rest periods",
    }
