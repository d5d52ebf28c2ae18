"""Changes of a person's own days: run lengths as published, ranks that need no distribution, alerts within the load."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from novamind.measures import Abstained
from twins.science.change import (
    BASELINE_DAYS,
    LATELY_DAYS,
    QUARTER_DAYS,
    WINDOW_DAYS,
    Departure,
    average_run_length,
    limit_for,
    normal_scores,
    sums,
    watch,
)
from twins.science.change.departure import MOST_MEMORY, Watched, guarded_memory, one_step_errors


def remembering(rng: np.random.Generator, days: int, phi: float) -> np.ndarray:
    series = rng.standard_normal(days)
    for day in range(1, days):
        series[day] += phi * series[day - 1]
    return series


def changed(found: Watched) -> bool:
    return any(isinstance(one, Departure) and one.changed for one in found.series.values())


@pytest.mark.parametrize(("limit", "two_sided"), [(4, 168), (5, 465)])
def test_run_lengths_are_those_of_montgomerys_table(limit, two_sided):
    """Montgomery, Introduction to Statistical Quality Control: k = 1/2, no shift; two sums halve the run length."""
    assert average_run_length(limit) / 2 == pytest.approx(two_sided, abs=0.6)


def test_run_lengths_are_those_that_sums_of_normal_numbers_have():
    rng = np.random.default_rng(1)
    lengths = []
    for _ in range(1500):
        total, day = 0.0, 0
        while total < 3:
            total, day = max(0.0, total + rng.standard_normal() - 0.5), day + 1
        lengths.append(day)
    error = np.std(lengths) / np.sqrt(len(lengths))
    assert average_run_length(3) == pytest.approx(np.mean(lengths), abs=3 * error)


@pytest.mark.parametrize(("load", "series"), [(0.5, 1), (0.5, 16), (2.0, 8)])
def test_the_limit_gives_the_load_over_all_sums(load, series):
    assert 2 * series * QUARTER_DAYS / average_run_length(limit_for(load, series)) == pytest.approx(load, rel=1e-4)


def test_a_load_of_nothing_has_no_limit():
    for load, series in ((0.0, 3), (0.5, 0)):
        with pytest.raises(ValueError, match="load"):
            limit_for(load, series)


def test_scores_are_normal_scores_of_ranks_among_the_days_so_far_whatever_the_scale():
    values = np.array([3.0, 1.0, np.nan, 5.0, 3.0])
    expected = stats.norm.ppf([1 / 2, 1 / 4, np.nan, 5 / 6, 2 / 4])  # the last shares ranks 2 and 3 of four
    assert normal_scores(values) == pytest.approx(expected, nan_ok=True)
    assert normal_scores(np.exp(values)) == pytest.approx(normal_scores(values), nan_ok=True)


def test_a_missing_day_adds_nothing_and_sums_never_fall_below_zero():
    rising, falling = sums(np.array([1.0, np.nan, -3.0, 2.0]))
    assert rising == pytest.approx([0.5, 0.5, 0, 1.5])
    assert falling == pytest.approx([0, 0, 2.5, 0])


@pytest.mark.parametrize("phi", [0.0, 0.5])
def test_people_who_do_not_change_are_called_changed_within_the_load(phi):
    """Twelve people of three skewed series each, judged anew every day: the load and two standard errors."""
    rng = np.random.default_rng(7)
    alerts = 0
    people = 12
    for _ in range(people):
        long = {name: np.exp(0.5 * remembering(rng, WINDOW_DAYS + QUARTER_DAYS, phi)) for name in "abc"}
        last = -100
        for end in range(WINDOW_DAYS, WINDOW_DAYS + QUARTER_DAYS):
            if changed(watch({name: one[end - WINDOW_DAYS : end] for name, one in long.items()}, load=1.0)):
                alerts += end - last >= 14
                last = end
    assert alerts / people <= 1.0 + 2 * np.sqrt(1.0 / people)


def test_memory_is_taken_rather_too_high_than_too_low():
    rng = np.random.default_rng(3)
    found = []
    for _ in range(300):
        series = remembering(rng, BASELINE_DAYS, 0.5)
        series[rng.random(BASELINE_DAYS) < 0.1] = np.nan
        found.append(guarded_memory(series - np.nanmean(series)))
    assert 0.75 < np.mean(np.array(found) > 0.5) < 0.95
    assert guarded_memory(np.full(BASELINE_DAYS, np.nan)) == MOST_MEMORY
    assert guarded_memory(np.tile([1.0, -1.0], 45)) == 0


def test_errors_after_a_gap_are_those_of_the_joint_normal_law():
    """The Cholesky factor of an autoregression's covariance whitens it; with gaps too."""
    rng, phi = np.random.default_rng(2), 0.7
    series = remembering(rng, 30, phi)
    series[[0, 4, 5, 6, 20]] = np.nan
    at = np.flatnonzero(~np.isnan(series))
    covariance = phi ** np.abs(at[:, None] - at[None, :]) / (1 - phi**2)
    expected = np.linalg.solve(np.linalg.cholesky(covariance), series[at])
    assert one_step_errors(series, phi)[at] == pytest.approx(expected)
    assert np.isnan(one_step_errors(series, phi)).sum() == 5
    assert one_step_errors(series, 0.0) == pytest.approx(series, nan_ok=True)


