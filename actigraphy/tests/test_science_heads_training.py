"""Training a head: as scikit-learn would, from the training people alone, and nothing from nothing."""

import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from actigraphy.science import heads
from actigraphy.science.heads import evaluation, training
from actigraphy.science.heads.metrics import auc
from actigraphy.science.pat import WEEK_MIN


def people(n=40, effect=1.0, seed=0, recordings=1):
    """Features of people, a quarter of whom miss the second one; the first tells the outcome."""
    rng = np.random.default_rng(seed)
    label = np.repeat(np.arange(n) % 5 < 2, recordings)
    person = np.repeat(np.arange(n), recordings)
    x = rng.normal(size=(n * recordings, len(heads.CIRCADIAN)))
    x[:, 0] += effect * label
    x[rng.random(len(x)) < 0.25, 1] = np.nan
    weeks = [np.full((1, WEEK_MIN), 1.0, np.float32)] * len(x)
    return evaluation.Recordings("actiwatch", label, person, x, weeks)


@pytest.fixture
def fitted():
    them = people()
    return them, training.fit(them.circadian, them.label, them.person)


def test_the_scores_are_those_of_scikit_learn_s_pipeline(fitted):
    them, head = fitted
    pipeline = make_pipeline(
        SimpleImputer(strategy="median", add_indicator=True),
        StandardScaler(),
        LogisticRegression(C=head.penalty, class_weight="balanced", max_iter=1_000),
    ).fit(them.circadian, them.label)
    unseen = people(seed=9).circadian
    unseen[0, 5] = np.nan  # missing in nobody it was trained on: imputed, without an indicator
    np.testing.assert_allclose(head.score(unseen), pipeline.decision_function(unseen), atol=1e-9)
    assert head.indicated.tolist() == [1]
    logit = head.slope * pipeline.decision_function(unseen) + head.offset
    np.testing.assert_allclose(head.probability(unseen), 1 / (1 + np.exp(-logit)), atol=1e-12)


def test_what_cannot_be_told_is_told_by_chance_and_what_can_be_well():
    ones = np.ones((1, 40))
    found = {
        effect: auc(evaluation.answers(them, heads.make_folds(them, folds=3), "circadian"), ones)[0]
        for effect, them in ((effect, people(effect=effect)) for effect in (0.0, 4.0))
    }
    assert 0.25 < found[0.0] < 0.75
    assert found[4.0] > 0.9


def test_labels_dealt_anew_are_told_by_chance():
    """The whole procedure on labels that have nothing to do with anybody: whatever leaked would lift this off 0.5."""
    them = people(n=30, effect=3.0)
    dealt = evaluation.permuted_aucs(them, heads.make_folds(them, folds=3), "circadian", permutations=8)
    low, high = np.mean(dealt) + np.array([-2, 2]) * np.std(dealt, ddof=1) / np.sqrt(8)
    assert low < 0.5 < high


def test_nothing_of_a_person_left_out_is_in_the_head_that_answers_about_them():
    them = people(n=24)
    fold = heads.make_folds(them)[3]
    assert set(them.person[fold.test]) == {3}

    def head(recordings):
        made = heads.make_folds(recordings)[3]
        x, train = made.features["circadian"], made.train
        return training.fit(x[train], recordings.label[train], recordings.person[train])

    changed = replace(them, circadian=them.circadian.copy(), label=them.label.copy())
    changed.circadian[fold.test] = 1e6
    changed.label[fold.test] ^= True
    one, other = head(them), head(changed)
    for name in ("median", "mean", "scale", "coefficients", "slope", "offset", "threshold"):
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name))


@pytest.mark.parametrize("folds", [None, 4])
def test_every_recording_of_a_person_is_left_out_together(folds):
    them = people(n=20, recordings=3)
    made = heads.make_folds(them, folds=folds)
    assert sorted(np.concatenate([fold.test for fold in made])) == list(range(60))
    for fold in made:
        assert not set(them.person[fold.train]) & set(them.person[fold.test])
    inner = list(training.grouped_splits(them.label, them.person, 5, 0))
    assert not any(set(them.person[train]) & set(them.person[test]) for train, test in inner)


