"""Weeks reconstructed from a tenth of their patches, without TensorFlow."""

from __future__ import annotations

from os import PathLike
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from .architecture import WEEK_MIN
from .decoder import DecoderFile, load_decoder
from .engines import OnnxEngine, session
from .folding import fold_decoder
from .masking import as_patches, draw_masks, shown_patches, spread_masks
from .weights import WeightsFile, load_weights

Floats = NDArray[np.float32]
Places = NDArray[np.int64]

#: Masks of a week's reconstruction error: every complete patch is masked in at least three of them.
MASKS: Final = 4
_SEED: Final = 20_241_122
_WEEKS_AT_ONCE: Final = 8


class Reconstructor:
    """An encoder and its decoder, ready to run in ONNX Runtime; kept for the life of a worker.

    Parameters
    ----------
    encoder : WeightsFile
    decoder : DecoderFile
        Of that encoder.
    threads : int, optional
        As for :class:`OnnxEngine`.
    """

    def __init__(self, encoder: WeightsFile, decoder: DecoderFile, threads: int | None = None) -> None:
        from .onnx_graph import build_decoder_graph

        self.size, self.together = encoder.size, decoder.together
        self.encoder_sha256, self.decoder_sha256 = encoder.sha256, decoder.sha256
        self.shown = shown_patches(encoder.size)
        self._encoder = OnnxEngine(encoder, threads)
        self._decoder: Any = session(build_decoder_graph(fold_decoder(decoder)), threads)

    @classmethod
    def from_files(
        cls, encoder: str | PathLike[str] | bytes, decoder: str | PathLike[str] | bytes, threads: int | None = None
    ) -> Reconstructor:
        """From two files; raises as :func:`load_weights` and :func:`load_decoder`."""
        weights = load_weights(encoder)
        return cls(weights, load_decoder(decoder, weights), threads)

    def reconstruct(self, patches: Floats, visible: Places, wanted: Places) -> Floats:
        """What the model expects at some places, from what was measured at others.

        Parameters
        ----------
        patches : ndarray of float32, shape (b, v, patch_min)
            The shown patches, complete, normalised.
        visible, wanted : ndarray of int64, shapes (v,) and (w,)
            Places of the shown patches and of those asked for, the same in every week.

        Returns
        -------
        ndarray of float32, shape (b, w, patch_min)
            As many at once as the decoder was trained on, since attention is shared among all that are asked for.
        """
        found = np.empty((len(patches), len(wanted), self.size.patch_min), np.float32)
        for at in range(0, len(patches), _WEEKS_AT_ONCE):
            rows = slice(at, at + _WEEKS_AT_ONCE)
            (tokens,) = self._encoder.passes(patches[rows], visible)
            for begin in range(0, len(wanted), self.together):
                part = slice(begin, begin + self.together)
                given = {"tokens": tokens, "visible": visible, "wanted": wanted[part]}
                found[rows, part] = self._decoder.run(None, given)[0]
        return found

    def errors(self, weeks: Floats) -> Floats:
        """How badly each patch is predicted from others.

        Parameters
        ----------
        weeks : ndarray of float32, shape (b, 10080)
            Normalised; NaN is missing.

        Returns
        -------
        ndarray of float32, shape (b, N)
            Mean squared error of a patch over :data:`MASKS` masks, in those where it was masked: at least all but one.
            NaN for patches with a missing minute, and for all of a week that has too few complete ones. The same week
            gives the same errors.
        """
        patches = as_patches(weeks, self.size)
        complete = np.isfinite(patches).all(axis=2)
        errors = np.full(complete.shape, np.nan, np.float32)
        alike, which = np.unique(complete, axis=0, return_inverse=True)
        for at, mask in enumerate(alike):
            if mask.sum() >= MASKS * self.shown:
                rows = np.flatnonzero(which == at)
                kept = np.flatnonzero(mask)
                errors[np.ix_(rows, kept)] = self._errors_of(patches[rows], mask)[:, kept]
        return errors

    def _errors_of(self, patches: Floats, complete: NDArray[np.bool_]) -> Floats:
        total, times = np.zeros(patches.shape[:2]), np.zeros(patches.shape[1])
        for at, visible in enumerate(spread_masks(complete, self.shown, MASKS, _SEED)):
            wanted = np.setdiff1d(np.flatnonzero(complete), visible)
            wanted = np.random.default_rng([_SEED, at]).permutation(wanted)
            expected = self.reconstruct(np.ascontiguousarray(patches[:, visible]), visible, wanted)
            total[:, wanted] += ((patches[:, wanted] - expected) ** 2).mean(axis=2)
            times[wanted] += 1
        return (total / np.maximum(times, 1)).astype(np.float32)


def compare(model: Reconstructor, weeks: Floats, *, seed: int) -> NDArray[np.float64]:
    """Squared error of the masked minutes of each week: the model's, and two that have learned nothing.

    Parameters
    ----------
    model : Reconstructor
    weeks : ndarray of float32, shape (w, 10080)
        Normalised; NaN is missing and counts for nothing.
    seed : int
        Of the masks, one per week.

    Returns
    -------
    ndarray of float64, shape (w, 3)
        Mean squared error of the model, of the cohort's mean (0) and of a straight line between shown minutes.
    """
    rng = np.random.default_rng(seed)
    found = np.empty((len(weeks), 3))
    for at, week in enumerate(weeks):
        patches = as_patches(week[np.newaxis], model.size)
        (visible,), (masked,) = draw_masks(patches, model.shown, rng)
        target = patches[0, masked]
        expected = model.reconstruct(patches[:, visible], visible, masked)[0]
        line = _interpolated(week, visible, model.size.patch_min).reshape(-1, model.size.patch_min)[masked]
        found[at] = [np.nanmean((target - guess) ** 2) for guess in (expected, np.zeros_like(target), line)]
    return found


def _interpolated(week: Floats, visible: Places, patch_min: int) -> NDArray[np.float64]:
    known = (visible[:, np.newaxis] * patch_min + np.arange(patch_min)).ravel()
    return np.interp(np.arange(WEEK_MIN), known, week[known])
