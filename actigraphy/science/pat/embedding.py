"""From normalised weeks to PAT tokens and embeddings, with weights that are known by their checksum."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from os import PathLike
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .architecture import EMBEDDING, WEEK_MIN
from .engines import ENGINES, Engine, Floats, Places
from .folding import FoldedPat, attention_received, fold
from .weights import WeightsFile, load_weights


class Encoder:
    """A PAT encoder with loaded weights; without a weights file there is no way to make one.

    Keep it for the life of the worker: making one takes a tenth of a second, with TensorFlow several.

    Parameters
    ----------
    weights : WeightsFile
        From :func:`load_weights`.
    engine : str
        A key of :data:`ENGINES`; what follows is passed to it.

    Attributes
    ----------
    size : str
        A key of :data:`SIZES`.
    patch_min : int
        Minutes of a patch.
    engine : str
        What runs it.
    weights_sha256 : str
        Checksum of the file behind every number this encoder gives.
    published_as : str or None
        The published name of that file; None when nobody vouched for it.
    parameters : int
        Trained numbers in the encoder.
    """

    def __init__(self, weights: WeightsFile, engine: str = "onnx", **options: Any) -> None:
        if not isinstance(weights, WeightsFile):
            raise TypeError(f"an Encoder needs a loaded WeightsFile, not {type(weights).__name__}")
        self._weights = weights
        self._engine: Engine = ENGINES[engine](weights, **options)
        self.size = weights.size.name
        self.patch_min = weights.size.patch_min
        self.engine = self._engine.name
        self.weights_sha256 = weights.sha256
        self.published_as = weights.published_as
        self.parameters = weights.size.parameters

    @classmethod
    def from_file(
        cls,
        path: str | PathLike[str] | bytes,
        size: str | None = None,
        sha256: str | None = None,
        engine: str = "onnx",
        **options: Any,
    ) -> Encoder:
        """An encoder from a weights file; raises as :func:`load_weights`."""
        return cls(load_weights(path, size=size, sha256=sha256), engine, **options)

    def tokens(self, weeks: NDArray[np.float32]) -> NDArray[np.float32]:
        """The last block's output per patch.

        Parameters
        ----------
        weeks : ndarray of float32, shape (b, 10080)
            Minutes of a week, normalised per minute of the week against a reference cohort; standard deviations.
            NaN is missing: a patch with a missing minute is left out, as pretraining left patches out, and what
            remains knows its place in the week. It is neither attended to nor averaged.

        Returns
        -------
        ndarray of float32, shape (b, N, 96)
            N is 560 for S and M, 1120 for L; NaN for patches left out. A week's numbers do not depend on the weeks
            beside it.

        Raises
        ------
        ValueError
            Another shape or type, an infinite value, or a week without a complete patch.
        """
        tokens = np.full((len(weeks), self._weights.size.tokens, EMBEDDING), np.nan, np.float32)
        for rows, kept, patches in self._groups(weeks):
            tokens[np.ix_(rows, kept)] = np.concatenate(list(self._engine.passes(patches, kept)))
        return tokens

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
        embedding = np.empty((len(weeks), EMBEDDING), np.float32)
        for rows, kept, patches in self._groups(weeks):
            means = [part.mean(axis=1, dtype=np.float64) for part in self._engine.passes(patches, kept)]
            embedding[rows] = np.concatenate(means)
        return embedding

    def attention(self, week: NDArray[np.float32]) -> NDArray[np.float32]:
        """How much of the last block's attention each minute's patch receives.

        It is what the model looked at, not why it answered; shown only beside a figure of how far the two agree.

        Parameters
        ----------
        week : ndarray of float32, shape (10080,)
            As in :meth:`tokens`.

        Returns
        -------
        ndarray of float32, shape (10080,)
            The share of the minute's patch, the same for its minutes; over patches they add up to 1. NaN where the
            patch was left out.

        Raises
        ------
        ValueError
            As in :meth:`tokens`.
        """
        ((_, kept, patches),) = self._groups(np.asarray(week)[np.newaxis])
        shares = np.full(self._weights.size.tokens, np.nan, np.float32)
        ((entering,),) = self._engine.passes(patches, kept, "entering")
        shares[kept] = attention_received(self._folded, entering)
        return np.repeat(shares, self._weights.size.patch_min)

    @cached_property
    def _folded(self) -> FoldedPat:
        return fold(self._weights)

    def _groups(self, weeks: NDArray[np.float32]) -> Iterator[tuple[Places, Places, Floats]]:
        """Weeks with the same complete patches together: their rows, the places of those patches, the patches."""
        _check_weeks(weeks)
        patches = weeks.reshape(len(weeks), self._weights.size.tokens, self._weights.size.patch_min)
        complete = np.asarray(np.isfinite(patches).all(axis=2))
        if not np.all(complete.any(axis=1)):
            raise ValueError("a week has no patch without a missing minute")
        masks, which = np.unique(complete, axis=0, return_inverse=True)
        for at, mask in enumerate(masks):
            rows, kept = np.flatnonzero(which == at), np.flatnonzero(mask)
            yield rows, kept, np.ascontiguousarray(patches[np.ix_(rows, kept)])


def _check_weeks(weeks: NDArray[np.float32]) -> None:
    if not isinstance(weeks, np.ndarray) or weeks.ndim != 2 or weeks.shape[1] != WEEK_MIN:
        raise ValueError(f"PAT reads weeks of shape (b, {WEEK_MIN}); got {np.shape(weeks)}")
    if weeks.dtype != np.float32:
        raise ValueError(f"PAT reads float32; got {weeks.dtype}")
    if np.isinf(weeks).any():
        raise ValueError(f"PAT reads no infinite values; {int(np.isinf(weeks).sum())} of {weeks.size} are")
