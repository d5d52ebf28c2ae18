"""The whole forecaster: fitted, evaluated on people left out, asked, written, read, and broken."""

import io

import numpy as np
import pytest

from novamind.measures import Abstained
from twins.science.forecasting import (
    BASELINES,
    MODELS,
    ModelError,
    PanelError,
    evaluate,
    fit,
    forecaster_bytes,
    judge,
    load_forecaster,
)
from twins.science.forecasting.fitting import best_weight, deal
from twins.tests.forecasting_series import HASTY, SLIDER, forecaster, panel


@pytest.mark.parametrize("model", MODELS)
def test_a_forecast_is_on_the_grid_within_the_range_and_inside_its_intervals(model):
    series = panel(3, seed=5).scores[1]
    said = forecaster().forecast(series, model=model)
    assert said.reliability == "high"
    for values in (said.points, *said.intervals["80"], *said.intervals["95"]):
        assert values.shape == (14,)
        assert ((values >= 0) & (values <= 100) & (values == np.rint(values))).all()
    (low, high), (lower, higher) = said.intervals["80"], said.intervals["95"]
    assert ((lower <= low) & (low <= said.points) & (said.points <= high) & (high <= higher)).all()


def test_six_scores_are_an_abstention_and_seven_a_forecast_of_low_reliability():
    series = np.full(20, np.nan)
    series[:6] = [10, 20, 15, 30, 5, 12]
    with pytest.raises(Abstained) as why:
        forecaster().forecast(series)
    assert why.value.code == "too_few_days"
    series[-1] = 14
    assert forecaster().forecast(series).reliability == "low"


def test_asking_changes_nothing_and_asking_again_gives_the_same():
    series = panel(1, seed=6).scores[0]
    before = series.copy()
    one, two = forecaster().forecast(series), forecaster().forecast(series)
    np.testing.assert_array_equal(series, before)
    np.testing.assert_array_equal(one.points, two.points)
    assert one.miss == two.miss


def test_a_person_whose_days_miss_more_often_gets_wider_intervals_from_then_on():
    calm = np.full(60, 50.0)
    shifted = np.where(np.arange(60) < 30, 20.0, 80.0)
    wider, narrower = (forecaster().forecast(series, model="own-mean").miss["80"] for series in (shifted, calm))
    assert wider < 0.2 < narrower


def test_a_file_gives_back_the_same_forecasts_and_the_same_bytes():
    content = forecaster_bytes(forecaster())
    assert content == forecaster_bytes(forecaster())
    read = load_forecaster(content)
    history = panel(4, seed=8).scores
    for name, points in forecaster().points(history).items():
        np.testing.assert_array_equal(points, read.points(history)[name])
    assert load_forecaster(content, sha256=read.sha256).weight == read.weight


def changed(content, **arrays):
    """The file with some arrays replaced."""
    held = dict(np.load(io.BytesIO(content)))
    file = io.BytesIO()
    np.savez_compressed(file, **held | arrays)
    return file.getvalue()


def test_a_file_that_is_no_forecaster_is_refused(tmp_path):
    content = forecaster_bytes(forecaster())
    nan = np.full((14, 201), np.nan)
    for broken in (
        b"",
        b"nothing",
        content[: len(content) // 2],
        changed(content, said=np.frombuffer(b"{}", np.uint8)),
        changed(content, **{"0/trees": np.frombuffer(b"{}", np.uint8)}),
        changed(content, **{"0/transformer/answer/bias": np.array([np.inf], np.float32)}),
        changed(content, **{"conformal/ensemble/lower": nan}),
        changed(content, said=np.array([{"a": "pickle"}], dtype=object)),
    ):
        with pytest.raises(ModelError):
            load_forecaster(broken)
    with pytest.raises(ModelError, match="registered"):
        load_forecaster(content, sha256="0" * 64)
    with pytest.raises(ModelError, match="read"):
        load_forecaster(tmp_path / "nothing.npz")


def test_every_person_is_judged_by_a_forecaster_that_never_saw_them(monkeypatch):
    from twins.science.forecasting import evaluation

    whole = panel(12)
    seen = []

    def noted(taken, **options):
        fitted = fit(taken, **options)
        seen.append((set(taken.people), fitted))
        return fitted

    judged = []
    monkeypatch.setattr(evaluation, "fit", noted)
    monkeypatch.setattr(evaluation, "judge", lambda by, of: judged.append((by, set(of.people))) or judge(by, of))
    found = evaluate(whole, preset=HASTY, folds=2, seed=0, scale=SLIDER).table()
    for (trained, fitted), (by, people) in zip(seen, judged, strict=True):
        assert by is fitted
        assert not trained & people
    assert set.union(*(people for _, people in judged)) == set(whole.people)
    assert set(found["models"]) == set(MODELS)
    needed = {"mae", "rmse", "mase", "coverage_80", "coverage_95", "width_80", "width_95", "mae_interval"}
    for figures in found["models"].values():
        assert needed <= set(figures)
        assert figures["people"] == 12
        assert 0 <= figures["coverage_80"] <= figures["coverage_95"] <= 1
    assert found["models"]["own-mean"]["own_mean_minus_model"] == 0
    counted = sum(each["own-mean"]["forecasts"] for each in found["by_reliability"].values() if each)
    assert counted == found["models"]["own-mean"]["forecasts"]


def test_the_own_mean_of_an_evaluation_is_that_of_numpy():
    whole = panel(12)
    found = judge(forecaster(), whole).table()["models"]["own-mean"]
    errors = [
        abs(row[day + ahead] - np.clip(np.rint(np.nanmean(row[: day + 1])), 0, 100))
        for row in whole.scores
        for day in range(60)
        if np.isfinite(row[: day + 1]).sum() >= 7
        for ahead in range(1, 15)
        if day + ahead < 60 and np.isfinite(row[day + ahead])
    ]
    assert found["mae"] == pytest.approx(np.mean(errors))
    assert found["forecasts"] == len(errors)


def test_the_weight_is_the_one_with_the_least_error_and_seven_tenths_where_nothing_differs():
    future = np.random.default_rng(0).normal(size=(50, 14))
    assert best_weight(future + 1, future, future) == 1.0
    assert best_weight(future, future + 1, future) == 0.0
    assert best_weight(future + 1, future - 1, future) == pytest.approx(0.5)
    assert best_weight(future, future, future) == pytest.approx(0.7)


def test_groups_of_people_differ_by_one_at_most():
    assert sorted(np.bincount(deal(51, 5, seed=0))) == [10, 10, 10, 10, 11]


def test_too_few_people_or_too_short_series_are_refused():
    with pytest.raises(PanelError, match="6 are needed"):
        fit(panel(5), preset=HASTY, seed=0)
    with pytest.raises(PanelError, match="too short"):
        fit(panel(9, days=15), preset=HASTY, seed=0)
    with pytest.raises(PanelError, match="too few for 5 folds"):
        evaluate(panel(7), preset=HASTY, folds=5)
    with pytest.raises(PanelError, match="nobody"):
        judge(forecaster(), panel(3, days=6))


def test_baselines_answer_without_a_trained_model():
    assert set(BASELINES) == {"own-mean", "own-median", "exponential-smoothing"}
