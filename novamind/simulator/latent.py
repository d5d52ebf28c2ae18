"""Latent mood, anxiety and energy by day: mean-reverting swings, a slow trend, a weekly cycle and episodes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from novamind.simulator.effects import Effects
from novamind.simulator.persona import DEPRESSED, EUTHYMIC, HYPOMANIC, People

# Latent low mood of an episode of usual severity, in units of a strong day-to-day swing.
_LOW_MOOD_OF_STATE = np.array([0.0, 2.5, -1.0])
_ENERGY_OF_STATE = np.array([0.0, -1.5, 1.5])
_ANXIETY_OF_STATE = np.array([0.0, 1.5, 0.2])

# Median days and log SD of a stay, by state; then the chance that a euthymic stay ends in depression, by kind.
# Illustrative orders of magnitude (months well, months depressed, weeks hypomanic), not fitted to data.
_STAY_MEDIAN_DAYS = np.array([180.0, 75.0, 12.0])
_STAY_LOG_SD = np.array([0.6, 0.5, 0.5])
_SHORTEST_STAY_DAYS = np.array([14.0, 14.0, 4.0])
_TO_DEPRESSION = np.array([1.0, 1.0, 0.75, 0.6])

_SWING_SD = 0.62
_WEEKLY_AMPLITUDE = 0.1
# Swings of low mood, anxiety and energy on one day go together as the daily items of MIRORR do within persons.
WITHIN_PERSON_CORRELATION = np.array([[1, 0.44, -0.36], [0.44, 1, -0.18], [-0.36, -0.18, 1]])


@dataclass(frozen=True)
class DailyStates:
    """The true states of n people on each day, arrays of shape (n, days).

    Attributes
    ----------
    state : ndarray of int64
        0 euthymic, 1 depressed, 2 hypomanic (``persona.STATES``).
    low_mood, anxiety, energy : ndarray of float64
        Latent units; 0 is this person's usual day, 2.5 in ``low_mood`` is a depressed episode of usual severity.
    """

    state: NDArray[np.int64]
    low_mood: NDArray[np.float64]
    anxiety: NDArray[np.float64]
    energy: NDArray[np.float64]


def daily_states(people: People, weekday: NDArray[np.int64], effects: Effects, rng: np.random.Generator) -> DailyStates:
    """States of each person on consecutive days.

    Parameters
    ----------
    people : People
        n people.
    weekday : ndarray of int64, shape (days,)
        0 is Monday.
    effects : Effects
        ``episodes``, ``drift`` and ``weekly_cycle`` are heeded.
    rng : numpy.random.Generator
        Consumed alike whichever effects are on.

    Returns
    -------
    DailyStates
        Arrays of shape (n, days).
    """
    days = len(weekday)
    of_episodes, of_swings = rng.spawn(2)
    state = _episodes(people, days, of_episodes)
    if not effects.episodes:
        state = np.full_like(state, EUTHYMIC)
    swings = _swings(people, days, of_swings)
    week = effects.weekly_cycle * _WEEKLY_AMPLITUDE * np.cos(2 * np.pi * weekday / 7)
    trend = effects.drift * people.trend[:, None] * np.arange(days) / 90.0
    depth = people.severity[:, None]
    return DailyStates(
        state=state,
        low_mood=swings[0] + week + trend + depth * _LOW_MOOD_OF_STATE[state],
        anxiety=swings[1] + 0.5 * week + 0.5 * trend + depth * _ANXIETY_OF_STATE[state],
        energy=swings[2] - 0.5 * week - 0.5 * trend + depth * _ENERGY_OF_STATE[state],
    )


def _swings(people: People, days: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """Three correlated Ornstein-Uhlenbeck processes sampled daily from their stationary law, shape (3, n, days)."""
    root = np.linalg.cholesky(WITHIN_PERSON_CORRELATION)
    shocks = np.einsum("ij,djn->din", root, rng.standard_normal((days, 3, len(people))))
    keep = np.exp(-1.0 / people.persistence_days)
    swings = np.empty((3, len(people), days))
    now = shocks[0]
    swings[:, :, 0] = now
    for day in range(1, days):
        now = keep * now + np.sqrt(1 - keep**2) * shocks[day]
        swings[:, :, day] = now
    return _SWING_SD * people.reactivity[:, None] * swings


def _episodes(people: People, days: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """A semi-Markov chain with log-normal stays; the first stay is already under way by a uniform part."""
    n = len(people)
    state = people.state_at_start.astype(np.int64)
    ill = people.kind > 0
    left = _stay(state, rng.standard_normal(n)) * rng.random(n)
    # One pair of numbers per person and day, used or not, so that nobody's course depends on anybody else's.
    of_stays, of_turns = rng.spawn(2)
    stays, turns = of_stays.standard_normal((days, n)), of_turns.random((days, n))
    course = np.empty((n, days), dtype=np.int64)
    for day in range(days):
        change = ill & (left <= 0)
        if change.any():
            onward = np.where(turns[day] < _TO_DEPRESSION[people.kind], DEPRESSED, HYPOMANIC)
            state = np.where(change, np.where(state == EUTHYMIC, onward, EUTHYMIC), state)
            left = np.where(change, _stay(state, stays[day]), left)
        course[:, day] = state
        left = left - 1.0
    return course


def _stay(state: NDArray[np.int64], z: NDArray[np.float64]) -> NDArray[np.float64]:
    days: NDArray[np.float64] = np.maximum(
        _STAY_MEDIAN_DAYS[state] * np.exp(_STAY_LOG_SD[state] * z), _SHORTEST_STAY_DAYS[state]
    )
    return days
