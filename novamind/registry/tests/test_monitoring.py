"""How a version fares: its runs, a trial beside what serves, inputs that move."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import pytest

from novamind.clock import now
from novamind.measures import Abstained, Window
from novamind.registry.inference import infer_or_recall
from novamind.registry.monitoring import compare, drift, runs_of
from novamind.registry.science import reference_of

pytestmark = pytest.mark.django_db
WINDOW = Window(now() - timedelta(days=7), now())
DAY = timedelta(days=1)


def value(array):
    return {"score": float(array[0])}


@pytest.fixture
def run(patient):
    def infer(version, number, runner=value, patient_id=patient.pk, **more):
        return infer_or_recall(
            version=version, patient_id=patient_id, array=np.array([number]), window=WINDOW, run=runner, **more
        )

    return infer


def abstains(array):
    raise Abstained("too_few_days", needed=7, got=3)


def test_runs_are_counted_by_how_they_ended(register, run):
    version, other = register("1", "production"), register("2", "shadow")
    run(version, 1.0), run(version, 2.0), run(version, 1.0), run(version, 3.0, abstains), run(other, 1.0)
    with pytest.raises(ZeroDivisionError):
        run(version, 4.0, lambda array: 1 / 0)
    runs = runs_of(version, now() - DAY)
    assert runs.by_status == {"ok": 2, "recalled": 1, "abstained": 1, "failed": 1}
    assert (runs.total, runs.abstained) == (5, {"too_few_days": 1})
    assert (len(runs.milliseconds), runs.batches) == (3, [1, 1, 1])
    assert (runs.took(0.5).n, runs.took(0.5).unit) == (3, "ms")
    assert runs.inputs == {"computed": 4, "recalled": 1}
    assert (runs.hits.value, runs.hits.n, runs.batch(0.5).value) == (20.0, 5, 1.0)


def test_what_was_before_is_not_counted_and_nothing_has_no_quantile(register, run):
    version = register("1", "production")
    run(version, 1.0)
    runs = runs_of(version, now() + DAY)
    assert (runs.total, runs.took(0.95)) == (0, Abstained("too_few_inputs", needed=1, got=0))
    assert runs.hits == runs.batch(0.5) == Abstained("too_few_inputs", needed=1, got=0)


def test_a_trial_is_compared_over_the_inputs_that_both_answered(register, run):
    serving, trial = register("1", "production"), register("2", "shadow")
    for number in range(12):
        run(serving, float(number))
        run(trial, float(number), lambda array: {"score": float(array[0]) + (0.5 if array[0] == 3 else 0.25)})
    run(serving, 50.0), run(trial, 60.0)  # one alone
    run(serving, 70.0), run(trial, 70.0, abstains)
    found = compare(trial, serving)
    assert (found.n, found.one_abstained) == (12, 1)
    assert found.mean_difference.value == pytest.approx((11 * 0.25 + 0.5) / 12)
    assert (found.largest_difference.value, found.largest_difference.n) == (0.5, 12)
    assert found.correlation.value == pytest.approx(0.999, abs=1e-3)


def test_the_same_input_of_another_patient_is_not_common(register, run, make_patient, team):
    serving, trial = register("1", "production"), register("2", "shadow")
    run(serving, 1.0, patient_id=make_patient(team).pk)
    run(trial, 1.0)
    found = compare(trial, serving)
    assert (found.n, found.correlation) == (0, Abstained("too_few_pairs", needed=1, got=0))


def test_what_a_version_said_on_trial_is_not_what_it_serves(register, run):
    serving, trial = register("1", "shadow"), register("2", "shadow")
    run(serving, 1.0), run(trial, 1.0)
    assert compare(trial, serving).n == 0


def test_few_pairs_have_a_difference_and_no_correlation(register, run):
    serving, trial = register("1", "production"), register("2", "shadow")
    for number in range(3):
        run(serving, float(number)), run(trial, float(number))
    found = compare(trial, serving)
    assert (found.mean_difference.value, found.correlation) == (0, Abstained("too_few_pairs", needed=10, got=3))


def test_versions_that_answer_in_other_shapes_are_not_compared(register, run):
    serving, trial = register("1", "production"), register("2", "shadow")
    run(serving, 1.0), run(trial, 1.0, lambda array: [1.0, 2.0])
    assert compare(trial, serving).mean_difference.code == "indeterminate"


@pytest.fixture
def expecting(register):
    values = np.random.default_rng(3).normal(size=2000)
    references = [reference_of("mean activity", values), reference_of("minutes worn", values)]
    return register("1", "production", reference_statistics=references)


def test_inputs_that_moved_are_told_from_those_that_did_not(expecting, run):
    random = np.random.default_rng(5)
    for number, (same, moved) in enumerate(zip(random.normal(size=210), random.normal(1, size=210), strict=True)):
        run(expecting, float(number), summary=[same, moved])
    same, moved = drift(expecting, now() - DAY)
    assert (same.name, same.level, same.psi.n, same.patients) == ("mean activity", "none", 210, 1)
    assert (moved.level, moved.psi.n) == ("much", 210)
    assert drift(expecting, now() + DAY)[0].psi == Abstained("too_few_inputs", needed=200, got=0)


def test_few_inputs_and_missing_ones_say_so(expecting, run):
    for number in range(5):
        run(expecting, float(number), summary=[None if number else 1.0, 2.0])
    first, second = drift(expecting, now() - DAY)
    assert (first.psi, first.level) == (Abstained("too_few_inputs", needed=200, got=1), "")
    assert second.psi.got == 5


def test_a_version_that_expects_nothing_has_no_drift(register, run):
    version = register("1", "production")
    run(version, 1.0, summary=[1.0])
    assert drift(version, now() - DAY) == []
