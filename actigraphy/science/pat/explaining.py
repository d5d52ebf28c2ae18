"""What PAT looked at, what its answer rests on, and how far the two agree.

Attention shows where the last block looked; leaving a stretch of the week out shows what the answer owes to it. Only
the second is a reason. :func:`faithfulness` says how well the first stands for it, and attention is shown with that
figure or not at all.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from novamind.measures import Abstained

from .architecture import WEEK_MIN
from .embedding import Encoder

Floats = NDArray[np.float32]
#: One number per embedding (b, 96) -> (b,): a head's score, or whatever is to be explained.
Target = Callable[[Floats], NDArray[np.float64]]

#: A multiple of every patch length, so that no patch is half left out.
BLOCK_MIN: Final = 90
BLOCKS: Final = WEEK_MIN // BLOCK_MIN
_FEWEST_BLOCKS = BLOCKS // 2
_DRAWS = 1000


@dataclass(frozen=True, eq=False)
class Explanation:
    """One week explained, in 112 blocks of 90 minutes.

    Attributes
    ----------
    attention : ndarray, shape (112,)
        Share of the last block's attention that the block's minutes receive; adds up to 1. NaN where not measured.
    occlusion : ndarray, shape (112,)
        How far the answer moves when the block is left out: with a target in its unit, with sign (positive: the block
        raised it); without one the Euclidean distance between embeddings. NaN where not measured.
    """

    attention: NDArray[np.float64]
    occlusion: NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Faithfulness:
    """How far attention stands for what the answer rests on.

    Attributes
    ----------
    correlation : float
        Spearman's, over blocks, of attention with the size of the occlusion's effect: 1 is the same order, 0 is none.
    low, high : float
        95 % interval, by drawing the week's days with replacement: neighbouring blocks are alike.
    n : int
        Blocks compared.
    """

    correlation: float
    low: float
    high: float
    n: int


def explain(encoder: Encoder, week: Floats, target: Target | None = None) -> Explanation:
    """Attention and occlusion of one week.

    Costs 113 passes of one week; with PAT-L that is seconds.

    Parameters
    ----------
    encoder : Encoder
    week : ndarray of float32, shape (10080,)
        Normalised; NaN where not measured.
    target : callable, optional
        What is explained; by default the embedding as a whole.

    Raises
    ------
    Abstained
        too_few_days (needed and got in days' worth of blocks): less than half of the week was measured.
    ValueError
        As :meth:`Encoder.embed`.
    """
    blocks = week.reshape(BLOCKS, BLOCK_MIN)
    measured = np.flatnonzero(~np.isnan(blocks).all(axis=1))
    if len(measured) < _FEWEST_BLOCKS:
        per_day = BLOCKS // 7
        raise Abstained("too_few_days", needed=_FEWEST_BLOCKS // per_day, got=len(measured) // per_day)
    without = np.repeat(week[np.newaxis], len(measured), axis=0)
    for row, block in enumerate(measured):
        without[row, block * BLOCK_MIN : (block + 1) * BLOCK_MIN] = np.nan
    whole, changed = encoder.embed(week[np.newaxis]), encoder.embed(without)
    occlusion = np.full(BLOCKS, np.nan)
    if target is None:
        occlusion[measured] = np.linalg.norm(whole.astype(np.float64) - changed, axis=1)
    else:
        occlusion[measured] = target(whole) - target(changed)
    return Explanation(_attention_of_blocks(encoder, week), occlusion)


def _attention_of_blocks(encoder: Encoder, week: Floats) -> NDArray[np.float64]:
    minutes = encoder.attention(week).reshape(BLOCKS, BLOCK_MIN).astype(np.float64)
    measured = ~np.isnan(minutes).all(axis=1)
    shares = np.full(BLOCKS, np.nan)
    shares[measured] = np.nansum(minutes[measured], axis=1)
    return shares / np.nansum(shares)


def faithfulness(explanation: Explanation, seed: int = 0) -> Faithfulness:
    """How far the attention of an explanation stands for its occlusion.

    Raises
    ------
    Abstained
        no_variation: attention or effect is the same everywhere.
    """
    attention, effect = explanation.attention, np.abs(explanation.occlusion)
    both = np.isfinite(attention) & np.isfinite(effect)
    if min(len(np.unique(values[both])) for values in (attention, effect)) < 2:
        raise Abstained("no_variation")
    days = np.arange(BLOCKS).reshape(7, -1)
    rng = np.random.default_rng(seed)
    drawn = []
    for _ in range(_DRAWS):
        rows = days[rng.integers(7, size=7)].ravel()
        rows = rows[both[rows]]
        drawn.append(_spearman(attention[rows], effect[rows]))
    low, high = np.nanpercentile(drawn, [2.5, 97.5])
    return Faithfulness(_spearman(attention[both], effect[both]), float(low), float(high), int(both.sum()))


def _spearman(x: NDArray[np.float64], y: NDArray[np.float64]) -> float:
    """Pearson's correlation of the ranks, ties at their mean; NaN where one does not vary."""
    from scipy.stats import rankdata  # not at the top: web processes load this module and never compute with it

    x, y = (rankdata(values) - (len(values) + 1) / 2 for values in (x, y))
    both = np.sqrt((x @ x) * (y @ y))
    return float(x @ y / both) if both > 0 else float("nan")
