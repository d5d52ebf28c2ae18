"""Daily data of many synthetic people at once: states, ratings and nights without minutes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from novamind.simulator.effects import ALL, Effects, stream
from novamind.simulator.latent import DailyStates, daily_states
from novamind.simulator.persona import People
from novamind.simulator.ratings import DailyRatings, daily_ratings
from novamind.simulator.sleep import Nights, WallClock, nights


@dataclass(frozen=True)
class DailyCohort:
    """Daily data of n synthetic people.

    Attributes
    ----------
    people : People
        Their traits.
    states : DailyStates
        The truth, shape (n, days).
    ratings : DailyRatings
        What they entered, shape (n, days).
    nights : Nights
        True sleep, shape (n, days + 1), on a clock without daylight saving.
    """

    people: People
    states: DailyStates
    ratings: DailyRatings
    nights: Nights


def simulate_daily(
    n: int,
    days: int,
    seed: int,
    *,
    start: date = date(2024, 1, 1),
    effects: Effects = ALL,
    known: Mapping[str, NDArray[np.float64]] = MappingProxyType({}),
) -> DailyCohort:
    """Daily data of ``n`` random people from one seed.

    The people are not those of :meth:`Persona.draw`, which have a seed each; they follow the same law.

    Parameters
    ----------
    n, days : int
        People and days.
    seed : int
        Same seed, same numbers.
    start : date
        The first day (for the week).
    effects : Effects
        What the simulation contains.
    known : mapping of str to (n,) float64
        Traits that are given and replace the drawn ones.

    Returns
    -------
    DailyCohort
    """
    people = replace(People.draw(n, seed), **known)  # type: ignore[arg-type]
    weekday = (start.weekday() + np.arange(days)) % 7
    states = daily_states(people, weekday, effects, stream(seed, "latent"))
    still = WallClock(np.zeros(days + 1), np.zeros(days + 1))
    slept = nights(people, states, weekday, still, effects, stream(seed, "sleep"))
    ratings = daily_ratings(people, states, slept.tst_h[:, :-1], effects, stream(seed, "ratings"))
    return DailyCohort(people, states, ratings, slept)
