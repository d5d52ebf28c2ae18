"""Models of treatments: targets to the day, nothing known later enters, nothing of suicide, people kept apart."""

from __future__ import annotations

import io
import subprocess
import sys
from dataclasses import fields, replace
from datetime import date, timedelta
from typing import Any

import numpy as np
import pytest

from patients.instruments.catalogue import instruments
from twins.science.treatment import (
    LEAST_PEOPLE,
    NAMES,
    TARGETS,
    Chart,
    Condition,
    Course,
    ModelError,
    Phenotype,
    Rows,
    TooFew,
    Total,
    TreatmentModel,
    crossed,
    features_of,
    fit,
    load_model,
    metrics,
    model_bytes,
    require_trees,
    target_of,
    total_without_safety,
)
from twins.science.treatment.charts import DAILY, ITEMS
from twins.science.treatment.fitting import FOLDS, _folds

START = date(2026, 3, 1)
COURSE = Course("SSRI", START)


def after(days: int) -> date:
    return START + timedelta(days=days)


def chart(*totals: tuple[int, float], **more: Any) -> Chart:
    about = {"instrument": "phq9", "born": date(1986, 3, 1), "seen_until": after(200)}
    return Chart(**(about | {"totals": tuple(Total(after(day), points) for day, points in totals)} | more))


def said(name: str, *, of: Chart, course: Course = COURSE) -> float:
    return float(features_of(of, course)[NAMES.index(name)])


@pytest.mark.parametrize(
    ("totals", "response", "outcome"),
    [
        ([(-3, 16), (50, 8)], 1.0, 8.0),
        ([(-3, 16), (50, 9)], 0.0, 9.0),
        ([(-3, 16), (42, 8)], 1.0, 8.0),
        ([(-3, 16), (84, 8)], 1.0, 8.0),
        ([(-3, 16), (41, 8)], None, None),
        ([(-3, 16), (85, 8)], None, None),
        ([(-28, 16), (50, 8)], 1.0, 8.0),
        ([(-29, 16), (50, 8)], None, None),
        ([(0, 16), (50, 8)], 1.0, 8.0),
        ([(1, 16), (50, 8)], None, None),
        ([(-20, 10), (-3, 16), (45, 20), (60, 8)], 1.0, 8.0),
        ([(-3, 4), (50, 0)], None, 0.0),
    ],
)
def test_response_and_later_total_are_defined_to_the_day(totals, response, outcome):
    of = chart(*totals)
    assert target_of("response", of, COURSE) == response
    assert target_of("outcome", of, COURSE) == outcome


@pytest.mark.parametrize(
    ("ended", "reason", "told"),
    [
        (84, "side_effects", 1.0), (84, "no_effect", 1.0), (85, "side_effects", 0.0), (30, "patient", 0.0),
        (30, "remission", 0.0), (30, "unknown", None), (30, "", None), (None, "side_effects", None),
    ],
)  # fmt: skip
def test_stopping_early_counts_two_reasons_within_12_weeks(ended, reason, told):
    course = replace(COURSE, ended=None if ended is None else after(ended), stop_reason=reason, stopped=True)
    assert target_of("risk", chart(), course) == told


def test_a_course_that_goes_on_tells_only_after_12_weeks():
    assert target_of("risk", chart(seen_until=after(84)), COURSE) == 0.0
    assert target_of("risk", chart(seen_until=after(83)), COURSE) is None


def test_no_target_is_about_suicide():
    words = " ".join(f"{one.name} {one.label} {one.definition}" for one in TARGETS.values()).casefold()
    assert not any(word in words for word in ("suicid", "self-harm", "item 9", "death", "c-ssrs"))


