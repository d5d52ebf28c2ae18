"""The small model of mood fitted to one person: simulated people's numbers found again, and what it may not say."""

from __future__ import annotations

import json

import numpy as np
import pytest
from scipy import stats

from novamind.measures import Abstained
from novamind.simulator import ALL, simulate_daily
from novamind.simulator.persona import People
from twins.science.whatif import Fitted, difference, fit_person
from twins.science.whatif.fitting import _cost
from twins.whatif.asking import NO_MOVEMENT

PEOPLE, DAYS, SEED = 60, 120, 9


@pytest.fixture(scope="module")
def recovered() -> dict[str, np.ndarray]:
    """Of simulated people in the middle of the scale: (people, 4) truth, median, and ends of the 80 % interval."""
    rng = np.random.default_rng(1)
    drawn, level = People.draw(PEOPLE, SEED), 1.5
    size = np.exp(0.09 * level)  # who is usually worse swings more: taken back, so that the prior is theirs
    relief = rng.normal(0, 4, PEOPLE)
    known = {"low_mood": np.full(PEOPLE, level), "relief_per_hour": relief, "reactivity": drawn.reactivity / size,
             "scatter": drawn.scatter / size}  # fmt: skip
    cohort = simulate_daily(PEOPLE, DAYS, SEED, effects=ALL.without("episodes"), known=known)
    truths = {"swing": 0.93 * drawn.reactivity, "swing_days": drawn.persistence_days, "noise": 1.75 * drawn.scatter,
              "sleep": relief / 10}  # fmt: skip
    found: dict[str, list[tuple[float, ...]]] = {name: [] for name in truths}
    for who in range(PEOPLE):
        mood, slept = 10 - cohort.ratings.low_mood[who] / 10, cohort.nights.tst_h[who, :-1]
        try:
            fitted = fit_person(mood, {"sleep": slept}, rng, draws=200)
        except Abstained:
            continue
        for name, truth in truths.items():
            found[name].append((truth[who], float(np.median(fitted.of(name))), *fitted.interval(name)))
    return {name: np.array(rows) for name, rows in found.items()}


@pytest.mark.parametrize(("name", "least"), [("swing", 0.4), ("swing_days", 0.15), ("noise", 0.7), ("sleep", 0.7)])
def test_the_numbers_of_simulated_people_are_found_again(recovered, name, least):
    truth, median, low, high = recovered[name].T
    assert len(truth) >= 50
    held = np.mean((low <= truth) & (truth <= high))
    assert 0.7 <= held <= 0.9
    assert np.corrcoef(truth, median)[0, 1] >= least


def test_the_evidence_is_that_of_a_joint_normal_law():
    """Against scipy's multivariate normal, written down anew."""
    rng = np.random.default_rng(2)
    at = np.array([0.0, 1, 4, 5, 9])
    apart = np.abs(at[:, None] - at[None, :])
    left, design, logs = rng.standard_normal(5), rng.standard_normal((5, 2)), np.log([0.7, 2.0, 1.2])
    covariance = 0.49 * np.exp(-apart / 2) + 1.44 * np.eye(5) + design @ design.T
    prior = stats.norm.logpdf(logs, np.log([0.93, 3.0, 1.75]), [0.31, 0.4, 0.18]).sum()
    expected = -stats.multivariate_normal.logpdf(left, np.zeros(5), covariance) - prior
    other = np.log([0.93, 3.0, 1.75])
    theirs = (
        -stats.multivariate_normal.logpdf(
            left, np.zeros(5), 0.93**2 * np.exp(-apart / 3) + 1.75**2 * np.eye(5) + design @ design.T
        )
        - stats.norm.logpdf(other, other, [0.31, 0.4, 0.18]).sum()
    )
    assert _cost(logs, left, design, apart) - _cost(other, left, design, apart) == pytest.approx(expected - theirs)


def person(rng: np.random.Generator, effect: float, days: int = 120) -> tuple[np.ndarray, np.ndarray]:
    slept = 7 + rng.standard_normal(days)
    return np.clip(np.round(5 + effect * (slept - 7) + rng.standard_normal(days)), 0, 10), slept


def test_an_effect_is_told_with_its_way_and_none_is_told_where_there_is_none():
    rng = np.random.default_rng(3)
    mood, slept = person(rng, 1.0)
    found = difference(fit_person(mood, {"sleep": slept}, rng), {"sleep": 1.0}, days=14, rng=rng)
    assert found.is_told
    assert 0.7 < found.low < found.median < found.high < 1.2
    less = difference(fit_person(mood, {"sleep": slept}, rng), {"sleep": -1.0}, days=28, rng=rng)
    assert less.high < -0.7
    assert (found.days, less.days) == (14, 28)
    told = 0
    for _ in range(15):
        mood, slept = person(rng, 0.0)
        told += difference(fit_person(mood, {"sleep": slept}, rng, draws=100), {"sleep": 1.0}, days=14, rng=rng).is_told
    assert told <= 7  # one in five is expected


def test_what_the_patient_never_lived_is_not_said():
    rng = np.random.default_rng(4)
    mood, slept = person(rng, 1.0)
    fitted = fit_person(mood, {"sleep": slept}, rng, draws=50)
    with pytest.raises(Abstained, match="indeterminate"):
        difference(fitted, {"sleep": 6.0}, days=14, rng=rng)
    reached = int(np.sum(slept <= slept.mean() - 1))
    assert difference(fitted, {"sleep": -1.0}, days=14, rng=rng).own_days == reached
    with pytest.raises(KeyError):
        difference(fitted, {"steps": 1.0}, days=14, rng=rng)


def test_near_an_end_of_the_scale_the_difference_is_held_by_it():
    rng = np.random.default_rng(5)
    names = ("swing", "swing_days", "noise", "level", "week_cos", "week_sin", "trend", "sleep")
    sure = np.tile([0.01, 3.0, 0.01, 9.5, 0, 0, 0, 1.0], (50, 1))
    fitted = Fitted(names, sure, {"sleep": 7 + rng.standard_normal(100)}, 100)
    found = difference(fitted, {"sleep": 1.0}, days=14, rng=rng)
    assert found.median == pytest.approx(0.5, abs=0.02)


@pytest.mark.parametrize(
    ("spoil", "code"),
    [
        (lambda mood, slept: (np.where(np.arange(120) < 41, mood, np.nan), slept), "too_few_days"),
        (lambda mood, slept: (mood, np.full(120, 7.0)), "no_variation"),
        (lambda mood, slept: (np.where(np.arange(120) % 4 == 0, 10, mood), slept), "indeterminate"),
    ],
)
def test_few_days_an_even_driver_and_the_end_of_the_scale_are_not_fitted(spoil, code):
    rng = np.random.default_rng(6)
    mood, slept = spoil(*person(rng, 0.5))
    with pytest.raises(Abstained, match=code):
        fit_person(mood, {"sleep": slept}, rng)


def test_the_card_has_the_figures_that_were_recorded_and_no_others():
    from benchmarks.__main__ import RESULTS
    from benchmarks.cards import SHIPPED, figures

    recorded = figures("what_if", json.loads(RESULTS.read_text()))
    assert recorded == json.loads((SHIPPED / "what_if.json").read_text())["validity_internal"]
    movement = next(one for one in recorded if "movement, no effect, depressions" in one["population"])
    assert f"{100 * movement['value']:.0f} in 100 simulated" in NO_MOVEMENT.reason
