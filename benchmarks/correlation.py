"""Lagged correlation: what the test invents and what it finds, in 5,000 simulated people per setting.

Each has ten biometrics, days of memory phi (a day's correlation with the one before), and a symptom that three of the
biometrics move with at a correlation of r, each at a random lag of 0 to 3 days; or none of them. The settings and the
peer's figures are those of an earlier search over nine rules of decision (200 people each): "prewhitened + BH", its
best. The last three settings it did not try.

Then the answer as the twin gives it: every biometric with every symptom, judged together, 1,000 people per setting.
"""

from __future__ import annotations

from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass

import numpy as np

from benchmarks.figures import Figure
from benchmarks.throwaway import no_clinic
from twins.science.correlation import Lagged, correlate

PEOPLE, BIOMETRICS, LINKED, MOST_LAG = 5_000, 10, 3, 3
FALSE_DISCOVERIES, POWER_SLACK = 0.06, 0.06
BATCH = 250
WHOLE_PEOPLE, WHOLE_BATCH = 1_000, 50
UNIT = "share; then s.e."


@dataclass(frozen=True)
class Setting:
    """What the simulated people are like; ``peer`` is the power the earlier search measured."""

    name: str
    days: int
    memory: float
    r: float = 0.0
    trend: float = 0.0
    week: float = 0.0
    missing: float = 0.0
    peer: float | None = None


SETTINGS = (
    Setting("null, 30 days, phi .5", 30, 0.5),
    Setting("null, 60 days, phi .5", 60, 0.5),
    Setting("null, 60 days, phi .8", 60, 0.8),
    Setting("null, 60 days, a shared trend", 60, 0.5, trend=1.0),
    Setting("r .35, 30 days", 30, 0.5, 0.35, peer=0.06),
    Setting("r .35, 60 days", 60, 0.5, 0.35, peer=0.29),
    Setting("r .35, 60 days, phi .8", 60, 0.8, 0.35, peer=0.31),
    Setting("r .35, 90 days", 90, 0.5, 0.35, peer=0.62),
    Setting("r .25, 120 days", 120, 0.5, 0.25, peer=0.31),
    Setting("null, 60 days, a shared week", 60, 0.5, week=0.7),
    Setting("null, 90 days, phi .8, 15 % missing", 90, 0.8, missing=0.15),
    Setting("r .35, 90 days, 15 % missing", 90, 0.5, 0.35, missing=0.15),
)


@dataclass(frozen=True)
class Whole:
    """A setting for the whole answer; ``linked`` symptoms move with three biometrics each, the others with none."""

    setting: Setting
    linked: int


WHOLE = (
    Whole(Setting("all symptoms, null, 60 days, phi .5", 60, 0.5), 0),
    Whole(Setting("all symptoms, null, 90 days, phi .8, 15 % missing", 90, 0.8, missing=0.15), 0),
    Whole(Setting("all symptoms, one linked, r .35, 90 days", 90, 0.5, 0.35), 1),
    Whole(Setting("all symptoms, all linked, r .35, 90 days", 90, 0.5, 0.35), 5),
)


