"""Trees on what was known at the start, their probabilities calibrated out of fold; people are never on both sides."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from twins.science.treatment import metrics
from twins.science.treatment.features import NAMES
from twins.science.treatment.metrics import Floats
from twins.science.treatment.targets import TARGETS

FOLDS: Final = 5
ROUNDS: Final = 80
#: Set beforehand and not searched: few and shallow trees, as hundreds of courses bear.
SETTINGS: Final = {
    "max_depth": 3, "eta": 0.06, "min_child_weight": 5, "subsample": 0.8, "colsample_bytree": 0.6, "lambda": 5.0,
    "tree_method": "hist",
}  # fmt: skip
#: Below which nothing is trained: people, and courses of the rarer of two outcomes.
LEAST_PEOPLE: Final = 200
LEAST_RARER: Final = 50
_LEVEL: Final = 0.8
_BASELINE: Final = NAMES.index("baseline_total")


class TooFew(Exception):
    """Too few people or outcomes to learn from; the text is fit for an operator."""


@dataclass(frozen=True, eq=False)
class Rows:
    """Courses to learn from: ``x`` (n, len(NAMES)), ``y`` (n,) and whose they are, ``person`` (n,)."""

    x: Floats
    y: Floats
    person: NDArray[np.int64]

    def of(self, chosen: NDArray[Any]) -> Rows:
        """Some of them."""
        return Rows(self.x[chosen], self.y[chosen], self.person[chosen])

    @property
    def people(self) -> int:
        """How many people have a course."""
        return len(np.unique(self.person))


@dataclass(frozen=True, eq=False)
class Fitted:
    """Trees as XGBoost's binary JSON, and what was learnt out of fold on top of them.

    ``bend``: of a probability, intercept and slope of the log odds (Platt 1999); of points, 0 and half the width of the
    80 % interval.
    """

    target: str
    trees: bytes
    bend: tuple[float, float]

    def raw(self, x: Floats) -> Floats:
        """(n,) log odds or points as the trees say them."""
        import xgboost

        booster = xgboost.Booster({"nthread": 1})
        booster.load_model(bytearray(self.trees))
        found = booster.inplace_predict(np.ascontiguousarray(x), missing=np.nan, predict_type="margin")
        return np.asarray(found, dtype=np.float64)

    def predict(self, x: Floats) -> Floats:
        """(n,) probabilities or points."""
        raw = self.raw(x)
        return metrics.expit(self.bend[0] + self.bend[1] * raw) if TARGETS[self.target].is_probability else raw


@dataclass(frozen=True, eq=False)
class Judged:
    """What was said of each course by trees that had not seen the person, and by the simpler ways.

    ``rate``: the mean of the people learnt from. ``line``: a straight line on the baseline total.
    """

    rows: Rows
    said: Floats
    rate: Floats
    line: Floats
    half_width: Floats

    def figures(self, target: str, *, seed: int) -> dict[str, dict[str, float]]:
        """Name -> value, low and high (95 %, people drawn again); without those that the data do not define."""
        measures = self._of_probability() if TARGETS[target].is_probability else self._of_points()
        found = {name: metrics.over_people(measure, self.rows.person, seed=seed) for name, measure in measures.items()}
        return {
            name: dict(zip(("value", "low", "high"), three, strict=True))
            for name, three in found.items()
            if np.isfinite(three).all()
        }

    def _of_probability(self) -> dict[str, Any]:
        y, p, rate = self.rows.y, self.said, self.rate
        return {
            "AUC": lambda at: metrics.auc(y[at], p[at]),
            "Brier score": lambda at: metrics.brier(y[at], p[at]),
            "Brier skill against the base rate": lambda at: (
                1 - metrics.brier(y[at], p[at]) / metrics.brier(y[at], rate[at])
            ),
            "calibration slope": lambda at: metrics.calibration(y[at], p[at])[0],
            "calibration intercept": lambda at: metrics.calibration(y[at], p[at])[1],
        }

    def _of_points(self) -> dict[str, Any]:
        y = self.rows.y
        error, rate, line = (np.abs(each - y) for each in (self.said, self.rate, self.line))
        return {
            "mean absolute error": lambda at: float(error[at].mean()),
            "absolute error less than the mean's": lambda at: float((rate - error)[at].mean()),
            "absolute error less than a line on the baseline's": lambda at: float((line - error)[at].mean()),
            "coverage of the 80 % interval": lambda at: float((error <= self.half_width)[at].mean()),
        }


def fit(rows: Rows, target: str, *, seed: int, threads: int = 1) -> Fitted:
    """Trees on all rows, calibrated on what trees said that had not seen the person.

    Raises
    ------
    TooFew
    """
    require_enough(rows, target)
    return _fitted(rows, target, seed, threads)


def crossed(rows: Rows, target: str, *, seed: int, threads: int = 1) -> Judged:
    """:func:`fit` on four fifths of the people, calibration and all, asked of the fifth left out; five times.

    Raises
    ------
    TooFew
    """
    require_enough(rows, target)
    said, rate, line, half = (np.empty(len(rows.y)) for _ in range(4))
    for fold, out in enumerate(_folds(rows, seed)):
        learnt, judging = rows.of(~out), rows.of(out)
        fitted = _fitted(learnt, target, seed + 1 + fold, threads)
        said[out], rate[out] = fitted.predict(judging.x), learnt.y.mean()
        line[out] = _line(learnt, judging)
        half[out] = 0.0 if TARGETS[target].is_probability else fitted.bend[1]
    return Judged(rows, said, rate, line, half)


def require_enough(rows: Rows, target: str) -> None:
    """``TooFew`` below the least number of people, or of courses of the rarer outcome."""
    if rows.people < LEAST_PEOPLE:
        raise TooFew(f"{rows.people} people have a course that can be learnt from; {LEAST_PEOPLE} are needed")
    if TARGETS[target].is_probability:
        rarer = int(min(rows.y.sum(), len(rows.y) - rows.y.sum()))
        if rarer < LEAST_RARER:
            raise TooFew(f"{rarer} courses have the rarer outcome; {LEAST_RARER} are needed")


def _fitted(rows: Rows, target: str, seed: int, threads: int) -> Fitted:
    out_of_fold = np.empty(len(rows.y))
    for out in _folds(rows, seed):
        out_of_fold[out] = Fitted(target, _trees(rows.of(~out), target, seed, threads), (0.0, 1.0)).raw(rows.x[out])
    if TARGETS[target].is_probability:
        bend = metrics.logistic(out_of_fold, rows.y)
        bend = bend if np.isfinite(bend).all() else (0.0, 1.0)
    else:
        bend = (0.0, _half_width(np.abs(out_of_fold - rows.y)))
    return Fitted(target, _trees(rows, target, seed, threads), bend)


def _trees(rows: Rows, target: str, seed: int, threads: int) -> bytes:
    import xgboost

    objective = "binary:logistic" if TARGETS[target].is_probability else "reg:absoluteerror"
    settings = SETTINGS | {"objective": objective, "seed": seed, "nthread": threads}
    booster = xgboost.train(settings, xgboost.DMatrix(rows.x, rows.y), ROUNDS)
    return bytes(booster.save_raw("ubj"))


def _folds(rows: Rows, seed: int) -> list[NDArray[np.bool_]]:
    """Masks (n,) of who is left out; each person once."""
    people = np.unique(rows.person)
    dealt = np.random.default_rng([seed, 23]).permutation(len(people)) % FOLDS
    of_row = dealt[np.searchsorted(people, rows.person)]
    return [of_row == fold for fold in range(FOLDS)]


def _half_width(errors: Floats) -> float:
    """Split conformal: the error that 80 % of new courses stay within (Vovk 2005)."""
    place = int(np.ceil((len(errors) + 1) * _LEVEL))
    return float(np.sort(errors)[min(place, len(errors)) - 1])


def _line(learnt: Rows, judging: Rows) -> Floats:
    """A straight line on the baseline total; where that is missing, the mean."""
    x, asked = learnt.x[:, _BASELINE], judging.x[:, _BASELINE]
    known = np.isfinite(x)
    if known.sum() < 2 or x[known].std() == 0:
        return np.full(len(asked), learnt.y.mean())
    slope, level = np.polyfit(x[known], learnt.y[known], 1)
    return np.where(np.isfinite(asked), level + slope * np.nan_to_num(asked), learnt.y.mean())
