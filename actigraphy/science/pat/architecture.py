"""The published PAT encoders S, M and L: their dimensions, their tensors, their graph."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import prod
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import keras

WEEK_MIN: Final = 10_080
EMBEDDING: Final = 96
FEED_FORWARD: Final = 256
DROPOUT: Final = 0.1
NORM_EPSILON: Final = 1e-6
CONV_WIDTH: Final = 3
DECODER_BLOCK: Final = "decoder_layer_1"


@dataclass(frozen=True, slots=True)
class PatSize:
    """One encoder of the paper.

    Attributes
    ----------
    name : str
        ``S``, ``M`` or ``L``, published; ``Conv-S``, ``Conv-M`` or ``Conv-L``, of which no weights are.
    patch_min : int
        Minutes per patch.
    layers, heads : int
        Transformer blocks, and attention heads per block; every head is 96 wide, not 96 / heads.
    conv : bool
        Whether a patch is embedded by a convolution over its minutes instead of one matrix.
    """

    name: str
    patch_min: int
    layers: int
    heads: int
    conv: bool = False

    @property
    def tokens(self) -> int:
        """Patches in a week."""
        return WEEK_MIN // self.patch_min

    @property
    def patch_layer(self) -> str:
        """The patch embedding's place in the weights file."""
        return "conv1d_patch_embedding/conv1d_patch_embedding/conv1d" if self.conv else "dense/dense"

    @property
    def parameters(self) -> int:
        """Trained numbers in the encoder; the positional encoding is a formula and counts for none."""
        return sum(prod(shape) for shape in self.tensor_shapes().values())

    def tensor_shapes(self) -> dict[str, tuple[int, ...]]:
        """Every tensor of the published weights file, by its full HDF5 name."""
        shapes: dict[str, tuple[int, ...]] = {
            f"{self.patch_layer}/kernel:0": (CONV_WIDTH, 1, EMBEDDING) if self.conv else (self.patch_min, EMBEDDING),
            f"{self.patch_layer}/bias:0": (EMBEDDING,),
        }
        for layer in range(1, self.layers + 1):
            shapes |= self._block_shapes(f"encoder_layer_{layer}")
        return shapes

    def decoder_shapes(self) -> dict[str, tuple[int, ...]]:
        """Every tensor of a decoder's file: the mask token, one block with as many heads, and back to minutes."""
        return {
            "mask_token:0": (EMBEDDING,),
            **self._block_shapes(DECODER_BLOCK),
            "reconstruction/reconstruction/kernel:0": (EMBEDDING, self.patch_min),
            "reconstruction/reconstruction/bias:0": (self.patch_min,),
        }

    def _block_shapes(self, block: str) -> dict[str, tuple[int, ...]]:
        shapes: dict[str, tuple[int, ...]] = {}
        for projection in ("query", "key", "value"):
            shapes[f"attention/{projection}/kernel:0"] = (EMBEDDING, self.heads, EMBEDDING)
            shapes[f"attention/{projection}/bias:0"] = (self.heads, EMBEDDING)
        shapes["attention/attention_output/kernel:0"] = (self.heads, EMBEDDING, EMBEDDING)
        shapes["attention/attention_output/bias:0"] = (EMBEDDING,)
        shapes["ff1/kernel:0"] = (EMBEDDING, FEED_FORWARD)
        shapes["ff1/bias:0"] = (FEED_FORWARD,)
        shapes["ff2/kernel:0"] = (FEED_FORWARD, EMBEDDING)
        shapes["ff2/bias:0"] = (EMBEDDING,)
        for norm in ("norm1", "norm2"):
            shapes[f"{norm}/gamma:0"] = (EMBEDDING,)
            shapes[f"{norm}/beta:0"] = (EMBEDDING,)
        return {f"{block}_transformer/{block}_{tail}": shape for tail, shape in shapes.items()}