def test_a_step_is_found_with_its_day_its_way_and_its_size():
    rng = np.random.default_rng(5)
    shifted = 420 + 30 * rng.standard_normal(WINDOW_DAYS)
    shifted[-14:] -= 80
    still = rng.standard_normal(WINDOW_DAYS)
    found = watch({"slept": shifted, "still": still}, load=0.5)
    slept = found.series["slept"]
    assert isinstance(slept, Departure)
    assert (slept.changed, found.series["still"].changed, changed(found)) == (-1, 0, True)
    assert abs(slept.since - (LATELY_DAYS - 14)) <= 2
    assert slept.median == np.median(shifted[:BASELINE_DAYS])
    assert slept.by == pytest.approx((np.median(shifted[BASELINE_DAYS + slept.since :]) - slept.median) / slept.mad)
    assert slept.by < -2
    assert watch({"slept": -shifted}, load=0.5).series["slept"].changed == 1


def test_a_weekly_wave_is_no_change_and_a_change_on_top_of_it_is_one():
    rng = np.random.default_rng(6)
    week = np.sin(2 * np.pi * np.arange(WINDOW_DAYS) / 7) + 0.2 * rng.standard_normal(WINDOW_DAYS)
    assert not changed(watch({"a": week}, load=0.5))
    week[-10:] += 0.8
    assert changed(watch({"a": week}, load=0.5))


def test_too_little_too_old_and_too_even_days_are_not_watched_and_cost_no_limit():
    rng = np.random.default_rng(8)
    whole = rng.standard_normal(WINDOW_DAYS)
    young, old, sparse = whole.copy(), whole.copy(), whole.copy()
    young[: BASELINE_DAYS - 20] = np.nan
    old[-8:] = np.nan
    sparse[BASELINE_DAYS:-3] = np.nan
    series = {"whole": whole, "young": young, "old": old, "sparse": sparse, "even": np.full(WINDOW_DAYS, 5.0)}
    found = watch(series, load=0.5)
    assert found.series["young"] == Abstained("too_few_days", needed=28, got=20)
    assert found.series["old"].code == "stale"
    assert found.series["sparse"] == Abstained("too_few_days", needed=7, got=3)
    assert found.series["even"] == Abstained("no_variation")
    assert (found.watched, found.limit) == (1, limit_for(0.5, 1))
    none = watch({"young": young}, load=0.5)
    assert (none.watched, none.limit, changed(none)) == (0, None, False)
    with pytest.raises(ValueError, match="days"):
        watch({"short": whole[1:]}, load=0.5)


def test_nothing_of_the_last_weeks_enters_the_baseline():
    """What a change is measured against is the same however large the change."""
    rng = np.random.default_rng(9)
    series = remembering(rng, WINDOW_DAYS, 0.4)
    larger = series.copy()
    larger[BASELINE_DAYS:] += 5
    one, two = (watch({"a": values}, load=0.5).series["a"] for values in (series, larger))
    assert (one.median, one.mad, one.known_before) == (two.median, two.mad, two.known_before)
    assert guarded_memory(series[:BASELINE_DAYS]) == guarded_memory(larger[:BASELINE_DAYS])
