"""Baselines and metrics against statsmodels, numpy and tables worked by hand."""

import numpy as np
import pytest

from twins.science.forecasting.baselines import exponential_smoothing, own_mean, own_median
from twins.science.forecasting.metrics import figures, mae_interval, mase_scale

SERIES = [12.0, 15, 11, 14, 20, 18, 17, 25, 22, 19]


@pytest.mark.parametrize(("factor", "forecast"), [(0.2, 18.355385856000005), (0.5, 20.267578125), (0.8, 19.657826304)])
def test_exponential_smoothing_is_that_of_statsmodels(factor, forecast):
    # statsmodels 0.15.0: SimpleExpSmoothing(initialization_method="known", initial_level=12), smoothing_level fixed.
    ours = exponential_smoothing(np.array([SERIES]), 3, np.array([factor]))
    np.testing.assert_allclose(ours, [[forecast] * 3], rtol=1e-12)


def test_the_chosen_factor_is_the_one_statsmodels_estimates_to_the_hundredth():
    # statsmodels 0.15.0 estimates 0.58047 and forecasts 20.21592; the nearest tried factor is 0.58.
    ours = exponential_smoothing(np.array([SERIES]), 1)
    np.testing.assert_allclose(ours, exponential_smoothing(np.array([SERIES]), 1, np.array([0.58])), rtol=1e-12)
    np.testing.assert_allclose(ours, [[20.2159]], atol=0.002)


def test_missing_days_and_days_before_the_first_leave_smoothing_as_it_is():
    gaps = np.array([[np.nan, np.nan, 12, 15, np.nan, 11, 14, np.nan, np.nan]])
    alone = np.array([[12.0, 15, 11, 14]])
    np.testing.assert_array_equal(exponential_smoothing(gaps, 2), exponential_smoothing(alone, 2))


def test_own_mean_and_median_leave_missing_days_out_and_give_nothing_of_nothing():
    history = np.array([[1.0, np.nan, 2, 9], [np.nan] * 4])
    np.testing.assert_array_equal(own_mean(history, 2), [[4, 4], [np.nan, np.nan]])
    np.testing.assert_array_equal(own_median(history, 2), [[2, 2], [np.nan, np.nan]])


def test_every_figure_of_a_table_worked_by_hand():
    future = np.array([[10.0, 20, np.nan], [30, 50, 10]])
    points = np.array([[12.0, 20, 5], [27, 40, 10]])  # errors 2, 0, -, 3, 10, 0
    low, high = points - 2.5, points + 2.5  # hits: 2, 0 and the last; 3 and 10 are misses
    found = figures(
        person=np.array([0, 1]), future=future, points=points, intervals={"80": (low, high)}, scale=np.array([2.0, 4.0])
    )
    assert found["mae"] == pytest.approx(15 / 5)
    assert found["rmse"] == pytest.approx(np.sqrt((4 + 0 + 9 + 100 + 0) / 5))
    assert found["mase"] == pytest.approx((1 + 0 + 0.75 + 2.5 + 0) / 5)
    assert found["coverage_80"] == pytest.approx(3 / 5)
    assert found["width_80"] == pytest.approx(5)
    assert (found["forecasts"], found["people"]) == (5, 2)


def test_the_naive_scale_counts_changes_between_neighbouring_days_only():
    history = np.array([[1.0, 3, np.nan, 8, 7], [5, 5, 5, 5, 5], [1, np.nan, 1, np.nan, 1]])
    np.testing.assert_array_equal(mase_scale(history), [1.5, np.nan, np.nan])  # (|3-1| + |7-8|) / 2


def test_the_interval_draws_people_not_days():
    # Two people, each of one kind of error: drawing people again gives 0, 1/2 or 1 with chances 1/4, 1/2, 1/4.
    error = np.repeat([[0.0], [1.0]], 100, axis=0)
    assert mae_interval(np.repeat([0, 1], 100), error) == [0.0, 1.0]
    assert mae_interval(np.zeros(200, int), error) == [0.5, 0.5]


def test_the_interval_is_that_of_a_normal_mean_where_everybody_has_one_day():
    error = np.random.default_rng(3).normal(10, 4, 400)[:, None]
    low, high = mae_interval(np.arange(400), error)
    half = 1.96 * error.std() / 20
    assert low == pytest.approx(error.mean() - half, abs=0.05)
    assert high == pytest.approx(error.mean() + half, abs=0.05)