_PUBLISHED = (
    PatSize("S", patch_min=18, layers=1, heads=6),
    PatSize("M", patch_min=18, layers=2, heads=12),
    PatSize("L", patch_min=9, layers=4, heads=12),
)
_CONV = tuple(replace(size, name=f"Conv-{size.name}", conv=True) for size in _PUBLISHED)
SIZES: Final = MappingProxyType({size.name: size for size in (*_PUBLISHED, *_CONV)})


def size_named(name: str) -> PatSize:
    """The encoder of that name; ``ValueError`` when the paper has no such."""
    if name not in SIZES:
        raise ValueError(f"PAT has sizes {', '.join(SIZES)}; got {name!r}")
    return SIZES[name]


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


def build_encoder(size: str) -> keras.Model:
    """The published graph, without weights: every trainable number is NaN until a file is loaded into it.

    A graph that nobody loaded weights into can therefore only answer NaN, never a plausible embedding.

    Parameters
    ----------
    size : str
        A key of :data:`SIZES`.

    Returns
    -------
    keras.Model
        (b, 10080) float32, normalised activity, to tokens (b, N, 96): patches, linear embedding, fixed positions,
        then post-norm transformer blocks. No class token and no final normalisation. Layers are named as published.

    Raises
    ------
    ValueError
        The paper has no such size.

    References
    ----------
    Ruan et al. (2024) arXiv:2411.15240, sec. 4, and the authors' pretraining notebook (layer names, epsilon).
    """
    from keras import Model, layers

    from .positions import SinusoidalPositions

    pat = size_named(size)
    week = layers.Input((WEEK_MIN,), name="inputs")
    tokens = SinusoidalPositions(name="positions")(_patches(pat, week))
    for layer in range(1, pat.layers + 1):
        tokens = build_block(pat, f"encoder_layer_{layer}")(tokens)
    return Model(week, tokens, name="encoder_model")


def _unset() -> Any:
    from keras import initializers

    return initializers.Constant(float("nan"))


def _patches(pat: PatSize, week: Any) -> Any:
    """(10080,) -> (N, 96)."""
    from keras import layers

    unset = _unset()
    init = {"kernel_initializer": unset, "bias_initializer": unset}
    if not pat.conv:
        patches = layers.Reshape((pat.tokens, pat.patch_min), name="reshape")(week)
        return layers.Dense(EMBEDDING, name="dense", **init)(patches)
    patches = layers.Reshape((pat.tokens, pat.patch_min, 1), name="reshape")(week)
    convolve = layers.Conv1D(EMBEDDING, CONV_WIDTH, padding="same", activation="relu", name="conv1d", **init)
    patches = layers.TimeDistributed(convolve, name="conv1d_patch_embedding")(patches)
    return layers.TimeDistributed(layers.GlobalAveragePooling1D(), name="patch_mean")(patches)


def build_block(pat: PatSize, name: str) -> keras.Model:
    """One post-norm transformer block (n, 96) -> (n, 96), for any n: patches may be left out. Numbers are NaN."""
    from keras import Model, layers

    unset = _unset()
    dense = {"kernel_initializer": unset, "bias_initializer": unset}
    norm = {"epsilon": NORM_EPSILON, "beta_initializer": unset, "gamma_initializer": unset}

    x = layers.Input((None, EMBEDDING), name=f"{name}_input")
    attend = layers.MultiHeadAttention(pat.heads, EMBEDDING, name=f"{name}_attention", **dense)
    attended = layers.Dropout(DROPOUT, name=f"{name}_dropout")(attend(x, x))
    middle = layers.LayerNormalization(name=f"{name}_norm1", **norm)(x + attended)
    hidden = layers.Dense(FEED_FORWARD, activation="relu", name=f"{name}_ff1", **dense)(middle)
    hidden = layers.Dense(EMBEDDING, name=f"{name}_ff2", **dense)(hidden)
    hidden = layers.Dropout(DROPOUT, name=f"{name}_dropout2")(hidden)
    out = layers.LayerNormalization(name=f"{name}_norm2", **norm)(middle + hidden)
    return Model(x, out, name=f"{name}_transformer")
