"""Intervals: the ranks by hand, the published guarantees by simulation."""

import numpy as np
import pytest

from twins.science.forecasting.conformal import Conformal, adaptive


def test_the_ends_are_the_ranks_of_lei_et_al_by_hand():
    # 19 errors -9 … 9; 20 % of misses: floor(20 * 0.1) = the 2nd from each side; 5 %: none, so nothing is excluded.
    conformal = Conformal.of(np.arange(-9.0, 10)[:, None])
    points, spread = np.array([[50.0]]), np.array([2.0])
    low, high = conformal.interval(points, spread, 0.2)
    assert (low.item(), high.item()) == (50 - 8 * 2, 50 + 8 * 2)
    low, high = conformal.interval(points, spread, 0.05)
    assert (low.item(), high.item()) == (-np.inf, np.inf)
    low, high = conformal.interval(points, spread, -0.01)
    assert (low.item(), high.item()) == (-np.inf, np.inf)


@pytest.mark.parametrize("miss", [0.2, 0.05])
def test_split_conformal_covers_what_it_promises_and_hardly_more(miss):
    # 1 - a <= P(covered) <= 1 - a + 2 / (n + 1) for errors without ties, whatever their law (Lei et al. 2018, thm 2,
    # for each of the two sides); here skewed ones. 4,000 calibrations of 99, Monte-Carlo SE below 0.007.
    rng = np.random.default_rng(0)
    n, covered = 99, 0
    for _ in range(4_000):
        errors = rng.exponential(1.0, n + 1) - rng.exponential(0.3, n + 1)
        low, high = Conformal.of(errors[:n, None]).interval(np.zeros((1, 1)), np.ones(1), miss)
        covered += low.item() <= errors[n] <= high.item()
    assert 1 - miss - 0.015 <= covered / 4_000 <= 1 - miss + 2 / (n + 1) + 0.015


def one_day_ahead(values, *, coverage, step, scale=1.0):
    """Intervals around 0 for each next day of a series."""
    calibrated = Conformal.of(np.random.default_rng(1).normal(0, scale, 999)[:, None])
    w = len(values) - 1
    path = adaptive(
        calibrated, origin=np.arange(w), points=np.zeros((w, 1)), spread=np.ones(w), future=values[1:, None],
        coverage=coverage, step=step,
    )  # fmt: skip
    hit = (path.low[:, 0] <= values[1:]) & (values[1:] <= path.high[:, 0])
    return hit, path


@pytest.mark.parametrize("coverage", [0.8, 0.95])
def test_adaptive_intervals_keep_the_bound_of_gibbs_and_candes_under_a_shift(coverage):
    # Prop. 4.1: |misses / T - a| <= (max(a, 1 - a) + step) / (T step), whatever comes; here the spread grows fourfold.
    rng, days, step = np.random.default_rng(2), 2_000, 0.02
    values = rng.normal(0, np.where(np.arange(days + 1) < 500, 1.0, 4.0))
    hit, _ = one_day_ahead(values, coverage=coverage, step=step)
    assert abs((~hit).mean() - (1 - coverage)) <= (coverage + step) / (days * step)
    frozen, _ = one_day_ahead(values, coverage=coverage, step=0.0)
    assert (~frozen).mean() > 2 * (1 - coverage)


def test_a_miss_widens_the_next_interval_and_a_hit_narrows_it_by_hand():
    values = np.array([0.0, 99.0, 0.0, np.nan, 0.0])
    _, path = one_day_ahead(values, coverage=0.8, step=0.02)
    # 0.2; after the miss + 0.02 (0.2 - 1); after the hit + 0.02 * 0.2; nothing reported: nothing learned.
    np.testing.assert_allclose(path.miss, [0.2, 0.184, 0.188, 0.188])
    assert path.high[1] > path.high[0]


def test_what_comes_later_enters_no_earlier_interval():
    rng = np.random.default_rng(5)
    calibrated = Conformal.of(rng.normal(size=(500, 3)))
    future = rng.normal(size=(30, 3))
    given = {"origin": np.arange(30), "points": np.zeros((30, 3)), "spread": np.ones(30), "coverage": 0.8}
    before = adaptive(calibrated, future=future, **given)
    changed = future.copy()
    changed[20:] = 1e6
    after = adaptive(calibrated, future=changed, **given)
    np.testing.assert_array_equal(before.low[:21], after.low[:21])
    assert (before.low[22:] != after.low[22:]).any()


def test_a_day_ahead_without_an_error_is_refused():
    with pytest.raises(ValueError, match="no error"):
        Conformal.of(np.array([[1.0, np.nan], [2.0, np.nan]]))
