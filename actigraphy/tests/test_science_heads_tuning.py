"""Fine-tuning: the same function as the encoder, on people the head never learns from, and better for it."""

import numpy as np
import pytest

from actigraphy.science.heads import CIRCADIAN, Recordings
from actigraphy.science.heads.tuning import _Tunable, tune
from actigraphy.science.pat import WEEK_MIN, Encoder, load_weights, untrained_weights

pytestmark = pytest.mark.slow  # TensorFlow takes seconds to import


@pytest.fixture(scope="module")
def weights():
    return load_weights(untrained_weights("S", seed=5))


def people(n=24, seed=0):
    """Those with the outcome rise three hours later; nothing else tells them."""
    rng = np.random.default_rng(seed)
    label = np.arange(n) % 2 == 0
    hour = np.arange(WEEK_MIN) / 60 % 24
    weeks = []
    for late in label:
        awake = (hour > (10 if late else 7)) & (hour < 23)
        week = np.where(awake, rng.gamma(2, 100, WEEK_MIN), rng.gamma(1, 5, WEEK_MIN)).astype(np.float32)
        week[rng.integers(0, 9_000) :][:300] = np.nan
        weeks.append(week[np.newaxis])
    return Recordings("actiwatch", label, np.arange(n), np.zeros((n, len(CIRCADIAN))), weeks)


@pytest.mark.parametrize("size", ["S", "M", "Conv-S"])
def test_what_is_tuned_is_the_encoder(size):
    weights = load_weights(untrained_weights(size, seed=5))
    week = np.random.default_rng(1).normal(size=(2, WEEK_MIN)).astype(np.float32)
    week[1, 2_000:3_000] = np.nan
    patches = week.reshape(2, weights.size.tokens, weights.size.patch_min)
    complete = np.isfinite(patches).all(axis=2)
    filled = np.where(complete[..., None], patches, 0).astype(np.float32)
    pooled = _Tunable(weights, 1e-5).pooled(filled, complete.astype(np.float32)).numpy()
    np.testing.assert_allclose(pooled, Encoder(weights).embed(week), atol=1e-4)


def test_tuning_learns_on_one_half_what_holds_for_the_other(weights):
    lines = []
    them = people()
    tuned = tune(weights, them, epochs=3, rate=1e-4, say=lines.append)
    losses = [float(line.rsplit(" ", 1)[1]) for line in lines]
    assert losses[-1] < losses[0] < 1.5
    seen = {id(week) for week in tuned.others.weeks}
    assert len(seen) == tuned.others.people == 12
    assert tuned.cohort.people == 12

    def apart(encoder):
        weeks = np.concatenate(tuned.others.weeks)
        embedding = encoder.embed(tuned.cohort.normalize(weeks))
        late, early = embedding[tuned.others.label], embedding[~tuned.others.label]
        return np.linalg.norm(late.mean(axis=0) - early.mean(axis=0)) / embedding.std(axis=0).mean()

    assert apart(Encoder(load_weights(tuned.weights))) != apart(Encoder(weights))
    assert load_weights(tuned.weights).size.name == "S"
    again = tune(weights, them, epochs=1, rate=1e-4)
    once_more = tune(weights, them, epochs=1, rate=1e-4)
    assert again.weights == once_more.weights
    assert {id(week) for week in again.others.weeks} == seen
