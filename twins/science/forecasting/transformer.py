"""``SymptomTransformer``: its sizes, what it reads, and its answer with numpy alone.

An encoder reads four weeks of a person's days, a decoder asks about all coming days at once. The architecture is the
encoder-decoder of Vaswani et al. (2017) with the normalisation before each part (Xiong et al. 2020), which trains
without a warm-up. Keras trains it (:mod:`.keras_transformer`); here it answers without TensorFlow, in milliseconds and
without its three seconds of start.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import prod
from types import MappingProxyType
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from .features import SUMMARY, Norm, same_weekday, standardise, summary
from .panel import Floats

Floats32 = NDArray[np.float32]

#: Days the encoder reads.
DAYS: Final = 28
_POSITIONS: Final = 8
#: Channels of a day: deviation, whether it was reported, weekday as sine and cosine, place, and the summary.
DAY_CHANNELS: Final = 2 + 2 + _POSITIONS + len(SUMMARY)
#: Of a day ahead: deviation on the same weekday before, whether there was one, weekday, place, summary.
AHEAD_CHANNELS: Final = DAY_CHANNELS
NORM_EPSILON: Final = 1e-6
_FURTHEST: Final = 4.0
_BATCH: Final = 512


@dataclass(frozen=True, slots=True)
class Preset:
    """A size of the transformer and how it is trained.

    Attributes
    ----------
    name : str
    heads, layers, width, feed_forward : int
        Attention heads; blocks in the encoder and as many in the decoder; channels; channels within a block.
    learning_rate : float
        At the start of the cosine.
    batch, epochs, patience : int
        Windows per step; epochs at most; epochs without a better error of people left out until training ends.
    dropout, l2 : float
    """

    name: str
    heads: int
    layers: int
    width: int
    feed_forward: int
    learning_rate: float
    batch: int
    epochs: int
    patience: int
    dropout: float = 0.1
    l2: float = 1e-5

    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Every trained tensor by its name."""
        shapes: dict[str, tuple[int, ...]] = {}
        for name, channels in (("days", DAY_CHANNELS), ("ahead", AHEAD_CHANNELS)):
            shapes |= _dense(f"embed_{name}", channels, self.width)
        for at in range(self.layers):
            shapes |= self._block(f"encoder_{at}", ("self",)) | self._block(f"decoder_{at}", ("self", "cross"))
        for name in ("encoder_norm", "decoder_norm"):
            shapes |= {f"{name}/gamma": (self.width,), f"{name}/beta": (self.width,)}
        return shapes | _dense("answer", self.width, 1)

    @property
    def parameters(self) -> int:
        """Trained numbers."""
        return sum(prod(shape) for shape in self.shapes().values())

    def _block(self, block: str, attentions: tuple[str, ...]) -> dict[str, tuple[int, ...]]:
        shapes: dict[str, tuple[int, ...]] = {}
        for each in attentions:
            per_head = self.width // self.heads
            for part in ("query", "key", "value"):
                shapes[f"{block}_{each}/{part}/kernel"] = (self.width, self.heads, per_head)
                shapes[f"{block}_{each}/{part}/bias"] = (self.heads, per_head)
            shapes[f"{block}_{each}/attention_output/kernel"] = (self.heads, per_head, self.width)
            shapes[f"{block}_{each}/attention_output/bias"] = (self.width,)
        for each in (*attentions, "wide"):
            shapes |= {f"{block}_{each}_norm/gamma": (self.width,), f"{block}_{each}_norm/beta": (self.width,)}
        wide, narrow = f"{block}_wide", f"{block}_narrow"
        return shapes | _dense(wide, self.width, self.feed_forward) | _dense(narrow, self.feed_forward, self.width)


def _dense(name: str, inputs: int, outputs: int) -> dict[str, tuple[int, ...]]:
    return {f"{name}/kernel": (inputs, outputs), f"{name}/bias": (outputs,)}


#: ``full`` is what the first plan called TimeGPT-1, with its training preset. The smaller ones are for the few thousand
#: windows that a clinic or a study has, at the faster rate that a narrow network needs; set beforehand, not searched.
PRESETS: Final = MappingProxyType({
    preset.name: preset
    for preset in (
        Preset("small", 4, 2, 32, 64, learning_rate=1e-3, batch=64, epochs=12, patience=3),
        Preset("medium", 8, 3, 128, 512, learning_rate=3e-4, batch=64, epochs=60, patience=8),
        Preset("full", 8, 6, 512, 2048, learning_rate=1e-4, batch=64, epochs=100, patience=10),
    )
})  # fmt: skip


def inputs(history: Floats, norm: Norm, horizon: int) -> tuple[Floats32, Floats32]:
    """What the transformer reads of histories (m, d): days (m, 28, 20) and days ahead (m, horizon, 20), no NaN."""
    own, said = standardise(history, norm), summary(history, norm)
    z = own.z[:, -DAYS:]
    z = np.pad(z, ((0, 0), (DAYS - z.shape[1], 0)), constant_values=np.nan)
    days = _channels(z, np.arange(DAYS) - (DAYS - 1), said)
    ahead = _channels(same_weekday(own.z, horizon), np.arange(1, horizon + 1), said)
    return days, ahead


