"""The simulator's model of daily mood, fitted to one person.

A day's mood is a level, a weekly wave, a slow trend, what known drivers (such as the hours slept the night before)
add, a mean-reverting swing that remembers its days, and noise. The swing is an Ornstein-Uhlenbeck process seen daily,
so that the observed days are jointly normal whatever days are missing. The three numbers of swing and noise are found
at the top of their posterior and drawn around it (Laplace); all others are normal given those, and drawn exactly. What
is likely before a day is seen is the population of :mod:`novamind.simulator`.

References
----------
Rasmussen CE, Williams CKI (2006) Gaussian Processes for Machine Learning, ch. 2.7 (known basis functions with a prior)
and 5.4.1 (marginal likelihood); Tierney L, Kadane JB (1986) J Am Stat Assoc 81:82-86 (Laplace).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import linalg, optimize

from novamind.measures import Abstained

Floats = NDArray[np.float64]

#: Days with the mood and every driver below which nothing is fitted.
LEAST_DAYS: Final = 42
#: Share of the days at one end of the scale from which the mood is not a normal number any more.
MOST_AT_AN_END: Final = 0.2
ENDS: Final = (0.0, 10.0)
HYPER: Final = ("swing", "swing_days", "noise")
#: Of the simulator, on the scale of a check-in: medians and log standard deviations of swing, its days, and noise.
_MEDIANS: Final = np.array([0.93, 3.0, 1.75])
_LOG_SD: Final = np.array([0.31, 0.4, 0.18])
#: Of level, weekly cosine and sine, and trend in 90 days: means, then standard deviations. A driver's effect has mean 0
#: and ``DRIVER_SD``, in points per standard deviation of the driver: small against the noise of a day, and our choice.
_BASE_MEANS: Final = np.array([5.0, 0.0, 0.0, 0.0])
_BASE_SD: Final = np.array([3.0, 0.15, 0.15, 0.375])
DRIVER_SD: Final = 0.5
_BASE: Final = ("level", "week_cos", "week_sin", "trend")


@dataclass(frozen=True)
class Fitted:
    """Draws from the posterior of one person.

    Attributes
    ----------
    names : tuple of str
        Of the columns of ``draws``: swing, swing_days, noise, level, week_cos, week_sin, trend, then the drivers, whose
        effect is in points of mood per unit of the driver.
    draws : (draws, columns) float64
        In points of the check-in, days, and points per 90 days.
    drivers : dict of str to (days,) float64
        As they were given.
    days : int
        Days fitted.
    """

    names: tuple[str, ...]
    draws: Floats
    drivers: dict[str, Floats]
    days: int

    def of(self, name: str) -> Floats:
        """The draws of one number."""
        return self.draws[:, self.names.index(name)]

    def interval(self, name: str, share: float = 0.8) -> tuple[float, float]:
        """The middle ``share`` of its draws."""
        low, high = np.quantile(self.of(name), [(1 - share) / 2, (1 + share) / 2])
        return float(low), float(high)


def fit_person(mood: Floats, drivers: Mapping[str, Floats], rng: np.random.Generator, *, draws: int = 400) -> Fitted:
    """Fit one person's daily mood.

    Parameters
    ----------
    mood : (days,) float64
        0 to 10, one value a local day, NaN where missing.
    drivers : mapping of str to (days,) float64
        What the mood of that day may depend on, NaN where missing; a day without one of them takes no part.
    rng : numpy.random.Generator
        Draws.
    draws : int
        How many.

    Returns
    -------
    Fitted

    Raises
    ------
    Abstained
        too_few_days; no_variation of mood or a driver; indeterminate where more than ``MOST_AT_AN_END`` of the days
        stand at one end of the scale.
    """
    known = ~np.isnan(mood) & ~np.any([np.isnan(one) for one in drivers.values()] or np.zeros_like(mood), axis=0)
    at = np.flatnonzero(known)
    _require(mood[known], [one[known] for one in drivers.values()])
    scales = [float(one[known].std()) for one in drivers.values()]
    standard = [(one[known] - one[known].mean()) / scale for one, scale in zip(drivers.values(), scales, strict=True)]
    design = np.column_stack([_base(at, len(mood)), *standard])
    means = np.concatenate([_BASE_MEANS, np.zeros(len(standard))])
    spread = np.concatenate([_BASE_SD, np.full(len(standard), DRIVER_SD)])
    left = mood[known] - design @ means
    apart = np.abs(at[:, None] - at[None, :]).astype(float)

    def cost(logs: Floats) -> float:
        return _cost(logs, left, design * spread, apart)

    best = optimize.minimize(cost, np.log(_MEDIANS), method="BFGS").x
    found = _around(cost, best, rng, draws)
    linear = np.array([_linear(logs, left, design * spread, apart, rng) for logs in found]) * spread + means
    linear[:, len(_BASE) :] /= np.array(scales)
    names = (*HYPER, *_BASE, *drivers)
    return Fitted(
        names, np.hstack([np.exp(found), linear]), {name: one.copy() for name, one in drivers.items()}, len(at)
    )


def _require(mood: Floats, drivers: list[Floats]) -> None:
    if len(mood) < LEAST_DAYS:
        raise Abstained("too_few_days", needed=LEAST_DAYS, got=len(mood))
    if mood.std() == 0 or any(one.std() == 0 for one in drivers):
        raise Abstained("no_variation")
    if max(float(np.mean(mood == end)) for end in ENDS) > MOST_AT_AN_END:
        raise Abstained("indeterminate", what="too many answers at one end of the scale")


def _base(at: NDArray[np.int64], days: int) -> Floats:
    """Level, weekly wave, and trend in 90 days about the middle."""
    angle = 2 * np.pi * at / 7
    return np.column_stack([np.ones(len(at)), np.cos(angle), np.sin(angle), (at - days / 2) / 90])


def _noise(logs: Floats, apart: Floats) -> Floats:
    """Covariance of swing and noise of the days."""
    swing, days, noise = np.exp(logs)
    return np.asarray(swing**2 * np.exp(-apart / days) + noise**2 * np.eye(len(apart)))


def _cost(logs: Floats, left: Floats, design: Floats, apart: Floats) -> float:
    """Minus the log posterior of the three numbers, without what does not change."""
    root = linalg.cholesky(_noise(logs, apart) + design @ design.T, lower=True)
    whitened = linalg.solve_triangular(root, left, lower=True)
    prior = (logs - np.log(_MEDIANS)) / _LOG_SD
    return float(np.log(np.diag(root)).sum() + 0.5 * whitened @ whitened + 0.5 * prior @ prior)


def _around(cost: Callable[[Floats], float], best: Floats, rng: np.random.Generator, draws: int) -> Floats:
    """Draws of the three logs from a normal law with the curvature at the top."""
    step = 0.05
    moves = np.eye(len(best)) * step
    curve = np.array(
        [
            [
                (cost(best + a + b) - cost(best + a - b) - cost(best - a + b) + cost(best - a - b)) / (4 * step**2)
                for b in moves
            ]
            for a in moves
        ]
    )
    # The prior's own curvature is the least there can be: a flat or wrong numerical one must not draw wild numbers.
    values, vectors = np.linalg.eigh((curve + curve.T) / 2)
    values = np.maximum(values, 1 / _LOG_SD.max() ** 2)
    return np.asarray(best + (rng.standard_normal((draws, len(best))) / np.sqrt(values)) @ vectors.T)


def _linear(logs: Floats, left: Floats, design: Floats, apart: Floats, rng: np.random.Generator) -> Floats:
    """One draw of the standardised linear numbers (prior mean 0, standard deviation 1) given the three."""
    root = linalg.cholesky(_noise(logs, apart), lower=True)
    known, seen = (linalg.solve_triangular(root, one, lower=True) for one in (design, left))
    precision = linalg.cholesky(known.T @ known + np.eye(design.shape[1]), lower=True)
    mean = linalg.cho_solve((precision, True), known.T @ seen)
    return np.asarray(mean + linalg.solve_triangular(precision.T, rng.standard_normal(len(mean))))
