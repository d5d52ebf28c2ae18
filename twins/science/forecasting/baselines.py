"""What every forecaster must beat: a person's own mean, own median, and exponential smoothing.

Each takes histories of shape (m, d), the origin last and NaN where missing, and gives (m, horizon).
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any, Final

import numpy as np

from .panel import Floats

#: Smoothing factors that are tried for each history; the best one-step error of the past wins.
FACTORS: Final = np.linspace(0.01, 0.99, 99)


def own_mean(history: Floats, horizon: int) -> Floats:
    """The coming days are this person's usual: the mean of what was reported; NaN where nothing was."""
    return _flat(history, np.nanmean, horizon)


def own_median(history: Floats, horizon: int) -> Floats:
    """The median instead: what minimises the absolute error where scores crowd at an end of the scale."""
    return _flat(history, np.nanmedian, horizon)


def _flat(history: Floats, of: Callable[..., Any], horizon: int) -> Floats:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # an empty history is NaN, which is meant
        level: Floats = of(history, axis=1)
    return np.repeat(level[:, None], horizon, axis=1)


def exponential_smoothing(history: Floats, horizon: int, factors: Floats = FACTORS) -> Floats:
    """Simple exponential smoothing; the factor is chosen for each history by its squared one-step errors.

    The level begins at the first report and stays where a day is missing.

    Parameters
    ----------
    history : ndarray of float64, shape (m, d)
    horizon : int
    factors : ndarray of float64, shape (f,)
        Above 0, at most 1; of equally good ones the smallest wins.

    Returns
    -------
    ndarray of float64, shape (m, horizon)
        Flat, as simple smoothing forecasts are; NaN where nothing was reported.

    References
    ----------
    Hyndman & Athanasopoulos, Forecasting: Principles and Practice, 3rd ed., sec. 8.1.
    """
    level = np.full((len(history), len(factors)), np.nan)
    error = np.zeros_like(level)
    for today in history.T:
        seen = np.isfinite(today)[:, None]
        started = np.isfinite(level)
        apart = np.where(seen & started, today[:, None] - level, 0.0)
        error += apart**2
        level = np.where(seen & ~started, today[:, None], level + factors * apart)
    best = error.argmin(axis=1)
    return np.repeat(level[np.arange(len(history)), best][:, None], horizon, axis=1)
