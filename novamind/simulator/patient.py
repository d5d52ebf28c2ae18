"""One synthetic patient: the truth, and what devices and questionnaires would show of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from novamind.simulator import body
from novamind.simulator.activity import ASLEEP, AWAKE_IN_BED, UP, minute_counts
from novamind.simulator.devices import SecondSource, second_source
from novamind.simulator.effects import ALL, Effects, stream
from novamind.simulator.grid import Grid, grid_of, wall_clock
from novamind.simulator.latent import DailyStates, daily_states
from novamind.simulator.persona import STATES, People, Persona, State
from novamind.simulator.ratings import DailyRatings, daily_ratings
from novamind.simulator.sleep import Nights, nights
from novamind.simulator.wear import wear

_LIE_IN_S = 480


@dataclass(frozen=True, slots=True)
class Episode:
    """A stay in one mood state, both days included, as far as it lies within the simulation."""

    state: State
    first: date
    last: date


@dataclass(frozen=True)
class NightTruth:
    """The true main sleep of each night, arrays of shape (days + 1,).

    Night k is that of the evening of day k - 1, so that night k ends on day k.

    Attributes
    ----------
    evening : tuple of date
        The date each night bears.
    bed_s, onset_s, offset_s, up_s : ndarray of int64
        To bed, asleep, finally awake, out of bed; UTC seconds, whole minutes.
    tst_h, waso_h : ndarray of float64
        Asleep, and awake between onset and offset, hours, as in the minutes of ``Truth.state``.
    """

    evening: tuple[date, ...]
    bed_s: NDArray[np.int64]
    onset_s: NDArray[np.int64]
    offset_s: NDArray[np.int64]
    up_s: NDArray[np.int64]
    tst_h: NDArray[np.float64]
    waso_h: NDArray[np.float64]


@dataclass(frozen=True)
class Truth:
    """What really happened. Days have shape (1, days) in ``states``; minutes lie on the patient's grid.

    Attributes
    ----------
    states : DailyStates
        Latent states.
    episodes : tuple of Episode
        The course in order, euthymic stays included.
    nights : NightTruth
    state : ndarray of int64, shape (n,)
        0 asleep (naps too), 1 awake in bed, 2 up.
    counts : ndarray of float64, shape (n,)
        What a watch never taken off would count.
    worn, recorded : ndarray of bool, shape (n,)
        On the wrist; measured and received.
    """

    states: DailyStates
    episodes: tuple[Episode, ...]
    nights: NightTruth
    state: NDArray[np.int64]
    counts: NDArray[np.float64]
    worn: NDArray[np.bool_]
    recorded: NDArray[np.bool_]

    @property
    def asleep(self) -> NDArray[np.bool_]:
        """Asleep, main sleep or nap, shape (n,)."""
        asleep: NDArray[np.bool_] = self.state == ASLEEP
        return asleep


@dataclass(frozen=True)
class SimulatedPatient:
    """A synthetic patient; never to be mistaken for data.

    Attributes
    ----------
    persona : Persona
    start : date
        First day, local at home.
    days, tail_days : int
        Days lived with the watch, and days the watch ran on after it was handed in.
    grid : Grid
        Every minute of days and tail.
    truth : Truth
    counts : ndarray of float32, shape (n,)
        The watch: counts per minute, 0 while off the wrist, NaN where no sample exists.
    heart_bpm, steps : ndarray of float32, shape (n,)
        Beats and steps per minute, NaN where not worn or no sample exists.
    ratings : DailyRatings
        Shape (1, days).
    second : SecondSource
        Another device over the same time.
    """

    persona: Persona
    start: date
    days: int
    tail_days: int
    grid: Grid
    truth: Truth
    counts: NDArray[np.float32]
    heart_bpm: NDArray[np.float32]
    steps: NDArray[np.float32]
    ratings: DailyRatings
    second: SecondSource

    @property
    def utc_s(self) -> NDArray[np.int64]:
        """Start of each minute, UTC seconds, shape (n,)."""
        return self.grid.utc_s

    @property
    def label(self) -> str:
        """The name under which every file of this patient travels."""
        return f"SYNTHETIC {self.persona.seed}"


def simulate(
    persona: Persona, *, start: date, days: int, effects: Effects = ALL, tail_days: int = 0
) -> SimulatedPatient:
    """Everything about one synthetic person over consecutive local days.

    Parameters
    ----------
    persona : Persona
        Who; its seed fixes everything random. A longer simulation from the same start begins with the shorter one
        (but for the second source's faulty batches, which may fall on any day).
    start : date
        First local day at home.
    days : int
        Days lived with the watch, at least 1.
    effects : Effects
        What the simulation contains.
    tail_days : int
        Days the watch records on after it was handed in: trailing zeros.

    Returns
    -------
    SimulatedPatient

    Raises
    ------
    ValueError
        Fewer than one day, or a negative tail.
    """
    if days < 1 or tail_days < 0:
        raise ValueError(f"needs at least 1 day and no negative tail, got {days} and {tail_days}")
    people, seed, all_days = People.of([persona]), persona.seed, days + tail_days
    weekday = (start.weekday() + np.arange(all_days)) % 7
    grid = grid_of(persona, start, all_days)
    states = daily_states(people, weekday, effects, stream(seed, "latent"))
    slept = nights(people, states, weekday, wall_clock(persona, start, all_days), effects, stream(seed, "sleep"))
    state, night = _minutes(slept, grid, start, stream(seed, "wake_bouts"))

    clock_h = ((grid.utc_s + grid.offset_s) % 86_400) / 3600.0
    mood = states.low_mood[0]
    counts = minute_counts(
        persona,
        state,
        effects.mood_on_activity * mood[grid.day],
        clock_h,
        _minutes_since(state == UP),
        stream(seed, "activity"),
    )
    worn, recorded = wear(
        persona, grid, days, effects.mood_on_missing * mood, night.bed_s, night.up_s, effects, stream(seed, "wear")
    )
    of_body = stream(seed, "body")
    heart = body.heart_rate(persona, counts, state, clock_h, of_body)
    lived = DailyStates(
        states.state[:, :days], states.low_mood[:, :days], states.anxiety[:, :days], states.energy[:, :days]
    )
    return SimulatedPatient(
        persona=persona,
        start=start,
        days=days,
        tail_days=tail_days,
        grid=grid,
        truth=Truth(lived, _episodes(lived.state[0], start), night, state, counts, worn, recorded),
        counts=np.where(recorded, np.where(worn, counts, 0.0), np.nan).astype(np.float32),
        heart_bpm=np.where(recorded & worn, heart, np.nan).astype(np.float32),
        steps=np.where(recorded & worn, body.steps(counts, state), np.nan).astype(np.float32),
        ratings=daily_ratings(people, lived, slept.tst_h[:, :days], effects, stream(seed, "ratings")),
        second=second_source(grid, counts, worn, effects, stream(seed, "devices")),
    )


def _minutes(slept: Nights, grid: Grid, start: date, rng: np.random.Generator) -> tuple[NDArray[np.int64], NightTruth]:
    """The state of every minute of the grid, and the nights rounded to it."""

    def to_s(hours: NDArray[np.float64]) -> NDArray[np.int64]:
        seconds: NDArray[np.int64] = grid.zero_s + 60 * np.round(60 * hours[0]).astype(np.int64)
        return seconds

    of_lie_in, of_bouts = rng.spawn(2)
    bed_s, onset_s, offset_s = to_s(slept.bed_h), to_s(slept.onset_h), to_s(slept.offset_h)
    up_s = offset_s + 60 * np.round(_LIE_IN_S / 60 * of_lie_in.exponential(1.0, len(offset_s))).astype(np.int64)
    up_s[:-1] = np.minimum(up_s[:-1], bed_s[1:])
    first_s = int(grid.utc_s[0])
    # Room before the grid for the part of the first night that lies on the evening before.
    lead = max(first_s - int(bed_s[0]), 0) // 60
    span = lead + max(len(grid), (int(up_s[-1]) - first_s) // 60)
    state = np.full(span, UP, dtype=np.int64)
    waso = np.zeros(len(bed_s))
    for k in range(len(bed_s)):
        bed, onset, offset, up = ((int(t[k]) - first_s) // 60 + lead for t in (bed_s, onset_s, offset_s, up_s))
        state[bed:up] = AWAKE_IN_BED
        state[onset:offset] = ASLEEP
        awake = _wake_bouts(offset - onset, round(60 * slept.waso_h[0, k]), of_bouts)
        state[onset:offset][awake] = AWAKE_IN_BED
        waso[k] = awake.sum() / 60.0
        if slept.nap_length_h[0, k] > 0:
            nap = round(60 * slept.nap_h[0, k]) + (grid.zero_s - first_s) // 60 + lead
            state[max(nap, 0) : max(nap + round(60 * slept.nap_length_h[0, k]), 0)] = ASLEEP
    evenings = tuple(start + timedelta(days=k - 1) for k in range(len(bed_s)))
    tst = (offset_s - onset_s) / 3600.0 - waso
    return state[lead : lead + len(grid)], NightTruth(evenings, bed_s, onset_s, offset_s, up_s, tst, waso)


def _wake_bouts(length: int, awake: int, rng: np.random.Generator) -> NDArray[np.bool_]:
    """Exactly ``awake`` of ``length`` minutes, in bouts of about 5, neither the first nor the last minute."""
    mask = np.zeros(max(length, 0), dtype=bool)
    awake = min(awake, length // 2)
    if awake < 1:
        return mask
    bouts = min(1 + int(rng.poisson(awake / 5.0)), awake)
    sizes = 1 + rng.multinomial(awake - bouts, rng.dirichlet(np.ones(bouts)))
    asleep = length - awake
    starts = np.sort(rng.integers(1, max(asleep, 2), bouts)) + np.cumsum(sizes) - sizes
    for begin, size in zip(starts, sizes, strict=True):
        mask[begin : begin + size] = True
    return mask


def _minutes_since(condition: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Minutes since the condition last became true; counted from the start of the grid before that."""
    index = np.arange(len(condition))
    began = condition & ~np.concatenate([[True], condition[:-1]])
    since: NDArray[np.float64] = (index - np.maximum.accumulate(np.where(began, index, 0))).astype(float)
    return since


def _episodes(state: NDArray[np.int64], start: date) -> tuple[Episode, ...]:
    bounds = np.concatenate([[0], np.flatnonzero(np.diff(state)) + 1, [len(state)]])
    return tuple(
        Episode(STATES[state[a]], start + timedelta(days=int(a)), start + timedelta(days=int(b) - 1))
        for a, b in pairwise(bounds)
    )
