"""Insights: statements where nothing changes, per patient and month, and real shifts found; series of known course.

Sixteen series of a person, each a first-order autoregression of its own (real series of a person go together, so that
their false statements come in company), 15 % of days missing; five are rounded to ratings of 0 to 10. Each of 30 days
is judged by the 17 weeks until it, all series together, as it is served. A statement is new where it was not there the
day before.
"""

from __future__ import annotations

import os
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from itertools import pairwise

import numpy as np

from benchmarks.figures import Figure
from insights.science.trend import trend
from novamind.measures import Abstained
from twins.science.change import WINDOW_DAYS, watch

PEOPLE = int(os.environ.get("INSIGHTS_PEOPLE", "60"))
SERIES, RATINGS, LOOKS, MISSING = 16, 5, 30, 0.15
SPAN = WINDOW_DAYS
LOAD = 0.5  # CHANGE_ALERT_LOAD as it is shipped
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
    person = np.array([one_series(rng, memory, skewed, rated=place < RATINGS) for place in range(SERIES)])
    days = [said(person[:, end - SPAN : end]) for end in range(SPAN, SPAN + LOOKS + 1)]
    return sum(len(today - yesterday) for yesterday, today in pairwise(days))


def shifts_found(seed: int, *, memory: float) -> tuple[float, float]:
    """Share of the measured and of the rated series whose shift is said, the right way, within two weeks of it."""
    rng = np.random.default_rng([seed, int(100 * memory), 2])
    places = range(SERIES)
    person = np.array([one_series(rng, memory, skewed=False, rated=one < RATINGS, shift=SHIFT) for one in places])
    days = [said(person[:, end - SPAN : end]) for end in range(SPAN + 1, SPAN + SHIFTED_DAYS + 1)]
    found = [any((place, "higher") in day for day in days) for place in places]
    return float(np.mean(found[RATINGS:])), float(np.mean(found[:RATINGS]))


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


def said(person: np.ndarray) -> set[tuple[int, str]]:
    """Which of the series, (SERIES, SPAN), are said to have changed, and which way; two rules of one are one."""
    left = watch({str(place): values for place, values in enumerate(person)}, load=LOAD).series
    found = {
        (int(place), "higher" if one.changed > 0 else "lower")
        for place, one in left.items()
        if not isinstance(one, Abstained) and one.changed
    }
    for place, values in enumerate(person):
        try:
            rising = trend(values, float(place < RATINGS))
        except Abstained:
            continue
        if rising.found:
            found.add((place, "higher" if rising.slope > 0 else "lower"))
    return found


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
