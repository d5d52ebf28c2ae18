"""Fine-tuning: the encoder itself learns the outcome, on half of the people; the head is trained on the other half.

An encoder that was tuned on a person knows them: their embedding says more of their label than a stranger's does, and a
head trained on it would be overconfident. So nobody is in both halves, and a tuned head's figures are of the half that
the encoder never saw.

Departures from the authors' fine-tuning (``arXiv 2411.15240``): missing minutes are left out as in the encoder, early
stopping watches people and not weeks, the classifier on top is linear (the head that follows is), and there is no
dropout. TensorFlow is needed here only.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from actigraphy.science.pat import (
    EMBEDDING,
    PatSize,
    ReferenceCohort,
    WeightsFile,
    cohort_bytes,
    load_cohort,
    weights_bytes,
)
from actigraphy.science.pat.architecture import NORM_EPSILON, sinusoids

from .evaluation import Recordings
from .training import grouped_splits

Floats = NDArray[np.float32]
Ints = NDArray[np.int64]

EPOCHS: Final = 200
PATIENCE: Final = 15
#: The authors' rates: 1e-6 for the four layers of L.
RATES: Final = {1: 1e-5, 2: 1e-5, 4: 1e-6}
_BATCH_TOKENS = 16 * 560**2  # attention is quadratic in tokens: 16 weeks of S or M, 4 of L
_AWAY = -1e9
_LINEAR_RATE = 1e-3


@dataclass(frozen=True, eq=False)
class Tuned:
    """A tuned encoder's weights file, the cohort it was tuned under, and the people it never saw."""

    weights: bytes
    cohort: ReferenceCohort
    others: Recordings


def tune(
    weights: WeightsFile,
    recordings: Recordings,
    *,
    cohort: ReferenceCohort | None = None,
    epochs: int = EPOCHS,
    rate: float | None = None,
    seed: int = 0,
    say: Callable[[str], object] = lambda line: None,
) -> Tuned:
    """Tune an encoder on half of the people.

    Parameters
    ----------
    weights : WeightsFile
    recordings : Recordings
        Halved by person, stratified by label; a fifth of the tuning half decides when to stop.
    cohort : ReferenceCohort, optional
        Without it the tuning half's own.
    epochs : int
        At most; it stops when the loss on people not tuned on has not fallen for 15, and keeps the best.
    rate : float, optional
        Adam's rate for the encoder; without it the authors' for the size.
    seed : int
        Of the halves and the order of weeks.
    say : callable
        Told a line after every epoch.

    Raises
    ------
    TrainingError, CohortError
        Too few people.
    """
    tuning, others = next(iter(grouped_splits(recordings.label, recordings.person, 2, seed)))
    if cohort is None:
        own = recordings.cohort_of(recordings.person[tuning], "people the encoder was tuned on")
        cohort = load_cohort(cohort_bytes(own))
    half = _of(recordings, tuning)
    learn, watch = next(iter(grouped_splits(half.label, half.person, 5, seed)))
    model = _Tunable(weights, RATES[weights.size.layers] if rate is None else rate)
    best, kept, since = np.inf, model.values(), 0
    rng = np.random.default_rng(seed)
    learned, watched = (_Weeks.of(_of(half, part), cohort, weights.size) for part in (learn, watch))
    for epoch in range(1, epochs + 1):
        for rows in learned.batches(rng):
            model.step(*learned.at(rows))
        loss = sum(float(model.loss(*watched.at(rows))) * len(rows) for rows in watched.batches()) / len(watched.label)
        say(f"epoch {epoch}: loss on people not tuned on {loss:.4f}")
        since += 1
        if loss < best:
            best, kept, since = loss, model.values(), 0
        if since >= PATIENCE:
            break
    return Tuned(weights_bytes(kept), cohort, _of(recordings, others))


def _of(recordings: Recordings, rows: Ints) -> Recordings:
    _, person = np.unique(recordings.person[rows], return_inverse=True)
    return replace(
        recordings, label=recordings.label[rows], person=person.astype(np.int64),
        circadian=recordings.circadian[rows], weeks=[recordings.weeks[at] for at in rows],
    )  # fmt: skip


