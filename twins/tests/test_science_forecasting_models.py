"""Trees and SymptomTransformer: what they read, what they answer, and that Keras and numpy agree."""

from dataclasses import replace

import numpy as np
import pytest

from twins.science.forecasting import PRESETS
from twins.science.forecasting.features import Norm, same_weekday, standardise, summary, tree_features
from twins.science.forecasting.panel import Scale, cut
from twins.science.forecasting.transformer import TransformerWeights, inputs
from twins.science.forecasting.trees import ModelError, PooledTrees
from twins.tests.forecasting_series import HASTY, SLIDER, panel

NORM = Norm(Scale(0, 100), 18.0)


def drawn(preset, seed=0):
    """Weights that nobody trained."""
    rng = np.random.default_rng(seed)
    return TransformerWeights(preset, {n: rng.normal(0, 0.3, s).astype(np.float32) for n, s in preset.shapes().items()})


@pytest.mark.parametrize("preset", [HASTY, PRESETS["small"]], ids=["hasty", "small"])
def test_the_answer_with_numpy_is_that_of_keras(preset):
    from twins.science.forecasting.keras_transformer import Trainer

    weights, history = drawn(preset), panel(12).scores
    said = Trainer(preset, 14).answers(weights, *inputs(history, NORM, 14))
    ours = weights.predict(history, NORM, 14)
    np.testing.assert_allclose(ours, standardise(history, NORM).back(said.astype(float)), rtol=1e-5, atol=2e-3)


def test_the_full_preset_is_the_documents_size_in_keras_too():
    full = PRESETS["full"]
    assert (full.heads, full.layers, full.width, full.feed_forward, full.dropout) == (8, 6, 512, 2048, 0.1)
    assert (full.learning_rate, full.batch, full.epochs, full.l2) == (1e-4, 64, 100, 1e-5)
    # By hand: attention 4 (512² + 512), feed-forward 2 · 512 · 2048 + 2560, norms 1024 each; 6 blocks of either kind,
    # two embeddings of 20 channels, two last norms, the answer.
    attention, wide, norm = 4 * (512**2 + 512), 2 * 512 * 2048 + 2560, 1024
    blocks = 6 * (attention + wide + 2 * norm) + 6 * (2 * attention + wide + 3 * norm)
    assert full.parameters == blocks + 2 * (20 * 512 + 512) + 2 * norm + 513


@pytest.mark.slow
def test_keras_builds_the_full_preset():
    from twins.science.forecasting.keras_transformer import SymptomTransformer

    assert SymptomTransformer(PRESETS["full"], 14).count_params() == PRESETS["full"].parameters


def test_both_learn_a_week_that_the_own_mean_cannot_know():
    from twins.science.forecasting.keras_transformer import Trainer

    rng, day = np.random.default_rng(0), np.arange(70)
    scores = 50 + 20 * np.sin(2 * np.pi * (day + rng.integers(7, size=(40, 1))) / 7) + rng.normal(0, 3, (40, 70))
    scores[rng.random(scores.shape) < 0.05] = np.nan
    norm = Norm.of(scores, Scale(0, 100))
    windows = cut(replace(panel(40, 70), scores=scores), least_points=14, every=3)
    train, left_out = windows.where(windows.person < 30), windows.where(windows.person >= 30)
    usual = np.nanmean(np.abs(left_out.future - np.nanmean(left_out.history, axis=1)[:, None]))
    trees = PooledTrees.fit(train, left_out, norm, seed=0, rounds=60)
    network = Trainer(replace(HASTY, width=16, epochs=12, learning_rate=3e-3), 14).fit(train, left_out, norm, seed=0)
    for model in (trees, network):
        assert np.nanmean(np.abs(left_out.future - model.predict(left_out.history, norm, 14))) < usual / 2


def test_the_same_seed_gives_the_same_models_and_another_one_others():
    from twins.science.forecasting.keras_transformer import Trainer

    windows = cut(panel(12), least_points=7, every=3)
    train, left_out = windows.where(windows.person < 8), windows.where(windows.person >= 8)
    trainer = Trainer(HASTY, 14)

    def both(seed):
        trees = PooledTrees.fit(train, left_out, NORM, seed=seed, rounds=20)
        return trees.model, trainer.fit(train, left_out, NORM, seed=seed).tensors

    (one, first), (again, second), (_, other) = both(3), both(3), both(4)
    assert one == again
    assert all(np.array_equal(first[name], second[name]) for name in first)
    assert any(not np.array_equal(first[name], other[name]) for name in first)


def test_a_history_moved_or_stretched_with_its_scale_is_read_as_the_same():
    history = panel(5).scores
    wide = Norm(Scale(1000, 1200), 36.0)
    moved = 1000 + 2 * history
    np.testing.assert_allclose(tree_features(moved, wide, 14), tree_features(history, NORM, 14), atol=1e-9)
    for ours, theirs in zip(inputs(moved, wide, 14), inputs(history, NORM, 14), strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-6)


def test_days_before_the_first_report_change_nothing():
    history = panel(5).scores
    longer = np.pad(history, ((0, 0), (60, 0)), constant_values=np.nan)
    np.testing.assert_allclose(summary(longer, NORM), summary(history, NORM), atol=1e-12)
    np.testing.assert_allclose(tree_features(longer, NORM, 14), tree_features(history, NORM, 14), atol=1e-12)


def test_the_same_weekday_is_a_multiple_of_seven_days_back_and_never_ahead():
    z = np.arange(30.0)[None]  # the origin is day 29
    found = same_weekday(z, 14)[0]
    assert found[0] == np.mean([23, 16, 9, 2])  # day 30
    assert found[6] == np.mean([29, 22, 15, 8])  # day 36
    assert found[7] == np.mean([23, 16, 9, 2])  # day 37
    assert np.isnan(same_weekday(z[:, -3:], 14)[0, 0])


def test_the_spread_of_few_points_is_pulled_towards_the_usual_one():
    alike = np.full((1, 8), 20.0)
    assert standardise(alike, NORM).spread == pytest.approx(np.sqrt(7 * 18**2 / (7 + 7)))
    long = np.random.default_rng(0).normal(50, 5, (1, 180))
    assert standardise(long, NORM).spread == pytest.approx(5, abs=1.2)


def test_damaged_models_are_refused():
    weights = drawn(HASTY)
    for broken in (
        {**weights.tensors, "answer/bias": np.array([np.nan], np.float32)},
        {**weights.tensors, "answer/bias": np.zeros(2, np.float32)},
        {name: value for name, value in weights.tensors.items() if name != "answer/bias"},
    ):
        with pytest.raises(ValueError, match="tensor"):
            TransformerWeights(HASTY, broken)
    with pytest.raises(ModelError):
        PooledTrees(b"nothing").predict(panel(2).scores, NORM, 14)


def test_scores_of_forecasts_do_not_change_when_other_people_are_asked_with_them():
    weights, history = drawn(HASTY), panel(6).scores
    together = weights.predict(history, NORM, 14)
    alone = np.vstack([weights.predict(one[None], NORM, 14) for one in history])
    np.testing.assert_allclose(together, alone, rtol=1e-5, atol=1e-3)
    assert SLIDER.nearest(together).max() <= 100
