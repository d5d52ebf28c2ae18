"""How good probabilities and points are, against saying the same of everybody; intervals by drawing people again."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

DRAWS: Final = 1000
_EDGE: Final = 1e-6
_STEPS: Final = 25
#: A slope beyond this is none: the two groups are told apart without overlap.
_STEEPEST: Final = 100.0


def auc(y: Floats, p: Floats) -> float:
    """Chance that of a pair the one with the event has the higher probability, ties by half; NaN without both."""
    events = int(y.sum())
    if not 0 < events < len(y):
        return float("nan")
    _, place, counts = np.unique(p, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(counts) - (counts - 1) / 2)[place]
    return float((ranks[y == 1].sum() - events * (events + 1) / 2) / (events * (len(y) - events)))


def brier(y: Floats, p: Floats) -> float:
    """Mean squared difference of what was said and what came."""
    return float(np.mean((p - y) ** 2))


def calibration(y: Floats, p: Floats) -> tuple[float, float]:
    """Slope of the outcome on the log odds said (1 is right), and the intercept with the slope held at 1 (0 is right).

    References
    ----------
    Van Calster et al. (2019) BMC Med 17:230.
    """
    x = logit(p)
    _, slope = logistic(x, y)
    intercept, _ = logistic(np.zeros_like(x), y, offset=x)
    return slope, intercept


def logistic(x: Floats, y: Floats, offset: Floats | float = 0.0) -> tuple[float, float]:
    """Intercept and slope of the log odds of ``y`` (n,) on ``x`` (n,), by Newton with a trace of ridge; NaN where the
    data have no such line."""
    beta, ridge = np.zeros(2), np.diag([1e-9, 1e-9])
    design = np.column_stack([np.ones_like(x), x])
    for _ in range(_STEPS):
        p = expit(design @ beta + offset)
        hessian = (design * (p * (1 - p))[:, None]).T @ design + ridge
        step = np.linalg.solve(hessian, design.T @ (y - p) - ridge @ beta)
        beta = np.clip(beta + step, -_STEEPEST, _STEEPEST)
        if np.abs(step).max() < 1e-9:
            return float(beta[0]), float(beta[1])
    return (float("nan"), float("nan")) if np.abs(beta).max() >= _STEEPEST else (float(beta[0]), float(beta[1]))


def logit(p: Floats) -> Floats:
    """Log odds; probabilities are kept off 0 and 1."""
    kept = np.clip(p, _EDGE, 1 - _EDGE)
    return np.log(kept / (1 - kept))


def expit(x: Floats) -> Floats:
    """Probability of log odds."""
    return np.asarray(1 / (1 + np.exp(-np.clip(x, -500, 500))))


def over_people(
    measure: Callable[[NDArray[np.intp]], float], person: NDArray[np.int64], *, seed: int
) -> tuple[float, float, float]:
    """A measure of rows with its 95 % interval, drawing people with all their rows again.

    Parameters
    ----------
    measure : callable
        Takes row numbers (m,); draws for which it is NaN are left out.
    person : (n,) int64
        Whose each row is.

    Returns
    -------
    value, low, high : float
    """
    groups = [np.flatnonzero(person == one) for one in np.unique(person)]
    rng = np.random.default_rng([seed, 17])
    drawn = [
        measure(np.concatenate([groups[at] for at in rng.integers(len(groups), size=len(groups))]))
        for _ in range(DRAWS)
    ]
    value = measure(np.arange(len(person)))
    low, high = np.nanpercentile(drawn, [2.5, 97.5])
    return value, min(float(low), value), max(float(high), value)