def test_item_9_and_any_other_safety_item_is_in_no_total():
    every = instruments()
    for code, items in ITEMS.items():
        asked = {rule.item for rule in every[code].safety}
        assert not asked & set(items)
        assert {item.id for item in every[code].scored} - set(items) == asked
    points = {str(item): 2.0 for item in range(1, 10)}
    totals = [total_without_safety("phq9", points | {"9": at}) for at in (0.0, 3.0)]
    assert totals == [16.0, 16.0]
    assert total_without_safety("phq9", {item: 1.0 for item in "12345678"}) == 8.0


def test_nothing_is_read_of_c_ssrs_and_no_total_without_every_item():
    assert total_without_safety("cssrs", {str(item): 1.0 for item in range(1, 7)}) is None
    assert total_without_safety("phq9", {str(item): 1.0 for item in range(2, 10)}) is None


@pytest.mark.parametrize("code", ["R45.851", "Z91.51", "X78.9", "T14.91", "F10.2", "F11.2"])
def test_no_code_of_self_harm_or_substance_use_changes_what_is_known(code):
    plain, coded = (chart((-3, 16), conditions=conditions) for conditions in ((), (Condition(code, START),)))
    assert np.array_equal(features_of(plain, COURSE), features_of(coded, COURSE), equal_nan=True)


def full_chart(extra: bool) -> Chart:
    """Everything there is before the start; with ``extra``, everything there may be after it as well."""
    rng = np.random.default_rng(2)
    days = np.full((len(DAILY), 200), np.nan)
    days[:, :60] = rng.random((len(DAILY), 60))
    later = after(1)
    found = chart(
        (-40, 20), (-3, 16), courses=(Course("SNRI", after(-300), after(-100), "no_effect", stopped=True), COURSE),
        conditions=(Condition("F33.1", after(-400)),),
        phenotypes=(Phenotype("CYP2D6", "Poor Metabolizer", after(-30)),),
        first=after(-60), days=days,
    )  # fmt: skip
    if not extra:
        return found
    days = days.copy()
    days[:, 60:] = 9.0
    return replace(
        found,
        totals=(*found.totals, Total(later, 3), Total(after(50), 2)),
        courses=(*found.courses, Course("SSRI", later, after(9), "side_effects", stopped=True)),
        conditions=(*found.conditions, Condition("F31.3", later)),
        phenotypes=(*found.phenotypes, Phenotype("CYP2D6", "Normal Metabolizer", later),
                    Phenotype("CYP2C19", "Poor Metabolizer", later)),
        days=days,
    )  # fmt: skip


def test_nothing_that_is_dated_after_the_start_changes_what_is_known_on_it():
    plain, later = (features_of(full_chart(extra), COURSE) for extra in (False, True))
    assert np.array_equal(plain, later, equal_nan=True)
    ends = replace(COURSE, ended=after(30), stop_reason="side_effects", stopped=True)
    assert np.array_equal(plain, features_of(full_chart(False), ends), equal_nan=True)


def test_how_an_earlier_course_ended_counts_once_it_has():
    ended = {at: chart(courses=(Course("SNRI", after(-90), after(at), "no_effect", stopped=True),)) for at in (0, 1)}
    assert [said("earlier:no_effect", of=ended[at]) for at in (0, 1)] == [1.0, 0.0]
    assert [said("earlier_courses", of=ended[at]) for at in (0, 1)] == [1.0, 1.0]


def test_what_is_known_is_in_its_place():
    of = full_chart(False)
    days = of.days[:, 32:60]
    found = dict(zip(NAMES, features_of(of, COURSE), strict=True))
    assert (found["baseline_total"], found["earlier:no_effect"], found["class:SSRI"], found["class:SNRI"]) == (
        16,
        1,
        1,
        0,
    )
    assert found["age"] == pytest.approx(40, abs=0.01)
    assert (found["condition:depression"], found["condition:bipolar"]) == (1, 0)
    assert found["gene:CYP2D6"] == 0
    assert np.isnan(found["gene:CYP2C19"])
    assert [found[f"before:{name}"] for name in DAILY] == pytest.approx(days.mean(axis=1))
    assert len(NAMES) == len(set(NAMES))


