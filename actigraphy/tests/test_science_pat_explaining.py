"""Attention beside what the answer rests on: found where it is known, and their agreement put into a figure."""

import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.stats import spearmanr

from actigraphy.science import pat
from actigraphy.science.pat.explaining import BLOCK_MIN, BLOCKS, Explanation, _spearman, explain, faithfulness
from novamind.measures import Abstained

from .test_science_pat_weights import random_tensors, write_weights


@pytest.fixture(scope="module")
def encoder(tmp_path_factory):
    path = tmp_path_factory.mktemp("pat") / "S.h5"
    return pat.Encoder.from_file(write_weights(path, random_tensors("S")))


@pytest.fixture
def week():
    return np.random.default_rng(4).normal(size=pat.WEEK_MIN).astype(np.float32)


@pytest.mark.parametrize("size", pat.SIZES)
def test_no_block_cuts_a_patch(size):
    assert BLOCK_MIN % pat.SIZES[size].patch_min == 0


def test_the_effect_of_a_block_is_what_the_answer_is_without_it(encoder, week):
    def third(embeddings):
        return embeddings[:, 2].astype(float)

    found = explain(encoder, week, third)
    without = week.copy()
    without[5 * BLOCK_MIN : 6 * BLOCK_MIN] = np.nan
    expected = third(encoder.embed(week[None])) - third(encoder.embed(without[None]))
    assert found.occlusion[5] == pytest.approx(expected[0], abs=1e-7)
    assert found.occlusion.shape == (BLOCKS,)


def test_a_block_unlike_the_rest_carries_the_answer(encoder, week):
    week[40 * BLOCK_MIN : 41 * BLOCK_MIN] += 25
    assert explain(encoder, week).occlusion.argmax() == 40


def test_attention_adds_up_and_what_was_not_measured_has_none(encoder, week):
    week[10 * BLOCK_MIN : 12 * BLOCK_MIN] = np.nan
    found = explain(encoder, week)
    assert np.nansum(found.attention) == pytest.approx(1)
    assert np.flatnonzero(np.isnan(found.attention)).tolist() == [10, 11]
    assert np.flatnonzero(np.isnan(found.occlusion)).tolist() == [10, 11]
    minutes = encoder.attention(week)
    ratio = found.attention[3] / found.attention[4]
    assert ratio == pytest.approx(minutes[270:360].sum() / minutes[360:450].sum(), rel=1e-5)


def test_half_a_week_is_not_explained(encoder, week):
    week[: pat.WEEK_MIN // 2 + BLOCK_MIN] = np.nan
    with pytest.raises(Abstained) as caught:
        explain(encoder, week)
    assert caught.value.code == "too_few_days"


def test_agreement_is_one_where_the_orders_are_the_same_and_none_where_they_are_drawn():
    rng = np.random.default_rng(1)
    effect = rng.normal(size=BLOCKS)
    same = faithfulness(Explanation(np.abs(effect) ** 3, effect))
    assert (same.correlation, same.low, same.n) == (1, 1, BLOCKS)
    drawn = faithfulness(Explanation(rng.uniform(size=BLOCKS), effect))
    assert drawn.low < 0 < drawn.high


def test_the_interval_is_wider_where_days_differ():
    """Over days on which the orders agree and days on which they are reversed."""
    base = np.arange(BLOCKS // 7, dtype=float) + 1
    alike = np.tile(base, 7)
    mixed = np.concatenate([base if day % 2 else base[::-1] for day in range(7)])
    found = faithfulness(Explanation(alike, mixed))
    assert found.high - found.low > 0.5
    assert found == faithfulness(Explanation(alike, mixed))


def test_attention_that_is_the_same_everywhere_stands_for_nothing():
    with pytest.raises(Abstained, match="no_variation"):
        faithfulness(Explanation(np.full(BLOCKS, 1 / BLOCKS), np.arange(BLOCKS, dtype=float)))


@given(arrays(np.int64, st.tuples(st.just(2), st.integers(3, 40)), elements=st.integers(0, 9)))
def test_the_figure_of_faithfulness_is_spearmans(pairs):
    x, y = pairs.astype(float)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of values that do not vary
        theirs = spearmanr(x, y).statistic
    assert _spearman(x, y) == pytest.approx(theirs, abs=1e-12, nan_ok=True)
