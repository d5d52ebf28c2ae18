"""Which patches of a week are shown to the encoder, and which are asked for."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from .architecture import PatSize

Floats = NDArray[np.float32]
Places = NDArray[np.int64]

#: Nine patches in ten are removed: best of .25, .50, .75 and .90 in the paper.
MASK_RATIO: Final = 0.90


def as_patches(weeks: Floats, pat: PatSize) -> Floats:
    """Weeks (b, 10080) as patches (b, N, patch_min)."""
    return weeks.reshape(len(weeks), pat.tokens, pat.patch_min)


def shown_patches(pat: PatSize) -> int:
    """How many patches of a week the encoder sees: 56 of 560, 112 of 1120."""
    return round((1 - MASK_RATIO) * pat.tokens)


def draw_masks(patches: Floats, shown: int, rng: np.random.Generator) -> tuple[Places, Places]:
    """A permutation of its own for every week: what is shown, and everything else in random order.

    Parameters
    ----------
    patches : ndarray of float32, shape (b, N, patch_min)
        NaN is missing. Only complete patches are shown; those without any measured minute come last among the others.
    shown : int
        Patches to show, at most the complete ones of every week.
    rng : numpy.random.Generator

    Returns
    -------
    visible : ndarray of int64, shape (b, shown)
        Places shown, ascending.
    masked : ndarray of int64, shape (b, N - shown)
        All other places.

    Raises
    ------
    ValueError
        A week has fewer complete patches than are to be shown.
    """
    measured = np.isfinite(patches)
    complete = measured.all(axis=2)
    if len(patches) and complete.sum(axis=1).min() < shown:
        raise ValueError(f"{shown} complete patches are shown of each week; one has {complete.sum(axis=1).min()}")
    drawn = rng.random(complete.shape)
    order = np.argsort(np.where(complete, drawn, 2.0), axis=1)
    visible = np.sort(order[:, :shown], axis=1)
    ranks = drawn + ~measured.any(axis=2)
    np.put_along_axis(ranks, visible, np.inf, axis=1)
    masked = np.argsort(ranks, axis=1)[:, : patches.shape[1] - shown]
    return visible, masked


def spread_masks(complete: NDArray[np.bool_], shown: int, masks: int, seed: int) -> list[Places]:
    """Sets of shown patches that do not overlap: each complete patch is masked in all of them but one at most.

    Parameters
    ----------
    complete : ndarray of bool, shape (N,)
    shown : int
        Patches in each set.
    masks : int
        How many sets.
    seed : int
        The same seed and the same complete patches give the same sets.

    Returns
    -------
    list of ndarray of int64, shape (shown,)
        Ascending places.

    Raises
    ------
    ValueError
        There are fewer than ``masks * shown`` complete patches.
    """
    places = np.flatnonzero(complete)
    if len(places) < masks * shown:
        raise ValueError(f"{masks} masks show {masks * shown} patches; {len(places)} are complete")
    drawn = np.random.default_rng(seed).permutation(places)
    return [np.sort(drawn[at * shown : (at + 1) * shown]) for at in range(masks)]
