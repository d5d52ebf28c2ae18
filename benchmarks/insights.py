"""Insights: statements where nothing changes, per patient and month, and real shifts found; series of known course.

Sixteen series of a person, each a first-order autoregression of its own (real series of a person go together, so that
their false statements come in company), 15 % of days missing; five are rounded to ratings of 0 to 10. Each of 30 days
is judged by the 63 days until it, as it is served. A statement is new where it was not there the day before.
"""

from __future__ import annotations

import os
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from itertools import pairwise

import numpy as np

from benchmarks.figures import Figure
from insights.science.own_week import OWN_DAYS, WEEK, against_own_weeks
from insights.science.trend import trend
from novamind.measures import Abstained

PEOPLE = int(os.environ.get("INSIGHTS_PEOPLE", "60"))
SERIES, RATINGS, LOOKS, MISSING = 16, 5, 30, 0.15
SPAN = OWN_DAYS + WEEK
MOST_FALSE = 1.0
#: Of the standard deviation of a series; two points of a rating.
SHIFT, SHIFTED_DAYS = 2.0, 14
RATING_SD = 1.5
Z_95 = 1.96


def measure() -> list[Figure]:
    """New false statements of a patient and month, and the share of real shifts said within two weeks."""
    figures = []
    with ProcessPoolExecutor() as pool:
        for memory in (0.45, 0.6):
            for skewed in (False, True):
                words = f"memory {memory:g}, {'skewed' if skewed else 'normal'}"
                counts = list(pool.map(partial(false_statements, memory=memory, skewed=skewed), range(PEOPLE)))
                figures.append(_false(f"{words}: false statements a patient-month", np.array(counts, float)))
            found = list(pool.map(partial(shifts_found, memory=memory), range(PEOPLE)))
            for place, what in enumerate(("measured", "rated")):
                shares = np.array(found)[:, place]
                figures.append(_figure(f"memory {memory:g}: shifts of {SHIFT:g} SD said in 14 days, {what}", shares))
    return figures


def false_statements(seed: int, *, memory: float, skewed: bool) -> int:
    """Statements of one person that were not there the day before, in thirty days in which nothing changes."""
    rng = np.random.default_rng([seed, int(100 * memory), skewed])
    return sum(_new(one_series(rng, memory, skewed, rated=place < RATINGS), place < RATINGS) for place in range(SERIES))


def shifts_found(seed: int, *, memory: float) -> tuple[float, float]:
    """Share of the measured and of the rated series whose shift is said, the right way, within two weeks of it."""
    rng = np.random.default_rng([seed, int(100 * memory), 2])
    found: tuple[list[bool], list[bool]] = ([], [])
    for place in range(SERIES):
        rated = place < RATINGS
        values = one_series(rng, memory, skewed=False, rated=rated, shift=SHIFT)
        days = range(SPAN + 1, SPAN + SHIFTED_DAYS + 1)
        found[rated].append(any("higher" in said(values[end - SPAN : end], rated) for end in days))
    return float(np.mean(found[0])), float(np.mean(found[1]))


def one_series(rng: np.random.Generator, memory: float, skewed: bool, *, rated: bool, shift: float = 0.0) -> np.ndarray:
    """(SPAN + LOOKS,) of one series; a shift comes after the first SPAN days."""
    values = rng.standard_normal(SPAN + LOOKS)
    for day in range(1, values.size):
        values[day] = memory * values[day - 1] + np.sqrt(1 - memory**2) * values[day]
    if skewed:
        values = np.exp(0.6 * values)
    values[SPAN:] += shift
    if rated:
        values = np.clip(np.round(5 + RATING_SD * (values - np.median(values[:SPAN]))), 0, 10)
    values[rng.random(values.size) < MISSING] = np.nan
    return values


def said(window: np.ndarray, rated: bool) -> set[str]:
    """The ways in which a series is said to have changed."""
    ways, step = set(), float(rated)
    try:
        week = against_own_weeks(window, step)
        if week.changed:
            ways.add("higher" if week.z > 0 else "lower")
    except Abstained:
        pass
    try:
        found = trend(window, step)
        if found.found:
            ways.add("higher" if found.slope > 0 else "lower")
    except Abstained:
        pass
    return ways


def _new(values: np.ndarray, rated: bool) -> int:
    days = [said(values[end - SPAN : end], rated) for end in range(SPAN, SPAN + LOOKS + 1)]
    return sum(len(today - yesterday) for yesterday, today in pairwise(days))


def _false(name: str, counts: np.ndarray) -> Figure:
    mean, low, high = _interval(counts)
    return Figure(
        f"{name} (95 % {low:.2f} to {high:.2f})", mean, low, "statements", target="<= 1", met=mean <= MOST_FALSE
    )


def _figure(name: str, shares: np.ndarray) -> Figure:
    mean, low, high = _interval(shares)
    return Figure(f"{name} (95 % {low:.2f} to {high:.2f})", mean, low, "share")


def _interval(values: np.ndarray) -> tuple[float, float, float]:
    """Mean over people with its 95 % interval."""
    mean, half = float(values.mean()), Z_95 * float(values.std(ddof=1)) / np.sqrt(values.size)
    return mean, mean - half, mean + half
