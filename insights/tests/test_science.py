"""Rules of change against published values, a second implementation, and series in which nothing changes."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from insights.science.buckets import in_buckets
from insights.science.normal import inflation, memory, spread, two_sided
from insights.science.own_week import against_own_weeks
from insights.science.shares import difference, wilson
from insights.science.trend import trend
from novamind.measures import Abstained


def remembering(rng: np.random.Generator, n: int, r: float) -> np.ndarray:
    """A first-order autoregression of unit variance."""
    values = np.empty(n)
    values[0] = rng.standard_normal()
    for day in range(1, n):
        values[day] = r * values[day - 1] + np.sqrt(1 - r * r) * rng.standard_normal()
    return values


def test_the_spread_of_the_published_example_of_leys():
    # Leys et al. (2013): of 1, 3, 3, 6, 8, 10, 10, 1000 the median is 7 and the MAD 5.1891 (b = 1.4826).
    assert spread(np.array([1.0, 3, 3, 6, 8, 10, 10, 1000])) == pytest.approx(5.1891)


def test_the_share_tests_give_newcombes_published_intervals():
    # Newcombe (1998), table II, method 10: 56/70 - 48/80, and 9/10 - 3/10.
    found = difference(56, 70, 48, 80)
    assert (found.low, found.high) == (pytest.approx(0.0524, abs=5e-5), pytest.approx(0.3339, abs=5e-5))
    found = difference(9, 10, 3, 10)
    assert (found.low, found.high) == (pytest.approx(0.1705, abs=5e-5), pytest.approx(0.8090, abs=5e-5))
    known = stats.binomtest(56, 70).proportion_ci(method="wilson")
    assert wilson(56, 70) == (pytest.approx(known.low), pytest.approx(known.high))


def test_two_shares_of_few_are_not_compared():
    with pytest.raises(Abstained) as refused:
        difference(1, 4, 20, 28)
    assert refused.value == Abstained("too_few_inputs", needed=5, got=4)


def test_a_trend_without_memory_is_that_of_scipy():
    rng, compared = np.random.default_rng(3), 0
    for _ in range(60):
        values = np.round(0.1 * np.arange(56) + rng.standard_normal(56) * 2, 1)
        values[rng.choice(56, 10, replace=False)] = np.nan
        at = np.flatnonzero(~np.isnan(values))
        slope = stats.theilslopes(values[at], at, alpha=1 - 2 * stats.norm.sf(3.5))
        if memory(values - slope.slope * np.arange(56)) > 0:
            continue  # scipy knows no memory
        found, compared = trend(values), compared + 1
        assert (found.slope, found.low, found.high) == pytest.approx((slope.slope, slope.low_slope, slope.high_slope))
    assert compared > 5


def test_memory_widens_the_variance_as_its_sum_says():
    assert inflation(0.0, 7) == 1
    n, r = 7, 0.5
    by_hand = sum(r ** abs(i - j) for i in range(n) for j in range(n)) / n
    assert inflation(r, n) == pytest.approx(by_hand)


def test_chances_are_those_of_the_normal_law():
    assert two_sided(1.959964) == pytest.approx(0.05, abs=1e-6)
    assert two_sided(-3) == pytest.approx(2 * stats.norm.sf(3))


@pytest.mark.parametrize("r", [0.0, 0.3, 0.6])
def test_a_trend_is_rarely_found_where_there_is_none(r):
    rng = np.random.default_rng(12)
    assert np.mean([trend(remembering(rng, 56, r)).found for _ in range(500)]) < 0.015  # docs/insights.md


def test_memory_puts_back_what_few_days_take_from_it():
    # Kendall (1954): the estimate of n pairs is too low by (1 + 3 r) / n.
    values = np.random.default_rng(2).standard_normal(40).cumsum() * 0.3
    away = np.clip(values - np.median(values), -3 * spread(values), 3 * spread(values))
    plain = np.sum(away[:-1] * away[1:]) / (39 * np.mean(away**2))
    assert memory(values) == pytest.approx(min(plain + (1 + 3 * plain) / 39, 0.9))
    rng = np.random.default_rng(9)
    assert np.mean([memory(remembering(rng, 56, 0.5)) for _ in range(400)]) == pytest.approx(0.5, abs=0.04)


STEADY = [7] * 40 + [6] * 8 + [8] * 8


@pytest.mark.parametrize(("own", "level"), [(STEADY, 1), ([7] * 56, 0), ([7] * 56, 5)])
def test_the_steadiest_are_known_no_better_than_the_scale_can_tell(own, level):
    found = against_own_weeks(np.array([*own, *[level] * 7], float), step=1.0)
    assert found.spread == 0.5
    remembered = memory(np.array(own, float), 1.0)
    error = 0.5 * np.sqrt(np.pi / 2 * sum(inflation(remembered, n) / n for n in (7, 56)))
    assert found.z == pytest.approx((level - 7) / error)


def test_a_week_of_short_nights_has_the_medians_of_its_days():
    rng = np.random.default_rng(5)
    values = 420 + 30 * rng.standard_normal(63)
    values[-7:] -= 90
    found = against_own_weeks(values)
    assert found.z < 0
    assert found.value == np.median(values[-7:])
    assert found.usual == np.median(values[:56])


@pytest.mark.parametrize(
    ("own", "week", "why"),
    [
        (27, 7, Abstained("too_few_days", needed=28, got=27)),
        (56, 3, Abstained("too_few_days", needed=4, got=3)),
    ],
)
def test_few_days_are_no_usual(own, week, why):
    values = np.full(63, np.nan)
    values[:own] = np.arange(own) % 5
    values[63 - week :] = 2
    with pytest.raises(Abstained) as refused:
        against_own_weeks(values)
    assert refused.value == why


def test_what_never_varies_has_no_spread():
    for judge in (against_own_weeks, trend):
        with pytest.raises(Abstained) as refused:
            judge(np.full(63, 4.0))
        assert refused.value.code == "no_variation"


def test_stretches_are_counted_back_from_the_newest_day_and_know_what_they_miss():
    found = in_buckets(np.array([9.0, np.nan, 1, 2, 3, np.nan, np.nan, np.nan]), 3)
    assert [(one.first, one.last, one.n) for one in found] == [(0, 1, 1), (2, 4, 3), (5, 7, 0)]
    assert [(one.mean, one.median, one.sd) for one in found] == [(9, 9, None), (2, 2, 1), (None, None, None)]
    assert [one.coverage for one in found] == [1 / 2, 1, 0]
