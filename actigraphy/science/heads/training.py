"""Fitting a head: regularised logistic regression, everything learned from the people it is given.

Imputation, scaling, penalty, calibration and threshold are all part of what is fitted, so that whoever holds people out
holds them out of all of it. scikit-learn is needed here only; a fitted head answers with numpy.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

#: Inverse strengths of the L2 penalty that are tried, strongest first: of equal ones the simplest wins.
PENALTIES: Final = tuple(float(c) for c in np.logspace(-4, 1, 11))
INNER_FOLDS: Final = 5
FEWEST_OF_A_KIND: Final = 5


class TrainingError(Exception):
    """Data from which no head can be trained, and why; names no person."""


@dataclass(frozen=True, eq=False)
class Linear:
    """A fitted head as plain numbers; ``probability`` is all that is needed to serve it.

    Attributes
    ----------
    median, mean, scale : ndarray
        Of the training people: for the k features (median), and for the features followed by the indicators.
    indicated : ndarray of int
        Places of the features that were missing in somebody, each of which has an indicator.
    coefficients : ndarray
        For the features followed by the indicators, standardised.
    intercept : float
    slope, offset : float
        Platt's calibration: the probability is the logistic function of slope * score + offset.
    threshold : float
        Probabilities from here on are alerts.
    penalty : float
        The chosen one of :data:`PENALTIES`.
    """

    median: Floats
    indicated: Ints
    mean: Floats
    scale: Floats
    coefficients: Floats
    intercept: float
    slope: float
    offset: float
    threshold: float
    penalty: float

    def score(self, x: Floats) -> Floats:
        """The uncalibrated score of recordings (n, k); NaN is imputed by the median."""
        missing = np.isnan(x)
        wide = np.hstack((np.where(missing, self.median, x), missing[:, self.indicated]))
        score: Floats = ((wide - self.mean) / self.scale) @ self.coefficients + self.intercept
        return score

    def probability(self, x: Floats) -> Floats:
        """Calibrated probabilities of recordings (n, k)."""
        return sigmoid(self.slope * self.score(x) + self.offset)


def sigmoid(x: Floats) -> Floats:
    """1 / (1 + exp(-x)), for any x."""
    half: Floats = 0.5 * (1 + np.tanh(0.5 * x))
    return half


def fit(x: Floats, label: Bools, person: Ints, *, alert_load: float | None = None, seed: int = 0) -> Linear:
    """Train a head.

    Parameters
    ----------
    x : ndarray, shape (n, k)
        Features; NaN is missing.
    label : ndarray of bool, shape (n,)
    person : ndarray of int, shape (n,)
        Whose recording it is; nobody is on both sides of an inner split.
    alert_load : float, optional
        Alerts per 100 recordings that the threshold allows at most, among the training people. Without it: as many as
        there are positives.
    seed : int
        Of the inner splits.

    Returns
    -------
    Linear
        The penalty is the one with the smallest log loss on people left out of inner fits; calibration (Platt 1999,
        with his targets) and threshold rest on the scores of those same left-out people, so that neither sees the score
        of a head that was trained on the person.

    Raises
    ------
    TrainingError
        Fewer than 5 people of a kind.
    """
    from threadpoolctl import threadpool_limits

    left_out = np.full((len(PENALTIES), len(label)), np.nan)
    with threadpool_limits(1):  # the matrices are small: threads would only wait for each other, 20 times as long
        for train, test in grouped_splits(label, person, INNER_FOLDS, seed):
            for at, head in enumerate(_fit_scores(x[train], label[train], PENALTIES)):
                left_out[at, test] = head.score(x[test])
        # Balanced weights, as in the fit: a score says how far from even a recording is, not how frequent the outcome.
        weight = np.where(label, 0.5 / label.sum(), 0.5 / (~label).sum())
        loss = (np.logaddexp(0, np.where(label, -left_out, left_out)) * weight).sum(axis=1)
        best = int(np.argmin(loss))
        slope, offset = _platt(left_out[best], label)
        threshold = alert_threshold(sigmoid(slope * left_out[best] + offset), label, alert_load)
        (head,) = _fit_scores(x, label, PENALTIES[best : best + 1])
    return replace(head, slope=slope, offset=offset, threshold=threshold)


def grouped_splits(label: Bools, person: Ints, folds: int, seed: int) -> Iterator[tuple[Ints, Ints]]:
    """Stratified splits with every person on one side; raises ``TrainingError`` with too few people of a kind."""
    from sklearn.model_selection import StratifiedGroupKFold

    fewest = min(len(np.unique(person[label])), len(np.unique(person[~label])))
    if fewest < FEWEST_OF_A_KIND:
        raise TrainingError(f"{fewest} people of one label; {FEWEST_OF_A_KIND} are needed")
    splitter = StratifiedGroupKFold(min(folds, fewest), shuffle=True, random_state=seed)
    for train, test in splitter.split(np.zeros(len(label)), label, person):
        assert_apart(person, train, test)
        yield train, test


def assert_apart(person: Ints, train: Ints, test: Ints) -> None:
    """Nobody is trained on and asked about; a violation is a bug and stops everything."""
    if np.intersect1d(person[train], person[test]).size:
        raise AssertionError("a person is in both the training and the test part")


def _fit_scores(x: Floats, label: Bools, penalties: Sequence[float]) -> Iterator[Linear]:
    """Median imputation with indicators, scaling and penalised fits: scikit-learn's pipeline, as numbers.

    Not calibrated yet: slope 1, offset 0.
    """
    from sklearn.impute import SimpleImputer
    from sklearn.linear_model import LogisticRegression
    from sklearn.preprocessing import StandardScaler

    imputer = SimpleImputer(strategy="median", add_indicator=True, keep_empty_features=True)
    scaler = StandardScaler()
    wide = scaler.fit_transform(imputer.fit_transform(x))
    for penalty in penalties:
        model = LogisticRegression(C=penalty, class_weight="balanced", max_iter=1_000).fit(wide, label)
        yield Linear(
            median=imputer.statistics_, indicated=imputer.indicator_.features_.astype(np.int64),
            mean=scaler.mean_, scale=scaler.scale_, coefficients=model.coef_[0], intercept=float(model.intercept_[0]),
            slope=1.0, offset=0.0, threshold=0.5, penalty=penalty,
        )  # fmt: skip


def _platt(score: Floats, label: Bools) -> tuple[float, float]:
    """Slope and offset from score to probability.

    References
    ----------
    Platt (1999): targets (n+ + 1)/(n+ + 2) and 1/(n- + 2), so that separable scores do not claim certainty.
    """
    from sklearn.linear_model import LogisticRegression

    positives, n = int(label.sum()), len(label)
    target = np.where(label, (positives + 1) / (positives + 2), 1 / (n - positives + 2))
    twice, both = np.concatenate((score, score))[:, None], np.repeat([True, False], n)
    model = LogisticRegression(C=np.inf, tol=1e-8).fit(twice, both, sample_weight=np.concatenate((target, 1 - target)))
    slope, offset = float(model.coef_[0, 0]), float(model.intercept_[0])
    if slope > 0:
        return slope, offset
    # Scores that rank people left out the wrong way round know nothing; turned over they would pretend to.
    return 0.0, float(np.log(positives / (n - positives)))


def alert_threshold(probability: Floats, label: Bools, alert_load: float | None) -> float:
    """The probability from which on at most ``alert_load`` of 100 recordings are alerted; without it, as many as are
    positive."""
    n = len(probability)
    allowed = int(label.sum()) if alert_load is None else int(np.floor(n * alert_load / 100 + 1e-9))
    ranked = np.sort(probability)[::-1]
    if allowed >= n:
        return 0.0
    if not allowed:
        return float((ranked[0] + 1) / 2)
    here, beyond = ranked[allowed - 1], ranked[allowed]
    if here > beyond:
        return float((here + beyond) / 2)
    above = ranked[ranked > here]  # a tie reaches beyond what is allowed
    return float((above[-1] + here) / 2) if len(above) else float((here + 1) / 2)
