"""Stability of inputs and agreement of versions, against values worked out by hand."""

from __future__ import annotations

from math import log

import numpy as np
import pytest

from novamind.measures import Abstained
from novamind.registry.science import agreement, is_reference, leaves, reference_of, stability_index

HALVES = {"name": "x", "edges": [0.0], "shares": [0.5, 0.5], "n": 1000}


def test_the_index_is_the_one_worked_out_by_hand():
    values = [-1.0] * 60 + [1.0] * 140
    expected = (0.3 - 0.5) * log(0.3 / 0.5) + (0.7 - 0.5) * log(0.7 / 0.5)
    assert stability_index(values, HALVES) == (pytest.approx(expected), 200)


def test_the_same_shares_are_no_drift_and_an_empty_bin_is_finite():
    assert stability_index([-1.0] * 100 + [1.0] * 100, HALVES)[0] == 0
    assert 1 < stability_index([1.0] * 200, HALVES)[0] < 10


def test_below_two_hundred_inputs_it_abstains_and_missing_ones_do_not_count():
    with pytest.raises(Abstained) as why:
        stability_index([1.0] * 199 + [np.nan] * 50, HALVES)
    assert why.value == Abstained("too_few_inputs", needed=200, got=199)


def test_a_reference_holds_its_own_data_to_no_drift():
    values = np.random.default_rng(7).normal(size=5000)
    reference = reference_of("x", [*values, np.nan])
    assert is_reference(reference)
    assert (len(reference["shares"]), reference["n"]) == (10, 5000)
    assert stability_index(values, reference)[0] == pytest.approx(0, abs=1e-12)
    assert stability_index(values + 0.5, reference)[0] > 0.2
    chance = [stability_index(np.random.default_rng(seed).normal(size=200), reference)[0] for seed in range(200)]
    assert np.mean(chance) == pytest.approx(9 * (1 / 200 + 1 / 5000), rel=0.15)


def test_equal_quantiles_are_one_edge():
    reference = reference_of("x", [0.0] * 900 + [1.0] * 100)
    assert is_reference(reference)
    assert stability_index([0.0] * 180 + [1.0] * 20, reference)[0] == pytest.approx(0)


@pytest.mark.parametrize(
    "wrong",
    [{}, {"edges": [1, 0]}, {"shares": [0.5, 0.6]}, {"shares": [1.0]}, {"shares": [-0.5, 1.5]}, {"more": 1}],
)
def test_what_is_no_reference_is_told_apart(wrong):
    assert is_reference(HALVES)
    assert not is_reference(HALVES | wrong if wrong else {})


def test_agreement_of_two_versions():
    one = [[float(at), 2.0] for at in range(10)]
    other = [[at + 0.5, 2.0] for at in range(10)]
    found = agreement(one, other)
    assert (found.n, found.mean_difference, found.largest_difference) == (10, 0.25, 0.5)
    assert found.correlation == pytest.approx(1)
    assert agreement(one, [[-at, 2.0] for at in range(10)]).correlation == pytest.approx(-1)


def test_the_correlation_abstains_below_ten_pairs_or_where_nothing_varies():
    assert agreement([[1.0]] * 9, [[1.0]] * 9).correlation == Abstained("too_few_pairs", needed=10, got=9)
    assert agreement([[1.0]] * 10, [[2.0]] * 10).correlation == Abstained("no_variation")


def test_nothing_in_common_and_other_shapes():
    with pytest.raises(Abstained, match="too_few_pairs"):
        agreement([], [])
    with pytest.raises(ValueError, match="shapes"):
        agreement([[1.0]], [[1.0, 2.0]])


def test_the_leaves_of_an_output():
    assert leaves({"b": [1, 2.5], "a": {"x": "low", "y": True}}) == (
        [1.0, 2.5],
        [["a", "b"], ["x", "y"], "low", True, 2],
    )
