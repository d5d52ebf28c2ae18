"""What is shown to the encoder and what is asked of the decoder."""

import numpy as np
import pytest

from actigraphy.science.pat.architecture import SIZES
from actigraphy.science.pat.masking import as_patches, draw_masks, shown_patches, spread_masks

PAT = SIZES["S"]
SHOWN = shown_patches(PAT)


@pytest.fixture
def patches():
    """Three weeks; the second has a missing minute in patch 5, the third none of patches 100 to 139."""
    weeks = np.random.default_rng(1).normal(size=(3, 10_080)).astype(np.float32)
    weeks[1, 5 * 18 + 3] = np.nan
    weeks[2, 100 * 18 : 140 * 18] = np.nan
    return as_patches(weeks, PAT)


def test_nine_patches_in_ten_are_hidden():
    assert {size: shown_patches(SIZES[size]) for size in "SML"} == {"S": 56, "M": 56, "L": 112}


def test_every_week_has_a_permutation_of_its_own_and_every_patch_is_shown_or_hidden(patches):
    visible, masked = draw_masks(patches, SHOWN, np.random.default_rng(2))
    assert visible.shape == (3, 56)
    for week in range(3):
        np.testing.assert_array_equal(np.sort(np.concatenate([visible[week], masked[week]])), np.arange(560))
    assert len({tuple(row) for row in visible}) == 3
    assert (np.diff(visible, axis=1) > 0).all()
    assert (np.diff(masked, axis=1) < 0).any()


def test_a_patch_with_a_missing_minute_is_never_shown_and_one_without_any_measured_comes_last(patches):
    shown = set()
    for seed in range(200):
        visible, masked = draw_masks(patches, SHOWN, np.random.default_rng(seed))
        shown |= set(visible[1])
        assert not set(visible[2]) & set(range(100, 140))
        assert set(masked[2, -40:]) == set(range(100, 140))
    assert shown == set(range(560)) - {5}


def test_a_week_with_too_few_complete_patches_is_refused(patches):
    patches[1, : 560 - 55] = np.nan
    with pytest.raises(ValueError, match="56 complete patches are shown of each week; one has 55"):
        draw_masks(patches, SHOWN, np.random.default_rng(0))


def test_spread_masks_show_a_patch_in_one_of_them_at_most():
    complete = np.ones(560, bool)
    complete[7] = False
    masks = spread_masks(complete, SHOWN, 4, seed=3)
    shown = np.concatenate(masks)
    assert [len(mask) for mask in masks] == [56] * 4
    assert len(set(shown.tolist())) == len(shown)
    assert 7 not in shown
    for again, mask in zip(spread_masks(complete, SHOWN, 4, seed=3), masks, strict=True):
        np.testing.assert_array_equal(again, mask)
    complete[: 560 - 223] = False
    with pytest.raises(ValueError, match="4 masks show 224 patches; 223 are complete"):
        spread_masks(complete, SHOWN, 4, seed=3)