def measure() -> list[Figure]:
    """Share of false discoveries (the mean over people of false among found) and share of links found."""
    figures = []
    with no_clinic(), ProcessPoolExecutor() as pool:
        for number, setting in enumerate(SETTINGS):
            seeds = [[number, batch] for batch in range(PEOPLE // BATCH)]
            counts = np.concatenate(list(pool.map(batch_of, [setting] * len(seeds), seeds)))
            figures += figures_of(setting, counts)
        for number, whole in enumerate(WHOLE):
            seeds = [[len(SETTINGS) + number, batch] for batch in range(WHOLE_PEOPLE // WHOLE_BATCH)]
            counts = np.concatenate(list(pool.map(whole_batch_of, [whole] * len(seeds), seeds)))
            figures += figures_of(whole.setting, counts, links=LINKED * whole.linked)
    return figures


def figures_of(setting: Setting, counts: np.ndarray, *, links: int = LINKED) -> list[Figure]:
    """Of (people, 2) counts: wrongly found, rightly found."""
    wrong, right = counts[:, 0], counts[:, 1]
    rates = wrong / np.maximum(wrong + right, 1)
    false, error = _mean(rates)
    who = f"{setting.name}, {len(counts)} people"
    target, met = f"<= {FALSE_DISCOVERIES}", false <= FALSE_DISCOVERIES
    figures = [Figure(f"{who}: false discoveries", false, error, UNIT, target=target, met=met)]
    if setting.r and setting.peer is None:
        figures.append(Figure(f"{who}: links found", *_mean(right / links), UNIT))
    elif setting.peer:
        power, error = _mean(right / links)
        least = setting.peer - POWER_SLACK
        name, ratio, target = f"{setting.name}: links found", power / setting.peer, f">= {least:.2f}"
        figures.append(Figure(name, power, error, UNIT, ratio, "the peer's", target, power >= least))
    return figures


def _mean(shares: np.ndarray) -> tuple[float, float]:
    return float(shares.mean()), float(shares.std() / np.sqrt(len(shares)))


def batch_of(setting: Setting, seed: list[int]) -> np.ndarray:
    """(BATCH, 2) counts of wrongly and rightly found biometrics."""
    rng = np.random.default_rng(seed)
    return np.array([_counts(*person(setting, rng), bool(setting.r)) for _ in range(BATCH)])


def whole_batch_of(whole: Whole, seed: list[int]) -> np.ndarray:
    """(WHOLE_BATCH, 2) counts of wrongly and rightly found pairs of biometric and symptom."""
    from twins.correlations import run
    from twins.features import BIOMETRICS as EVERY_BIOMETRIC
    from twins.features import SYMPTOMS

    rng, counts = np.random.default_rng(seed), []
    for _ in range(WHOLE_BATCH):
        array = several(
            whole.setting, rng, biometrics=len(EVERY_BIOMETRIC), symptoms=len(SYMPTOMS), linked=whole.linked
        )
        answer = run(array.astype(np.float32))["symptoms"]
        found = [
            (number, place)
            for number, name in enumerate(SYMPTOMS)
            for place, key in enumerate(EVERY_BIOMETRIC)
            if answer[name][key].get("found")
        ]
        right = sum(number < whole.linked and place < LINKED for number, place in found)
        counts.append((len(found) - right, right))
    return np.array(counts)


def person(setting: Setting, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """(BIOMETRICS, days) and (days,): the first ``LINKED`` of them stand behind the symptom."""
    seen = several(setting, rng, biometrics=BIOMETRICS, symptoms=1, linked=1)
    return seen[:-1], seen[-1]


def several(setting: Setting, rng: np.random.Generator, *, biometrics: int, symptoms: int, linked: int) -> np.ndarray:
    """(biometrics + symptoms, days): the first ``LINKED`` biometrics stand behind the first ``linked`` symptoms."""
    longer = setting.days + MOST_LAG
    series = autoregressive(rng, (biometrics + symptoms, longer), setting.memory)
    for own in series[biometrics : biometrics + linked]:
        moved = sum(np.roll(series[number], rng.integers(0, MOST_LAG + 1)) for number in range(LINKED))
        own[:] = setting.r * moved + np.sqrt(1 - LINKED * setting.r**2) * own
    days = np.arange(setting.days)
    # A uniform ramp has a standard deviation of its length over the root of 12.
    shared = setting.trend * np.sqrt(12) * days / setting.days + setting.week * np.sin(2 * np.pi * days / 7)
    seen = series[:, MOST_LAG:] + shared
    seen[rng.random(seen.shape) < setting.missing] = np.nan
    return seen


def autoregressive(rng: np.random.Generator, shape: tuple[int, int], memory: float) -> np.ndarray:
    """Rows of standard deviation 1 that each remember the day before."""
    series = rng.standard_normal(shape)
    for day in range(1, shape[1]):
        series[:, day] = memory * series[:, day - 1] + np.sqrt(1 - memory**2) * series[:, day]
    return series


def _counts(biometrics: np.ndarray, symptom: np.ndarray, linked: bool) -> tuple[int, int]:
    results = correlate({str(number): one for number, one in enumerate(biometrics)}, symptom)
    found = [int(name) for name, result in results.items() if isinstance(result, Lagged) and result.is_found]
    right = sum(number < LINKED for number in found) if linked else 0
    return len(found) - right, right
