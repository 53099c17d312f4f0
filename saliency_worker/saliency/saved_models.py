"""Folders of TensorFlow's SavedModel: a graph of TensorFlow's operations, cut in two and given to the engine as a model.

Layers of Keras are gone in such a folder; names are those of operations (``net/conv/Relu``). It is read where one signature
takes one picture and its graph says how its scores come about.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

from saliency_worker.saliency.errors import ModelError, first_line
from saliency_worker.saliency.feature_maps import Candidate
from saliency_worker.saliency.model_choice import ModelChoice

_SQUASHING = {"Softmax": "softmax", "Sigmoid": "sigmoid", "LogSoftmax": "log_softmax"}
_PASSING = ("Identity", "Reshape", "Squeeze", "StopGradient", "Cast")
_LINEAR = ("BiasAdd", "MatMul", "AddV2", "Add", "Einsum", "BatchMatMulV2")
_CONVOLUTIONS = ("Conv2D", "DepthwiseConv2dNative")
_POOLS = ("MaxPool", "AvgPool", "MaxPoolV2", "Mean", "Max")
_MOVES = frozenset(_PASSING) | {
    *("Pad", "PadV2", "MirrorPad", "Transpose", "StridedSlice", "ResizeBilinear", "ResizeNearestNeighbor"),
    *("SpaceToBatchND", "BatchToSpaceND", "Placeholder", "IdentityN"),
}
_TURNING = ("Transpose", "ReverseV2")


class GraphPart(keras.layers.Layer):  # type: ignore[misc]  # Keras has no types
    """A part of a frozen graph as a layer: tensors in, one tensor of that shape out."""

    def __init__(self, function: Any, shape: tuple[int | None, ...], name: str) -> None:
        super().__init__(name=name, dtype="float32", autocast=False)
        self._function, self._shape = function, shape

    def call(self, tensor: Any) -> Any:
        found = self._function(tensor)
        return tf.ensure_shape(found[0] if isinstance(found, list | tuple) else found, self._shape)

    def compute_output_spec(self, tensor: Any) -> keras.KerasTensor:
        return keras.KerasTensor(self._shape, "float32")


@dataclass(frozen=True)
class _Network:
    """The frozen graph of a signature: its picture, its logits, the activation behind them."""

    title: str
    function: Any
    picture: tf.Tensor
    logits: tf.Tensor
    activation: str


def load(path: Path, choice: ModelChoice) -> tuple[keras.Model, str]:
    """The network in the folder as a model of two parts, and the name of the one that gives the map.

    Raises ModelError where the folder holds no such network, or not the layer of the choice.
    """
    network = _read(path, choice)
    listed = _candidates(network)
    wanted = choice.layer.replace(".", "/")
    named = (
        [each for each in listed if each.name == wanted or each.name.endswith(f"/{wanted}")] if wanted else []
    )
    usable = [each for each in (named or listed) if each.alone and (wanted or each.what == "map")]
    if (wanted and len(named) != 1) or not usable:
        names = ", ".join(each.name for each in listed if each.alone and each.what == "map")
        raise ModelError(
            f'{network.title} has no one map "{choice.layer}" that its output depends on: it has {names or "none"}.'
        )
    chosen = usable[-1]
    cut = network.function.graph.get_tensor_by_name(f"{chosen.name}:0")
    if "float32" not in (cut.dtype.name,) or network.logits.dtype.name != "float32":
        raise ModelError(
            f"{network.title} computes in {cut.dtype.name}: only float32 can be explained out of a SavedModel."
        )
    name = chosen.name.replace("/", ".")
    trunk = GraphPart(network.function.prune(network.picture, cut), (None, *cut.shape[1:]), name)
    head = GraphPart(network.function.prune(cut, network.logits), (None, *network.logits.shape[1:]), "head")
    image = keras.Input(network.picture.shape[1:], dtype=network.picture.dtype.name)
    scores = head(trunk(image))
    if network.activation != "linear":
        scores = keras.layers.Activation(network.activation, name="scores")(scores)
    else:
        scores = keras.layers.Dense(
            scores.shape[-1], use_bias=False, kernel_initializer="identity", name="scores"
        )(scores)
    return keras.Model(image, scores, name=path.name.split(".")[0] or "saved"), name


def candidates(path: Path, choice: ModelChoice) -> list[Candidate]:
    """What could be explained of the network in the folder. Raises ModelError."""
    return _candidates(_read(path, choice))


def _read(path: Path, choice: ModelChoice) -> _Network:
    title = path.name
    if not (path / "saved_model.pb").is_file():
        raise ModelError(
            f"{title} is a folder without saved_model.pb: give a .keras or .h5 file, or a SavedModel's folder."
        )
    try:
        loaded = tf.saved_model.load(str(path))
        signature = loaded.signatures["serving_default"]
        frozen = convert_variables_to_constants_v2(signature)
    except Exception as error:  # whatever the file of another program makes TensorFlow say
        raise ModelError(
            f"{title} is no SavedModel that can be read ({first_line(error)}): save the network as one file with "
            f"model.save('{title}.keras') and give that."
        ) from error
    pictures = [tensor for tensor in frozen.inputs if tensor.dtype != tf.resource]
    if len(pictures) != 1 or len(frozen.outputs) != 1:
        raise ModelError(
            f"{title} has {len(pictures)} inputs and {len(frozen.outputs)} outputs in its signature serving_default: one "
            "picture and one vector of class scores can be explained; save that part of the model as a .keras file."
        )
    shape = list(pictures[0].shape)
    if len(shape) != 4:
        raise ModelError(
            f"{title} takes input of shape {tuple(shape[1:])}: it must be a picture, (height, width, channels)."
        )
    if None in shape[1:]:
        if choice.size is None:
            raise ModelError(f"{title} takes pictures of any size: say which, as in {title}@:size=224x224.")
        shape[1:3] = [fixed or given for fixed, given in zip(shape[1:3], choice.size, strict=True)]
    function = _anew(frozen, [None, *shape[1:]])
    logits, activation = _ending(title, function.outputs[0])
    return _Network(title, function, function.inputs[0], logits, activation)


def _anew(frozen: Any, shape: list[int | None]) -> Any:
    """The same graph with shapes inferred for an input of that shape."""
    graph, image = frozen.graph.as_graph_def(), frozen.inputs[0]
    wanted = [tensor.name for tensor in frozen.outputs]

    def call(rows: tf.Tensor) -> list[tf.Tensor]:
        return list(tf.import_graph_def(graph, input_map={image.name: rows}, return_elements=wanted, name=""))

    return tf.compat.v1.wrap_function(call, [tf.TensorSpec(shape, image.dtype)])


def _ending(title: str, output: tf.Tensor) -> tuple[tf.Tensor, str]:
    found = output
    while found.op.type in _PASSING and len(found.op.inputs):
        found = found.op.inputs[0]
    if found.op.type in _SQUASHING:
        return found.op.inputs[0], _SQUASHING[found.op.type]
    if found.op.type in _LINEAR:
        return found, "linear"
    raise ModelError(
        f'{title} ends in "{found.op.name}" ({found.op.type}), no softmax and no sum of products: logits are needed; '
        "save the network as a .keras file."
    )


def _candidates(network: _Network) -> list[Candidate]:
    graph, listed = network.function.graph, []
    leading = _ancestors(network.logits.op, set())
    convolved: set[str] = set()
    turned = False
    for operation in graph.get_operations():
        if operation.type in _CONVOLUTIONS or any(each.op.name in convolved for each in operation.inputs):
            convolved.add(operation.name)
        turned = turned or (operation.type in _TURNING and operation.name in leading)
        if operation.name not in leading or len(operation.outputs) != 1 or operation.name not in convolved:
            continue
        shape = operation.outputs[0].shape
        if shape.rank != 4 or not operation.outputs[0].dtype.is_floating:
            continue
        alone = network.picture.op.name not in _ancestors(network.logits.op, {operation.name})
        what = _what(operation, tuple(shape), turned)
        listed.append(Candidate(operation.name, operation.type, tuple(shape)[1:], alone, what))
    return listed


def _what(operation: Any, shape: tuple[int | None, ...], turned: bool) -> str:
    if shape[1:3] == (1, 1):
        return "1x1"
    if operation.type in _POOLS:
        return "pooling"
    return "moves" if operation.type in _MOVES or turned else "map"


def _ancestors(operation: Any, without: set[str]) -> set[str]:
    """Names of the operations that lead to one, itself too, by ways that pass none of those left out."""
    found: set[str] = set()
    waiting = [operation]
    while waiting:
        each = waiting.pop()
        if each.name not in found and each.name not in without:
            found.add(each.name)
            waiting.extend(tensor.op for tensor in each.inputs)
    return found


def compare(model: keras.Model, path: Path) -> None:
    """The model of parts against the folder's own signature, on noise. Raises ModelError."""
    signature = tf.saved_model.load(str(path)).signatures["serving_default"]
    image = model.inputs[0]
    rows = np.random.default_rng(0).uniform(0, 1, (2, *image.shape[1:])) * 255
    given = tf.cast(rows, image.dtype)
    (name,) = signature.structured_input_signature[1]
    (theirs,) = signature(**{name: given}).values()
    ours = np.asarray(model(given, training=False))
    if not np.allclose(
        np.asarray(theirs).reshape(ours.shape), ours, rtol=1e-3, atol=1e-4 * np.abs(ours).max()
    ):
        raise ModelError(
            f"{path.name} gives other scores when cut in two: save the network as a .keras file."
        )
