"""How good answers are, with intervals over people.

Every figure is a function of weights, one per recording: ones give the figure itself, and how often each person was
drawn gives a bootstrap resample. So one formula serves both, and all resamples are computed at once. Recordings of one
person are drawn together.

References
----------
Efron & Tibshirani (1993) ch. 13 (percentile intervals); Chicco & Jurman (2020) BMC Genomics 21:6 (MCC); Van Calster et
al. (2019) BMC Med 17:230 (calibration slope, and intercept with the slope at 1).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

RESAMPLES: Final = 2_000
RELIABILITY_GROUPS: Final = 5
_CLOSEST = 1e-6  # probabilities are kept this far from 0 and 1 where their logit is taken
_NEWTON_STEPS = 25


@dataclass(frozen=True, eq=False)
class Answers:
    """What was answered about recordings whose outcome is known, each by a head that never saw the person.

    Attributes
    ----------
    label : ndarray of bool, shape (n,)
    person : ndarray of int, shape (n,)
        0 to the number of people - 1.
    score : ndarray, shape (n,)
        What AUC ranks.
    probability : ndarray, shape (n,)
    alert : ndarray of bool, shape (n,)
    """

    label: Bools
    person: Ints
    score: Floats
    probability: Floats
    alert: Bools


def resampled(person: Ints, *, resamples: int, seed: int) -> Floats:
    """Bootstrap weights, shape (resamples, n): how often each recording's person was drawn."""
    people = int(person.max()) + 1
    draws = np.random.default_rng(seed).multinomial(people, np.full(people, 1 / people), size=resamples)
    return draws[:, person].astype(np.float64)


def auc(answers: Answers, weights: Floats) -> Floats:
    """Area under the ROC curve for each row of ``weights`` (b, n): P(positive above negative) + half of P(equal)."""
    positive, negative = answers.score[answers.label], answers.score[~answers.label]
    above = (positive[:, None] > negative) + 0.5 * (positive[:, None] == negative)
    heavy, light = weights[:, answers.label], weights[:, ~answers.label]
    return _ratio(((heavy @ above) * light).sum(axis=1), heavy.sum(axis=1) * light.sum(axis=1))


def decisions(answers: Answers, weights: Floats) -> dict[str, Floats]:
    """What follows from the alerts, for each row of ``weights`` (b, n); NaN where a denominator is zero.

    MCC is 0, as usual, where everybody or nobody is alerted.
    """
    hit, wrong = answers.label & answers.alert, ~answers.label & answers.alert
    tp, fp = weights @ hit, weights @ wrong
    fn, tn = weights @ answers.label - tp, weights @ ~answers.label - fp
    both = (tp + fn) * (tn + fp)
    spread = np.sqrt(both * (tp + fp) * (tn + fn))
    mcc = np.where(spread > 0, (tp * tn - fp * fn) / np.where(spread > 0, spread, 1), 0.0)
    return {
        "f1": _ratio(2 * tp, 2 * tp + fp + fn),
        "mcc": np.where(both > 0, mcc, np.nan),
        "accuracy": _ratio(tp + tn, tp + tn + fp + fn),
        "sensitivity": _ratio(tp, tp + fn),
        "specificity": _ratio(tn, tn + fp),
        "ppv": _ratio(tp, tp + fp),
        "alerts_per_100": 100 * _ratio(tp + fp, tp + tn + fp + fn),
    }


def brier(answers: Answers, weights: Floats) -> Floats:
    """Mean squared error of the probabilities, 0 to 1, for each row of ``weights``."""
    return _ratio(weights @ (answers.probability - answers.label) ** 2, weights.sum(axis=1))


