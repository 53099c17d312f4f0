"""Batch norms folded into the convolutions before them, in a frozen graph.

TensorFlow's own optimiser folds them into plain convolutions only; behind a depthwise convolution a product
and a sum remain, each of them one more pass over the largest arrays of a mobile network.
"""

from collections import Counter
from typing import Any

import numpy as np
import numpy.typing as npt
import tensorflow as tf
from tensorflow.core.framework.graph_pb2 import GraphDef
from tensorflow.core.framework.node_def_pb2 import NodeDef

Function = Any  # a concrete function of TensorFlow, which has no public type with graph, inputs and outputs
_CONVOLUTIONS = ("Conv2D", "DepthwiseConv2dNative")


def fold_batch_norms(frozen: Function) -> Function:
    """The same function, float32 results equal to rounding: ``conv(x, W) * m + s`` becomes ``conv(x, W m) + s``.

    frozen: a function whose variables are constants.
    """
    graph = frozen.graph.as_graph_def()
    matches = _matches(graph)
    if not matches:
        return frozen
    wanted = [name for conv, mul, add in matches for name in (conv.input[1], mul.input[1], add.input[1])]
    tensors = [name if ":" in name else f"{name}:0" for name in wanted]
    values = [np.asarray(value) for value in _function(graph, [], tensors)()]
    for index, (conv, _, add) in enumerate(matches):
        kernel, scale, shift = values[3 * index : 3 * index + 3]
        channels = (
            kernel.shape[2] * kernel.shape[3] if conv.op == "DepthwiseConv2dNative" else kernel.shape[3]
        )
        factors, offsets = _per_channel(scale, channels), _per_channel(shift, channels)
        if factors is not None and offsets is not None and kernel.dtype == np.float32:
            _rewrite(graph, conv, add, _scaled(conv.op, kernel, factors), offsets)
    return _function(graph, frozen.inputs, [tensor.name for tensor in frozen.outputs])


def _per_channel(values: npt.NDArray[np.float32], channels: int) -> npt.NDArray[np.float32] | None:
    """A factor or offset as (channels,); None where it differs by place, as of a batch norm over another axis."""
    if values.size == 1:
        return np.full(channels, values.item(), values.dtype)
    if values.shape[-1] != channels or values.size != channels:
        return None
    return values.reshape(channels)


def _matches(graph: GraphDef) -> list[tuple[NodeDef, NodeDef, NodeDef]]:
    nodes = {node.name: node for node in graph.node}
    uses = Counter(_node(name) for node in graph.node for name in node.input)
    constant = _constants(graph)
    found = []
    for add in graph.node:
        mul = nodes.get(_node(add.input[0])) if add.op == "AddV2" else None
        if mul is None or mul.op != "Mul" or uses[mul.name] != 1:
            continue
        conv = nodes[_node(mul.input[0])]
        fixed = all(_node(name) in constant for name in (add.input[1], mul.input[1]))
        if (
            conv.op in _CONVOLUTIONS
            and conv.attr["data_format"].s == b"NHWC"
            and uses[conv.name] == 1
            and fixed
            and _node(conv.input[1]) in constant
        ):
            found.append((conv, mul, add))
    return found


def _constants(graph: GraphDef) -> set[str]:
    """Names of the nodes that depend on constants only; a graph lists inputs before their users or not at all."""
    nodes = {node.name: node for node in graph.node}
    known: dict[str, bool] = {}

    def fixed(name: str) -> bool:
        if name not in known:
            node = nodes[name]
            known[name] = False  # what a loop leads back to depends on more than constants
            known[name] = node.op == "Const" or (
                node.op != "Placeholder" and bool(node.input) and all(fixed(_node(i)) for i in node.input)
            )
        return known[name]

    return {name for name in nodes if nodes[name].op in _FOLDABLE and fixed(name)}


_FOLDABLE = ("Const", "Identity", "Mul", "Sub", "Rsqrt", "AddV2", "Reshape", "Cast")


def _scaled(
    kind: str, kernel: npt.NDArray[np.float32], scale: npt.NDArray[np.float32]
) -> npt.NDArray[np.float32]:
    """Kernel times the scale of its output channel; of a depthwise kernel these are the last two axes."""
    return kernel * (scale.reshape(kernel.shape[2:]) if kind == "DepthwiseConv2dNative" else scale)


def _rewrite(
    graph: GraphDef,
    conv: NodeDef,
    add: NodeDef,
    kernel: npt.NDArray[np.float32],
    shift: npt.NDArray[np.float32],
) -> None:
    for name, value in ((f"{conv.name}/folded", kernel), (f"{add.name}/shift", shift)):
        node = graph.node.add(op="Const", name=name)
        node.attr["dtype"].type = tf.float32.as_datatype_enum
        node.attr["value"].tensor.CopyFrom(tf.make_tensor_proto(value, tf.float32))
    conv.input[1] = f"{conv.name}/folded"
    add.op = "BiasAdd"
    del add.input[:]
    add.input.extend([conv.name, f"{add.name}/shift"])
    add.attr["data_format"].s = b"NHWC"


def _function(graph: GraphDef, inputs: list[tf.Tensor], outputs: list[str]) -> Function:
    """The part of the graph that leads to the outputs (names of tensors), as a function of the inputs."""
    part = _part(graph, outputs)

    def call(*arguments: tf.Tensor) -> list[tf.Tensor]:
        fed = {tensor.name: argument for tensor, argument in zip(inputs, arguments, strict=True)}
        return list(tf.import_graph_def(part, input_map=fed, return_elements=outputs, name=""))

    return tf.compat.v1.wrap_function(call, [tf.TensorSpec(t.shape, t.dtype) for t in inputs])


def _part(graph: GraphDef, outputs: list[str]) -> GraphDef:
    """Only the nodes that lead to the outputs, and all placeholders."""
    nodes = {node.name: node for node in graph.node}
    needed = {node.name for node in graph.node if node.op == "Placeholder"}
    waiting = [_node(name) for name in outputs]
    while waiting:
        name = waiting.pop()
        if name not in needed:
            needed.add(name)
            waiting.extend(_node(source) for source in nodes[name].input)
    part = GraphDef(versions=graph.versions, library=graph.library)
    part.node.extend(node for node in graph.node if node.name in needed)
    return part


def _node(name: str) -> str:
    return name.lstrip("^").split(":")[0]
