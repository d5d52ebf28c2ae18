"""Rest periods from counts: the main one of each night, and naps.

Three published pieces and one glue:

* an epoch is still when the 5-minute median of the counts (as in van Hees 2018) is at most 15 % of the mean of the
  24 h around it (Roenneberg 2015), so that the rule follows a patient whose activity rises or falls over weeks;
* rest periods are the maximal scoring segments (Ruzzo and Tompa 1999) of the recording, a still minute scoring 1, an
  active minute -3, a minute not worn -1: a rest bridges movement only if the stillness on both its sides outweighs it
  threefold, so a quiet evening in front of the television is not joined to the night;
* a segment longer than 18 h is cut again at twice the price of what breaks it, until none is or nothing breaks it.

Everything runs on elapsed time, so a clock change inside a night is no event. A rest period belongs to the night (local
noon to noon) in which it begins; a day sleeper's rest from 09:00 to 16:00 belongs to the evening before. The longest of
a night is its main rest.

Why not another: it was compared on 55 Depresjon recordings and one recording with a diary with Roenneberg's and
Crespo's (2012) own algorithms; figures in ``actigraphy/tests/test_science_recordings.py``. Crespo's recording-wide
percentile ran three days of a bed-bound patient together; Roenneberg's correlation joined evening sitting to the night.

References
----------
Roenneberg et al. (2015) Methods Enzymol 552:257-283. van Hees et al. (2018) Sci Rep 8:12975.
Ruzzo and Tompa (1999) Proc ISMB 234-241.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from actigraphy.science.runs import segments_of
from actigraphy.science.thresholds import MAIN_REST_MIN, NAP_MIN, REST_AT_MOST_MIN
from novamind.clock import DAY_S, LocalTimes

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

REST_METHOD: Final = "maximal still segments (5-min median <= 15 % of 24-h mean; movement costs 3, non-wear 1)"

_STILL_SHARE = 0.15
_MEDIAN_S = 300
_TREND_NEEDS_S = DAY_S // 2  # Roenneberg: a trend needs half a day of data
_MOVEMENT_COST = 3.0
_UNKNOWN_COST = 1.0
_STILL, _ACTIVE, _UNKNOWN = 1, 0, -1


@dataclass(frozen=True, slots=True)
class RestPeriod:
    """A stretch of rest.

    Attributes
    ----------
    start, end : int
        Epoch indices, the end excluded.
    night : int
        Local day number of the evening whose night it begins in.
    main : bool
        The longest of its night (and at least ``MAIN_REST_MIN``); otherwise a nap.
    """

    start: int
    end: int
    night: int
    main: bool


def daily_trend(counts: Floats, *, epoch_s: int) -> Floats:
    """Mean of the 24 h around each epoch, NaN-aware.

    Parameters
    ----------
    counts : ndarray, shape (n,)
        NaN where missing or not worn.
    epoch_s : int

    Returns
    -------
    ndarray, shape (n,)
        Same unit; NaN where the window holds less than 12 h of data. Near the ends the window keeps its length and
        stays inside the recording: half a window would weigh a recording that starts at bedtime by its first night.
    """
    n = len(counts)
    known = np.isfinite(counts)
    total = np.concatenate(([0.0], np.cumsum(np.where(known, counts, 0.0))))
    number = np.concatenate(([0], np.cumsum(known)))
    width = min(n, DAY_S // epoch_s)
    low = np.clip(np.arange(n) - width // 2, 0, n - width)
    held = number[low + width] - number[low]
    mean = (total[low + width] - total[low]) / np.maximum(held, 1)
    return np.where(held * epoch_s >= _TREND_NEEDS_S, mean, np.nan)


def still_epochs(counts: Floats, *, epoch_s: int) -> Bools:
    """Epochs without notable movement, relative to this person's day.

    Parameters
    ----------
    counts : ndarray, shape (n,)
        NaN where missing or not worn: such an epoch is never still.
    epoch_s : int

    Returns
    -------
    ndarray of bool, shape (n,)
    """
    known = np.isfinite(counts)
    trend = daily_trend(counts, epoch_s=epoch_s)
    width = max(1, round(_MEDIAN_S / epoch_s)) | 1
    # A missing neighbor counts as movement: stillness must be seen.
    padded = np.pad(np.where(known, counts, np.inf), width // 2, mode="edge")
    around = np.lib.stride_tricks.sliding_window_view(padded, width)
    smooth = np.partition(around, width // 2, axis=1)[:, width // 2]
    with np.errstate(invalid="ignore"):
        still: Bools = known & (trend > 0) & (smooth <= _STILL_SHARE * trend)
    return still


def find_rest(counts: Floats, times: LocalTimes, *, epoch_s: int) -> tuple[RestPeriod, ...]:
    """Main rest periods and naps, in order of time.

    Parameters
    ----------
    counts : ndarray, shape (n,)
        Per epoch of a regular UTC grid; NaN where missing or not worn.
    times : LocalTimes
        The wall clock of the same epochs.
    epoch_s : int

    Returns
    -------
    tuple of RestPeriod
        Empty where nothing stands out: a constant, empty or unworn recording.
    """
    counts = np.asarray(counts, dtype=np.float64)
    if not len(counts):
        return ()
    state = np.where(np.isfinite(counts), _ACTIVE, _UNKNOWN)
    state[still_epochs(counts, epoch_s=epoch_s)] = _STILL
    spans = _rest_spans(state, 1.0, REST_AT_MOST_MIN * 60 / epoch_s)
    spans = [(start, end) for start, end in spans if (end - start) * epoch_s >= NAP_MIN * 60]
    nights = times.night
    longest: dict[int, tuple[int, int]] = {}
    for start, end in spans:
        night = int(nights[start])
        held = longest.get(night, (0, 0))
        if (end - start) * epoch_s >= MAIN_REST_MIN * 60 and end - start > held[1] - held[0]:
            longest[night] = (start, end)
    return tuple(
        RestPeriod(start, end, int(nights[start]), longest.get(int(nights[start])) == (start, end))
        for start, end in spans
    )


def main_rest_mask(periods: tuple[RestPeriod, ...], n: int) -> Bools:
    """Epochs inside a main rest period, shape (n,)."""
    mask = np.zeros(n, dtype=bool)
    for period in periods:
        if period.main:
            mask[period.start : period.end] = True
    return mask


def _rest_spans(state: NDArray[np.int64], price: float, at_most: float) -> list[tuple[int, int]]:
    """Maximal scoring segments of ``state``; those over ``at_most`` epochs cut again at twice the price of breaks."""
    starts, ends = segments_of(state)
    kind = state[starts]
    value = np.where(kind == _STILL, 1.0, -price * np.where(kind == _ACTIVE, _MOVEMENT_COST, _UNKNOWN_COST))
    spans = []
    for first, last in _maximal_segments(((ends - starts) * value).tolist()):
        start, end = int(starts[first]), int(ends[last - 1])
        if end - start <= at_most or last - first == 1:
            spans.append((start, end))
        else:
            inner = _rest_spans(state[start:end], 2 * price, at_most)
            spans += [(start + low, start + high) for low, high in inner]
    return spans


def _maximal_segments(scores: list[float]) -> list[tuple[int, int]]:
    """All maximal scoring segments [first, last) of a sequence of scores, in order; in time proportional to it.

    Each one held knows which held before it last began at a lower sum: those between cannot be the one sought either
    (the pointers of Ruzzo and Tompa 1999, section 3). Without, a year of minutes takes minutes.
    """
    held: list[tuple[int, int, float, float, int]] = []  # first, last, sum before, sum after, last held begun lower
    total = 0.0
    for index, score in enumerate(scores):
        before, total = total, total + score
        if score <= 0:
            continue
        first, lower = index, len(held) - 1
        while True:
            while lower >= 0 and held[lower][2] >= before:
                lower = held[lower][4]
            if lower < 0 or held[lower][3] >= total:
                held.append((first, index + 1, before, total, lower))
                break
            first, _, before, _, next_lower = held[lower]
            del held[lower:]
            lower = next_lower
    return [(first, last) for first, last, *_ in held]
