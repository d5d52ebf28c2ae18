"""From normalised weeks to PAT tokens and embeddings, with weights that are known by their checksum."""

from __future__ import annotations

from os import PathLike
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from .architecture import EMBEDDING, WEEK_MIN, PatSize, build_encoder
from .weights import WeightsFile, load_weights

if TYPE_CHECKING:
    import keras

_MOST_WEEKS = 8
_SCORES_BYTES: Final = 128 * 2**20


class Encoder:
    """A PAT encoder with loaded weights; without a weights file there is no way to make one.

    Building one imports TensorFlow (seconds, some 700 MB); keep it for the life of the worker.

    Parameters
    ----------
    weights : WeightsFile
        From :func:`load_weights`.

    Attributes
    ----------
    size : str
        ``S``, ``M`` or ``L``.
    weights_sha256 : str
        Checksum of the file behind every number this encoder gives.
    published_as : str or None
        The published name of that file; None when nobody vouched for it.
    parameters : int
        Trained numbers in the encoder.
    """

    def __init__(self, weights: WeightsFile) -> None:
        if not isinstance(weights, WeightsFile):
            raise TypeError(f"an Encoder needs a loaded WeightsFile, not {type(weights).__name__}")
        self._pat: PatSize = weights.size
        self.size = weights.size.name
        self.weights_sha256 = weights.sha256
        self.published_as = weights.published_as
        model = build_encoder(self.size)
        _assign(model, weights)
        self.parameters: int = model.count_params()
        self._forward = _compile(model)

    @classmethod
    def from_file(
        cls, path: str | PathLike[str] | bytes, size: str | None = None, sha256: str | None = None
    ) -> Encoder:
        """An encoder from a published weights file; raises as :func:`load_weights`."""
        return cls(load_weights(path, size=size, sha256=sha256))

    def tokens(self, weeks: NDArray[np.float32]) -> NDArray[np.float32]:
        """The last block's output per patch.

        Parameters
        ----------
        weeks : ndarray of float32, shape (b, 10080)
            Minutes of a week, normalised per minute of the week against a reference cohort; standard deviations.
            No NaN: a week with missing minutes has to be filled or refused before.

        Returns
        -------
        ndarray of float32, shape (b, N, 96)
            N is 560 for S and M, 1120 for L. The same weeks in the same batch give the same numbers.

        Raises
        ------
        ValueError
            Another shape or type, or a value that is NaN or infinite.
        """
        _check_weeks(weeks)
        batch = self._batch()
        parts = [self._forward(weeks[at : at + batch]) for at in range(0, len(weeks), batch)]
        return np.concatenate(parts) if parts else np.empty((0, self._pat.tokens, EMBEDDING), np.float32)

    def embed(self, weeks: NDArray[np.float32]) -> NDArray[np.float32]:
        """One vector per week: the mean over its tokens (global average pooling, as PAT's own head does).

        Parameters
        ----------
        weeks : ndarray of float32, shape (b, 10080)
            As in :meth:`tokens`.

        Returns
        -------
        ndarray of float32, shape (b, 96)

        Raises
        ------
        ValueError
            As in :meth:`tokens`.
        """
        _check_weeks(weeks)
        batch = self._batch()
        parts = [self.tokens(weeks[at : at + batch]).mean(axis=1) for at in range(0, len(weeks), batch)]
        return np.concatenate(parts) if parts else np.empty((0, EMBEDDING), np.float32)

    def _batch(self) -> int:
        """Weeks per pass, so that one block's attention scores stay within a bound; larger batches gain nothing."""
        one_week = self._pat.heads * self._pat.tokens**2 * 4
        return max(1, min(_MOST_WEEKS, _SCORES_BYTES // one_week))


def _check_weeks(weeks: NDArray[np.float32]) -> None:
    if not isinstance(weeks, np.ndarray) or weeks.ndim != 2 or weeks.shape[1] != WEEK_MIN:
        raise ValueError(f"PAT reads weeks of shape (b, {WEEK_MIN}); got {np.shape(weeks)}")
    if weeks.dtype != np.float32:
        raise ValueError(f"PAT reads float32; got {weeks.dtype}")
    missing = int((~np.isfinite(weeks)).sum())
    if missing:
        raise ValueError(f"PAT reads no missing minutes; {missing} of {weeks.size} are NaN or infinite")


def _assign(model: keras.Model, weights: WeightsFile) -> None:
    """Give every variable its tensor. Published names are ``group/<Keras path>:0``."""
    tensors = {name.split("/", 1)[1].removesuffix(":0"): tensor for name, tensor in weights.tensors.items()}
    for variable in model.weights:
        variable.assign(tensors.pop(variable.path))
    if tensors:
        raise AssertionError(f"the graph has no place for {sorted(tensors)}")


def _compile(model: keras.Model) -> Any:
    """The forward pass as one TensorFlow graph: a third of the time of calling the Keras model."""
    import tensorflow as tf

    # TensorFloat-32 keeps 10 bits of the mantissa: on a GPU the same weeks would not replay to 1e-6.
    tf.config.experimental.enable_tensor_float_32_execution(False)

    @tf.function(input_signature=[tf.TensorSpec((None, WEEK_MIN), tf.float32)])
    def forward(weeks: Any) -> Any:
        return model(weeks, training=False)

    return lambda weeks: forward(tf.constant(weeks)).numpy()
