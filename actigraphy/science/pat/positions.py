"""The positional encoding as a Keras layer; imported only where a graph is built, since it imports Keras."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray


def sinusoids(tokens: int, width: int) -> NDArray[np.float32]:
    """Fixed positions, sines first and cosines after them (concatenated, not interleaved as in Vaswani et al.).

    Rates and angles are rounded to float32, as in training. How the exponential rounds there depends on the machine: at
    token 1119 that moves an angle by 1e-4, a token by 1e-4 and the mean over tokens by 1e-6.

    Parameters
    ----------
    tokens, width : int
        Patches in the sequence, and channels; the width is even.

    Returns
    -------
    ndarray of float32, shape (tokens, width)
        -1 to 1.
    """
    rates = np.exp(np.arange(0, width, 2) * (-np.log(10_000.0) / width)).astype(np.float32)
    angles = (np.arange(tokens, dtype=np.float32)[:, np.newaxis] * rates).astype(np.float64)
    return np.concatenate([np.sin(angles), np.cos(angles)], axis=-1).astype(np.float32)


@keras.saving.register_keras_serializable(package="novamind")
class SinusoidalPositions(keras.layers.Layer):
    """Adds :func:`sinusoids`; a formula in a layer, so that the table is in neither the config nor the weights."""

    def call(self, tokens: Any) -> Any:
        """(b, N, width) in, the same shape out."""
        _, length, width = tokens.shape
        return tokens + keras.ops.convert_to_tensor(sinusoids(length, width), dtype=tokens.dtype)
