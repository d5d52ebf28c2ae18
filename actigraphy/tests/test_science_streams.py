"""Which of several sources counts, and how good samples are, on arrays whose answer is known."""

from __future__ import annotations

import numpy as np
import pytest

from actigraphy.science.streams import (
    Agreement,
    by_bounds,
    chosen,
    completeness,
    neighbouring,
    outlier_share,
    simultaneous,
)
from novamind.measures import Abstained


def at(*seconds):
    return np.array(seconds, dtype=np.int64)


def test_in_each_minute_the_first_source_that_has_any_counts():
    first, second, third = chosen([at(0, 30, 60), at(10, 70, 120, 125), at(0, 120, 180)])
    assert first.tolist() == [True, True, True]
    assert second.tolist() == [False, False, True, True]
    assert third.tolist() == [False, False, True]


def test_what_counts_covers_every_minute_once_whatever_the_order():
    rng = np.random.default_rng(1)
    sources = [np.unique(rng.integers(0, 60 * 500, 300)) for _ in range(4)]
    kept = [source[mask] // 60 for source, mask in zip(sources, chosen(sources), strict=True)]
    minutes = np.concatenate([np.unique(one) for one in kept])
    assert len(minutes) == len(np.unique(minutes))
    assert set(minutes.tolist()) == set((np.concatenate(sources) // 60).tolist())


def test_outliers_are_those_beyond_tukeys_outer_fences():
    values = np.concatenate([np.tile([60.0, 70.0], 60), [110.0], [30.0]])  # quartiles 60 and 70: fences 30 and 100
    assert outlier_share(values, counted=False) == pytest.approx(1 / 122)
    values[-1] = 29.9
    assert outlier_share(values, counted=False) == pytest.approx(2 / 122)


def test_of_counts_zero_is_no_outlier_and_the_logarithms_are_judged():
    counts = np.concatenate([np.zeros(900), np.exp(np.random.default_rng(2).normal(4, 1, 500))])
    assert outlier_share(counts, counted=True) == 0
    assert outlier_share(np.append(counts, 1e6), counted=True) == pytest.approx(1 / 1401)


@pytest.mark.parametrize(
    ("values", "counted", "code"),
    [(np.arange(99.0), False, "too_few_inputs"), (np.zeros(1000), True, "too_few_inputs"),
     (np.full(1000, 70.0), False, "no_variation")],
)  # fmt: skip
def test_outliers_abstain_where_nothing_can_be_said(values, counted, code):
    with pytest.raises(Abstained) as why:
        outlier_share(values, counted=counted)
    assert why.value.code == code


def test_completeness_counts_intervals_and_not_samples():
    window = {"start_s": 1000, "end_s": 1000 + 6 * 600 + 599, "expected_s": 600}
    assert completeness(at(1000, 1001, 1599, 1600, 4599), **window) == pytest.approx(3 / 6)
    assert completeness(at(999, 1000 + 3600), **window) == 0
    with pytest.raises(Abstained, match="too_few_inputs"):
        completeness(at(0), start_s=0, end_s=599, expected_s=600)


def test_two_sources_agree_minute_by_minute_of_their_means():
    one = (at(0, 30, 60, 120), np.array([60.0, 62, 70, 80]))
    other = (at(5, 65, 185), np.array([63.0, 85, 90]))
    assert simultaneous([one, other], agrees=2) == Agreement(2, 1)
    assert simultaneous([one, other, other], agrees=2) == Agreement(2 + 2 + 3, 1 + 1 + 3)
    assert simultaneous([one], agrees=2) == Agreement(0, 0)


def test_neighbours_are_compared_where_they_are_near():
    times, values = at(0, 60, 120, 2000, 2060), np.array([60.0, 61, 100, 20, 21])
    assert neighbouring(times, values, step=5, expected_s=600) == Agreement(3, 2)


def test_a_share_of_few_pairs_is_not_given():
    assert Agreement(30, 15).share == 0.5
    with pytest.raises(Abstained, match="too_few_pairs"):
        _ = Agreement(29, 29).share


def test_bounds_cut_times_without_losing_any():
    assert by_bounds(at(0, 5, 10, 15), [0, 10, 10, 16]) == [slice(0, 2), slice(2, 2), slice(2, 4)]
