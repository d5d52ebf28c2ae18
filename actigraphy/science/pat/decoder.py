"""The decoder of our own masked autoencoder: a file beside the encoder's, read with the same mistrust.

Published files hold no decoder, so none of them can reconstruct anything.
"""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import dataclass
from os import PathLike
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from .architecture import PatSize
from .weights import WeightsError, WeightsFile, differences, open_tensors, read_registered, read_tensors, weights_bytes

_ENCODER, _BOUNDED, _TOGETHER = "encoder_sha256", "bounded", "decoded_together"


@dataclass(frozen=True, eq=False)
class DecoderFile:
    """A decoder's file that passed every check; made by :func:`load_decoder` only.

    Attributes
    ----------
    size : PatSize
        Of its encoder.
    sha256 : str
        Of the file's bytes.
    tensors : mapping of str to ndarray of float32
        Read-only, finite, shapes as :meth:`PatSize.decoder_shapes`.
    bounded : bool
        Whether minutes are ``tanh · 2``.
    together : int
        How many masked patches it was trained to reconstruct at once.
    """

    size: PatSize
    sha256: str
    tensors: Mapping[str, NDArray[np.float32]]
    bounded: bool
    together: int


def decoder_bytes(
    tensors: Mapping[str, NDArray[np.float32]], *, encoder_sha256: str, bounded: bool, together: int
) -> bytes:
    """A decoder as a file, bound to the encoder it was trained with; the same decoder gives the same bytes."""
    import h5py

    content = io.BytesIO(weights_bytes(tensors))
    with h5py.File(content, "r+") as file:
        file.attrs.update({_ENCODER: encoder_sha256, _BOUNDED: bounded, _TOGETHER: together})
    return content.getvalue()


def load_decoder(
    source: str | PathLike[str] | bytes, encoder: WeightsFile, *, sha256: str | None = None
) -> DecoderFile:
    """Read and check the decoder of that encoder.

    Parameters
    ----------
    source : path or bytes
    encoder : WeightsFile
        The encoder it was trained with; with another one it reconstructs nothing.
    sha256 : str, optional
        The registered checksum; compared before the file is parsed.

    Raises
    ------
    WeightsError
        As :func:`load_weights`; wrong_hash also where it belongs to another encoder.
    """
    content, found = read_registered(source, sha256)
    pat = encoder.size
    with open_tensors(content) as (file, datasets):
        shapes = {name: dataset.shape for name, dataset in datasets.items()}
        if shapes != pat.decoder_shapes():
            raise WeightsError(
                "wrong_layout", f"no decoder of PAT-{pat.name}: {differences(shapes, pat.decoder_shapes())}"
            )
        belongs, bounded, together = (file.attrs.get(name) for name in (_ENCODER, _BOUNDED, _TOGETHER))
        if belongs != encoder.sha256:
            raise WeightsError("wrong_hash", f"it belongs to encoder {str(belongs)[:64]}")
        if bounded not in (True, False) or together not in range(1, pat.tokens + 1):
            raise WeightsError("wrong_layout", "it does not say how it was trained")
        tensors = read_tensors(datasets)
    return DecoderFile(pat, found, MappingProxyType(tensors), bool(bounded), int(together))