def calibration(answers: Answers, weights: Floats) -> dict[str, Floats]:
    """Slope and intercept of the outcome on the logit of the probability, for each row of ``weights``.

    Slope 1 and intercept 0 are perfect; a slope under 1 is overconfidence, an intercept above 0 too low a level. NaN
    where a resample's outcomes are separable or of one kind; no slope where all probabilities are the same.
    """
    clipped = np.clip(answers.probability, _CLOSEST, 1 - _CLOSEST)
    logit = np.log(clipped / (1 - clipped))
    one = np.ones_like(logit)
    slope = np.full(len(weights), np.nan)
    if logit.min() < logit.max():
        slope = _logistic(np.stack((one, logit)), np.zeros_like(logit), answers.label, weights)[:, 1]
    intercept = _logistic(one[None], logit, answers.label, weights)[:, 0]
    return {"calibration_slope": slope, "calibration_intercept": intercept}


def _logistic(columns: Floats, offset: Floats, label: Bools, weights: Floats) -> Floats:
    """Maximum likelihood by Newton's method, one regression per row of weights: (k, n) columns to (b, k)."""
    k = len(columns)
    beta = np.zeros((len(weights), k))
    pairs = (columns[:, None] * columns).reshape(k * k, -1)
    for _ in range(_NEWTON_STEPS):
        p = 1 / (1 + np.exp(-np.clip(beta @ columns + offset, -30, 30)))
        gradient = (weights * (label - p)) @ columns.T
        hessian = (weights * p * (1 - p) @ pairs.T).reshape(-1, k, k) + 1e-9 * np.eye(k)
        step = np.linalg.solve(hessian, gradient[..., None])[..., 0]
        beta += np.clip(step, -1, 1)
    beta[(np.abs(step) > 1e-6).any(axis=1)] = np.nan  # still on its way: separable, the best slope is infinite
    return beta


def _ratio(above: Floats, below: Floats) -> Floats:
    ratio: Floats = np.where(below > 0, above / np.where(below > 0, below, 1), np.nan)
    return ratio


def figures(
    answers: Answers, *, population: str, how: str, seed: int, resamples: int = RESAMPLES
) -> list[dict[str, Any]]:
    """Every figure as ``{metric, value, low, high, n, population, how}``: 95 % percentile intervals over people.

    Value and limits are None where the figure is not defined; a resample in which it is not is left out of the limits.
    """
    ones = np.ones((1, len(answers.label)))
    draws = resampled(answers.person, resamples=RESAMPLES, seed=seed)
    measured: list[Callable[[Floats], dict[str, Floats]]] = [
        lambda weights: {"auc": auc(answers, weights)},
        lambda weights: decisions(answers, weights),
        lambda weights: {"brier": brier(answers, weights)},
        lambda weights: calibration(answers, weights),
    ]
    people = int(answers.person.max()) + 1
    found = []
    for measure in measured:
        values, spread = measure(ones), measure(draws)
        for metric, (value,) in values.items():
            low, high = _interval(spread[metric])
            limits = {"value": _number(value), "low": _number(low), "high": _number(high)}
            found.append({"metric": metric, **limits, "n": people, "population": population, "how": how})
    return found


def _interval(values: Floats) -> tuple[float, float]:
    known = values[np.isfinite(values)]
    if len(known) < len(values) / 2:
        return np.nan, np.nan
    low, high = np.percentile(known, [2.5, 97.5])
    return float(low), float(high)


def _number(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None


def reliability(answers: Answers) -> list[dict[str, Any]]:
    """Groups of equal size by probability: how many, the mean probability, and the share in which it came true.

    With Wilson's 95 % interval.
    """
    order = np.argsort(answers.probability, kind="stable")
    rows = []
    for group in np.array_split(order, min(RELIABILITY_GROUPS, len(order))):
        n, came = len(group), int(answers.label[group].sum())
        low, high = _wilson(came, n)
        mean = float(answers.probability[group].mean())
        rows.append({"n": n, "predicted": mean, "observed": came / n, "low": low, "high": high})
    return rows


def _wilson(came: int, n: int) -> tuple[float, float]:
    z = 1.959963984540054
    middle = (came + z * z / 2) / (n + z * z)
    half = z / (n + z * z) * np.sqrt(came * (n - came) / n + z * z / 4)
    return float(middle - half), float(middle + half)
