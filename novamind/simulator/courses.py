"""Courses of medicines of synthetic people, with the probabilities of what came of them as the truth."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from novamind.simulator.effects import stream

Floats = NDArray[np.float64]

CLASSES: Final = ("SSRI", "SNRI")
SPEEDS: Final = ("poor", "intermediate", "normal")
DAYS_BEFORE: Final = 28
#: Days from one course of a person to the next, and after which a course that was not stopped before ends.
APART: Final = 240
LONGEST: Final = 180
_MOST_COURSES: Final = 3
_SPEED_SHARES: Final = (0.1, 0.3, 0.6)
_MOST_POINTS: Final = 24


@dataclass(frozen=True)
class Courses:
    """n courses of synthetic people, each array (n,) unless said otherwise.

    Attributes
    ----------
    person, number : ndarray of int64
        Whose, and the how manieth of that person, from 0.
    age : ndarray of float64
        Years at the start.
    drug_class, speed : ndarray of str
        One of ``CLASSES``; the person's CYP2C19 metabolizer, one of ``SPEEDS``.
    before : ndarray of float64, shape (n, 4, DAYS_BEFORE)
        Sleep in minutes, share of the night asleep, movement, mood 0-10 of the days before; NaN where missing.
    baseline, later : ndarray of float64
        Totals of a questionnaire of 0-24 points at the start, and 10 weeks later (NaN where it was not filled in).
    stopped_after : ndarray of float64
        Days until the course ended.
    stop_reason : ndarray of str
    p_response, p_stop : ndarray of float64
        The truth: chance that the later total was to be at most half, and that the course was to be stopped within 12
        weeks for side effects or too little effect.
    """

    person: NDArray[np.int64]
    number: NDArray[np.int64]
    age: Floats
    drug_class: NDArray[np.str_]
    speed: NDArray[np.str_]
    before: Floats
    baseline: Floats
    later: Floats
    stopped_after: Floats
    stop_reason: NDArray[np.str_]
    p_response: Floats
    p_stop: Floats


def simulate_courses(people: int, seed: int, *, effect: float = 1.0) -> Courses:
    """One to three courses of each of ``people`` synthetic people.

    Parameters
    ----------
    people : int
    seed : int
        Same seed, same numbers.
    effect : float
        How much what is known at the start decides, as a factor of the log odds; 0: everybody's chances are the same.
    """
    rng = stream(seed, "courses")
    age, slept_well = rng.uniform(19, 76, people), rng.standard_normal(people)
    speed = rng.choice(SPEEDS, people, p=_SPEED_SHARES)
    failures = np.zeros(people)
    several = rng.integers(1, _MOST_COURSES + 1, people)
    rounds = []
    for number in range(_MOST_COURSES):
        found = _round(rng, people, age + number * APART / 365.25, slept_well, speed, failures, effect)
        failures = failures + (found["stop_reason"] == "no_effect")
        taken = several > number
        about = {"person": np.arange(people), "number": np.full(people, number), "speed": speed}
        rounds.append({name: column[taken] for name, column in (about | found).items()})
    return Courses(**{name: np.concatenate([each[name] for each in rounds]) for name in rounds[0]})


def _round(
    rng: np.random.Generator, n: int, age: Floats, slept_well: Floats, speed: NDArray[np.str_], failures: Floats,
    effect: float,
) -> dict[str, NDArray[np.generic]]:  # fmt: skip
    baseline = np.clip(np.round(rng.normal(14, 4, n)), 6, _MOST_POINTS)
    drug_class = rng.choice(CLASSES, n)
    gain = 1.0 * slept_well - 0.2 * (baseline - 14) - 0.9 * failures + 0.7 * (drug_class == "SNRI")
    p_response = _expit(-0.2 + effect * gain)
    p_stop = _expit(-1.0 + effect * (1.8 * (speed == "poor") + 0.03 * (age - 47) - 0.6 * slept_well))
    responds, stops = rng.random(n) < p_response, rng.random(n) < p_stop
    share = np.where(responds, rng.uniform(0, 0.5, n), rng.uniform(0.55, 1.15, n))
    later = np.where(responds, np.floor(baseline * share), np.minimum(np.ceil(baseline * share), _MOST_POINTS))
    ended = np.where(responds, "remission", "no_effect")
    return {
        "age": age, "drug_class": drug_class, "before": _days_before(rng, n, slept_well), "baseline": baseline,
        "later": np.where(rng.random(n) < 0.15, np.nan, later),
        "stopped_after": np.where(stops, rng.integers(7, 84, n), LONGEST).astype(float),
        "stop_reason": np.where(stops, rng.choice(["side_effects", "no_effect"], n), ended),
        "p_response": p_response, "p_stop": p_stop,
    }  # fmt: skip


def _days_before(rng: np.random.Generator, n: int, slept_well: Floats) -> Floats:
    """Days with gaps; one person in seven wears nothing."""
    level = np.stack([420 + 30 * rng.standard_normal(n), 0.85 + 0.04 * slept_well, rng.normal(250, 60, n),
                      rng.normal(4, 1, n)], axis=1)  # fmt: skip
    spread = np.array([45.0, 0.04, 50.0, 1.0])[:, None]
    days = level[:, :, None] + spread * rng.standard_normal((n, 4, DAYS_BEFORE))
    days[:, 1] = np.clip(days[:, 1], 0, 1)
    days[:, 3] = np.clip(np.round(days[:, 3]), 0, 10)
    days[rng.random((n, 4, DAYS_BEFORE)) < 0.2] = np.nan
    days[rng.random(n) < 1 / 7, :3] = np.nan
    return days


def _expit(x: Floats) -> Floats:
    return np.asarray(1 / (1 + np.exp(-x)))