def test_missing_stays_missing():
    days = np.full((len(DAILY), 28), np.nan)
    days[:, :6] = 1.0
    sparse = chart(first=after(-28), days=days)
    assert np.isnan([said(f"before:{name}", of=sparse) for name in DAILY]).all()
    days[:, :7] = 1.0
    assert said("before:mood", of=sparse) == 1.0
    assert np.isnan(said("baseline_total", of=chart()))


def test_days_that_reach_back_too_little_are_read_where_they_are():
    days = np.ones((len(DAILY), 10))
    assert said("before:mood", of=chart(first=after(-10), days=days)) == 1.0
    assert np.isnan(said("before:mood", of=chart(first=after(3), days=days)))


def drawn(people: int = LEAST_PEOPLE + 20, *, effect: float = 2.0, seed: int = 0) -> Rows:
    """Two courses each, a baseline that decides, and nothing else."""
    rng = np.random.default_rng(seed)
    person = np.repeat(np.arange(people), 2)
    x = np.full((len(person), len(NAMES)), np.nan)
    x[:, 0] = rng.normal(14, 4, len(person))
    p = metrics.expit(effect * (x[:, 0] - 14) / 4)
    return Rows(x, (rng.random(len(person)) < p).astype(float), person)


@pytest.fixture(scope="module")
def rows() -> Rows:
    return drawn()


@pytest.fixture(scope="module")
def fitted(rows: Rows) -> Any:
    return fit(rows, "response", seed=4)


def test_nobody_is_on_both_sides(rows):
    folds = _folds(rows, 3)
    assert len(folds) == FOLDS
    assert np.array_equal(np.sum(folds, axis=0), np.ones(len(rows.y)))
    for out in folds:
        assert not set(rows.person[out]) & set(rows.person[~out])


def test_the_same_seed_gives_the_same_bytes_and_another_one_does_not(rows, fitted):
    again, other = fit(rows, "response", seed=4), fit(rows, "response", seed=5)
    assert (again.trees, again.bend) == (fitted.trees, fitted.bend)
    assert other.trees != fitted.trees


def test_what_decides_is_found_and_what_is_not_there_is_not():
    found = crossed(drawn(), "response", seed=1).figures("response", seed=1)
    nothing = crossed(drawn(effect=0.0, seed=9), "response", seed=1).figures("response", seed=1)
    assert found["AUC"]["low"] > 0.7
    assert found["Brier skill against the base rate"]["low"] > 0.1
    assert found["calibration slope"]["low"] < 1 < found["calibration slope"]["high"]
    assert nothing["Brier skill against the base rate"]["low"] < 0
    assert nothing["AUC"]["low"] < 0.5


def test_points_are_told_with_an_interval_that_holds_as_often_as_it_says():
    rng = np.random.default_rng(3)
    of = drawn()
    points = np.clip(of.x[:, 0] / 2 + rng.normal(0, 2, len(of.y)), 0, 24)
    found = crossed(Rows(of.x, points, of.person), "outcome", seed=1).figures("outcome", seed=1)
    assert found["absolute error less than the mean's"]["low"] > 0
    assert found["coverage of the 80 % interval"]["value"] == pytest.approx(0.8, abs=0.06)


def test_too_few_people_or_outcomes_are_refused_with_how_many(rows):
    few = rows.of(rows.person < 50)
    with pytest.raises(TooFew, match=f"50 people .* {LEAST_PEOPLE} are needed"):
        fit(few, "response", seed=0)
    rare = Rows(rows.x, (np.arange(len(rows.y)) < 20).astype(float), rows.person)
    with pytest.raises(TooFew, match="20 courses have the rarer outcome"):
        crossed(rare, "risk", seed=0)


