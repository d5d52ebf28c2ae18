"""Non-wear and sleep from acceleration: van Hees's wear, the sleep period of HDCZA, sustained inactivity."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from actigraphy.science.acceleration import PER_MINUTE, Epochs
from actigraphy.science.rest import RestPeriod
from actigraphy.science.runs import runs_of
from actigraphy.science.thresholds import MAIN_REST_MIN
from novamind.clock import DAY_S, LocalTimes

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

SLEEP_METHOD: Final = "sustained inactivity (van Hees 2015: z within 5 degrees for 5 min), by the minute"
PERIOD_METHOD: Final = "HDCZA (van Hees 2018), without a diary"
WEAR_METHOD: Final = "van Hees 2013: two axes below 13 mg (SD) and 50 mg (range) over an hour"

_BLOCK_MIN: Final = 15
_WINDOW_MIN: Final = 60
_SD_G, _RANGE_G = 0.013, 0.050
_MEDIAN_EPOCHS: Final = 5 * PER_MINUTE + 1
_SHARE: Final = 15.0
_LEAST_DEG, _MOST_DEG = 0.13, 0.50
_BLOCK_EPOCHS: Final = 30 * PER_MINUTE
_GAP_EPOCHS: Final = 60 * PER_MINUTE
_STILL_DEG: Final = 5.0
_STILL_EPOCHS: Final = 5 * PER_MINUTE
#: A period that ends this near the end of its window is looked for again between 18:00 and 18:00, minutes.
_NEAR_END_MIN: Final = 60
_EVENING_S: Final = 18 * 3600


@dataclass(frozen=True, eq=False)
class RawSleep:
    """What acceleration says of wear and sleep, by the minute.

    Attributes
    ----------
    nonwear : ndarray of bool, shape (m,)
    sleep : ndarray, shape (m,)
        1 within sustained inactivity for at least half of the minute, 0 not, NaN where nothing was recorded.
    periods : tuple of RestPeriod
        The sleep period of each night; there are no naps.
    """

    nonwear: Bools
    sleep: Floats
    periods: tuple[RestPeriod, ...]


def raw_sleep(epochs: Epochs, times: LocalTimes) -> RawSleep:
    """Wear and sleep of a recording; ``times`` are those of its minutes."""
    nonwear = van_hees_nonwear(epochs)
    z = np.where(np.repeat(nonwear, PER_MINUTE), np.nan, epochs.z_angle)
    return RawSleep(nonwear, _by_minute(sustained_inactivity(z), epochs.z_angle), sleep_periods(z, times))


def van_hees_nonwear(epochs: Epochs) -> Bools:
    """Minutes in which the device was not worn.

    Parameters
    ----------
    epochs : Epochs

    Returns
    -------
    ndarray of bool, shape (m,)
        Quarters of an hour whose hour, from 15 min before to 30 min after them, has two axes that hardly moved; one
        between two such quarters counts as one axis more. Minutes without data are not said to be non-wear.

    References
    ----------
    van Hees et al. (2013) PLoS ONE 8:e61691; window and rule as GGIR's, of 2013.
    """
    blocks = -(-epochs.minutes // _BLOCK_MIN)
    still = np.array([_still_axes(epochs, block) for block in range(blocks)], dtype=np.int64)
    between = np.zeros(blocks, dtype=bool)
    between[1:-1] = (still[1:-1] == 1) & (still[:-2] > 1) & (still[2:] > 1)
    off = np.repeat((still >= 2) | between, _BLOCK_MIN)[: epochs.minutes]
    return np.asarray(off & np.isfinite(epochs.mean[:, 0]), dtype=np.bool_)


def _still_axes(epochs: Epochs, block: int) -> int:
    """How many axes hardly moved in the hour around a quarter of an hour."""
    last = max(0, epochs.minutes - _WINDOW_MIN)
    first = min(max(0, (block - 1) * _BLOCK_MIN), last)
    part = slice(first, first + _WINDOW_MIN)
    known = np.isfinite(epochs.mean[part, 0])
    if not known.any():
        return 0
    mean = epochs.mean[part][known]
    spread = np.sqrt(epochs.variance[part][known].mean(axis=0) + mean.var(axis=0))
    reach = epochs.high[part][known].max(axis=0) - epochs.low[part][known].min(axis=0)
    return int(((spread < _SD_G) & (reach < _RANGE_G)).sum())


def sustained_inactivity(z_angle: Floats) -> Floats:
    """Bouts of at least five minutes in which the angle does not change by more than five degrees.

    Parameters
    ----------
    z_angle : ndarray, shape (n,)
        Degrees, per 5 s; NaN where missing or not worn.

    Returns
    -------
    ndarray, shape (n,)
        1 inside such a bout, 0 outside, NaN where the angle is unknown.

    References
    ----------
    van Hees et al. (2015) PLoS ONE 10:e0142533.
    """
    known = np.isfinite(z_angle)
    calm = np.zeros(len(z_angle), dtype=bool)
    calm[1:] = np.abs(np.diff(z_angle)) <= _STILL_DEG  # NaN is not calm
    found = np.where(known, 0.0, np.nan)
    for start, end in zip(*runs_of(calm), strict=True):
        if end - start >= _STILL_EPOCHS:
            found[start:end] = 1.0
    return found


def _by_minute(still: Floats, z_angle: Floats) -> Floats:
    known = np.isfinite(z_angle.reshape(-1, PER_MINUTE)).all(axis=1)
    held = np.nan_to_num(still).reshape(-1, PER_MINUTE).mean(axis=1)
    return np.where(known, (held >= 0.5).astype(np.float64), np.nan)


def sleep_periods(z_angle: Floats, times: LocalTimes) -> tuple[RestPeriod, ...]:
    """The sleep period of each night, noon to noon by the local clock (HDCZA).

    Parameters
    ----------
    z_angle : ndarray, shape (12 m,)
        Degrees, per 5 s; NaN where missing or not worn.
    times : LocalTimes, length m

    Returns
    -------
    tuple of RestPeriod
        Minutes; at most one of a night. A period that reaches the last hour before noon is looked for again from 18:00
        to 18:00, so that whoever sleeps by day is not cut at noon; it keeps the night it was looked for in.

    References
    ----------
    van Hees et al. (2018) Sci Rep 8:12975, with the limits of its threshold (0.13 to 0.50 degrees).
    """
    if not len(times):
        return ()
    nights = times.night
    evenings = (times.local_s - _EVENING_S) // DAY_S
    found: list[RestPeriod] = []
    for night in range(int(nights[0]), int(nights[-1]) + 1):
        span = _span(nights == night)
        period = _longest_calm(z_angle, *span) if span else None
        if period and span and period[1] >= span[1] - _NEAR_END_MIN:
            later = _span(evenings == night)
            period = (_longest_calm(z_angle, *later) if later else None) or period
        if period and (not found or period[0] >= found[-1].end):
            found.append(RestPeriod(*period, night=night, main=period[1] - period[0] >= MAIN_REST_MIN))
    return tuple(found)


def _span(chosen: Bools) -> tuple[int, int] | None:
    at = np.flatnonzero(chosen)
    return (int(at[0]), int(at[-1]) + 1) if len(at) else None


def _longest_calm(z_angle: Floats, first: int, stop: int) -> tuple[int, int] | None:
    """The longest block of small changes of the angle between two minutes, in minutes."""
    z = z_angle[first * PER_MINUTE : stop * PER_MINUTE]
    change = np.abs(np.diff(z, prepend=z[:1]))
    padded = np.pad(change, _MEDIAN_EPOCHS // 2, mode="edge")
    padded[np.isnan(padded)] = np.inf  # stillness must be seen
    around = np.lib.stride_tricks.sliding_window_view(padded, _MEDIAN_EPOCHS)
    smooth = np.partition(around, _MEDIAN_EPOCHS // 2, axis=1)[:, _MEDIAN_EPOCHS // 2]
    seen = smooth[np.isfinite(smooth) & np.isfinite(change)]
    if not len(seen):
        return None
    threshold = min(max(float(np.percentile(seen, 10)) * _SHARE, _LEAST_DEG), _MOST_DEG)
    blocks = [
        (int(start), int(end))
        for start, end in zip(*runs_of(smooth < threshold), strict=True)
        if end - start > _BLOCK_EPOCHS
    ]
    joined: list[tuple[int, int]] = []
    for start, end in blocks:
        if joined and start - joined[-1][1] < _GAP_EPOCHS:
            joined[-1] = (joined[-1][0], end)
        else:
            joined.append((start, end))
    if not joined:
        return None
    start, end = max(joined, key=lambda block: block[1] - block[0])
    return first + start // PER_MINUTE, first + -(-end // PER_MINUTE)
