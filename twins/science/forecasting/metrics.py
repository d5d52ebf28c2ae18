"""How far off: errors of forecasts, coverage of intervals, and how much of it is chance in who was asked."""

from __future__ import annotations

import warnings
from typing import Any, Final

import numpy as np

from .panel import Floats, Ints

_DRAWS: Final = 2_000


def mase_scale(history: Floats) -> Floats:
    """What a naive forecast costs within each history: mean absolute change from one reported day to the next day.

    Parameters
    ----------
    history : ndarray of float64, shape (m, d)

    Returns
    -------
    ndarray of float64, shape (m,)
        NaN where no two days in a row were reported, or nothing ever changed.

    References
    ----------
    Hyndman & Koehler (2006) Int J Forecasting 22:679-688, eq. 4.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        scale = np.nanmean(np.abs(np.diff(history, axis=1)), axis=1)
    return np.where(scale > 0, scale, np.nan)


def figures(
    *,
    person: Ints,
    future: Floats,
    points: Floats,
    intervals: dict[str, tuple[Floats, Floats]],
    scale: Floats,
    seed: int = 0,
) -> dict[str, Any]:
    """All figures of one model; arrays of shape (m, horizon) but for person and scale (m,).

    Parameters
    ----------
    person : ndarray of int64, shape (m,)
    future, points : ndarray, shape (m, horizon)
        What came (NaN: missing, left out) and what was forecast.
    intervals : dict
        By name of the level (``80``) both ends.
    scale : ndarray, shape (m,)
        From :func:`mase_scale`; windows without one do not enter MASE.
    seed : int
        Of the draws.

    Returns
    -------
    dict
        ``mae``, ``rmse``, ``mase``, for each level ``coverage_…`` (a share) and ``width_…``, ``mae_interval``: 95 %,
        drawing people again; ``forecasts`` and ``people``. Means over forecasts, so that a person counts by days.
    """
    error = np.abs(future - points)
    came = np.isfinite(error)
    scaled = error / scale[:, None]
    found: dict[str, Any] = {
        "mae": float(error[came].mean()),
        "rmse": float(np.sqrt((error[came] ** 2).mean())),
        "mase": float(np.nanmean(scaled)) if np.isfinite(scaled).any() else None,
    }
    for name, (low, high) in intervals.items():
        found[f"coverage_{name}"] = float(((future >= low) & (future <= high))[came].mean())
        found[f"width_{name}"] = float((high - low)[came].mean())
    found["mae_interval"] = mae_interval(person, error, seed=seed)
    return found | {"forecasts": int(came.sum()), "people": len(np.unique(person))}


def mae_interval(person: Ints, error: Floats, *, seed: int = 0) -> list[float]:
    """95 % interval of the mean of ``error`` (m, horizon; NaN left out), drawing people with all their days again.

    Also of differences of two models' absolute errors, which share the draws. Percentiles; of one person it is a point.
    """
    rows = np.unique(person, return_inverse=True)[1]
    people = int(rows.max()) + 1
    sums = np.bincount(rows, np.nansum(error, axis=1), people)
    counts = np.bincount(rows, np.isfinite(error).sum(axis=1), people).astype(float)
    again = np.random.default_rng(seed).integers(people, size=(_DRAWS, people))
    low, high = np.percentile(sums[again].sum(axis=1) / counts[again].sum(axis=1), [2.5, 97.5])
    return [float(low), float(high)]
