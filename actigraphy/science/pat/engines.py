"""What runs an encoder: ONNX Runtime on processors, TensorFlow on graphics cards.

Both take the same checked weights and agree to 1e-5. An engine is made in the process that uses it (neither survives a
fork) and kept for that process's life.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Protocol

import numpy as np
from numpy.typing import NDArray

from .architecture import EMBEDDING, PatSize, build_encoder, sinusoids
from .folding import fold
from .weights import WeightsFile

if TYPE_CHECKING:
    import keras

Floats = NDArray[np.float32]
Places = NDArray[np.int64]


class Engine(Protocol):
    """Runs one encoder."""

    name: str

    def passes(self, patches: Floats, kept: Places, output: str = "tokens") -> Iterator[Floats]:
        """Pass by pass, so that no more is held than one needs.

        Parameters
        ----------
        patches : ndarray of float32, shape (b, n, patch_min)
            Complete patches of weeks that all have the same ones.
        kept : ndarray of int64, shape (n,)
            The places of those patches in the week.
        output : str
            ``tokens``, or ``entering`` for the tokens that enter the last block, from which attention is explained.

        Yields
        ------
        ndarray of float32, shape (some of b, n, 96)
            In order; a week's numbers do not depend on the weeks beside it.
        """


class OnnxEngine:
    """The folded graph in ONNX Runtime: the fastest on a CPU at every size, in 60 MB and without TensorFlow.

    Parameters
    ----------
    weights : WeightsFile
    threads : int, optional
        Per pass; by default all cores. Workers that share a machine take 1 each: N of them are N times one.
    """

    name = "onnx"
    _most_weeks = 8  # throughput is best at 4 to 8 and memory stays flat

    def __init__(self, weights: WeightsFile, threads: int | None = None) -> None:
        from .onnx_graph import build_graph

        self._session: Any = session(build_graph(fold(weights)), threads)

    def passes(self, patches: Floats, kept: Places, output: str = "tokens") -> Iterator[Floats]:
        for at in range(0, len(patches), self._most_weeks):
            yield self._session.run([output], {"patches": patches[at : at + self._most_weeks], "kept": kept})[0]


def session(graph: bytes, threads: int | None) -> Any:
    """A graph loaded into ONNX Runtime; by default on all cores."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads or 0
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])


class TensorFlowEngine:
    """The published graph as Keras builds it, compiled; on a GPU where there is one, and the golden for the others.

    Importing TensorFlow takes seconds and some 700 MB. When a pass does not fit the card's memory, the batch is halved,
    for good.

    Parameters
    ----------
    weights : WeightsFile
    batch : int
        Weeks per pass at most; larger ones gain nothing on a CPU.
    """

    name = "tensorflow"
    _scores_bytes = 128 * 2**20  # of one block's attention, on a CPU

    def __init__(self, weights: WeightsFile, batch: int = 32) -> None:
        import tensorflow as tf

        # TensorFloat-32 keeps 10 bits of the mantissa: on a GPU the same weeks would not replay to 1e-6.
        tf.config.experimental.enable_tensor_float_32_execution(False)
        self.device = _first_gpu(tf) or "/CPU:0"
        self._exhausted: Any = tf.errors.ResourceExhaustedError
        with tf.device(self.device):
            model = build_encoder(weights.size.name)
            assign(model, weights)
            self._forward = _compiled(tf, model, weights.size)
        one_week = weights.size.heads * weights.size.tokens**2 * 4
        self.batch = batch if "GPU" in self.device else max(1, min(8, batch, self._scores_bytes // one_week))

    def passes(self, patches: Floats, kept: Places, output: str = "tokens") -> Iterator[Floats]:
        at = 0
        while at < len(patches):
            try:
                part = self._forward(patches[at : at + self.batch], kept)[output].numpy()
            except self._exhausted:
                if self.batch == 1:
                    raise
                self.batch //= 2
            else:
                at += len(part)
                yield part


def _first_gpu(tf: Any) -> str | None:
    gpus = tf.config.list_physical_devices("GPU")
    if not gpus:
        return None
    # Else TensorFlow takes the whole card and another worker finds nothing. RuntimeError: this process uses it already.
    with suppress(RuntimeError):
        tf.config.experimental.set_memory_growth(gpus[0], True)
    return "/GPU:0"


def _compiled(tf: Any, model: keras.Model, pat: PatSize) -> Any:
    """The forward pass as one TensorFlow graph: a third of the time of calling the Keras model."""
    embed = patch_embedding(tf, model, pat)
    blocks = [model.get_layer(f"encoder_layer_{layer}_transformer") for layer in range(1, pat.layers + 1)]
    places = tf.constant(sinusoids(pat.tokens, EMBEDDING))
    patches = tf.TensorSpec((None, None, pat.patch_min), tf.float32)

    @tf.function(input_signature=[patches, tf.TensorSpec((None,), tf.int64)])
    def forward(patches: Any, kept: Any) -> Any:
        tokens = embed(patches) + tf.gather(places, kept)
        for block in blocks:
            entering, tokens = tokens, block(tokens, training=False)
        return {"tokens": tokens, "entering": entering}

    return forward


def patch_embedding(tf: Any, model: keras.Model, pat: PatSize) -> Any:
    """(b, n, patch_min) -> (b, n, 96); a convolution over any n, for which Keras' layer needs a fixed one."""
    layer = model.get_layer(pat.patch_layer.split("/")[0])
    if not pat.conv:
        return layer

    def embed(patches: Any) -> Any:
        convolved = layer.layer(tf.reshape(patches, (-1, pat.patch_min, 1)))
        return tf.reshape(tf.reduce_mean(convolved, axis=1), (-1, tf.shape(patches)[1], EMBEDDING))

    return embed


def assign(model: keras.Model, weights: WeightsFile) -> None:
    """Give every variable its tensor."""
    assign_tensors(model, weights.tensors)


def assign_tensors(model: keras.Model, tensors: Mapping[str, Floats]) -> None:
    """Give every variable of a model its tensor. Published names are ``group/<Keras path>:0``."""
    waiting = {name.split("/", 1)[1].removesuffix(":0"): tensor for name, tensor in tensors.items()}
    for variable in model.weights:
        variable.assign(waiting.pop(variable.path))
    if waiting:
        raise AssertionError(f"the graph has no place for {sorted(waiting)}")


ENGINES: Final[dict[str, Any]] = {"onnx": OnnxEngine, "tensorflow": TensorFlowEngine}


def has_gpu() -> bool:
    """Whether this machine shows an NVIDIA card; asked of the driver, since TensorFlow takes seconds to say so."""
    return any(Path("/proc/driver/nvidia/gpus").glob("*"))
