"""The folded encoder as an ONNX graph; imported only where an engine is made, since it imports onnx."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from .architecture import EMBEDDING, NORM_EPSILON
from .folding import FoldedBlock, FoldedDecoder, FoldedPat

_OPSET, _IR_VERSION = 18, 9
#: ONNX Runtime's own operators: attention that never holds the n by n scores, and norms fused with the sum before them.
_CONTRIB = "com.microsoft"


class _Graph:
    """Nodes and constants, each output named by a counter."""

    def __init__(self) -> None:
        self.nodes: list[Any] = []
        self.constants: list[Any] = []

    def constant(self, values: Any, dtype: Any = np.float32) -> str:
        name = f"constant_{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.ascontiguousarray(values, dtype=dtype), name))
        return name

    def op(self, kind: str, *inputs: str, name: str = "", **attributes: Any) -> str:
        name = name or f"value_{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, list(inputs), [name], **attributes))
        return name

    def reshape(self, value: str, *shape: int) -> str:
        return self.op("Reshape", value, self.constant(shape, np.int64))

    def linear(self, value: str, kernel: Any, bias: Any) -> str:
        return self.op("Add", self.op("MatMul", value, self.constant(kernel)), self.constant(bias))

    def norm(self, value: str, added: str, bias: Any, norm: tuple[Any, Any], name: str = "") -> str:
        """Layer normalisation of ``value + added + bias``."""
        scale, shift = (self.constant(part) for part in norm)
        inputs = (value, added, scale, shift, self.constant(bias))
        return self.op("SkipLayerNormalization", *inputs, name=name, domain=_CONTRIB, epsilon=NORM_EPSILON)


def build_graph(folded: FoldedPat) -> bytes:
    """Patches (b, n, patch_min) and ``kept`` (n,), their places in the week, to ``tokens`` (b, n, 96) and
    ``entering``, the last block's input of that shape.

    Their mean is not taken here: ONNX Runtime's depends in the seventh digit on the weeks beside it.

    Returns
    -------
    bytes
        An ONNX model for ONNX Runtime.
    """
    graph, heads = _Graph(), folded.size.heads
    places = graph.op("Gather", graph.constant(folded.positions), "kept")
    tokens = graph.op("Add", _embedded(graph, folded), places)
    for block in folded.blocks:
        entering, is_last = tokens, block is folded.blocks[-1]
        tokens = _block(graph, tokens, block, heads, name="tokens" if is_last else "")
    graph.op("Identity", entering, name="entering")
    tokens_shape = ("b", "n", EMBEDDING)
    inputs = [_value("patches", "b", "n", folded.size.patch_min), _value("kept", "n", kind=TensorProto.INT64)]
    return _model(graph, inputs, [_value("tokens", *tokens_shape), _value("entering", *tokens_shape)])


def build_decoder_graph(decoder: FoldedDecoder) -> bytes:
    """Tokens (b, v, 96) of shown patches, ``visible`` (v,) and ``wanted`` (w,), their places and those asked for, to
    ``minutes`` (b, w, patch_min).

    Returns
    -------
    bytes
        An ONNX model for ONNX Runtime.
    """
    graph = _Graph()
    seen = graph.op("Add", "tokens", graph.op("Gather", graph.constant(decoder.positions), "visible"))
    asked = graph.op("Gather", graph.constant(decoder.positions + decoder.mask_token), "wanted")
    weeks = graph.op("Slice", graph.op("Shape", "tokens"), *(graph.constant([at], np.int64) for at in (0, 1)))
    shape = graph.op("Concat", weeks, graph.op("Shape", asked), axis=0)
    decoded = _block(
        graph, graph.op("Concat", seen, graph.op("Expand", asked, shape), axis=1), decoder.block, decoder.heads, ""
    )
    first = graph.op("Slice", graph.op("Shape", "visible"), *(graph.constant([at], np.int64) for at in (0, 1)))
    masked = graph.op("Slice", decoded, first, graph.constant([2**31], np.int64), graph.constant([1], np.int64))
    minutes = graph.linear(masked, decoder.kernel, decoder.bias)
    if decoder.bounded:
        minutes = graph.op("Mul", graph.op("Tanh", minutes), graph.constant(2.0))
    graph.op("Identity", minutes, name="minutes")
    places = [_value(name, name[0], kind=TensorProto.INT64) for name in ("visible", "wanted")]
    patch_min = decoder.kernel.shape[1]
    return _model(graph, [_value("tokens", "b", "v", EMBEDDING), *places], [_value("minutes", "b", "w", patch_min)])


def _embedded(graph: _Graph, folded: FoldedPat) -> str:
    pat = folded.size
    if not pat.conv:
        return graph.op("MatMul", "patches", graph.constant(folded.patch))
    rows = graph.reshape("patches", -1, 1, pat.patch_min)
    kernel = graph.constant(folded.patch.transpose(2, 1, 0))  # Keras: width, in, out
    convolved = graph.op("Conv", rows, kernel, graph.constant(folded.patch_bias), pads=[1, 1])
    mean = graph.op("ReduceMean", graph.op("Relu", convolved), graph.constant([2], np.int64), keepdims=0)
    count = graph.op("Slice", graph.op("Shape", "patches"), *(graph.constant([at], np.int64) for at in (0, 2)))
    shape = graph.op("Concat", count, graph.constant([EMBEDDING], np.int64), axis=0)
    return graph.op("Reshape", mean, shape)


def _block(graph: _Graph, tokens: str, block: FoldedBlock, heads: int, name: str) -> str:
    # One head whose queries are those of all heads: keys and values are the tokens, the same for each.
    queries = graph.reshape(graph.linear(tokens, block.scores, block.scores_bias), 0, -1, EMBEDDING)
    averages = graph.op("MultiHeadAttention", queries, tokens, tokens, domain=_CONTRIB, num_heads=1, scale=1.0)
    averages = graph.reshape(averages, 0, -1, heads * EMBEDDING)
    attended = graph.op("MatMul", averages, graph.constant(block.output))
    middle = graph.norm(tokens, attended, block.output_bias, block.norm1)
    hidden = graph.op("Relu", graph.linear(middle, block.hidden, block.hidden_bias))
    back = graph.op("MatMul", hidden, graph.constant(block.back))
    return graph.norm(middle, back, block.back_bias, block.norm2, name)


def _value(name: str, *shape: Any, kind: int = TensorProto.FLOAT) -> Any:
    return helper.make_tensor_value_info(name, kind, shape)


def _model(graph: _Graph, inputs: list[Any], outputs: list[Any]) -> bytes:
    made = helper.make_graph(graph.nodes, "pat", inputs, outputs, graph.constants)
    opsets = [helper.make_opsetid("", _OPSET), helper.make_opsetid(_CONTRIB, 1)]
    model: onnx.ModelProto = helper.make_model(made, opset_imports=opsets, ir_version=_IR_VERSION)
    return bytes(model.SerializeToString())