def _channels(z: Floats, day: NDArray[np.int64], said: Floats) -> Floats32:
    known = np.isfinite(z)
    deviation = np.clip(np.where(known, z, 0.0), -_FURTHEST, _FURTHEST)
    rates = 2 * np.pi / np.array([7.0, 14.0, 28.0, 56.0, 112.0])
    angles = day[:, None] * rates
    places = np.hstack((np.sin(angles), np.cos(angles)))
    of_day = np.broadcast_to(places, (len(z), *places.shape))
    of_person = np.broadcast_to(said[:, None, :], (len(z), len(day), said.shape[1]))
    return np.concatenate((deviation[:, :, None], known[:, :, None], of_day, of_person), axis=2).astype(np.float32)


@dataclass(frozen=True, eq=False)
class TransformerWeights:
    """A trained transformer as plain numbers, and its answer with numpy.

    Raises
    ------
    ValueError
        A tensor is missing, has another shape or holds what is no number.
    """

    preset: Preset
    tensors: Mapping[str, Floats32]

    def __post_init__(self) -> None:
        shapes = self.preset.shapes()
        if set(shapes) != set(self.tensors):
            raise ValueError("the tensors are not those of this preset")
        for name, shape in shapes.items():
            if self.tensors[name].shape != shape or not np.isfinite(self.tensors[name]).all():
                raise ValueError(f"tensor {name} has another shape or holds what is no number")

    def predict(self, history: Floats, norm: Norm, horizon: int) -> Floats:
        """Scores (m, horizon), neither clipped nor on the grid; histories (m, d) with at least one point each."""
        z = [self._answer(history[at : at + _BATCH], norm, horizon) for at in range(0, len(history), _BATCH)]
        return standardise(history, norm).back(np.concatenate(z) if z else np.empty((0, horizon)))

    def _answer(self, history: Floats, norm: Norm, horizon: int) -> Floats:
        days, ahead = inputs(history, norm, horizon)
        memory = self._dense("embed_days", days)
        for at in range(self.preset.layers):
            memory = self._attend(f"encoder_{at}_self", memory, None)
            memory = self._forward(f"encoder_{at}", memory)
        memory = self._normed("encoder_norm", memory)
        asked = self._dense("embed_ahead", ahead)
        for at in range(self.preset.layers):
            asked = self._attend(f"decoder_{at}_self", asked, None)
            asked = self._attend(f"decoder_{at}_cross", asked, memory)
            asked = self._forward(f"decoder_{at}", asked)
        return self._dense("answer", self._normed("decoder_norm", asked))[:, :, 0].astype(np.float64)

    def _attend(self, name: str, x: Any, memory: Any) -> Any:
        normed = self._normed(f"{name}_norm", x)
        read = normed if memory is None else memory
        query, key, value = (
            self._heads(f"{name}/{part}", given) for given, part in ((normed, "query"), (read, "key"), (read, "value"))
        )
        score = query @ key.swapaxes(-1, -2) / np.float32(np.sqrt(query.shape[-1]))
        score = np.exp(score - score.max(axis=-1, keepdims=True))
        mixed = ((score / score.sum(axis=-1, keepdims=True)) @ value).swapaxes(1, 2)
        kernel = self.tensors[f"{name}/attention_output/kernel"].reshape(-1, self.preset.width)
        out = mixed.reshape(*x.shape[:2], -1) @ kernel + self.tensors[f"{name}/attention_output/bias"]
        return x + out

    def _heads(self, name: str, x: Any) -> Any:
        """Projected for each head, (b, heads, length, channels of a head); one matrix product, which einsum is not."""
        kernel, bias = self.tensors[f"{name}/kernel"], self.tensors[f"{name}/bias"]
        flat = x @ kernel.reshape(self.preset.width, -1) + bias.ravel()
        return flat.reshape(*x.shape[:2], *bias.shape).swapaxes(1, 2)

    def _forward(self, block: str, x: Any) -> Any:
        wide = np.maximum(self._dense(f"{block}_wide", self._normed(f"{block}_wide_norm", x)), 0)
        return x + self._dense(f"{block}_narrow", wide)

    def _dense(self, name: str, x: Any) -> Any:
        return x @ self.tensors[f"{name}/kernel"] + self.tensors[f"{name}/bias"]

    def _normed(self, name: str, x: Any) -> Any:
        centred = x - x.mean(axis=-1, keepdims=True)
        scale = np.sqrt((centred**2).mean(axis=-1, keepdims=True) + np.float32(NORM_EPSILON))
        return centred / scale * self.tensors[f"{name}/gamma"] + self.tensors[f"{name}/beta"]
