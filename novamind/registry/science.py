"""Arrays in, numbers out: how alike two distributions of inputs are, and how alike two versions answer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from novamind.measures import Abstained

#: Siddiqi (2006) Credit Risk Scorecards, Wiley: below 0.1 no significant change, from 0.25 a significant one.
PSI_SMALL: Final = 0.1
PSI_LARGE: Final = 0.25
#: With B bins, N reference and M new inputs PSI is about (B - 1)(1/N + 1/M) where nothing has changed (Yurdakul 2018,
#: Statistical Properties of Population Stability Index, Western Michigan University): 0.045 for ten bins and 200 inputs
#: against a large reference, half of the first threshold.
MIN_INPUTS: Final = 200
MIN_PAIRS: Final = 10
_SHARE_FLOOR: Final = 1e-4  # an empty bin would be infinitely far away


def reference_of(name: str, values: ArrayLike, *, bins: int = 10) -> dict[str, Any]:
    """The expected distribution of one input, as a version declares it.

    Parameters
    ----------
    name : str
        The input, in words fit for a page.
    values : array_like, shape (n,)
        As in the training data; NaN is left out.
    bins : int
        How many quantile bins; equal quantiles are one edge, so there may be fewer.

    Returns
    -------
    dict
        ``name``, inner ``edges`` (ascending), ``shares`` (one more, sum 1) and ``n``.
    """
    known = _finite(values)
    edges = np.unique(np.quantile(known, np.arange(1, bins) / bins))
    return {"name": name, "edges": edges.tolist(), "shares": _shares(known, edges).tolist(), "n": len(known)}


def is_reference(entry: Any) -> bool:
    """Whether this is what :func:`reference_of` gives."""
    if not isinstance(entry, dict) or set(entry) != {"name", "edges", "shares", "n"}:
        return False
    edges, shares = np.asarray(entry["edges"], dtype=float), np.asarray(entry["shares"], dtype=float)
    fits = edges.ndim == shares.ndim == 1 and len(shares) == len(edges) + 1
    return bool(fits and np.all(np.diff(edges) > 0) and np.all(shares >= 0) and abs(shares.sum() - 1) < 1e-6)


def stability_index(values: ArrayLike, reference: dict[str, Any]) -> tuple[float, int]:
    """Population stability index (PSI) of new inputs against the expected ones.

    Parameters
    ----------
    values : array_like, shape (n,)
        New inputs; NaN is left out.
    reference : dict
        From :func:`reference_of`.

    Returns
    -------
    tuple of float and int
        Sum over the bins of (a - e) ln(a / e), at least 0; and how many inputs it rests on.

    Raises
    ------
    Abstained
        too_few_inputs (needs 200).
    """
    known = _finite(values)
    if len(known) < MIN_INPUTS:
        raise Abstained("too_few_inputs", needed=MIN_INPUTS, got=len(known))
    actual = np.maximum(_shares(known, np.asarray(reference["edges"], dtype=float)), _SHARE_FLOOR)
    expected = np.maximum(np.asarray(reference["shares"], dtype=float), _SHARE_FLOOR)
    return float(np.sum((actual - expected) * np.log(actual / expected))), len(known)


@dataclass(frozen=True, slots=True)
class Agreement:
    """How far apart two versions' numbers are, over ``n`` common inputs.

    ``correlation`` is Pearson's r of each number of the output across the inputs, averaged over the numbers that vary.
    """

    n: int
    mean_difference: float
    largest_difference: float
    correlation: float | Abstained


def agreement(one: Sequence[Sequence[float]], other: Sequence[Sequence[float]]) -> Agreement:
    """Compare outputs for the same inputs.

    Parameters
    ----------
    one, other : sequence of sequences of float, shape (n, k)
        The numbers of each output; row i of both comes of the same input.

    Raises
    ------
    Abstained
        too_few_pairs: there is none. The correlation abstains by itself below 10, or where nothing varies.
    ValueError
        The outputs differ in shape.
    """
    if not len(one):
        raise Abstained("too_few_pairs", needed=1, got=0)
    if len({len(row) for row in (*one, *other)}) != 1 or len(one) != len(other):
        raise ValueError("the versions answer in different shapes")
    a, b = np.asarray(one, dtype=float), np.asarray(other, dtype=float)
    apart = np.abs(a - b)
    return Agreement(len(a), float(apart.mean()), float(apart.max()), _correlation(a, b))


def _correlation(a: NDArray[np.float64], b: NDArray[np.float64]) -> float | Abstained:
    if len(a) < MIN_PAIRS:
        return Abstained("too_few_pairs", needed=MIN_PAIRS, got=len(a))
    a, b = a - a.mean(axis=0), b - b.mean(axis=0)
    scale = np.sqrt((a**2).sum(axis=0) * (b**2).sum(axis=0))
    varies = scale > 0
    if not varies.any():
        return Abstained("no_variation")
    return float(np.mean((a * b).sum(axis=0)[varies] / scale[varies]))


def leaves(output: Any) -> tuple[list[float], list[Any]]:
    """The numbers of a JSON value in the order of their names, and all else of it (its keys, lengths and words)."""
    numbers: list[float] = []
    rest: list[Any] = []
    _walk(output, numbers, rest)
    return numbers, rest


def _walk(value: Any, numbers: list[float], rest: list[Any]) -> None:
    if isinstance(value, dict):
        rest.append(sorted(value))
        for key in sorted(value):
            _walk(value[key], numbers, rest)
    elif isinstance(value, list | tuple):
        rest.append(len(value))
        for each in value:
            _walk(each, numbers, rest)
    elif isinstance(value, int | float) and not isinstance(value, bool):
        numbers.append(float(value))
    else:
        rest.append(value)


def _finite(values: ArrayLike) -> NDArray[np.float64]:
    known = np.asarray(values, dtype=float)
    return known[np.isfinite(known)]


def _shares(values: NDArray[np.float64], edges: NDArray[np.float64]) -> NDArray[np.float64]:
    counts = np.bincount(np.searchsorted(edges, values, side="right"), minlength=len(edges) + 1)
    return np.asarray(counts / len(values))