def test_a_split_that_parts_a_person_stops_everything(monkeypatch):
    with pytest.raises(AssertionError, match="both the training and the test part"):
        training.assert_apart(np.array([0, 1, 1]), np.array([0, 1]), np.array([2]))


def test_the_cohort_of_a_fold_is_of_its_training_people():
    rng = np.random.default_rng(2)
    weeks = [rng.gamma(2, 80, (2, WEEK_MIN)).astype(np.float32) for _ in range(24)]
    them = replace(people(n=12, recordings=2), weeks=weeks)
    cohort = them.cohort_of(np.flatnonzero(np.arange(12) != 7))
    assert cohort.people == 11
    weeks[14], weeks[15] = weeks[14] * 100, weeks[15] * 100  # both recordings of person 7
    np.testing.assert_array_equal(them.cohort_of(np.flatnonzero(np.arange(12) != 7)).mean, cohort.mean)
    assert them.cohort_of(np.arange(12)).mean.mean() > 2 * cohort.mean.mean()


def test_the_threshold_alerts_as_many_as_the_load_allows():
    probability = np.array([0.9, 0.8, 0.8, 0.8, 0.5, 0.4, 0.3, 0.2, 0.1, 0.0])
    label = np.array([True] * 5 + [False] * 5)

    def alerts(load):
        return int((probability >= training.alert_threshold(probability, label, load)).sum())

    assert alerts(10) == 1
    assert alerts(20) == 1  # three have the same probability: alerting one of them would alert them all
    assert alerts(40) == 4
    assert alerts(None) == 5
    assert alerts(1) == 0
    assert alerts(99.99) == 9
    assert training.alert_threshold(probability, label, 100) == 0
    assert not (np.full(10, 0.5) >= training.alert_threshold(np.full(10, 0.5), label, 50)).any()


def test_calibration_shrinks_what_is_separable_and_never_turns_scores_over():
    label = np.arange(40) < 16
    slope, offset = training._platt(np.where(label, 1.0, -1.0), label)
    top = training.sigmoid(np.array([slope + offset]))[0]
    assert top == pytest.approx(17 / 18, abs=1e-3)  # Platt's target, not certainty
    slope, offset = training._platt(np.where(label, -1.0, 1.0), label)
    assert (slope, training.sigmoid(np.array([offset]))[0]) == (0, pytest.approx(0.4))


def test_too_few_of_a_kind_are_refused_by_their_number():
    them = people(n=10)
    with pytest.raises(heads.TrainingError, match="4 people of one label; 5 are needed"):
        training.fit(them.circadian, them.label, them.person)


def test_a_feature_nobody_has_is_nothing_to_go_by():
    them = people()
    them.circadian[:, 4] = np.nan
    head = training.fit(them.circadian, them.label, them.person)
    assert head.coefficients[4] == 0
    assert np.isfinite(head.probability(people(seed=1).circadian)).all()


def test_dummies_know_nothing():
    them = people(n=50)
    folds = heads.make_folds(them)
    majority = evaluation.dummy_answers(them, folds, "majority")
    assert not majority.alert.any()
    stratified = evaluation.dummy_answers(them, folds, "stratified", seed=1)
    assert 10 <= stratified.alert.sum() <= 30
    assert 0.2 < auc(stratified, np.ones((1, 50)))[0] < 0.8


def test_importing_heads_loads_neither_scikit_learn_nor_tensorflow():
    program = (
        "import sys, actigraphy.science.heads, actigraphy.science.heads.tuning; "
        "print([name for name in ('sklearn', 'tensorflow', 'keras') if name in sys.modules])"
    )
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "[]"
