"""Lagged correlation: against scipy, closed forms and series whose truth is known."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from novamind.measures import Abstained
from twins.science.correlation import Lagged, correlate, judged_together, missing_with, whiten
from twins.science.correlation.lagged import false_discovery_rates, pearson
from twins.science.correlation.whitening import _innovations


def autoregressive(rng: np.random.Generator, days: int, memory: float) -> np.ndarray:
    """Standard deviation 1, correlation ``memory`` with the day before."""
    series = rng.standard_normal(days)
    for day in range(1, days):
        series[day] = memory * series[day - 1] + np.sqrt(1 - memory**2) * series[day]
    return series


@given(st.lists(st.floats(0, 1), min_size=1, max_size=30))
def test_false_discovery_rates_are_those_of_scipy(p):
    assert false_discovery_rates(np.array(p)) == pytest.approx(stats.false_discovery_control(p))


@given(st.integers(0, 2**32 - 1), st.integers(0, 4))
def test_a_correlation_is_that_of_scipy_over_the_pairs_there_are(seed, lag):
    rng = np.random.default_rng(seed)
    x, y = np.where(rng.random((2, 50)) < 0.2, np.nan, rng.standard_normal((2, 50)))
    pairs = [(x[day], y[day + lag]) for day in range(50 - lag) if not np.isnan(x[day] + y[day + lag])]
    r, n = pearson(x, y, lag)
    assert n == len(pairs)
    assert r == pytest.approx(stats.pearsonr(*zip(*pairs, strict=True)).statistic)


def test_a_day_after_a_gap_is_forecast_from_the_last_one_seen_and_less_surely():
    """The closed form of one day's memory, k days ahead: phi^k times the last, variance 1 + phi^2 + .. phi^2(k-1)."""
    phi, series = 0.6, np.array([1.0, np.nan, np.nan, 0.7, 0.2])
    errors = _innovations(series, np.array([phi]))
    assert errors[0] == pytest.approx(1.0 / np.sqrt(1 / (1 - phi**2)))
    assert np.isnan(errors[1:3]).all()
    assert errors[3] == pytest.approx((0.7 - phi**3) / np.sqrt(1 + phi**2 + phi**4))
    assert errors[4] == pytest.approx(0.2 - phi * 0.7)


@given(st.integers(0, 2**32 - 1), st.integers(1, 3), st.floats(0, 0.5))
def test_forecast_errors_are_those_of_the_joint_normal_distribution(seed, order, missing):
    """Of an autoregression over its own covariance: each day given all before it, without a filter."""
    rng = np.random.default_rng(seed)
    coefficients = np.array([0.5, -0.2, 0.1])[:order]
    days, long = 25, 400
    weights = np.zeros(long)  # of past innovations: the moving average that the autoregression is
    weights[0] = 1.0
    for lag in range(1, long):
        weights[lag] = sum(coefficients[k] * weights[lag - 1 - k] for k in range(min(order, lag)))
    by_lag = np.array([weights[: long - lag] @ weights[lag:] for lag in range(days)])
    covariance = by_lag[np.abs(np.subtract.outer(np.arange(days), np.arange(days)))]
    series = np.where(rng.random(days) < missing, np.nan, rng.standard_normal(days))
    errors = _innovations(series, coefficients)
    for day in range(days):
        seen = [other for other in range(day) if not np.isnan(series[other])]
        if np.isnan(series[day]):
            assert np.isnan(errors[day])
            continue
        weight = np.linalg.solve(covariance[np.ix_(seen, seen)], covariance[seen, day])
        spread = covariance[day, day] - weight @ covariance[seen, day]
        assert errors[day] == pytest.approx((series[day] - weight @ series[seen]) / np.sqrt(spread), abs=1e-6)


def test_memory_trend_and_week_are_taken_out():
    rng = np.random.default_rng(3)
    days = np.arange(400)
    series = autoregressive(rng, 400, 0.7) + 0.02 * days + 1.5 * np.sin(2 * np.pi * days / 7)
    left = whiten(series)
    assert left is not None
    assert (left.order >= 1, left.weekly) == (True, True)
    assert left.slope == pytest.approx(0.02, abs=0.004)
    assert [abs(pearson(left.values, left.values, lag)[0]) < 0.12 for lag in (1, 2, 7)] == [True] * 3
    assert abs(pearson(series, series, 1)[0]) > 0.7


def test_a_known_link_is_found_at_its_lag_and_sign_and_its_interval_holds_the_truth():
    rng = np.random.default_rng(11)
    sleep, other = autoregressive(rng, 203, 0.5), autoregressive(rng, 200, 0.5)
    anxiety = -0.6 * sleep[1:201] + 0.8 * autoregressive(rng, 200, 0.5)
    results = correlate({"sleep": sleep[3:], "other": other}, anxiety)
    sleep_result = results["sleep"]
    assert isinstance(sleep_result, Lagged)
    assert (sleep_result.lag, sleep_result.is_found, sleep_result.is_exploratory) == (2, True, False)
    assert sleep_result.low < -0.6 < sleep_result.high < 0
    assert sleep_result.n == 198
    assert not results["other"].is_found


