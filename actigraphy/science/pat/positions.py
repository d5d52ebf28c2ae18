"""The positional encoding as a Keras layer; imported only where a Keras graph is built."""

from __future__ import annotations

from typing import Any

import keras

from .architecture import sinusoids


@keras.saving.register_keras_serializable(package="novamind")
class SinusoidalPositions(keras.layers.Layer):
    """Adds :func:`sinusoids`; a formula in a layer, so that the table is in neither the config nor the weights."""

    def call(self, tokens: Any) -> Any:
        """(b, N, width) in, the same shape out."""
        _, length, width = tokens.shape
        return tokens + keras.ops.convert_to_tensor(sinusoids(length, width), dtype=tokens.dtype)
