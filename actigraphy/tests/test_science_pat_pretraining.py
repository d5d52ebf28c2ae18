"""Pretraining: what the loss sees, that a seed fixes everything, and that a killed run ends as if nothing had been."""

import signal
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

from actigraphy.science import pat
from actigraphy.science.pat import pretraining
from actigraphy.science.pat.checkpoints import read_checkpoint, write_checkpoint
from actigraphy.science.pat.masking import as_patches, draw_masks
from actigraphy.science.pat.pretraining import Epoch, PretrainingError, Recipe, hold_out, pretrain

SMALL = Recipe(epochs=2, batch=8, decoded=28, seed=4)
PERSON = np.repeat(np.arange(12), 2)


def make_weeks():
    """12 people, two weeks each, at a level and an hour of their own, with gaps."""
    rng = np.random.default_rng(9)
    hour = np.arange(pat.WEEK_MIN) / 60
    own = rng.normal(size=(12, 2))[PERSON]
    weeks = own[:, :1] + np.cos(2 * np.pi / 24 * (hour - 6 * own[:, 1:])) + rng.normal(0, 0.3, (24, pat.WEEK_MIN))
    weeks[3, 2_000:2_500] = np.nan
    weeks[8, 77] = np.nan
    return weeks.astype(np.float32)


def test_the_rate_is_halved_on_a_plateau_and_training_ends_when_nothing_improves():
    recipe, course = (
        Recipe(plateau=2, patience=5, learning_rate=1.0, least_learning_rate=0.3),
        pretraining._Course(learning_rate=1.0),
    )
    rates, better = [], []
    for number, held_out in enumerate([5, 4, 4.5, 4.5, 4.5, 4.5, 4.5], start=1):
        assert not course.over(recipe)
        rates.append(course.learning_rate)
        better.append(course.note(Epoch(number, 1.0, held_out, course.learning_rate, 1.0), recipe))
    assert rates == [1, 1, 1, 1, 0.5, 0.5, 0.3]
    assert better == [True, True, False, False, False, False, False]
    assert course.best == 2
    assert course.over(recipe)


def test_people_not_weeks_are_held_out():
    for seed in range(5):
        recipe = Recipe(held_out=0.25, seed=seed)
        assert len(hold_out(PERSON, recipe)) == 3
    assert len({tuple(hold_out(PERSON, Recipe(held_out=0.25, seed=seed))) for seed in range(5)}) > 1
    with pytest.raises(PretrainingError, match="9 people with a week; 10 are needed"):
        hold_out(PERSON[:18], SMALL)


def test_the_published_recipe_is_that_of_its_size():
    assert Recipe.published("M") == Recipe("M", epochs=10_000, batch=128, learning_rate=1e-3, patience=250, plateau=75)
    large = Recipe.published("Conv-L", loss="all")
    assert (large.learning_rate, large.least_learning_rate, large.patience, large.plateau) == (1e-4, 1e-5, 500, 100)


@pytest.mark.parametrize("wrong", [{"epochs": 0}, {"batch": 0}, {"plateau": 0}, {"decoded": 505}, {"decoded": -1}])
def test_a_recipe_of_nothing_is_refused(wrong):
    with pytest.raises(ValueError, match="decoded is 0 to 504"):
        Recipe(**wrong)


def test_a_checkpoint_is_there_whole_or_not_at_all(tmp_path):
    path = tmp_path / "checkpoint.npz"
    write_checkpoint(path, {"best/a/kernel:0": np.arange(3)}, {"epoch": 1})
    path.with_name("checkpoint.npz.part").write_bytes(b"the power went off here")
    arrays, said = read_checkpoint(path)
    np.testing.assert_array_equal(arrays["best/a/kernel:0"], [0, 1, 2])
    assert said == {"epoch": 1}
    path.write_bytes(path.read_bytes()[:-30])
    with pytest.raises(ValueError, match="the checkpoint cannot be read"):
        read_checkpoint(path)
    np.savez(path, said=np.frombuffer(b"{}", np.uint8), best=np.array([{}], dtype=object))
    with pytest.raises(ValueError, match="the checkpoint cannot be read"):
        read_checkpoint(path)


@pytest.fixture(scope="module")
def weeks():
    return make_weeks()


@pytest.fixture(scope="module")
def trained(weeks):
    return pretrain(weeks, PERSON, SMALL)


def same(one, other):
    return all(np.array_equal(one.tensors[name], other.tensors[name]) for name in one.tensors)


@pytest.mark.slow
@pytest.mark.parametrize("size", ["S", "Conv-S"])
@pytest.mark.parametrize("kind", ["masked", "all"])
def test_the_masked_loss_sees_exactly_the_masked_and_measured_minutes(weeks, kind, size):
    import tensorflow as tf

    from actigraphy.science.pat.autoencoder import Autoencoder, loss_of

    model = Autoencoder(pat.SIZES[size], bounded=False)
    model.initialize(np.random.default_rng(0))
    patches = as_patches(weeks[:4], pat.SIZES[size])
    visible, masked = draw_masks(patches, 56, np.random.default_rng(1))
    watched = tf.Variable(patches)
    with tf.GradientTape() as tape:
        loss = loss_of(model, kind, watched, visible, masked, training=False)
    seen = np.array(tape.gradient(loss, watched)) != 0

    expected = np.isfinite(patches)
    if kind == "masked":
        for week in range(4):
            expected[week, visible[week]] = False
    np.testing.assert_array_equal(seen, expected)
    assert seen[1:].any(), "the authors' loss saw the first week alone"

    predicted = model(tf.gather(patches, visible, batch_dims=1), visible, masked, training=False).numpy()
    places = np.concatenate([visible, masked], axis=1)
    answer = np.empty_like(patches)
    np.put_along_axis(answer, places[:, :, None], predicted, axis=1)
    assert float(loss) == pytest.approx(((patches - answer)[expected] ** 2).mean(), rel=1e-5)


