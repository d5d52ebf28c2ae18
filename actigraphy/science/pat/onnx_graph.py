"""The folded encoder as an ONNX graph; imported only where an engine is made, since it imports onnx."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from .architecture import EMBEDDING, NORM_EPSILON
from .folding import FoldedBlock, FoldedPat

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
    return _model(graph, folded.size.patch_min)


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


def _model(graph: _Graph, patch_min: int) -> bytes:
    def value(name: str, *shape: Any, kind: int = TensorProto.FLOAT) -> Any:
        return helper.make_tensor_value_info(name, kind, shape)

    tokens = ("b", "n", EMBEDDING)
    inputs = [value("patches", "b", "n", patch_min), value("kept", "n", kind=TensorProto.INT64)]
    outputs = [value("tokens", *tokens), value("entering", *tokens)]
    made = helper.make_graph(graph.nodes, "pat", inputs, outputs, graph.constants)
    opsets = [helper.make_opsetid("", _OPSET), helper.make_opsetid(_CONTRIB, 1)]
    model: onnx.ModelProto = helper.make_model(made, opset_imports=opsets, ir_version=_IR_VERSION)
    return bytes(model.SerializeToString())
