"""An encoder nobody trained: what training is worth is seen only beside it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .architecture import size_named
from .weights import weights_bytes


def untrained_weights(size: str, *, seed: int) -> bytes:
    """A weights file in the published layout, with the random numbers a network begins its training with.

    It is a control for an evaluation and is asked for by name; nothing ever takes it in place of weights that are
    missing.

    Parameters
    ----------
    size : str
        A key of :data:`SIZES`.
    seed : int

    Returns
    -------
    bytes
        HDF5; the same seed gives an encoder with the same numbers. Kernels as Glorot and Bengio (2010).
    """
    rng = np.random.default_rng(seed)
    return weights_bytes({name: _initial(name, shape, rng) for name, shape in size_named(size).tensor_shapes().items()})


def _initial(name: str, shape: tuple[int, ...], rng: np.random.Generator) -> NDArray[np.float32]:
    if name.endswith("/gamma:0"):
        return np.ones(shape, np.float32)
    if not name.endswith("/kernel:0"):
        return np.zeros(shape, np.float32)
    limit = np.sqrt(6 / sum(_fans(name, shape)))
    return rng.uniform(-limit, limit, shape).astype(np.float32)


def _fans(name: str, shape: tuple[int, ...]) -> tuple[int, int]:
    """Numbers that come into and go out of one unit; of attention, of all heads together."""
    if "attention_output" in name:
        return shape[0] * shape[1], shape[2]
    if len(shape) == 3 and "conv1d" not in name:
        return shape[0], shape[1] * shape[2]
    return int(np.prod(shape[:-1])), shape[-1]
