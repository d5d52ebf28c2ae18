"""Rest-activity rhythm: IS, IV, L5, M10, RA, cosinor.

Series travel flat with their clock time, so a local day of 23 or 25 hours is nothing special: clock-time measures read
the wall clock, differences and pairs run in elapsed time. NaN is not worn or missing, and is left out.

Each function checks how many valid days it was given; ``min_days=0`` switches that off for a caller who has checked.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from actigraphy.science.runs import runs_of
from actigraphy.science.thresholds import (
    HOUR_WORN_SHARE,
    RHYTHM_VALID_DAYS,
    VALID_DAY_WORN_H,
)
from novamind.clock import DAY_S, LocalTimes
from novamind.measures import Abstained

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

HOURS = 24
#: Mean vectors of clock times shorter than this point nowhere.
_NO_DIRECTION = 1e-6


def require_days(got: int, needed: int) -> None:
    """Raise ``Abstained`` (too_few_days) when there are fewer valid days than needed."""
    if got < needed:
        raise Abstained("too_few_days", needed=needed, got=got)


def _known_h(counts: Floats, day: Ints, epoch_s: int) -> Floats:
    """Hours of data of each day, ``day`` counting from 0."""
    held: Floats = np.bincount(day, weights=np.isfinite(counts)) * epoch_s / 3600.0
    return held


def valid_days(counts: Floats, times: LocalTimes, *, epoch_s: int) -> int:
    """How many local days hold at least ``VALID_DAY_WORN_H`` of data."""
    if not len(counts):
        return 0
    return int((_known_h(counts, times.day - times.day[0], epoch_s) >= VALID_DAY_WORN_H).sum())


def on_valid_days(counts: Floats, times: LocalTimes, *, epoch_s: int) -> Floats:
    """The counts of the valid days, NaN on all others: what the rhythm is computed from.

    Parameters
    ----------
    counts : ndarray, shape (n,)
        NaN where not worn.
    times : LocalTimes
    epoch_s : int

    Returns
    -------
    ndarray, shape (n,)
        Local days with at least ``VALID_DAY_WORN_H`` of data, in elapsed hours: a day of 23 needs as much as one of 25.
        Days partly recorded or worn would weigh the mean day by the hours they happen to hold.

    References
    ----------
    Migueles et al. (2019) J Meas Phys Behav 2:188-196 (GGIR's ``includedaycrit``, 16 h).
    """
    if not len(counts):
        return np.zeros(0)
    day = times.day - times.day[0]
    return np.where(_known_h(counts, day, epoch_s)[day] >= VALID_DAY_WORN_H, counts, np.nan)


def hourly_means(counts: Floats, times: LocalTimes, *, epoch_s: int) -> tuple[Floats, Ints]:
    """Mean activity of each local clock hour, in order of time.

    Parameters
    ----------
    counts : ndarray, shape (n,)
        Per epoch of a regular UTC grid; NaN where not worn.
    times : LocalTimes
    epoch_s : int

    Returns
    -------
    hourly : ndarray, shape (n_hours,)
        Mean per epoch; NaN where less than half the hour was worn. Hours cut by the start or the end of the recording
        are left out. A double hour gives two values, a skipped one none.
    hour_of_day : ndarray of int, shape (n_hours,)
        Local hour, 0 to 23.
    """
    counts = np.asarray(counts, dtype=np.float64)
    if not len(counts):
        return np.zeros(0), np.zeros(0, dtype=np.int64)
    local = times.local_s
    # A step back of the clock begins a new pass of the same hour; Lord Howe's is half an hour.
    first = np.concatenate(([True], (np.diff(local // 3600) != 0) | (np.diff(local) <= 0)))
    starts = np.flatnonzero(first)
    known = np.isfinite(counts)
    held = np.add.reduceat(known.astype(np.int64), starts)
    total = np.add.reduceat(np.where(known, counts, 0.0), starts)
    enough = (held > 0) & (held * epoch_s >= HOUR_WORN_SHARE * 3600)
    hourly = np.where(enough, total / np.maximum(held, 1), np.nan)
    hour_of_day = times.hour_of_day[starts]
    low = 0 if local[0] % 3600 < epoch_s else 1
    high = len(starts) if local[-1] % 3600 >= 3600 - epoch_s else len(starts) - 1
    return hourly[low:high], hour_of_day[low:high]


def _hourly_days(hourly: Floats, hour_of_day: Ints) -> int:
    """Valid days of an hourly series: midnight is where the hour of day falls by more than half a day."""
    day = np.concatenate(([0], np.cumsum(np.diff(hour_of_day) < -HOURS // 2)))
    return int((np.bincount(day, weights=np.isfinite(hourly)) >= VALID_DAY_WORN_H).sum())


def _spread(known: Floats) -> float:
    """Sum of squares about the mean; raises no_variation where it is zero or there is nothing."""
    if not len(known) or known.max() == known.min():
        raise Abstained("no_variation")
    return float(((known - known.mean()) ** 2).sum())


def interdaily_stability(hourly: Floats, hour_of_day: Ints, *, min_days: int = RHYTHM_VALID_DAYS) -> float:
    """How alike the days are (IS).

    Parameters
    ----------
    hourly : ndarray, shape (n_hours,)
        Mean activity per local clock hour, counts per epoch; NaN where not worn. A local day may have 23 or 25.
    hour_of_day : ndarray of int, shape (n_hours,)
        Local hour (0-23) of each value.
    min_days : int
        Days with at least 16 worn hours that are needed.

    Returns
    -------
    float
        Dimensionless: 0 is no daily rhythm, 1 is identical days.

    Raises
    ------
    Abstained
        too_few_days; no_variation (IS would be 0/0); indeterminate, where some clock hour was never worn.

    References
    ----------
    Witting et al. (1990) Biol Psychiatry 27:563-572, eq. 1. Hourly means, p = 24.
    """
    if min_days:
        require_days(_hourly_days(hourly, hour_of_day) if len(hourly) else 0, min_days)
    known = np.isfinite(hourly)
    values, hours = hourly[known], hour_of_day[known]
    total = _spread(values)
    held = np.bincount(hours, minlength=HOURS)
    if (held == 0).any():
        raise Abstained("indeterminate", what="some hours of the day were never worn")
    profile = np.bincount(hours, weights=values, minlength=HOURS) / held
    return float(len(values) * ((profile - values.mean()) ** 2).sum() / (HOURS * total))


def intradaily_variability(hourly: Floats, hour_of_day: Ints, *, min_days: int = RHYTHM_VALID_DAYS) -> float:
    """How broken up the days are (IV).

    Parameters
    ----------
    hourly, hour_of_day, min_days
        As for :func:`interdaily_stability`.

    Returns
    -------
    float
        Dimensionless: near 0 for a smooth wave, about 2 for noise. Differences are taken between successive hours that
        were both worn, never across a gap.

    Raises
    ------
    Abstained
        too_few_days; no_variation; too_few_pairs, where no two successive hours were worn.

    References
    ----------
    Witting et al. (1990) Biol Psychiatry 27:563-572, eq. 2. Hourly means.
    """
    if min_days:
        require_days(_hourly_days(hourly, hour_of_day) if len(hourly) else 0, min_days)
    values = hourly[np.isfinite(hourly)]
    total = _spread(values)
    steps = np.diff(hourly)
    steps = steps[np.isfinite(steps)]
    if not len(steps):
        raise Abstained("too_few_pairs", needed=1, got=0)
    return float((steps**2).mean() * len(values) / total)


def average_profile(counts: Floats, times: LocalTimes, *, epoch_s: int) -> Floats:
    """The mean day: activity of each epoch of the clock day.

    Parameters
    ----------
    counts : ndarray, shape (n,)
        NaN where not worn.
    times : LocalTimes
    epoch_s : int
        Must divide a day.

    Returns
    -------
    ndarray, shape (86400 / epoch_s,)
        Counts per epoch, from local midnight on; NaN where never worn. An hour lived twice weighs twice.
    """
    slots = DAY_S // epoch_s
    known = np.isfinite(counts)
    slot = times.second_of_day[known] // epoch_s
    held = np.bincount(slot, minlength=slots)
    total = np.bincount(slot, weights=np.asarray(counts, dtype=np.float64)[known], minlength=slots)
    return np.where(held > 0, total / np.maximum(held, 1), np.nan)


@dataclass(frozen=True, slots=True)
class ActivityWindow:
    """L5 or M10: the mean level of a stretch of the average day, and when it begins (local clock hours, 0-24)."""

    level: float
    onset_h: float
    hours: float


def _extreme_window(profile: Floats, hours: int, *, lowest: bool) -> ActivityWindow:
    if not np.isfinite(profile).all():
        raise Abstained("indeterminate", what="some times of the day were never worn")
    if profile.max() == profile.min():
        raise Abstained("no_variation")
    width = hours * len(profile) // HOURS
    around = np.concatenate((profile, profile[: width - 1]))
    level = np.convolve(around, np.full(width, 1.0 / width), mode="valid")
    wanted = level.min() if lowest else level.max()
    # The first within rounding: equal windows must not be told apart by the order of a sum.
    onset = int(np.argmax(np.abs(level - wanted) <= 1e-12 * max(1.0, abs(float(level.max())))))
    return ActivityWindow(float(around[onset : onset + width].mean()), onset * HOURS / len(profile), float(hours))


def l5(profile: Floats) -> ActivityWindow:
    """The least active 5 h of the average day.

    Parameters
    ----------
    profile : ndarray, shape (n_slots,)
        From :func:`average_profile`; the search goes round midnight, step one epoch.

    Returns
    -------
    ActivityWindow
        Level in counts per epoch; of equal windows the first after midnight.

    Raises
    ------
    Abstained
        indeterminate (a slot never worn), no_variation.

    References
    ----------
    Van Someren et al. (1999) Chronobiol Int 16:505-518.
    """
    return _extreme_window(profile, 5, lowest=True)


def m10(profile: Floats) -> ActivityWindow:
    """The most active 10 h of the average day; see :func:`l5`."""
    return _extreme_window(profile, 10, lowest=False)


def relative_amplitude(l5_level: float, m10_level: float) -> float:
    """Contrast of day and night: (M10 - L5) / (M10 + L5), 0 to 1.

    Raises
    ------
    Abstained
        no_variation: both are zero.
    """
    if m10_level + l5_level == 0:
        raise Abstained("no_variation")
    return (m10_level - l5_level) / (m10_level + l5_level)


@dataclass(frozen=True, slots=True)
class Cosinor:
    """A 24-h cosine fitted to activity.

    Mesor and amplitude in counts per epoch, acrophase in local clock hours [0, 24), R2 the share of variance explained.
    """

    mesor: float
    amplitude: float
    acrophase_h: float
    r2: float


def cosinor(counts: Floats, times: LocalTimes, *, epoch_s: int, min_days: int = RHYTHM_VALID_DAYS) -> Cosinor:
    """Single-component 24-h cosinor, ordinary least squares.

    Parameters
    ----------
    counts : ndarray, shape (n,)
        NaN where not worn.
    times : LocalTimes
        The clock at the start of each epoch is the regressor, so the phase is a clock time on both sides of a change.
    epoch_s : int
    min_days : int

    Returns
    -------
    Cosinor

    Raises
    ------
    Abstained
        too_few_days, no_variation.

    References
    ----------
    Cornelissen (2014) Theor Biol Med Model 11:16.
    """
    if min_days:
        require_days(valid_days(counts, times, epoch_s=epoch_s), min_days)
    known = np.isfinite(counts)
    values = np.asarray(counts, dtype=np.float64)[known]
    total = _spread(values)
    angle = 2 * np.pi * times.second_of_day[known] / DAY_S
    cos, sin = np.cos(angle), np.sin(angle)
    design = np.stack((np.ones_like(cos), cos, sin))
    normal = design @ design.T
    if np.linalg.cond(normal) > 1e10:
        raise Abstained("indeterminate", what="too small a part of the day was worn")
    mesor, in_phase, quadrature = np.linalg.solve(normal, design @ values)
    residual = values - (mesor + in_phase * cos + quadrature * sin)
    return Cosinor(
        mesor=float(mesor),
        amplitude=float(np.hypot(in_phase, quadrature)),
        acrophase_h=float(np.arctan2(quadrature, in_phase) * HOURS / (2 * np.pi) % HOURS),
        r2=float(1 - (residual**2).sum() / total),
    )


def circular_mean_h(hours: Floats) -> float:
    """The mean of clock times, round midnight: of 23 and 1 it is 0.

    Parameters
    ----------
    hours : ndarray, shape (n,)
        Clock hours; NaN is left out.

    Returns
    -------
    float
        In [0, 24).

    Raises
    ------
    Abstained
        too_few_nights (none), indeterminate (they cancel out).
    """
    hours = np.asarray(hours, dtype=np.float64)
    hours = hours[np.isfinite(hours)]
    if not len(hours):
        raise Abstained("too_few_nights", needed=1, got=0)
    mean = np.exp(2j * np.pi * hours / HOURS).mean()
    if abs(mean) < _NO_DIRECTION:
        raise Abstained("indeterminate", what="the clock times are spread round the whole day")
    turn = float(np.angle(mean) / (2 * np.pi) * HOURS)
    return turn % HOURS % HOURS


def longest_run_s(mask: NDArray[np.bool_], *, epoch_s: int) -> int:
    """Seconds of the longest stretch where ``mask`` is true."""
    starts, ends = runs_of(mask)
    return int((ends - starts).max()) * epoch_s if len(starts) else 0