def test_a_shared_course_of_a_medication_is_no_link_once_it_is_named():
    rng = np.random.default_rng(5)
    step = ((np.arange(120) >= 40) & (np.arange(120) < 80)).astype(float)
    sleep, anxiety = rng.standard_normal((2, 120)) + 3 * step * np.array([[1], [-1]])
    assert correlate({"sleep": sleep}, anxiety)["sleep"].is_found
    assert not correlate({"sleep": sleep}, anxiety, steps=step[:, None])["sleep"].is_found


@pytest.mark.parametrize(("days", "answer"), [(29, "too_few_pairs"), (30, None)])
def test_below_thirty_pairs_nothing_is_said(days, answer):
    rng = np.random.default_rng(1)
    sleep, anxiety = rng.standard_normal((2, 60))
    anxiety[days:] = np.nan
    result = correlate({"sleep": sleep}, anxiety)["sleep"]
    if answer:
        assert result == Abstained("too_few_pairs", needed=30, got=days)
    else:
        assert isinstance(result, Lagged)
        assert result.is_exploratory


@pytest.mark.parametrize("constant", ["sleep", "anxiety", "both"])
def test_what_stays_the_same_has_no_correlation(constant):
    rng = np.random.default_rng(1)
    sleep, anxiety = rng.standard_normal((2, 60))
    sleep = np.full(60, 7.1) if constant in ("sleep", "both") else sleep
    anxiety = np.full(60, 3.0) if constant in ("anxiety", "both") else anxiety
    assert correlate({"sleep": sleep}, anxiety) == {"sleep": Abstained("no_variation")}


def test_a_biometric_that_does_not_answer_is_no_trial_of_the_others():
    """What abstains takes no part in the correction for many biometrics."""
    rng = np.random.default_rng(2)
    sleep, anxiety = rng.standard_normal((2, 90))
    alone = correlate({"sleep": sleep}, anxiety)["sleep"]
    beside = correlate({"sleep": sleep, "still": np.ones(90), "absent": np.full(90, np.nan)}, anxiety)
    assert beside["sleep"].q == alone.q == alone.p
    assert list(beside) == ["sleep", "still", "absent"]


def test_symptoms_shown_together_pay_for_each_other():
    rng = np.random.default_rng(9)
    biometrics = {str(number): rng.standard_normal(90) for number in range(4)}
    tested = {
        (symptom, key): one for symptom in "ab" for key, one in correlate(biometrics, rng.standard_normal(90)).items()
    }
    tested["a", "still"] = Abstained("no_variation")
    judged = judged_together(tested)
    by_scipy = stats.false_discovery_control([one.p for one in tested.values() if isinstance(one, Lagged)])
    assert [one.q for one in judged.values() if isinstance(one, Lagged)] == pytest.approx(list(by_scipy))
    assert judged["a", "still"] == Abstained("no_variation")


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32 - 1), st.floats(0.01, 1000), st.floats(-1000, 1000))
def test_units_do_not_matter(seed, scale, offset):
    rng = np.random.default_rng(seed)
    sleep, anxiety = rng.standard_normal((2, 70))
    plain = correlate({"sleep": sleep}, anxiety)["sleep"]
    scaled = correlate({"sleep": scale * sleep + offset}, anxiety)["sleep"]
    assert (scaled.lag, scaled.r, scaled.q) == (
        plain.lag,
        pytest.approx(plain.r, abs=1e-6),
        pytest.approx(plain.q, 1e-4),
    )


def test_wear_that_fails_on_bad_days_is_named():
    rng = np.random.default_rng(8)
    anxiety, sleep = rng.standard_normal((2, 120))
    sleep[anxiety > 1.0] = np.nan
    assert missing_with(sleep, anxiety) == pytest.approx(
        anxiety[np.isnan(sleep)].mean() - anxiety[~np.isnan(sleep)].mean()
    )
    sleep_by_chance = np.where(rng.random(120) < 0.15, np.nan, rng.standard_normal(120))
    assert missing_with(sleep_by_chance, anxiety) is None
    assert missing_with(np.ones(120), anxiety) is None


@pytest.mark.slow
@pytest.mark.parametrize(("memory", "shared"), [(0.5, None), (0.8, None), (0.5, "trend"), (0.5, "week"), (0.5, "gaps")])
def test_false_discoveries_stay_rare_where_nothing_is_linked(memory, shared):
    """Of 150 people with ten unrelated biometrics each. 0.05 is promised; 0.10 is 3 standard errors above it."""
    rng = np.random.default_rng(21)
    days = np.arange(60)
    common = {"trend": days / 17, "week": np.sin(2 * np.pi * days / 7)}.get(shared or "", np.zeros(60))
    wrong = 0
    for _ in range(150):
        series = np.stack([autoregressive(rng, 60, memory) for _ in range(11)]) + common
        if shared == "gaps":
            series[rng.random(series.shape) < 0.15] = np.nan
        results = correlate({str(number): one for number, one in enumerate(series[:10])}, series[10])
        wrong += any(isinstance(result, Lagged) and result.is_found for result in results.values())
    assert wrong / 150 <= 0.10


def test_how_many_pairs_are_needed_is_read_without_statistics():
    code = "import sys, twins.science.pairs as p; print(p.LEAST_PAIRS, p.FIRM_PAIRS, 'scipy' in sys.modules)"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.split() == ["30", "60", "False"]