@dataclass(frozen=True, eq=False)
class _Weeks:
    """Weeks as patches, what is missing zero and masked; a week weighs so that labels and recordings are even."""

    patches: Floats
    complete: Floats
    label: Floats
    weight: Floats

    @classmethod
    def of(cls, recordings: Recordings, cohort: ReferenceCohort, size: PatSize) -> _Weeks:
        counts = np.array([len(weeks) for weeks in recordings.weeks])
        patches = cohort.normalize(np.concatenate(recordings.weeks)).reshape(-1, size.tokens, size.patch_min)
        complete = np.asarray(np.isfinite(patches).all(axis=2))
        label = recordings.label
        each = np.where(label, 0.5 / label.sum(), 0.5 / (~label).sum()) / counts
        weight = np.repeat(each, counts) * counts.sum()
        return cls(
            np.where(complete[..., None], patches, 0).astype(np.float32), complete.astype(np.float32),
            np.repeat(label, counts).astype(np.float32), weight.astype(np.float32),
        )  # fmt: skip

    def batches(self, rng: np.random.Generator | None = None) -> Iterator[Ints]:
        order = np.arange(len(self.label)) if rng is None else rng.permutation(len(self.label))
        size = max(1, _BATCH_TOKENS // self.complete.shape[1] ** 2)
        return (order[at : at + size] for at in range(0, len(order), size))

    def at(self, rows: Ints) -> tuple[Floats, Floats, Floats, Floats]:
        return self.patches[rows], self.complete[rows], self.label[rows], self.weight[rows]


class _Tunable:
    """The encoder's tensors as variables, with a linear classifier on the mean token."""

    def __init__(self, weights: WeightsFile, rate: float) -> None:
        import tensorflow as tf
        from keras import optimizers

        self._tf, self._size = tf, weights.size
        self._tensors = {name: tf.Variable(tensor) for name, tensor in weights.tensors.items()}
        self._linear = [tf.Variable(tf.zeros((EMBEDDING,))), tf.Variable(tf.zeros(()))]
        self._positions = tf.constant(sinusoids(weights.size.tokens, EMBEDDING))
        self._adam, self._adam_linear = optimizers.Adam(rate), optimizers.Adam(_LINEAR_RATE)
        self.step = tf.function(self._step, reduce_retracing=True)
        self.loss = tf.function(self._loss, reduce_retracing=True)

    def values(self) -> dict[str, Floats]:
        """The encoder's tensors as they are now."""
        return {name: variable.numpy() for name, variable in self._tensors.items()}

    def _step(self, patches: Any, complete: Any, label: Any, weight: Any) -> None:
        with self._tf.GradientTape() as tape:
            loss = self._loss(patches, complete, label, weight)
        encoder = list(self._tensors.values())
        found = tape.gradient(loss, [*encoder, *self._linear])
        self._adam.apply_gradients(zip(found[: len(encoder)], encoder, strict=True))
        self._adam_linear.apply_gradients(zip(found[len(encoder) :], self._linear, strict=True))

    def _loss(self, patches: Any, complete: Any, label: Any, weight: Any) -> Any:
        kernel, bias = self._linear
        score = self._tf.linalg.matvec(self.pooled(patches, complete), kernel) + bias
        losses = self._tf.nn.sigmoid_cross_entropy_with_logits(labels=label, logits=score)
        return self._tf.reduce_mean(losses * weight)

    def pooled(self, patches: Any, complete: Any) -> Any:
        """The mean over complete patches of the last block's tokens: what ``Encoder.embed`` gives."""
        tf = self._tf
        x = self._embedded(patches) + self._positions
        away = (1 - tf.convert_to_tensor(complete))[:, None, None, :] * _AWAY
        for layer in range(1, self._size.layers + 1):
            x = self._block(x, away, f"encoder_layer_{layer}_transformer/encoder_layer_{layer}_")
        mask = tf.convert_to_tensor(complete)[..., None]
        return tf.reduce_sum(x * mask, axis=1) / tf.reduce_sum(mask, axis=1)

    def _embedded(self, patches: Any) -> Any:
        tf, at = self._tf, self._tensors
        kernel, bias = (at[f"{self._size.patch_layer}/{part}:0"] for part in ("kernel", "bias"))
        if not self._size.conv:
            return tf.tensordot(patches, kernel, 1) + bias
        minutes = tf.reshape(patches, (-1, self._size.patch_min, 1))
        convolved = tf.reduce_mean(tf.nn.relu(tf.nn.conv1d(minutes, kernel, 1, "SAME") + bias), axis=1)
        return tf.reshape(convolved, (-1, self._size.tokens, EMBEDDING))

    def _block(self, x: Any, away: Any, name: str) -> Any:
        tf, at = self._tf, self._tensors

        def heads(which: str) -> Any:
            projected = tf.einsum("bnd,dhk->bnhk", x, at[f"{name}attention/{which}/kernel:0"])
            return projected + at[f"{name}attention/{which}/bias:0"]

        logits = tf.einsum("bnhk,bmhk->bhnm", heads("query"), heads("key")) / np.sqrt(EMBEDDING)
        read = tf.einsum("bhnm,bmhk->bnhk", tf.nn.softmax(logits + away), heads("value"))
        attended = tf.einsum("bnhk,hkd->bnd", read, at[f"{name}attention/attention_output/kernel:0"])
        middle = self._norm(x + attended + at[f"{name}attention/attention_output/bias:0"], f"{name}norm1")
        hidden = tf.nn.relu(tf.tensordot(middle, at[f"{name}ff1/kernel:0"], 1) + at[f"{name}ff1/bias:0"])
        hidden = tf.tensordot(hidden, at[f"{name}ff2/kernel:0"], 1) + at[f"{name}ff2/bias:0"]
        return self._norm(middle + hidden, f"{name}norm2")

    def _norm(self, x: Any, name: str) -> Any:
        tf = self._tf
        mean, variance = tf.nn.moments(x, axes=[-1], keepdims=True)
        gamma, beta = self._tensors[f"{name}/gamma:0"], self._tensors[f"{name}/beta:0"]
        return (x - mean) * tf.math.rsqrt(variance + NORM_EPSILON) * gamma + beta
