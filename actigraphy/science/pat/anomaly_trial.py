"""What the anomaly rule costs and finds, on simulated people whose truth is known.

The threshold is chosen on some people and reported on others, none of whom the model was trained on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from novamind.measures import Abstained
from novamind.simulator import ALL, Persona

from .anomaly import MOST_WEEKS, judge_errors
from .reference import ReferenceCohort
from .simulated import calendar_weeks

Scores = NDArray[np.float64]
Weeks = NDArray[np.float32]
ErrorsOf = Callable[[Weeks], Weeks]

WEEKS: Final = 17
QUARTER_WEEKS: Final = 13
#: Flagged weeks per person and quarter that a clinic is asked to look at for nothing.
ALARMS_PER_QUARTER: Final = 1.0
_CHANGED_WEEK: Final = MOST_WEEKS + 1
_PLAIN_PATCH_MIN: Final = 18
_UNCHANGED: Final = ALL.without("episodes", "drift")
_DRIFTING: Final = ALL.without("episodes")
_MOOD_OF_AN_EPISODE: Final = 2.5

#: What changes between a person's earlier weeks and the judged one, in words and in the simulator's terms.
CHANGES: Final = MappingProxyType(
    {
        "phase_shift": "the body clock 3 h later; alarms stay",
        "insomnia": "long latency and much wake in the night, in people without insomnia",
        "hypersomnia": "the need for sleep 2.5 SD higher",
        "agitation": "movement awake and asleep 1.5 SD higher",
        "low_mood": "mood as in a depressed episode of usual severity",
    }
)


@dataclass(frozen=True)
class PersonTrial:
    """The farthest score of each unchanged week that could be judged, and of the changed week by kind of change."""

    unchanged: Scores
    changed: dict[str, float]


def cohort_mean_errors(weeks: Weeks) -> Weeks:
    """The errors of a model that always says the cohort's mean, in place of :meth:`Reconstructor.errors`."""
    errors: Weeks = (weeks.reshape(len(weeks), -1, _PLAIN_PATCH_MIN) ** 2).mean(axis=2)
    return errors


def try_person(errors_of: ErrorsOf, cohort: ReferenceCohort, seed: int, *, changes: bool) -> PersonTrial:
    """One simulated person without episodes: each week after the history, and the same week had something changed."""
    persona = Persona.draw(seed, zone="UTC")  # weeks are compared by elapsed time: no clock change
    errors = errors_of(cohort.normalize(calendar_weeks(persona, weeks=WEEKS, effects=_UNCHANGED)))
    unchanged = [judged for at in range(len(errors)) if (judged := _highest(errors[:at], errors[at])) is not None]
    changed: dict[str, float] = {}
    for kind in CHANGES if changes else ():
        other, effects = _changed(persona, kind)
        weeks = calendar_weeks(other, weeks=_CHANGED_WEEK + 1, effects=effects)[-1:]
        judged = _highest(errors[:_CHANGED_WEEK], errors_of(cohort.normalize(weeks))[0])
        if judged is not None and other != persona:
            changed[kind] = judged
    return PersonTrial(np.array(unchanged), changed)


def _changed(persona: Persona, kind: str) -> tuple[Persona, Any]:
    changes: dict[str, dict[str, Any]] = {
        "phase_shift": {"chronotype_h": persona.chronotype_h + 3},
        "insomnia": {"insomnia": True},
        "hypersomnia": {"sleep_need": persona.sleep_need + 2.5},
        "agitation": {"activity": persona.activity + 1.5, "restlessness": persona.restlessness + 1.5},
        # Reached in the middle of the changed week: the trend is a change per 90 days.
        "low_mood": {"trend": _MOOD_OF_AN_EPISODE * 90 / (7 * _CHANGED_WEEK + 3)},
    }
    return replace(persona, **changes[kind]), _DRIFTING if kind == "low_mood" else _UNCHANGED


def _highest(history: Weeks, week: Weeks) -> float | None:
    try:
        return abs(judge_errors(history, week, np.inf).highest)
    except Abstained:
        return None


def choose_threshold(people: Iterable[PersonTrial]) -> float:
    """The score that unchanged weeks pass :data:`ALARMS_PER_QUARTER` times in a quarter."""
    unchanged = np.concatenate([person.unchanged for person in people])
    return float(np.quantile(unchanged, 1 - ALARMS_PER_QUARTER / QUARTER_WEEKS))


def figures(people: list[PersonTrial], threshold: float) -> dict[str, Any]:
    """Alarms per person and quarter without change, and the share of changed weeks found; intervals over people."""
    judged = [person.unchanged for person in people if len(person.unchanged)]
    rates = [np.array([np.sum(of_person > threshold), len(of_person)]) for of_person in judged]
    found: dict[str, Any] = {
        "people": len(judged),
        "unchanged_weeks": sum(map(len, judged)),
        "alarms_per_quarter": _with_interval(rates, QUARTER_WEEKS),
        "detected": {},
    }
    for kind, words in CHANGES.items():
        hits = [np.array([person.changed[kind] > threshold, 1]) for person in people if kind in person.changed]
        if hits:
            found["detected"][kind] = {"change": words, "people": len(hits), **_with_interval(hits, 1)}
    return found


def _with_interval(counts: list[NDArray[Any]], per: int) -> dict[str, float]:
    """``per`` times the first sum over the second; 95 % interval from drawing people again."""
    rng, rows = np.random.default_rng(0), np.array(counts, dtype=float).reshape(-1, 2)
    drawn = rows[rng.integers(len(rows), size=(2000, len(rows)))].sum(axis=1)
    whole = rows.sum(axis=0)
    low, high = np.percentile(per * drawn[:, 0] / drawn[:, 1], [2.5, 97.5])
    named = {"value": per * whole[0] / whole[1], "low": low, "high": high}
    return {name: round(float(value), 3) for name, value in named.items()}


def trial(
    errors_of: ErrorsOf,
    cohort: ReferenceCohort,
    *,
    calibration: range,
    test: range,
    on_person: Callable[[int], None] = lambda seed: None,
) -> tuple[float, dict[str, Any]]:
    """The threshold from people with the ``calibration`` seeds, and what it does to people with the ``test`` seeds.

    ``errors_of`` is :meth:`Reconstructor.errors`, or another measure of a patch to compare it with.
    """

    def tried(seeds: range, *, changes: bool) -> list[PersonTrial]:
        people = []
        for seed in seeds:
            people.append(try_person(errors_of, cohort, seed, changes=changes))
            on_person(seed)
        return people

    chosen_on = tried(calibration, changes=False)
    threshold = round(choose_threshold(chosen_on), 3)
    said = {
        "simulated": True,
        "alarms_per_quarter_aimed_at": ALARMS_PER_QUARTER,
        "threshold_from": {"people": len(chosen_on), "first_seed": calibration.start},
        "first_seed": test.start,
        **figures(tried(test, changes=True), threshold),
    }
    return threshold, said
