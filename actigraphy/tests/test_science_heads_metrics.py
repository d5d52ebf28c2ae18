"""Figures of heads: against scikit-learn, against an example worked by hand, and drawn by person."""

import numpy as np
import pytest
from sklearn import metrics as sk
from sklearn.linear_model import LogisticRegression

from actigraphy.science.heads.metrics import (
    Answers,
    _interval,
    auc,
    brier,
    calibration,
    decisions,
    figures,
    reliability,
    resampled,
)

ONES = np.ones((1, 60))


def made(seed=3, n=60):
    rng = np.random.default_rng(seed)
    label = rng.random(n) < 0.4
    score = np.round(rng.normal(label * 0.8, 1), 1)  # rounded, so that there are ties
    probability = 1 / (1 + np.exp(-score))
    return Answers(label, np.arange(n), score, probability, probability >= 0.5)


def by_name(answers):
    return {figure["metric"]: figure for figure in figures(answers, population="p", how="h", seed=0)}


def test_every_figure_agrees_with_scikit_learn():
    answers, label = made(), made().label
    found = {name: figure["value"] for name, figure in by_name(answers).items()}
    confused = sk.confusion_matrix(label, answers.alert)
    expected = {
        "auc": sk.roc_auc_score(label, answers.score),
        "f1": sk.f1_score(label, answers.alert),
        "mcc": sk.matthews_corrcoef(label, answers.alert),
        "accuracy": sk.accuracy_score(label, answers.alert),
        "sensitivity": sk.recall_score(label, answers.alert),
        "specificity": confused[0, 0] / confused[0].sum(),
        "ppv": sk.precision_score(label, answers.alert),
        "alerts_per_100": 100 * answers.alert.mean(),
        "brier": sk.brier_score_loss(label, answers.probability),
    }
    assert {name: found[name] for name in expected} == pytest.approx(expected, abs=1e-12)


def test_a_resample_s_figures_are_those_of_the_recordings_repeated():
    answers = made()
    weights = resampled(answers.person, resamples=3, seed=1)
    for row, aucs, mccs, briers in zip(
        weights, auc(answers, weights), decisions(answers, weights)["mcc"], brier(answers, weights), strict=True
    ):
        drawn = np.repeat(np.arange(60), row.astype(int))
        assert aucs == pytest.approx(sk.roc_auc_score(answers.label[drawn], answers.score[drawn]))
        assert mccs == pytest.approx(sk.matthews_corrcoef(answers.label[drawn], answers.alert[drawn]))
        assert briers == pytest.approx(sk.brier_score_loss(answers.label[drawn], answers.probability[drawn]))


def test_calibration_is_the_logistic_regression_it_says():
    answers = made()
    logit = np.log(answers.probability / (1 - answers.probability))
    model = LogisticRegression(C=np.inf, tol=1e-10).fit(logit[:, None], answers.label)
    found = calibration(answers, ONES)
    assert found["calibration_slope"][0] == pytest.approx(model.coef_[0, 0], abs=1e-5)
    # With the slope at 1, the intercept is where the mean probability meets the share of positives.
    shifted = 1 / (1 + np.exp(-logit - found["calibration_intercept"][0]))
    assert shifted.mean() == pytest.approx(answers.label.mean(), abs=1e-9)


def test_an_example_worked_by_hand():
    """Scores 0.9+ 0.8- 0.7+ 0.3- 0.2-, alerts from 0.5 on: of 6 pairs 5 are in order; TP 2, FP 1, TN 2, FN 0."""
    probability = np.array([0.9, 0.8, 0.7, 0.3, 0.2])
    label = np.array([True, False, True, False, False])
    answers = Answers(label, np.arange(5), probability, probability, probability >= 0.5)
    found = {name: figure["value"] for name, figure in by_name(answers).items()}
    assert found["auc"] == pytest.approx(5 / 6)
    assert found["f1"] == pytest.approx(4 / 5)
    assert found["mcc"] == pytest.approx((2 * 2 - 1 * 0) / np.sqrt(3 * 2 * 3 * 2))
    assert found["brier"] == pytest.approx((0.01 + 0.64 + 0.09 + 0.09 + 0.04) / 5)


def test_an_interval_is_of_people_not_of_recordings():
    """Each person four times over: nothing new is known, so the interval stays as wide."""
    once = made()
    four = Answers(
        *(np.repeat(getattr(once, name), 4) for name in ("label", "person", "score", "probability", "alert"))
    )
    alone, repeated = by_name(once), by_name(four)
    for name, figure in alone.items():
        assert (figure["low"], figure["high"]) == pytest.approx((repeated[name]["low"], repeated[name]["high"]))
        assert figure["low"] < figure["value"] < figure["high"]
        assert repeated[name]["n"] == 60


def test_an_interval_holds_the_truth_as_often_as_it_says():
    """AUC of two normals a standard deviation and a bit apart: 0.8 in truth."""
    rng, held = np.random.default_rng(11), 0
    for _ in range(100):
        label = np.arange(80) < 35
        score = rng.normal(label * 1.19, 1)
        answers = Answers(label, np.arange(80), score, np.full(80, 0.5), label)
        low, high = _interval(auc(answers, resampled(answers.person, resamples=400, seed=0)))
        held += low <= 0.8 <= high
    assert 88 <= held <= 99


def test_what_is_not_defined_has_no_value():
    label = np.array([True, False, True, False])
    nobody = Answers(label, np.arange(4), np.zeros(4), np.full(4, 0.5), np.zeros(4, dtype=bool))
    found = by_name(nobody)
    assert found["ppv"]["value"] is None
    assert found["ppv"]["low"] is None
    assert found["mcc"]["value"] == 0
    assert found["auc"]["value"] == 0.5
    assert found["calibration_slope"]["value"] is None
    perfect = Answers(label, np.arange(4), label * 1.0, np.where(label, 0.9, 0.1), label)
    assert by_name(perfect)["calibration_slope"]["value"] is None  # separable: any slope is better than the last


def test_reliability_groups_hold_everybody_once():
    answers = made()
    rows = reliability(answers)
    assert [row["n"] for row in rows] == [12] * 5
    assert sum(row["n"] * row["observed"] for row in rows) == pytest.approx(answers.label.sum())
    assert [row["predicted"] for row in rows] == sorted(row["predicted"] for row in rows)
    # Wilson's interval of none in 12: 0 to z²/(12 + z²).
    (row,) = reliability(Answers(np.zeros(1, bool), np.zeros(1, int), np.zeros(1), np.zeros(1), np.zeros(1, bool)))
    assert (row["low"], row["high"]) == pytest.approx((0, 0.7935), abs=1e-4)
