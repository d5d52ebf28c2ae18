"""What a night was like: one row per local night, every number measured or abstained.

Definitions, where the field has several:

* the *rest period* found in the counts (see :mod:`actigraphy.science.rest`) stands for the time in bed: there is no
  diary;
* *onset* begins the first 10 minutes of the rest period that start asleep and hold at most one minute scored wake
  (Actiware's rule of the 10-minute immobile block), *offset* ends the last such 10 minutes, mirrored;
* *SOL* is onset minus start of rest, a lower bound: lying awake before the limbs are still is not seen;
* *TST* is the minutes scored sleep between onset and offset, *WASO* the minutes scored wake there;
  *awakenings* are the runs of wake there, of a minute or more;
* *efficiency* is TST / scored minutes of the rest period (the rest period itself, where nothing is missing);
* *midsleep* is the wall clock at the instant halfway from onset to offset.

Durations are elapsed time: a night of a clock change gains or loses no sleep.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import date
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from actigraphy.science.rest import RestPeriod
from actigraphy.science.rhythm import longest_run_s
from actigraphy.science.runs import runs_of
from actigraphy.science.thresholds import LONG_REST_MIN, REST_WORN_SHARE, VALID_NIGHT_WORN_H
from novamind.clock import LocalTimes, date_from_ordinal_day
from novamind.measures import Abstained

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Number = float | Abstained

_BLOCK_S = 600


@dataclass(frozen=True, slots=True)
class Night:
    """One local night, noon to noon.

    Attributes
    ----------
    evening : date
        The date of its evening.
    worn_h, recorded_h : float
        Hours worn, and hours that lie inside the recording, from noon to noon.
    rest_start, rest_end : float or Abstained
        The main rest period, UTC seconds, the end excluded.
    onset, offset : float or Abstained
        UTC seconds; the end of sleep, not its last epoch.
    tst_min, sol_min, waso_min : float or Abstained
        Minutes.
    efficiency : float or Abstained
        0 to 1, see the module for the denominator.
    midsleep_h : float or Abstained
        Local clock hours, [0, 24).
    awakenings : float or Abstained
        Number of runs of wake between onset and offset.
    method : str
        Scorer and rest finder, for provenance.
    flags : tuple of str
        "dst" (the clock changed), "recording_edge" (the recording begins or ends so late or early that the night, or
        its rest, cannot be measured), "partial_wear" (some of what was recorded was not worn; not beside
        recording_edge), "maybe_not_worn" (measured, but its rest, or what was taken for non-wear in it, was as
        still as a watch laid aside), "long_rest" (over 12 h),
        "split_rest" (the naps of the night together outlast its main rest: a night in pieces, or sleep by day),
        "no_rest_found", "truncated" (the rest meets a stretch not worn).
    """

    evening: date
    worn_h: float
    recorded_h: float
    rest_start: Number
    rest_end: Number
    onset: Number
    offset: Number
    tst_min: Number
    sol_min: Number
    waso_min: Number
    efficiency: Number
    midsleep_h: Number
    awakenings: Number
    method: str
    flags: tuple[str, ...]

    @property
    def valid(self) -> bool:
        """Whether sleep was measured at all."""
        return not isinstance(self.tst_min, Abstained)

    @property
    def measurable(self) -> bool:
        """Whether sleep could have been measured, had the watch been worn: the recording holds enough of the night."""
        return "recording_edge" not in self.flags


@dataclass(frozen=True, slots=True)
class _Timeline:
    """What every night of one recording is cut from."""

    sleep: Floats
    worn: Bools
    periods: tuple[RestPeriod, ...]
    times: LocalTimes
    night: NDArray[np.int64]
    scored: bool
    epoch_s: int
    method: str
    maybe_not_worn: frozenset[int]


def sleep_bounds(sleep: Floats, *, epoch_s: int) -> tuple[int, int] | None:
    """Onset and offset of sleep within a rest period.

    Parameters
    ----------
    sleep : ndarray, shape (n,)
        Scores of the rest period: 1 sleep, 0 wake, NaN unknown. Unknown counts as wake here: sleep must be seen.
    epoch_s : int

    Returns
    -------
    (onset, offset) or None
        Epoch indices, the end excluded; None when there are no 10 minutes of consolidated sleep.
    """
    width = max(1, _BLOCK_S // epoch_s)
    if len(sleep) < width:
        return None
    asleep = sleep == 1
    wake = np.concatenate(([0], np.cumsum(~asleep)))
    calm = wake[width:] - wake[:-width] <= max(1, round(60 / epoch_s))
    onsets = np.flatnonzero(calm & asleep[: len(calm)])
    offsets = np.flatnonzero(calm & asleep[width - 1 :])
    if not len(onsets) or not len(offsets):
        return None
    return int(onsets[0]), int(offsets[-1]) + width


def score_nights(
    sleep: Floats,
    worn: Bools,
    periods: tuple[RestPeriod, ...],
    times: LocalTimes,
    *,
    epoch_s: int,
    method: str,
    min_worn_h: float = VALID_NIGHT_WORN_H,
    maybe_not_worn: frozenset[int] = frozenset(),
) -> tuple[Night, ...]:
    """Every local night the recording touches.

    Parameters
    ----------
    sleep : ndarray, shape (n,)
        1 sleep, 0 wake, NaN unknown, on a regular UTC grid.
    worn : ndarray of bool, shape (n,)
    periods : tuple of RestPeriod
        From :func:`actigraphy.science.rest.find_rest`.
    times : LocalTimes
    epoch_s : int
    method : str
    min_worn_h : float
        Hours worn, noon to noon, below which a night is not measured.
    maybe_not_worn : frozenset of int
        Local day numbers of the nights to flag so, if they are measured at all.

    Returns
    -------
    tuple of Night
        In order. A night's numbers are all abstained together: too_little_wear (fewer hours than ``min_worn_h``; or
        more than a tenth of the rest not worn; or one stretch not worn of 3 h and as long as the rest found, which may
        hide the real one), indeterminate (fewer hours than ``min_worn_h`` recorded, no rest found, rest cut by the
        recording's end, no sleep in it).
    """
    if not len(times):
        return ()
    # What would otherwise be worked out from the whole recording once more for every night.
    nights, scored = times.night, not bool(np.isnan(sleep).all())
    line = _Timeline(sleep, worn, periods, times, nights, scored, epoch_s, method, maybe_not_worn)
    mains = {period.night: period for period in periods if period.main}
    starts = np.concatenate(([0], np.flatnonzero(np.diff(nights) > 0) + 1, [len(nights)]))
    return tuple(
        _score_night(line, int(low), int(high), mains.get(int(nights[low])), min_worn_h)
        for low, high in pairwise(starts)
    )


def _score_night(line: _Timeline, low: int, high: int, rest: RestPeriod | None, min_worn_h: float) -> Night:
    evening = date_from_ordinal_day(int(line.night[low]))
    worn_h = float(line.worn[low:high].sum()) * line.epoch_s / 3600.0
    recorded_h = (high - low) * line.epoch_s / 3600.0
    flags = [] if line.times.offset_s[low:high].min() == line.times.offset_s[low:high].max() else ["dst"]
    rest_cut = rest is not None and _cut(line, rest) and worn_h >= min_worn_h
    if rest_cut or recorded_h < min_worn_h:
        flags.append("recording_edge")
    elif not line.worn[low:high].all():
        flags.append("partial_wear")
    try:
        if recorded_h < min_worn_h:
            raise Abstained("indeterminate", what="the recording begins or ends that night")
        if worn_h < min_worn_h:
            raise Abstained("too_little_wear", needed=min_worn_h, got=math.floor(10 * worn_h) / 10)
        flags += _rest_flags(line, rest)
        values = _measure(line, rest, _longest_unworn_s(line, low, high))
        if int(line.night[low]) in line.maybe_not_worn:
            flags.append("maybe_not_worn")
    except Abstained as why:
        values = dict.fromkeys(_NUMBERS, why)
    return Night(
        evening=evening, worn_h=worn_h, recorded_h=recorded_h, method=line.method, flags=tuple(flags), **values
    )


_NUMBERS = (
    "rest_start", "rest_end", "onset", "offset", "tst_min", "sol_min", "waso_min", "efficiency", "midsleep_h",
    "awakenings",
)  # fmt: skip


def _cut(line: _Timeline, rest: RestPeriod) -> bool:
    """Whether the recording begins or ends during this rest."""
    return rest.start == 0 or rest.end == len(line.worn)


def _rest_flags(line: _Timeline, rest: RestPeriod | None) -> list[str]:
    if rest is None:
        return ["no_rest_found"]
    flags = ["long_rest"] if (rest.end - rest.start) * line.epoch_s > LONG_REST_MIN * 60 else []
    naps = sum(period.end - period.start for period in line.periods if period.night == rest.night and not period.main)
    if naps > rest.end - rest.start:
        flags.append("split_rest")
    if not _cut(line, rest) and not (line.worn[rest.start - 1] and line.worn[rest.end]):
        flags.append("truncated")
    return flags


def _longest_unworn_s(line: _Timeline, low: int, high: int) -> int:
    return longest_run_s(~line.worn[low:high], epoch_s=line.epoch_s)


def _measure(line: _Timeline, rest: RestPeriod | None, unworn_s: int) -> dict[str, Number]:
    if rest is None:
        raise Abstained("indeterminate", what="no main rest period found")
    length = rest.end - rest.start
    if _cut(line, rest):
        raise Abstained("indeterminate", what="the recording begins or ends during the rest period")
    if unworn_s >= max(3 * 3600, length * line.epoch_s) or line.worn[rest.start : rest.end].mean() < REST_WORN_SHARE:
        raise Abstained("too_little_wear")
    sleep = line.sleep[rest.start : rest.end]
    if not line.scored:
        raise Abstained("unsupported_device", what=f"sleep from epochs of {line.epoch_s} s")
    scored = np.isfinite(sleep)
    bounds = sleep_bounds(sleep, epoch_s=line.epoch_s)
    if bounds is None or scored.mean() < REST_WORN_SHARE:
        raise Abstained("indeterminate", what="no consolidated sleep in the rest period")
    return _numbers(line, rest, bounds)


def _numbers(line: _Timeline, rest: RestPeriod, bounds: tuple[int, int]) -> dict[str, Number]:
    minutes = line.epoch_s / 60.0
    sleep = line.sleep[rest.start : rest.end]
    within = sleep[bounds[0] : bounds[1]]
    at = line.times.utc_s
    onset = float(at[rest.start + bounds[0]])
    offset = onset + (bounds[1] - bounds[0]) * line.epoch_s
    halfway = (onset + offset) / 2
    middle = int((halfway - float(at[0])) // line.epoch_s)
    tst = float((within == 1).sum() * minutes)
    return {
        "rest_start": float(at[rest.start]),
        "rest_end": float(at[rest.start]) + (rest.end - rest.start) * line.epoch_s,
        "onset": onset,
        "offset": offset,
        "tst_min": tst,
        "sol_min": bounds[0] * minutes,
        "waso_min": float((within == 0).sum() * minutes),
        "efficiency": tst / float(np.isfinite(sleep).sum() * minutes),
        "midsleep_h": (halfway + float(line.times.offset_s[middle])) % 86_400 / 3600.0,
        "awakenings": float(len(runs_of(within == 0)[0])),
    }
