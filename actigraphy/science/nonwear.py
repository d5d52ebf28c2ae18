"""When the device was not worn, from counts.

Every detector returns a bool array, true where the device was off. A missing epoch is never called non-wear (it is
missing) and ends a run of zeros: what happened in a gap is not known.

Choi and Troiano were made for ActiGraphs on the hip by day; on a wrist they call deep sleep non-wear. For the wrist
use :func:`zero_runs` outside the main rest period, and :func:`too_still_for_sleep` anywhere.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from actigraphy.science.runs import mask_of, runs_of, segments_of
from actigraphy.science.thresholds import (
    FILLED_ABOVE,
    FILLED_RUN_MIN,
    IMPLAUSIBLE_STILLNESS_MIN,
    LAID_ASIDE_BOUTS,
    LAID_ASIDE_MOVEMENT,
    LAID_ASIDE_TOUCHES_MIN,
    USUAL_MOVEMENT_NIGHTS,
    ZERO_RUN_MIN,
)

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

#: Wear between two stretches of non-wear is non-wear too when shorter than (hours) and than this share of both.
_ISLANDS = ((6.0, 0.3), (3.0, 0.8))
_ISLAND_PASSES = 3
_EDGE_WEAR_H = 3.0


def choi(counts: Floats, *, min_period: int = 90, window: int = 30, spike_tolerance: int = 2) -> Bools:
    """Non-wear after Choi: long zeros, with brief spikes forgiven between longer zeros.

    Parameters
    ----------
    counts : ndarray, shape (n,)
        Per minute, NaN where missing.
    min_period : int
        Minutes of zeros (spikes included) that make non-wear; 90 in the paper, 60 is ActiLife's default.
    window : int
        A spike is forgiven when this many minutes before and after it are zero.
    spike_tolerance : int
        Longest spike forgiven, minutes.

    Returns
    -------
    ndarray of bool, shape (n,)

    References
    ----------
    Choi et al. (2011) Med Sci Sports Exerc 43:357-364. Equal to ActiLife's periods for three parameter sets.
    """
    counts = np.asarray(counts, dtype=np.float64)
    starts, ends = runs_of(counts == 0)
    # Zeros too short to be a window are part of the spike between the longer ones.
    long_enough = ends - starts >= min(window, min_period)
    starts, ends = starts[long_enough], ends[long_enough]
    if not len(starts):
        return np.zeros(len(counts), dtype=bool)
    is_window = ends - starts >= window
    bridged = (starts[1:] - ends[:-1] <= spike_tolerance) & is_window[:-1] & is_window[1:]
    missing = np.concatenate(([0], np.cumsum(np.isnan(counts))))
    bridged &= missing[starts[1:]] == missing[ends[:-1]]
    return _long_groups(starts, ends, bridged, min_period, len(counts))


def troiano(counts: Floats, *, min_period: int = 60, spike_tolerance: int = 2, spike_stop: float = 100.0) -> Bools:
    """Non-wear after Troiano, ActiLife's consecutive variant.

    Parameters
    ----------
    counts : ndarray, shape (n,)
        Per minute, NaN where missing.
    min_period : int
        Minutes that make non-wear.
    spike_tolerance : int
        A run of zeros goes on over at most this many consecutive minutes that are not zero.
    spike_stop : float
        A single minute above this many counts ends it.

    Returns
    -------
    ndarray of bool, shape (n,)

    References
    ----------
    Troiano et al. (2008) Med Sci Sports Exerc 40:181-188. Equal to ActiLife's periods for three parameter sets.
    """
    counts = np.asarray(counts, dtype=np.float64)
    starts, ends = runs_of(counts == 0)
    if not len(starts):
        return np.zeros(len(counts), dtype=bool)
    stops = np.concatenate(([0], np.cumsum(np.isnan(counts) | (counts > spike_stop))))
    bridged = (starts[1:] - ends[:-1] <= spike_tolerance) & (stops[starts[1:]] == stops[ends[:-1]])
    return _long_groups(starts, ends, bridged, min_period, len(counts))


def _long_groups(starts: NDArray[np.int64], ends: NDArray[np.int64], bridged: Bools, min_period: int, n: int) -> Bools:
    """Zero runs joined over the bridged spikes, kept where at least ``min_period`` epochs long."""
    first = np.concatenate(([True], ~bridged))
    last = np.concatenate((~bridged, [True]))
    group_starts, group_ends = starts[first], ends[last]
    keep = group_ends - group_starts >= min_period
    return mask_of(group_starts[keep], group_ends[keep], n)


def zero_runs(
    counts: Floats,
    *,
    min_minutes: float = ZERO_RUN_MIN,
    epoch_s: int = 60,
    outside: Bools | None = None,
    floor: float = 0.0,
) -> Bools:
    """Long runs of no activity outside rest: non-wear of a wrist device.

    Parameters
    ----------
    counts : ndarray, shape (n,)
        Per epoch, NaN where missing.
    min_minutes : float
        Length that makes non-wear.
    epoch_s : int
        Seconds per epoch.
    outside : ndarray of bool, shape (n,), optional
        The main rest periods. A run that lies by more than half in one is sleep, unless it fills more than two thirds
        of the rest period itself: then the watch, not the patient, was lying.
    floor : float
        Counts up to this are no activity: what the device reports lying on a table.

    Returns
    -------
    ndarray of bool, shape (n,)
    """
    counts = np.asarray(counts, dtype=np.float64)
    starts, ends = runs_of(counts <= floor)
    keep = (ends - starts) * epoch_s >= min_minutes * 60
    starts, ends = starts[keep], ends[keep]
    if outside is None:
        return mask_of(starts, ends, len(counts))
    off = np.zeros(len(counts), dtype=bool)
    rest_starts, rest_ends = runs_of(outside)
    for start, end in zip(starts, ends, strict=True):
        overlap = np.minimum(end, rest_ends) - np.maximum(start, rest_starts)
        rest = int(np.argmax(overlap)) if len(overlap) else -1
        asleep = rest >= 0 and 2 * overlap[rest] > end - start
        if not asleep or 3 * overlap[rest] > 2 * (rest_ends[rest] - rest_starts[rest]):
            off[start:end] = True
    return off


def too_still_for_sleep(
    counts: Floats, *, floor: float, epoch_s: int = 60, min_minutes: float = IMPLAUSIBLE_STILLNESS_MIN
) -> Bools:
    """Stillness that no sleeper keeps: non-wear even where a rest period was found.

    Parameters
    ----------
    counts : ndarray, shape (n,)
        Per epoch, NaN where missing.
    floor : float
        Counts up to this are no activity. An Actiwatch left on a table reports constant small counts (3 to 18 in the
        tails of the Depresjon files), not zeros.
    epoch_s : int
        Seconds per epoch.
    min_minutes : float
        See ``thresholds.IMPLAUSIBLE_STILLNESS_MIN``.

    Returns
    -------
    ndarray of bool, shape (n,)
    """
    return zero_runs(counts, min_minutes=min_minutes, epoch_s=epoch_s, floor=floor)


def movement_against_usual(
    counts: Floats, rests: Sequence[tuple[int, int]], *, floor: float, epoch_s: int = 60
) -> tuple[Floats, Floats]:
    """How often the wearer moves in each rest period, and in this person's others.

    Parameters
    ----------
    counts : ndarray, shape (n,)
        Per epoch, NaN where missing.
    rests : sequence of (start, end)
        Epoch indices of main rest periods, the end excluded.
    floor : float
        Counts up to this are no activity.
    epoch_s : int
        Seconds per epoch.

    Returns
    -------
    rate, usual : ndarray, shape (len(rests),)
        Bouts of movement (runs of epochs above ``floor``) per hour: of the period, and the median of the others; NaN
        where there are fewer than ``USUAL_MOVEMENT_NIGHTS`` others.
    """
    begun = _bouts_begun(counts, floor)
    rate = np.array([begun[start:end].mean() * 3600 / epoch_s for start, end in rests])
    if len(rests) <= USUAL_MOVEMENT_NIGHTS:
        return rate, np.full(len(rests), np.nan)
    return rate, np.array([np.median(np.delete(rate, index)) for index in range(len(rests))])


def _bouts_begun(counts: Floats, floor: float) -> Bools:
    moving = np.asarray(counts, dtype=np.float64) > floor
    begun: Bools = moving & ~np.concatenate(([False], moving[:-1]))
    return begun


def laid_aside(
    counts: Floats, unworn: Bools, rests: Sequence[tuple[int, int]], *, floor: float, epoch_s: int = 60
) -> Bools:
    """Rest beside non-wear that is too still for this person: the watch was off already, or not yet on again.

    Somebody who walks past, or takes the watch from one place to another, breaks the zeros of a watch on a table into
    runs too short for :func:`zero_runs`, and ten hours of that read as excellent sleep.

    Parameters
    ----------
    counts : ndarray, shape (n,)
        Per epoch, NaN where missing.
    unworn : ndarray of bool, shape (n,)
        Non-wear, filled in or missing, as known so far.
    rests : sequence of (start, end)
        Epoch indices of the main rest periods, the end excluded.
    floor : float
        Counts up to this are no activity.
    epoch_s : int
        Seconds per epoch.

    Returns
    -------
    ndarray of bool, shape (n,)

    Notes
    -----
    Looked at is rest within ``LAID_ASIDE_TOUCHES_MIN`` of a stretch not worn of ``ZERO_RUN_MIN``. From that stretch on,
    every hour earns ``LAID_ASIDE_MOVEMENT`` of the person's usual bouts of movement, every bout costs one (Page's
    cumulative sum); the part up to the highest sum is non-wear where that sum is ``LAID_ASIDE_BOUTS`` and the part as
    long as ``ZERO_RUN_MIN``. So the night before a morning on the bedside table is kept. Too few other nights, no rule.

    References
    ----------
    Page (1954) Biometrika 41:100-115. The shares: see ``thresholds``.
    """
    off = np.zeros(len(unworn), dtype=bool)
    starts, ends = runs_of(unworn)
    long_off = (ends - starts) * epoch_s >= ZERO_RUN_MIN * 60
    starts, ends = starts[long_off], ends[long_off]
    touches = LAID_ASIDE_TOUCHES_MIN * 60 / epoch_s
    earned = np.where(_bouts_begun(counts, floor), -1.0, 0.0)
    _, usual = movement_against_usual(counts, rests, floor=floor, epoch_s=epoch_s)
    for (start, end), rate in zip(rests, usual, strict=True):
        gain = earned[start:end] + LAID_ASIDE_MOVEMENT * np.nan_to_num(rate) * epoch_s / 3600.0
        for edge in ends[(ends <= start) & (start - ends <= touches)]:
            if length := _highest(gain, epoch_s):
                off[edge : start + length] = True
        for edge in starts[(starts >= end) & (starts - end <= touches)]:
            if length := _highest(gain[::-1], epoch_s):
                off[end - length : edge] = True
    return off


def _highest(gain: Floats, epoch_s: int) -> int:
    """Epochs up to the highest sum of ``gain``; none where too short or too little is earned."""
    total = np.cumsum(gain)
    length = int(np.argmax(total)) + 1
    return length if total[length - 1] >= LAID_ASIDE_BOUTS and length * epoch_s >= ZERO_RUN_MIN * 60 else 0


def filled_in(counts: Floats, *, epoch_s: int = 60, min_minutes: float = FILLED_RUN_MIN) -> Bools:
    """Counts that no sensor measured: the exporting software's own mean, put in where the watch was off.

    Parameters
    ----------
    counts : ndarray, shape (n,)
        Per epoch, NaN where missing.
    epoch_s : int
        Seconds per epoch.
    min_minutes : float
        The same value, above ``FILLED_ABOVE`` counts per minute, for this long.

    Returns
    -------
    ndarray of bool, shape (n,)

    Notes
    -----
    Found in most of the 55 Depresjon files, for 10 to 765 minutes at about the wearer's mean level (control_1 reads 347
    in every minute of a whole night). Taken for measured they hide nights and flatten days.
    """
    counts = np.asarray(counts, dtype=np.float64)
    starts, ends = segments_of(counts)
    value = counts[starts]
    with np.errstate(invalid="ignore"):
        kept = ((ends - starts) * epoch_s >= min_minutes * 60) & (value > FILLED_ABOVE * epoch_s / 60.0)
    kept &= ends - starts > 1
    return mask_of(starts[kept], ends[kept], len(counts))


def absorb_islands(nonwear: Bools, *, epoch_s: int = 60) -> Bools:
    """Brief wear between long non-wear is handling, not wear.

    Wear shorter than 6 h and than 30 % of the non-wear on both its sides together, or shorter than 3 h and than 80 %,
    becomes non-wear (three passes); so does wear shorter than 3 h at either end of the recording beside non-wear of
    ``ZERO_RUN_MIN`` or more.

    Parameters
    ----------
    nonwear : ndarray of bool, shape (n,)
    epoch_s : int
        Seconds per epoch.

    Returns
    -------
    ndarray of bool, shape (n,)

    References
    ----------
    van Hees et al. (2013) PLoS One 8:e61691, supplement, as applied by GGIR.
    """
    off = np.array(nonwear, dtype=bool)
    for _ in range(_ISLAND_PASSES):
        starts, ends = runs_of(off)
        if not len(starts):
            return off
        hours = (ends - starts) * epoch_s / 3600.0
        wear = (starts[1:] - ends[:-1]) * epoch_s / 3600.0
        both = hours[1:] + hours[:-1]
        handled = np.zeros(len(wear), dtype=bool)
        for under_h, share in _ISLANDS:
            handled |= (wear < under_h) & (wear < share * both)
        for island in np.flatnonzero(handled):
            off[ends[island] : starts[island + 1]] = True
    starts, ends = runs_of(off)
    long_off = (ends - starts) * epoch_s >= ZERO_RUN_MIN * 60
    if starts[0] * epoch_s < _EDGE_WEAR_H * 3600 and long_off[0]:
        off[: starts[0]] = True
    if (len(off) - ends[-1]) * epoch_s < _EDGE_WEAR_H * 3600 and long_off[-1]:
        off[ends[-1] :] = True
    return off