@pytest.mark.parametrize(
    ("y", "p", "value"),
    [([0, 0, 1, 1], [0.1, 0.2, 0.3, 0.4], 1.0), ([0, 1, 0, 1], [0.5, 0.5, 0.5, 0.5], 0.5),
     ([1, 0, 1, 0], [0.1, 0.2, 0.3, 0.4], 0.25)],
)  # fmt: skip
def test_auc_by_hand(y, p, value):
    assert metrics.auc(np.array(y, dtype=float), np.array(p)) == value


def test_calibration_finds_how_much_too_sure_probabilities_are():
    rng = np.random.default_rng(8)
    x = rng.normal(0, 1, 20_000)
    y = (rng.random(20_000) < metrics.expit(x)).astype(float)
    slope, intercept = metrics.calibration(y, metrics.expit(2 * x))
    assert slope == pytest.approx(0.5, abs=0.03)
    assert intercept == pytest.approx(0.0, abs=0.06)
    assert metrics.calibration(y, metrics.expit(x - 1))[1] == pytest.approx(1.0, abs=0.06)


def test_intervals_draw_people_and_not_rows():
    person = np.repeat(np.arange(10), 20)
    value = np.repeat(np.arange(10.0), 20)
    mean, low, high = metrics.over_people(lambda at: float(value[at].mean()), person, seed=0)
    assert mean == 4.5
    assert high - low > 2.5  # 200 rows that were people would give 0.8


def test_a_file_gives_back_what_was_trained(rows, fitted):
    model = TreatmentModel(fitted, "phq9", {"data": {"simulated": False}})
    again = load_model(model_bytes(model))
    require_trees(again)
    assert again.answer(rows.x[0]) == model.answer(rows.x[0])
    assert again.card == model.card
    assert not again.is_simulated
    assert TreatmentModel(fitted, "phq9", {}).is_simulated


def test_points_stay_within_the_instrument():
    of = drawn()
    model = TreatmentModel(fit(Rows(of.x, of.x[:, 0].clip(0, 24), of.person), "outcome", seed=0), "phq9", {})
    for baseline in (0.0, 24.0):
        x = np.full(len(NAMES), np.nan)
        x[0] = baseline
        found = model.answer(x)
        assert 0 <= found["low"] <= found["value"] <= found["high"] <= 24


def damaged(content: bytes, **change: Any) -> bytes:
    with np.load(io.BytesIO(content), allow_pickle=False) as file:
        arrays = {name: file[name] for name in file.files} | change
    out = io.BytesIO()
    np.savez(out, **arrays)
    return out.getvalue()


def test_what_is_no_model_is_refused_and_nothing_is_unpickled(fitted):
    content = model_bytes(TreatmentModel(fitted, "phq9", {}))
    pickled = np.array([{"a": 1}], dtype=object)
    for wrong in (b"", b"PK\x03\x04", damaged(content, said=pickled), damaged(content, trees=pickled)):
        with pytest.raises(ModelError, match="not a treatment model"):
            load_model(wrong)
    with pytest.raises(ModelError, match="trees"):
        require_trees(load_model(damaged(content, trees=np.frombuffer(b"no trees", np.uint8))))
    with pytest.raises(ModelError, match="registered"):
        load_model(content, sha256="0" * 64)
    named = damaged(
        content, said=np.frombuffer(bytes(_said(content)).replace(b'"baseline_total"', b'"total"'), np.uint8)
    )
    with pytest.raises(ModelError, match="other features"):
        load_model(named)


def _said(content: bytes) -> bytes:
    with np.load(io.BytesIO(content), allow_pickle=False) as file:
        return bytes(file["said"].tobytes())


def test_a_chart_has_room_for_nothing_but_what_is_named():
    assert {one.name for one in fields(Chart)} == {
        "instrument", "born", "seen_until", "totals", "courses", "conditions", "phenotypes", "first", "days",
    }  # fmt: skip


def test_the_package_does_not_import_xgboost():
    code = (
        "import sys, twins.science.treatment; print({'xgboost', 'sklearn', 'scipy', 'tensorflow'} & set(sys.modules))"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "set()"
