"""Training the ``SymptomTransformer``; imported only where it is trained, since it imports TensorFlow."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import tensorflow as tf
from keras import layers
from numpy.typing import NDArray

from .features import Norm, targets
from .panel import Windows
from .transformer import AHEAD_CHANNELS, DAY_CHANNELS, DAYS, NORM_EPSILON, Floats32, Preset, TransformerWeights, inputs


class TransformerError(Exception):
    """Training that came to no number, and why."""


class SymptomTransformer(keras.Model):
    """Days and days ahead to the deviation expected on each day ahead, shape (b, horizon).

    Built without weights worth anything: :class:`Trainer` draws or assigns them.
    """

    def __init__(self, preset: Preset, horizon: int) -> None:
        days, ahead = layers.Input((DAYS, DAY_CHANNELS)), layers.Input((horizon, AHEAD_CHANNELS))
        self.dropouts: list[Any] = []
        memory = layers.Dense(preset.width, name="embed_days")(days)
        for at in range(preset.layers):
            memory = _attend(f"encoder_{at}_self", memory, None, preset)
            memory = _forward(f"encoder_{at}", memory, preset)
        memory = _norm("encoder_norm")(memory)
        asked = layers.Dense(preset.width, name="embed_ahead")(ahead)
        for at in range(preset.layers):
            asked = _attend(f"decoder_{at}_self", asked, None, preset)
            asked = _attend(f"decoder_{at}_cross", asked, memory, preset)
            asked = _forward(f"decoder_{at}", asked, preset)
        answer = layers.Dense(1, name="answer")(_norm("decoder_norm")(asked))
        super().__init__([days, ahead], layers.Reshape((horizon,))(answer))


def _norm(name: str) -> Any:
    return layers.LayerNormalization(epsilon=NORM_EPSILON, name=name)


def _attend(name: str, x: Any, memory: Any, preset: Preset) -> Any:
    attention = layers.MultiHeadAttention(preset.heads, preset.width // preset.heads, dropout=preset.dropout, name=name)
    normed = _norm(f"{name}_norm")(x)
    return x + layers.Dropout(preset.dropout)(attention(normed, normed if memory is None else memory))


def _forward(block: str, x: Any, preset: Preset) -> Any:
    wide = layers.Dense(preset.feed_forward, activation="relu", name=f"{block}_wide")(_norm(f"{block}_wide_norm")(x))
    return x + layers.Dropout(preset.dropout)(layers.Dense(preset.width, name=f"{block}_narrow")(wide))


class Trainer:
    """Trains transformers of one preset one after another, on a graph that is compiled once.

    Parameters
    ----------
    preset : Preset
    horizon : int
    """

    def __init__(self, preset: Preset, horizon: int) -> None:
        self.preset, self.horizon = preset, horizon
        self._model = SymptomTransformer(preset, horizon)
        self._optimizer = keras.optimizers.Adam(preset.learning_rate)
        self._optimizer.build(self._model.trainable_variables)
        self._kernels = [v for v in self._model.trainable_variables if v.path.endswith("kernel")]
        self._step = tf.function(self._one_step, reduce_retracing=True)
        self._infer = tf.function(lambda days, ahead: self._model([days, ahead], training=False), reduce_retracing=True)

    def fit(self, windows: Windows, validation: Windows, norm: Norm, *, seed: int) -> TransformerWeights:
        """Train until people left out gain nothing for ``patience`` epochs; their best epoch is kept.

        Absolute error in points, missing days in no loss; Adam on a cosine from the preset's rate to 0; L2 on kernels.

        Parameters
        ----------
        windows, validation : Windows
            Of different people.
        norm : Norm
        seed : int
            The same seed gives the same numbers on the same machine.

        Raises
        ------
        TransformerError
            The loss is not finite.
        """
        keras.utils.set_random_seed(seed)
        rng = np.random.default_rng([seed, 1])
        self._begin(rng)
        (days, ahead), (z, weight) = inputs(windows.history, norm, self.horizon), targets(windows, norm)
        left_out, (held_z, held_weight) = inputs(validation.history, norm, self.horizon), targets(validation, norm)
        steps, preset = max(len(windows) // preset_batch(self.preset, len(windows)), 1), self.preset
        batch = preset_batch(preset, len(windows))
        best, best_error, best_epoch = self._tensors(), np.inf, 0
        for epoch in range(1, preset.epochs + 1):
            order = rng.permutation(len(windows))
            for step in range(steps):
                done = ((epoch - 1) * steps + step) / (preset.epochs * steps)
                self._optimizer.learning_rate.assign(preset.learning_rate * 0.5 * (1 + np.cos(np.pi * done)))
                at = order[step * batch : (step + 1) * batch]
                self._step(days[at], ahead[at], z[at].astype(np.float32), weight[at].astype(np.float32))
            error = _error(self._answers(*left_out), held_z, held_weight)
            if not np.isfinite(error):
                raise TransformerError("the loss is not finite")
            if error < best_error:
                best, best_error, best_epoch = self._tensors(), error, epoch
            if epoch - best_epoch >= preset.patience:
                break
        return TransformerWeights(preset, best)

    def answers(self, weights: TransformerWeights, days: Floats32, ahead: Floats32) -> Floats32:
        """What Keras answers with these weights, (m, horizon): the golden of the answer with numpy."""
        for name, variable in self._named().items():
            variable.assign(weights.tensors[name])
        return self._answers(days, ahead)

    def _begin(self, rng: np.random.Generator) -> None:
        """Fresh weights (Glorot, zeros, ones; the answer begins at the own mean), optimizer and dropout."""
        for name, variable in self._named().items():
            shape = tuple(variable.shape)
            if name.endswith("/kernel") and not name.startswith("answer"):
                fan_in, fan_out = (shape[0] * shape[1], shape[2]) if "attention_output" in name else (
                    shape[0], int(np.prod(shape[1:])))  # fmt: skip
                limit = np.sqrt(6.0 / (fan_in + fan_out))
                variable.assign(rng.uniform(-limit, limit, shape).astype(np.float32))
            else:
                variable.assign(np.full(shape, float(name.endswith("/gamma")), np.float32))
        for variable in self._optimizer.variables:
            variable.assign(np.zeros(variable.shape))
        for variable in self._model.non_trainable_variables:
            variable.assign(rng.integers(2**31, size=variable.shape))

    def _one_step(self, days: Any, ahead: Any, z: Any, weight: Any) -> None:
        came = tf.math.is_finite(z)
        counted = tf.where(came, weight[:, None], 0.0)
        wanted = tf.where(came, z, 0.0)
        with tf.GradientTape() as tape:
            apart = tf.abs(self._model([days, ahead], training=True) - wanted) * counted
            loss = tf.reduce_sum(apart) / tf.maximum(tf.reduce_sum(tf.cast(came, tf.float32)), 1.0)
            loss += self.preset.l2 * tf.add_n([tf.reduce_sum(tf.square(kernel)) for kernel in self._kernels])
        variables = self._model.trainable_variables
        self._optimizer.apply(tape.gradient(loss, variables), variables)

    def _answers(self, days: Floats32, ahead: Floats32) -> Floats32:
        parts = [self._infer(days[at : at + 512], ahead[at : at + 512]).numpy() for at in range(0, len(days), 512)]
        return np.concatenate(parts)

    def _named(self) -> dict[str, Any]:
        return {variable.path: variable for variable in self._model.trainable_variables}

    def _tensors(self) -> dict[str, Floats32]:
        return {name: variable.numpy() for name, variable in self._named().items()}


def preset_batch(preset: Preset, windows: int) -> int:
    """The preset's batch, or all windows where there are fewer."""
    return min(preset.batch, windows)


def _error(answers: Floats32, z: NDArray[np.float64], weight: NDArray[np.float64]) -> float:
    return float(np.nansum(np.abs(answers - z) * weight[:, None]) / np.isfinite(z).sum())
