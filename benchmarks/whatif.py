"""What-if: how often its 80 % interval holds an effect that is known, and how often it tells one that is not there.

Simulated people of 120 days who answer in the middle of the scale. Of ``relief`` an hour more of sleep lifts the next
mood by a known amount, drawn per person; of the others nothing moves mood, while low mood shortens and delays sleep and
lowers movement, and in one of them depressions come and go, which the fitted model does not know. A difference is
called told where its 80 % interval leaves out 0: by chance one in five.
"""

from __future__ import annotations

import os
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass

import numpy as np

from benchmarks.figures import Figure
from novamind.measures import Abstained
from novamind.simulator import ALL, simulate_daily
from novamind.simulator.persona import People
from twins.science.whatif import difference, fit_person

PEOPLE = int(os.environ.get("WHATIF_PEOPLE", "100"))
DAYS, SEED, AHEAD, DRAWS = 120, 21, 14, 200
HELD, TOLD = (0.7, 0.9), 0.25
#: Of a day's movement: share of the usual that a unit of latent low mood takes, and spread of the rest; an assumption,
#: chosen larger than the simulator's minutes give (0.06 and 0.2), so that it errs against the model.
LESS_PER_UNIT, SPREAD = 0.1, 0.2
UNIT = "share; then s.e."


@dataclass(frozen=True)
class Setting:
    """What is asked about, by how much, and whether it has an effect or depressions come and go."""

    name: str
    driver: str
    change: float
    relief: bool = False
    episodes: bool = False


SETTINGS = (
    Setting("an hour more sleep, effect known", "sleep_duration", 1.0, relief=True),
    Setting("an hour more sleep, no effect", "sleep_duration", 1.0),
    Setting("an hour more sleep, no effect, depressions", "sleep_duration", 1.0, episodes=True),
    Setting("sleep an hour earlier, no effect", "midsleep", -1.0),
    Setting("sleep an hour earlier, no effect, depressions", "midsleep", -1.0, episodes=True),
    Setting("a fifth more movement, no effect", "movement", 20.0),
    Setting("a fifth more movement, no effect, depressions", "movement", 20.0, episodes=True),
)


def measure() -> list[Figure]:
    """A share of people each, with its standard error."""
    with ProcessPoolExecutor(int(os.environ.get("WHATIF_WORKERS", "2"))) as pool:
        found = list(pool.map(judge, SETTINGS))
    return [figure for setting, rows in zip(SETTINGS, found, strict=True) for figure in figures_of(setting, rows)]


def figures_of(setting: Setting, rows: np.ndarray) -> list[Figure]:
    """Of (people, 2): whether the interval held the truth, and whether something was told."""
    held, told = rows.mean(axis=0)
    who = f"{setting.name}, {len(rows)} people"
    error_held, error_told = rows.std(axis=0) / np.sqrt(len(rows))
    if setting.relief:
        low, high = HELD
        return [
            Figure(f"{who}: held by the 80 % interval", held, error_held, UNIT, target=f"{low:g} to {high:g}",
                   met=bool(low <= held <= high)),
            Figure(f"{who}: told", told, error_told, UNIT),
        ]  # fmt: skip
    return [Figure(f"{who}: told", told, error_told, UNIT, target=f"<= {TOLD}", met=bool(told <= TOLD))]


def judge(setting: Setting) -> np.ndarray:
    """(people, 2) 0 or 1: of those for whom it is fitted and asked of what they have lived."""
    rng = np.random.default_rng(SEED)
    cohort = people(setting, rng)
    found = []
    for who in range(PEOPLE):
        mood = 10 - cohort.ratings.low_mood[who] / 10
        try:
            fitted = fit_person(mood, {setting.driver: driver_of(setting, cohort, who, rng)}, rng, draws=DRAWS)
            told = difference(fitted, {setting.driver: setting.change}, days=AHEAD, rng=rng)
        except Abstained:
            continue
        truth = cohort.people.relief_per_hour[who] / 10
        found.append((told.low <= truth <= told.high, told.is_told))
    return np.array(found, dtype=float)


def people(setting: Setting, rng: np.random.Generator):  # type: ignore[no-untyped-def]
    """In the middle of the scale, where an end does not hold the mood."""
    drawn = People.draw(PEOPLE, SEED)
    size = np.exp(0.09 * 1.5)  # who is usually worse swings more: taken back, so that the prior is theirs
    relief = rng.normal(0, 4, PEOPLE) * setting.relief
    known = {"low_mood": np.full(PEOPLE, 1.5), "relief_per_hour": relief, "reactivity": drawn.reactivity / size,
             "scatter": drawn.scatter / size}  # fmt: skip
    effects = ALL if setting.episodes else ALL.without("episodes")
    return simulate_daily(PEOPLE, DAYS, SEED, effects=effects, known=known)


def driver_of(setting: Setting, cohort, who: int, rng: np.random.Generator) -> np.ndarray:  # type: ignore[no-untyped-def]
    """(days,): of the night before, or of the day before."""
    if setting.driver == "sleep_duration":
        return cohort.nights.tst_h[who, :-1]
    if setting.driver == "midsleep":
        nights = cohort.nights
        return ((nights.onset_h[who] + nights.offset_h[who]) / 2 - 24 * np.arange(DAYS + 1))[:-1]
    moved = 100 * (1 - LESS_PER_UNIT * cohort.states.low_mood[who] + SPREAD * rng.standard_normal(DAYS))
    return np.concatenate([[np.nan], moved[:-1]])
