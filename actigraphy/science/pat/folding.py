"""PAT's tensors with each head's projections multiplied out: the same function in fewer, larger matrix products.

Every head is as wide as a token and sees the same tokens ``x``, so that its scores ``(x Wq + bq)(x Wk + bk)ᵀ`` are
``(x A + c) xᵀ`` with ``A = Wq Wkᵀ`` and ``c = bq Wkᵀ``, but for terms that are equal for all keys of a query and that
softmax cancels. Its output ``P (x Wv + bv) Wo`` is ``P x B`` and a constant, with ``B = Wv Wo``, since the rows of
``P`` sum to one. Keys and values become the tokens themselves, shared by all heads.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .architecture import DECODER_BLOCK, EMBEDDING, PatSize, sinusoids
from .decoder import DecoderFile
from .weights import WeightsFile

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class FoldedBlock:
    """One transformer block. h heads, all arrays float64.

    Attributes
    ----------
    scores, scores_bias : ndarray, shapes (96, h·96) and (h·96,)
        Tokens to queries that are multiplied with the tokens; 1/sqrt(96) is in them.
    output, output_bias : ndarray, shapes (h·96, 96) and (96,)
        The heads' averages of tokens to what is added to the tokens.
    hidden, hidden_bias, back, back_bias : ndarray, shapes (96, 256), (256,), (256, 96) and (96,)
        The feed-forward layers.
    norm1, norm2 : tuple of ndarray, shape (96,)
        Scale and shift of the layer normalisations.
    """

    scores: Array
    scores_bias: Array
    output: Array
    output_bias: Array
    hidden: Array
    hidden_bias: Array
    back: Array
    back_bias: Array
    norm1: tuple[Array, Array]
    norm2: tuple[Array, Array]


@dataclass(frozen=True, eq=False)
class FoldedPat:
    """The whole encoder.

    Attributes
    ----------
    size : PatSize
    patch, patch_bias : ndarray, shapes (patch_min, 96), or (3, 1, 96) of a convolution, and (96,)
    positions : ndarray, shape (N, 96)
        Positional encoding; of linear patches with their bias, which a convolution needs before its ReLU.
    blocks : tuple of FoldedBlock
    """

    size: PatSize
    patch: Array
    patch_bias: Array
    positions: Array
    blocks: tuple[FoldedBlock, ...]


@dataclass(frozen=True, eq=False)
class FoldedDecoder:
    """The decoder of a masked autoencoder; all arrays float64.

    Attributes
    ----------
    heads : int
    positions : ndarray, shape (N, 96)
    mask_token : ndarray, shape (96,)
        Stands for a patch that is asked for.
    block : FoldedBlock
    kernel, bias : ndarray, shapes (96, patch_min) and (patch_min,)
        Tokens to minutes.
    bounded : bool
        Whether minutes are ``tanh · 2``.
    """

    heads: int
    positions: Array
    mask_token: Array
    block: FoldedBlock
    kernel: Array
    bias: Array
    bounded: bool


def fold_decoder(decoder: DecoderFile) -> FoldedDecoder:
    """Multiply the projections of a checked decoder's file out."""
    tensors = {name: tensor.astype(np.float64) for name, tensor in decoder.tensors.items()}
    return FoldedDecoder(
        heads=decoder.size.heads,
        positions=sinusoids(decoder.size.tokens, EMBEDDING).astype(np.float64),
        mask_token=tensors["mask_token:0"],
        block=fold_block(tensors, DECODER_BLOCK),
        kernel=tensors["reconstruction/reconstruction/kernel:0"],
        bias=tensors["reconstruction/reconstruction/bias:0"],
        bounded=decoder.bounded,
    )


def fold(weights: WeightsFile) -> FoldedPat:
    """Multiply the projections of a checked weights file out, in float64: exact to 3e-6 in float32 arithmetic."""
    pat = weights.size
    tensors = {name: tensor.astype(np.float64) for name, tensor in weights.tensors.items()}
    positions = sinusoids(pat.tokens, EMBEDDING).astype(np.float64)
    patch, patch_bias = (tensors[f"{pat.patch_layer}/{name}:0"] for name in ("kernel", "bias"))
    return FoldedPat(
        size=pat,
        patch=patch,
        patch_bias=patch_bias,
        positions=positions if pat.conv else positions + patch_bias,
        blocks=tuple(fold_block(tensors, f"encoder_layer_{layer}") for layer in range(1, pat.layers + 1)),
    )


def fold_block(tensors: Mapping[str, Array], block: str) -> FoldedBlock:
    """The block of that name, its projections multiplied out; tensors are float64."""
    prefix = f"{block}_transformer/{block}_"
    t = {
        name.removeprefix(prefix).removesuffix(":0"): tensor
        for name, tensor in tensors.items()
        if name.startswith(prefix)
    }
    # d, e: channels of a token; h: head; k: channels within a head.
    query, key, value = (t[f"attention/{name}/kernel"] for name in ("query", "key", "value"))
    query = query / np.sqrt(EMBEDDING)
    query_bias = t["attention/query/bias"] / np.sqrt(EMBEDDING)
    output = t["attention/attention_output/kernel"]
    return FoldedBlock(
        scores=np.einsum("dhk,ehk->dhe", query, key).reshape(EMBEDDING, -1),
        scores_bias=np.einsum("hk,ehk->he", query_bias, key).reshape(-1),
        output=np.einsum("dhk,hke->hde", value, output).reshape(-1, EMBEDDING),
        output_bias=np.einsum("hk,hke->e", t["attention/value/bias"], output) + t["attention/attention_output/bias"],
        hidden=t["ff1/kernel"],
        hidden_bias=t["ff1/bias"],
        back=t["ff2/kernel"],
        back_bias=t["ff2/bias"],
        norm1=(t["norm1/gamma"], t["norm1/beta"]),
        norm2=(t["norm2/gamma"], t["norm2/beta"]),
    )


def attention_received(folded: FoldedPat, tokens: NDArray[np.float32]) -> NDArray[np.float32]:
    """The attention each patch receives in the last block, as the authors' code reads it.

    Parameters
    ----------
    folded : FoldedPat
    tokens : ndarray of float32, shape (N, 96)
        What enters the last block, of one week.

    Returns
    -------
    ndarray of float32, shape (N,)
        Summed over the queries, averaged over the heads, divided by the sum: shares that add up to 1. The sum over
        the keys that the paper describes is 1 for every query and shows nothing.

    References
    ----------
    njacobsonlab/Pretrained-Actigraphy-Transformer, notebook Model Explainability.
    """
    heads = folded.size.heads
    last = folded.blocks[-1]
    queries = tokens @ last.scores.astype(np.float32) + last.scores_bias.astype(np.float32)
    received = np.zeros(len(tokens), np.float64)
    for query in np.split(queries, heads, axis=1):
        scores = query @ tokens.T
        scores -= scores.max(axis=1, keepdims=True)
        np.exp(scores, out=scores)
        received += (1 / scores.sum(axis=1)) @ scores
    return (received / received.sum()).astype(np.float32)
