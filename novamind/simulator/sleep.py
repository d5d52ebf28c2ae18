"""Nights by the two-process model: homeostatic pressure against a circadian threshold, bent by alarm, shift and mood.

References
----------
Daan S, Beersma DGM, Borbély AA (1984) Timing of human sleep: recovery process gated by a circadian pacemaker.
Am J Physiol 246:R161-R183. Time constants and thresholds here are of that order and set by hand for the stated sleep.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from novamind.simulator.effects import Effects
from novamind.simulator.latent import DailyStates
from novamind.simulator.persona import HYPOMANIC, People

Floats = NDArray[np.float64]

_RISE_H, _FALL_H = 18.2, 4.2
_UPPER, _LOWER, _CIRCADIAN = 0.60, 0.170, 0.10
_PEAK_AFTER_MIDSLEEP_H = 13.8  # the threshold is highest in the late afternoon: the wake-maintenance zone
_LOWER_PER_NEED = 0.042
_EARLIER_PER_NEED_H = 1.7
_ENTRAINED_H_PER_DAY = 1.0  # how fast the body clock follows a new zone
_DELAY_PER_UNIT_H = 0.35  # later body clock per unit of latent low mood
OFF, DAY, EVENING, NIGHT = range(4)
_ROTATION = np.array([DAY, DAY, EVENING, EVENING, NIGHT, NIGHT, OFF, OFF])
# Earliest and latest bed time by work on that day, in local hours after midnight of the evening's date.
_BED_FROM_H = np.array([20.5, 20.5, 23.0, 31.5])
_BED_UNTIL_H = np.array([30.5, 27.5, 29.0, 34.0])


@dataclass(frozen=True)
class WallClock:
    """Local minus UTC, hours, arrays of shape (nights,).

    Attributes
    ----------
    evening : ndarray of float64
        At 20:00 on the night's evening.
    morning : ndarray of float64
        At 08:00 on the day after.
    """

    evening: Floats
    morning: Floats


@dataclass(frozen=True)
class Nights:
    """The main sleep of each night, arrays of shape (n, nights).

    Night 0 is the one that ends on the first day, night k the one of the evening of day k - 1. Times are UTC
    hours after 00:00 UTC of the first day's date.

    Attributes
    ----------
    bed_h, onset_h, offset_h : ndarray of float64
        To bed, asleep, finally awake.
    waso_h : ndarray of float64
        Awake between onset and offset.
    nap_h, nap_length_h : ndarray of float64
        Start and length of the nap on the day before this night's bed time; NaN and 0 where there was none.
    work : ndarray of int64
        Work on the night's evening date: 0 none, 1 day, 2 evening, 3 night.
    """

    bed_h: Floats
    onset_h: Floats
    offset_h: Floats
    waso_h: Floats
    nap_h: Floats
    nap_length_h: Floats
    work: NDArray[np.int64]

    @property
    def tst_h(self) -> Floats:
        """Total sleep time of the main sleep, hours."""
        return self.offset_h - self.onset_h - self.waso_h


def nights(
    people: People,
    states: DailyStates,
    weekday: NDArray[np.int64],
    clock: WallClock,
    effects: Effects,
    rng: np.random.Generator,
) -> Nights:
    """Sleep of n people on the nights around ``days`` consecutive days.

    Set by hand to total sleep of about 7.2 h (80 % of people 5.8-8.6 h) and about 39 min awake in the night (NSHAP,
    actigraphy); the size of the mood effects is illustrative (direction: Geoffroy 2015, Lyall 2018).

    Parameters
    ----------
    people, states
        Of n people; ``states`` over the days.
    weekday : ndarray of int64, shape (days,)
        0 is Monday.
    clock : WallClock
        For days + 1 nights, the first being that of the evening before the first day.
    effects : Effects
        ``mood_on_sleep``, ``alarm``, ``naps``, ``insomnia``, ``shift_work`` are heeded.
    rng : numpy.random.Generator
        Consumed alike whichever effects are on.

    Returns
    -------
    Nights
        Arrays of shape (n, days + 1).
    """
    n, days = states.low_mood.shape
    mood = effects.mood_on_sleep * np.concatenate([states.low_mood[:, :1], states.low_mood], axis=1)
    hypomanic = effects.mood_on_sleep * (np.concatenate([states.state[:, :1], states.state], axis=1) == HYPOMANIC)
    insomnia = effects.insomnia * people.insomnia
    weekdays = np.concatenate([[(weekday[0] - 1) % 7], weekday, [(weekday[-1] + 1) % 7]])
    # A stream each, so that a longer simulation begins with the shorter one.
    of_work, of_z, of_u = rng.spawn(3)
    work = _work(people, weekdays, effects, of_work)
    z = of_z.standard_normal((days + 1, 6, n))
    u = of_u.random((days + 1, 2, n))
    latency = _latency_h(mood, insomnia, z[:, 0].T)
    waso = _waso_h(mood, insomnia, z[:, 1].T)

    body = np.full(n, clock.evening[0])  # local minus UTC as the body clock has it
    awake_since, pressure = np.full(n, 7.0 - 24.0 - clock.evening[0]), np.full(n, 0.2)
    table = {name: np.empty((n, days + 1)) for name in ("bed", "onset", "offset", "nap", "nap_length")}
    # Long sleepers wake later and then lie down later; without this, need would pass for chronotype.
    usual_peak = people.chronotype_h + _PEAK_AFTER_MIDSLEEP_H - _EARLIER_PER_NEED_H * people.sleep_need
    irregular = np.exp(-0.35 * people.regularity)
    for night in range(days + 1):
        midnight = 24.0 * (night - 1)
        evening, morning = midnight - clock.evening[night], midnight - clock.morning[night]
        body = body + np.clip(clock.morning[night] - body, -_ENTRAINED_H_PER_DAY, _ENTRAINED_H_PER_DAY)
        peak = usual_peak - body + _DELAY_PER_UNIT_H * np.clip(mood[:, night], -2, 4)
        nap, length = _nap(people, mood[:, night], evening, awake_since, effects, z[night, 2], u[night])
        awake_since, pressure = _after_nap(awake_since, pressure, nap, length)

        upper = _UPPER + 0.032 * irregular * z[night, 3]
        bed = _bed_time(awake_since, pressure, upper, peak, evening, work[:, night])
        onset = bed + latency[:, night]
        pressure = _risen(pressure, onset - awake_since)
        lower = (
            _LOWER - _LOWER_PER_NEED * people.sleep_need + 0.028 * irregular * z[night, 4] + 0.05 * hypomanic[:, night]
        )
        offset = _wake_time(onset, pressure, lower, peak, waso[:, night])
        rings = (work[:, night + 1] == DAY) & effects.alarm
        alarm = morning + 24.0 + people.alarm_h + 0.15 * z[night, 5]
        alarmed = np.where(rings & (alarm < offset), np.maximum(alarm, onset + 2.0), offset)
        offset = np.where(np.isnan(alarmed), offset, alarmed)
        pressure = pressure * np.exp(-np.maximum(offset - onset - waso[:, night], 0.5) / _FALL_H)
        awake_since = offset
        for name, values in zip(table, (bed, onset, offset, nap, length), strict=True):
            table[name][:, night] = values
    waso = np.minimum(waso, 0.6 * (table["offset"] - table["onset"]))
    return Nights(
        bed_h=table["bed"],
        onset_h=table["onset"],
        offset_h=table["offset"],
        waso_h=waso,
        nap_h=table["nap"],
        nap_length_h=table["nap_length"],
        work=work[:, :-1],
    )


def _latency_h(mood: Floats, insomnia: NDArray[np.bool_], z: Floats) -> Floats:
    """Sleep latency, log-normal around 14 min; two and a half times as long in insomnia, longer in low mood."""
    minutes = 14.0 * np.exp(0.6 * z + 0.15 * np.clip(mood, -1, 4) + 0.9 * insomnia[:, None])
    latency: Floats = np.clip(minutes, 2.0, 180.0) / 60.0
    return latency


def _waso_h(mood: Floats, insomnia: NDArray[np.bool_], z: Floats) -> Floats:
    """Wake after sleep onset, log-normal around 30 min; twice as long in insomnia, longer in low mood."""
    minutes = 30.0 * np.exp(0.45 * z + 0.12 * np.clip(mood, -1, 4) + 0.7 * insomnia[:, None])
    waso: Floats = np.clip(minutes, 5.0, 240.0) / 60.0
    return waso


def _work(people: People, weekdays: NDArray[np.int64], effects: Effects, rng: np.random.Generator) -> NDArray[np.int64]:
    """Work on each day, shape (n, days): Monday to Friday, or a rotation of eight days entered anywhere."""
    office = np.where(np.isnan(people.alarm_h)[:, None] | (weekdays >= 5), OFF, DAY)
    entry = rng.integers(0, len(_ROTATION), len(people))
    shifts = _ROTATION[(entry[:, None] + np.arange(len(weekdays))) % len(_ROTATION)]
    on_shifts = (people.shift_worker & effects.shift_work)[:, None]
    work: NDArray[np.int64] = np.where(on_shifts, shifts, office)
    return work


def _nap(
    people: People, mood: Floats, evening: float, awake_since: Floats, effects: Effects, z: Floats, u: Floats
) -> tuple[Floats, Floats]:
    """An early-afternoon nap of about half an hour, more often in low mood; (NaN, 0) on days without."""
    chance = np.minimum(people.naps_per_week / 7.0 * np.exp(0.25 * np.clip(mood, -1, 4)), 0.9)
    start = evening + 14.2 + 0.8 * z
    taken = (u[0] < effects.naps * chance) & (start > awake_since + 3.0)
    length = np.clip(0.55 * np.exp(1.2 * (u[1] - 0.5)), 0.2, 2.0)
    return np.where(taken, start, np.nan), np.where(taken, length, 0.0)


def _risen(pressure: Floats, awake_h: Floats) -> Floats:
    risen: Floats = 1.0 - (1.0 - pressure) * np.exp(-awake_h / _RISE_H)
    return risen


def _after_nap(awake_since: Floats, pressure: Floats, nap: Floats, length: Floats) -> tuple[Floats, Floats]:
    napped = length > 0
    before = _risen(pressure, np.where(napped, nap, awake_since) - awake_since)
    return (
        np.where(napped, nap + length, awake_since),
        np.where(napped, before * np.exp(-length / _FALL_H), pressure),
    )


def _circadian(at: Floats, peak: Floats) -> Floats:
    wave: Floats = _CIRCADIAN * np.cos(2 * np.pi / 24.0 * (at - peak))
    return wave


def _bed_time(
    awake_since: Floats, pressure: Floats, upper: Floats, peak: Floats, evening: float, work: NDArray[np.int64]
) -> Floats:
    """When pressure crosses the upper threshold, within the hours the day leaves for going to bed."""
    low = np.maximum(evening + _BED_FROM_H[work], awake_since + 2.0)
    high = np.maximum(evening + _BED_UNTIL_H[work], low + 0.5)
    return _crossing(lambda at: _risen(pressure, at - awake_since) - upper - _circadian(at, peak), low, high)


def _wake_time(onset: Floats, pressure: Floats, lower: Floats, peak: Floats, waso: Floats) -> Floats:
    """When pressure, relieved by sleep only, crosses the lower threshold."""

    def relieved(at: Floats) -> Floats:
        asleep = np.maximum(at - onset - waso, 0.0)
        above: Floats = lower + _circadian(at, peak) - pressure * np.exp(-asleep / _FALL_H)
        return above

    return _crossing(relieved, onset + 3.0, onset + 13.0)


def _crossing(rises: Callable[[Floats], Floats], low: Floats, high: Floats) -> Floats:
    """Where a function passes zero from below; the bound itself where it is above at ``low`` or below at ``high``."""
    for _ in range(13):
        middle = 0.5 * (low + high)
        above = rises(middle) > 0
        low, high = np.where(above, low, middle), np.where(above, middle, high)
    return 0.5 * (low + high)
