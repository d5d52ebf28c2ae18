"""A history in units of the person's own spread: what the pooled models read.

Deviations from the person's own mean, so that one model serves people at any level and on any scale. Missing days stay
NaN: XGBoost has a branch for them, the transformer a channel.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from .panel import Floats, Scale, Windows

#: How many of a person's own points the pooled spread counts as, so that seven alike points do not mean "never moves".
_PRIOR_POINTS: Final = 7.0
_RECENT: Final = 14
_MEANS: Final = (3, 7, 14, 28)
_QUANTILES: Final = (0.1, 0.25, 0.5, 0.75, 0.9)
#: What is said of a whole history (see :func:`summary`); the transformer reads these with every day.
SUMMARY: Final = ("level", "spread", "median", "log_points", "coverage", "floor", "persistence", "slope")


@dataclass(frozen=True, slots=True)
class Norm:
    """What makes histories comparable: the scale, and the usual spread within people of the training data."""

    scale: Scale
    spread: float

    @classmethod
    def of(cls, scores: Floats, scale: Scale) -> Norm:
        """From scores (n, days): the root of the pooled variance within people."""
        apart = scores - _quiet(np.nanmean, scores)[:, None]
        known = np.isfinite(apart)
        freedom = int(known.sum() - known.any(axis=1).sum())
        spread = float(np.sqrt(np.nansum(apart**2) / max(freedom, 1)))
        return cls(scale, spread if spread > 0 else (scale.high - scale.low) / 10)


@dataclass(frozen=True, eq=False)
class Standardised:
    """Histories in units of the person's own spread.

    Attributes
    ----------
    mean, spread : ndarray of float64, shape (m,)
        In score units; the spread is pulled towards the usual one where points are few, and never 0.
    z : ndarray of float64, shape (m, d)
        (score - mean) / spread, NaN where missing.
    """

    mean: Floats
    spread: Floats
    z: Floats

    def back(self, z: Floats) -> Floats:
        """Deviations (m, k) as scores."""
        scores: Floats = self.mean[:, None] + self.spread[:, None] * z
        return scores


def standardise(history: Floats, norm: Norm) -> Standardised:
    """Histories (m, d), at least one point each, against their own mean and spread."""
    points = np.isfinite(history).sum(axis=1)
    mean = _quiet(np.nanmean, history)
    squares = np.nansum((history - mean[:, None]) ** 2, axis=1)
    spread = np.sqrt((squares + _PRIOR_POINTS * norm.spread**2) / (np.maximum(points - 1, 0) + _PRIOR_POINTS))
    return Standardised(mean, spread, (history - mean[:, None]) / spread[:, None])


def summary(history: Floats, norm: Norm) -> Floats:
    """What is said of a whole history, shape (m, 8), finite, in the order of :data:`SUMMARY`.

    Level and spread as shares of the scale; the median's deviation; log of the number of points; share of days reported
    since the first; how far the floor of the scale is, in spreads; lag-1 autocorrelation; slope of the last four weeks
    per week, in spreads.
    """
    own = standardise(history, norm)
    known = np.isfinite(history)
    points = known.sum(axis=1)
    since_first = history.shape[1] - known.argmax(axis=1)
    width = norm.scale.high - norm.scale.low
    columns = (
        (own.mean - norm.scale.low) / width,
        own.spread / width,
        _quiet(np.nanmedian, own.z),
        np.log(np.maximum(points, 1)) / 5.0,
        points / since_first,
        np.minimum((own.mean - norm.scale.low) / own.spread, 10.0) / 5.0,
        _persistence(own.z),
        _slope(own.z[:, -28:]),
    )
    return np.nan_to_num(np.stack(columns, axis=1), nan=0.0)


def tree_features(history: Floats, norm: Norm, horizon: int) -> Floats:
    """One row for each history and day ahead, shape (m * horizon, k); NaN is missing."""
    own = standardise(history, norm)
    m, z = len(history), _padded(own.z, 28)
    recent = z[:, -_RECENT:]
    means = np.stack([_quiet(np.nanmean, z[:, -days:]) for days in _MEANS], axis=1)
    spread = _quiet(np.nanstd, z[:, -_RECENT:])[:, None]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        quantiles = np.nanquantile(own.z, _QUANTILES, axis=1).T
    of_history = np.hstack((recent, means, spread, quantiles, summary(history, norm)))
    ahead = np.tile(np.arange(1, horizon + 1), m)[:, None]
    weekday = same_weekday(own.z, horizon).reshape(-1, 1)
    return np.hstack((np.repeat(of_history, horizon, axis=0), ahead, weekday))


def same_weekday(z: Floats, horizon: int) -> Floats:
    """Mean deviation on the last four days of the same weekday as each day ahead, (m, horizon); NaN where none."""
    last = z.shape[1] - 1
    found = np.full((len(z), horizon), np.nan)
    for ahead in range(1, horizon + 1):
        back = last + ahead - 7 * np.arange(-(-ahead // 7), -(-ahead // 7) + 4)
        if (back := back[back >= 0]).size:
            found[:, ahead - 1] = _quiet(np.nanmean, z[:, back])
    return found


def targets(windows: Windows, norm: Norm) -> tuple[Floats, Floats]:
    """What came as deviations (m, horizon), NaN where missing; and weights (m,) that make errors count in points."""
    own = standardise(windows.history, norm)
    return (windows.future - own.mean[:, None]) / own.spread[:, None], own.spread / norm.spread


def _persistence(z: Floats) -> Floats:
    now, before = z[:, 1:], z[:, :-1]
    both = np.isfinite(now) & np.isfinite(before)
    product = np.where(both, now * before, 0.0).sum(axis=1)
    square = np.where(both, before**2, 0.0).sum(axis=1)
    # As if seven more pairs had shown none, for short histories.
    r: Floats = product / (square + _PRIOR_POINTS)
    return r


def _slope(z: Floats) -> Floats:
    at = np.where(np.isfinite(z), np.arange(z.shape[1]) / 7.0, np.nan)
    centred = at - _quiet(np.nanmean, at)[:, None]
    rise = np.nansum(centred * (z - _quiet(np.nanmean, z)[:, None]), axis=1)
    slope: Floats = rise / (np.nansum(centred**2, axis=1) + 1.0)
    return slope


def _padded(z: Floats, days: int) -> Floats:
    return np.pad(z, ((0, 0), (max(days - z.shape[1], 0), 0)), constant_values=np.nan)


def _quiet(of: Callable[..., Any], values: Floats) -> Floats:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # nothing reported is NaN, which is meant
        answer: Floats = of(values, axis=1)
    return answer