@pytest.mark.slow
def test_the_same_seed_gives_the_same_weights_and_another_seed_others(weeks, trained):
    assert same(pretrain(weeks, PERSON, SMALL), trained)
    assert not same(pretrain(weeks, PERSON, replace(SMALL, seed=5)), trained)
    assert all(np.isfinite(tensor).all() for tensor in trained.tensors.values())


@pytest.mark.slow
def test_training_learns_and_keeps_the_best_epoch(weeks):
    told = []
    found = pretrain(weeks, PERSON, replace(SMALL, epochs=12, decoded=84), on_epoch=told.append)
    losses = [epoch.held_out_loss for epoch in found.epochs]
    assert told == found.epochs
    assert min(losses) == found.best.held_out_loss
    assert min(losses) < 0.9 * losses[0]


@pytest.mark.slow
def test_a_held_out_person_teaches_nothing(weeks):
    recipe = replace(SMALL, epochs=1)
    found = pretrain(weeks, PERSON, recipe)
    held_out = np.isin(PERSON, found.held_out_people)
    others = np.where(held_out[:, None], weeks + 3, weeks)
    assert same(pretrain(others, PERSON, recipe), found)
    assert not same(pretrain(np.where(held_out[:, None], weeks, weeks + 3), PERSON, recipe), found)


@pytest.mark.slow
def test_a_run_killed_in_the_middle_of_an_epoch_ends_with_the_same_numbers(weeks, tmp_path):
    checkpoint = tmp_path / "checkpoint.npz"
    child = f"""
import os, signal
from pathlib import Path
from actigraphy.science.pat import pretraining
from actigraphy.tests.test_science_pat_pretraining import PERSON, SMALL, make_weeks
from dataclasses import replace
drawn, draw = [], pretraining.draw_masks
def dying(*args):
    drawn.append(1)
    if len(drawn) == 2 + 2 * 3 + 2:  # two checks, two epochs of three batches, the middle of the third
        os.kill(os.getpid(), signal.SIGKILL)
    return draw(*args)
pretraining.draw_masks = dying
pretraining.pretrain(make_weeks(), PERSON, replace(SMALL, epochs=4), checkpoint=Path({str(checkpoint)!r}))
"""
    killed = subprocess.run([sys.executable, "-c", child], capture_output=True, timeout=300, check=False)
    assert killed.returncode == -signal.SIGKILL, killed.stderr.decode()[-2000:]
    assert len(read_checkpoint(checkpoint)[1]["course"]["epochs"]) == 2

    recipe, told = replace(SMALL, epochs=4), []
    resumed = pretrain(weeks, PERSON, recipe, checkpoint=checkpoint, on_epoch=told.append)
    whole = pretrain(weeks, PERSON, recipe)
    assert [epoch.number for epoch in told] == [3, 4]
    assert [(e.loss, e.held_out_loss) for e in resumed.epochs] == [(e.loss, e.held_out_loss) for e in whole.epochs]
    assert same(resumed, whole)

    with pytest.raises(PretrainingError, match="of another recipe or of other weeks"):
        pretrain(weeks + 1, PERSON, recipe, checkpoint=checkpoint)
    with pytest.raises(PretrainingError, match="of another recipe or of other weeks"):
        pretrain(weeks, PERSON, replace(recipe, decoded=30), checkpoint=checkpoint)
    checkpoint.write_bytes(b"")
    with pytest.raises(PretrainingError, match="cannot be read"):
        pretrain(weeks, PERSON, recipe, checkpoint=checkpoint)


@pytest.mark.slow
@pytest.mark.parametrize(("size", "bounded"), [("S", False), ("S", True), ("Conv-S", False), ("M", False), ("L", True)])
def test_onnx_reconstructs_what_keras_does_from_the_files_of_a_training(weeks, size, bounded):
    import tensorflow as tf

    from actigraphy.science.pat.autoencoder import Autoencoder

    model, size = Autoencoder(pat.SIZES[size], bounded=bounded), pat.SIZES[size]
    model.initialize(np.random.default_rng(6))
    tensors = model.tensors()
    encoder = pat.weights_bytes({name: tensors[name] for name in size.tensor_shapes()})
    decoder = pat.decoder_bytes(
        {name: tensors[name] for name in size.decoder_shapes()},
        encoder_sha256=pat.identify(encoder)[1],
        bounded=bounded,
        together=84,
    )
    found = pat.Reconstructor.from_files(encoder, decoder, threads=1)
    patches = as_patches(weeks[:2], size)
    rng = np.random.default_rng(3)
    order = rng.permutation(size.tokens)
    visible, wanted = np.sort(order[: found.shown]), order[found.shown : found.shown + 130]
    answer = found.reconstruct(patches[:, visible], visible, wanted)
    assert answer.shape == (2, 130, size.patch_min)
    for begin in (0, 84):
        together = np.tile(wanted[begin : begin + 84], (2, 1))
        keras = model(tf.constant(patches[:, visible]), np.tile(visible, (2, 1)), together, training=False)
        np.testing.assert_allclose(answer[:, begin : begin + 84], keras.numpy()[:, found.shown :], rtol=0, atol=1e-4)
    assert (np.abs(answer) <= 2).all() or not bounded
    assert answer.std() > 0.01
