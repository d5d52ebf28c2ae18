"""The masked autoencoder around PAT's encoder; imported only where it is trained, since it imports TensorFlow."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from .architecture import DECODER_BLOCK, EMBEDDING, PatSize, build_block, build_encoder, sinusoids
from .engines import assign_tensors, patch_embedding

Floats = NDArray[np.float32]


class Autoencoder:
    """The published encoder over shown patches; a decoder of one block over them and over mask tokens.

    Nothing is put back into order: a block does not care about order, and every token carries its place.

    Parameters
    ----------
    pat : PatSize
    bounded : bool
        Whether the answer is ``tanh · 2``, as published; activity reaches far beyond two standard deviations.
    """

    def __init__(self, pat: PatSize, *, bounded: bool) -> None:
        self.pat, self.bounded = pat, bounded
        self.encoder = build_encoder(pat.name)
        self._embed = patch_embedding(tf, self.encoder, pat)
        self._blocks = [self.encoder.get_layer(f"encoder_layer_{at}_transformer") for at in range(1, pat.layers + 1)]
        self._decode = build_block(pat, DECODER_BLOCK)
        tokens = keras.layers.Input((None, EMBEDDING))
        minutes = keras.layers.Dense(pat.patch_min, name="reconstruction", kernel_initializer="zeros")(tokens)
        self._reconstruct = keras.Model(tokens, minutes)
        self._mask_token = keras.Variable(np.full(EMBEDDING, np.nan, np.float32), name="mask_token")
        self._places = tf.constant(sinusoids(pat.tokens, EMBEDDING))

    def __call__(self, shown: Any, visible: Any, wanted: Any, *, training: bool) -> Any:
        """Patches as they are reconstructed, (b, v + w, patch_min): the shown ones, then the wanted.

        Parameters
        ----------
        shown : tensor of float32, shape (b, v, patch_min)
            Complete patches.
        visible, wanted : tensors of int64, shapes (b, v) and (b, w)
            Places of the shown patches, and of those to reconstruct.
        training : bool
            Whether dropout is on.
        """
        seen = tf.gather(self._places, visible)
        tokens = self._embed(shown) + seen
        for block in self._blocks:
            tokens = block(tokens, training=training)
        masks = tf.gather(self._places, wanted) + tf.convert_to_tensor(self._mask_token)
        decoded = self._decode(tf.concat([tokens + seen, masks], axis=1), training=training)
        minutes = self._reconstruct(decoded)
        return 2 * tf.tanh(minutes) if self.bounded else minutes

    @property
    def trained(self) -> list[Any]:
        """Every number that training changes."""
        models = (self.encoder, self._decode, self._reconstruct)
        return [self._mask_token, *(variable for model in models for variable in model.trainable_variables)]

    @property
    def seeds(self) -> list[Any]:
        """The state of dropout."""
        return [v for model in (self.encoder, self._decode) for v in model.variables if "seed" in v.path]

    def initialize(self, rng: np.random.Generator) -> None:
        """Fresh weights as Keras draws them (Glorot, zeros, ones; the mask token standard normal / 20)."""
        draw: dict[str, Floats] = {}
        for name, shape in (self.pat.tensor_shapes() | self.pat.decoder_shapes()).items():
            if name.endswith("/kernel:0"):
                seed = int(rng.integers(2**31))
                draw[name] = np.asarray(keras.initializers.GlorotUniform(seed)(shape))
            else:
                draw[name] = np.full(shape, float(name.endswith("/gamma:0")), np.float32)
        draw["mask_token:0"] = rng.normal(0, 0.05, EMBEDDING).astype(np.float32)
        self.assign(draw)
        for seed_state in self.seeds:
            seed_state.assign(rng.integers(2**31, size=seed_state.shape))

    def assign(self, tensors: Mapping[str, Floats]) -> None:
        """Every trained number by its name in the two files."""
        self._mask_token.assign(tensors["mask_token:0"])
        for model, names in self._named().items():
            assign_tensors(model, {name: tensors[name] for name in names})

    def tensors(self) -> dict[str, Floats]:
        """Every trained number under its name in the two files: :meth:`assign` undone."""
        found = {"mask_token:0": self._mask_token.numpy()}
        for model, names in self._named().items():
            numbers = {variable.path: variable.numpy() for variable in model.weights}
            found |= {name: numbers[name.split("/", 1)[1].removesuffix(":0")] for name in names}
        return found

    def _named(self) -> dict[Any, list[str]]:
        of_decoder = self.pat.decoder_shapes()
        return {
            self.encoder: list(self.pat.tensor_shapes()),
            self._decode: [name for name in of_decoder if name.startswith(DECODER_BLOCK)],
            self._reconstruct: [name for name in of_decoder if name.startswith("reconstruction")],
        }


def squared_error(predicted: Any, patches: Any, places: Any) -> Any:
    """Mean squared error over the measured minutes of the patches asked for.

    Parameters
    ----------
    predicted : tensor of float32, shape (b, w, patch_min)
    patches : tensor of float32, shape (b, N, patch_min)
        Everything that was measured; NaN is missing and enters no mean.
    places : tensor of int64, shape (b, w)
        Which patches ``predicted`` stands for, in each week its own. (The authors indexed the minutes of the whole
        batch with patch numbers and saw the first 560 minutes of the first week.)

    Returns
    -------
    tensor of float32, shape ()
    """
    target = tf.gather(patches, places, batch_dims=1)
    measured = tf.math.is_finite(target)
    difference = tf.where(measured, predicted - tf.where(measured, target, 0.0), 0.0)
    return tf.reduce_sum(difference**2) / tf.maximum(tf.reduce_sum(tf.cast(measured, tf.float32)), 1.0)


def loss_of(model: Autoencoder, kind: str, patches: Any, visible: Any, wanted: Any, *, training: bool) -> Any:
    """The loss of one batch: ``masked`` over the wanted patches, ``all`` over the shown ones too."""
    shown = tf.stop_gradient(tf.gather(patches, visible, batch_dims=1))
    predicted = model(shown, visible, wanted, training=training)
    if kind == "masked":
        return squared_error(predicted[:, tf.shape(visible)[1] :], patches, wanted)
    return squared_error(predicted, patches, tf.concat([visible, wanted], axis=1))
