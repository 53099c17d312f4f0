"""What an operation is to the rules of relevance: weights, a sum, a mean, a maximum, an activation, a gate …"""

from collections.abc import Callable
from typing import Any

import keras
import tensorflow as tf
from keras import ops

from saliency_worker.saliency import kinds
from saliency_worker.saliency.errors import ModelError
from saliency_worker.saliency.operations import Step, Value
from saliency_worker.saliency.walk import Visit, Walk

Stage = tuple[Any, Callable[[Any, Any], Any]]
"""Weights, and what is done with an input and such weights; linear in either."""

RECTIFIERS = frozenset({"relu", "relu6"})
SIGMOIDS = frozenset({"sigmoid", "hard_sigmoid"})
_ELEMENTWISE = (
    RECTIFIERS
    | SIGMOIDS
    | {
        *(
            "leaky_relu",
            "elu",
            "selu",
            "silu",
            "swish",
            "gelu",
            "celu",
            "softplus",
            "softsign",
            "tanh",
            "exponential",
        ),
        *("hard_silu", "hard_swish", "hard_tanh", "mish", "log_sigmoid", "prelu", "p_re_lu", "tanh_shrink"),
    }
)
_MIXING = (keras.layers.Dense, keras.layers.EinsumDense, keras.layers.Conv2D)
_SUMS = {"Add", "Subtract", "Average", "CustomScaleLayer"}
_MEANS = {"AveragePooling2D", "GlobalAveragePooling2D", "AveragePool", "Mean"}
_MAXIMA = {"MaxPooling2D", "GlobalMaxPooling2D", "MaxPool"}
_COPIES = {
    *(
        "ZeroPadding2D",
        "Cropping2D",
        "Reshape",
        "Flatten",
        "Permute",
        "Concatenate",
        "Pad",
        "Transpose",
        "Squeeze",
    ),
    *("ExpandDims", "Ravel", "Flip", "Roll", "GetItem", "Stack", "Split", "UpSampling2D", "CenterCrop"),
    "_Entry",  # of a nested model: another type, one more axis
}
_CHAINED = frozenset(
    {
        *(
            "LayerNormalization",
            "GroupNormalization",
            "UnitNormalization",
            "RMSNormalization",
            "BatchNormalization",
        ),
        *("Softmax", "MultiHeadAttention", "GroupedQueryAttention", "Attention", "AdditiveAttention"),
        *("Conv2DTranspose", "EinsumDense", "Conv", "DepthwiseConv", "SeparableConv", "ConvTranspose"),
        *(
            "Matmul",
            "Einsum",
            "Dot",
            "Tensordot",
            "Add",
            "Subtract",
            "Multiply",
            "Divide",
            "TrueDivide",
            "Sum",
        ),
        *("Power", "Square", "Sqrt", "Rsqrt", "Var", "Std", "Exp", "Log", "Negative", "Reciprocal"),
        *("UpSampling2D", "Resizing", "Resize", "Tile", "Repeat", "BroadcastTo"),
        *("AdaptiveAveragePooling2D", "AdaptiveMaxPooling2D", "AdaptiveAveragePool", "AdaptiveMaxPool"),
    }
)
"""Operations of Keras beside those of ``part`` that hold no rectifier, whatever their options."""


def has_no_rectifier(visit: Visit) -> bool:
    """Whether it is known that no rectifier is in the operation. Of code of one's own, and of a saved graph, it is not."""
    if part(visit):
        return True
    operation = visit.step.operation
    if not type(operation).__module__.startswith("keras."):
        return False
    return kinds.kind(visit.step) in _CHAINED or (
        kinds.kind(visit.step) == "Activation" and kinds.activation(operation) in ("softmax", "log_softmax")
    )


def part(visit: Visit) -> str:
    """``pass``, ``copies``, ``activation``, ``weights``, ``scale``, ``sum``, ``mean``, ``max``, ``product``; "" for what
    no rule is known for."""
    step, name = visit.step, kinds.kind(visit.step)
    tensors = len(step.inputs)
    if kinds.passes(step) or _gives_its_input(step, visit):
        return "pass"
    if activation(step) in _ELEMENTWISE:
        return "activation"
    if weights(step):
        return "weights"
    if name in _COPIES and _copies(step):
        return "copies"
    if name in _MEANS:
        return "mean"
    if name in _MAXIMA:
        return "max"
    if name in _SUMS and tensors > 1:
        return "sum"
    if name == "Multiply" and tensors == 2:
        return "product"
    same_shape = tuple(visit.inputs[0].shape) == tuple(visit.outputs[0].shape)
    mixes = isinstance(
        step.operation, _MIXING
    )  # a layer of one's own that inherits from these, or in another layout
    return "scale" if kinds.is_affine(step) and tensors == 1 and same_shape and not mixes else ""


def _copies(step: Step) -> bool:
    """Whether every result is a copy of one value: an enlargement that interpolates gives none."""
    return getattr(step.operation, "interpolation", "nearest") == "nearest"


def activation(step: Step) -> str:
    """The name of the function that the operation is, applied to each value by itself; "" for another operation."""
    operation: Any = step.operation
    if not _of_keras(operation):
        return ""  # what one of one's own does, a name does not say
    # The layer, or what keras.activations.relu makes of a slope beside a ceiling.
    if type(operation).__name__ == "ReLU" and getattr(operation, "negative_slope", None):
        return "leaky_relu"
    if isinstance(operation, keras.layers.Activation):
        return kinds.activation(operation)
    name = getattr(operation, "__name__", "") or type(operation).__name__
    found = "".join(f"_{each.lower()}" if each.isupper() else each for each in name).lstrip("_")
    return {"re_l_u": "relu", "leaky_re_l_u": "leaky_relu", "p_re_l_u": "prelu", "e_l_u": "elu"}.get(
        found, found
    )


def _of_keras(operation: Any) -> bool:
    """Whether Keras or TensorFlow wrote it: a layer, an operation, a function, or that of an ``Activation``."""
    function = operation.activation if isinstance(operation, keras.layers.Activation) else operation
    home = getattr(function, "__module__", None) or type(function).__module__
    return isinstance(home, str) and home.partition(".")[0] in ("keras", "tensorflow")


def weights(step: Step) -> list[Stage]:
    """The stages of a layer that multiplies its one input with weights, its bias left out; none of another operation."""
    layer: Any = step.operation
    if len(step.inputs) != 1 or getattr(layer, "data_format", "channels_last") != "channels_last":
        return []
    options = {name: getattr(layer, name, None) for name in ("padding", "dilation_rate")}
    # Not isinstance: a class of one's own that inherits from these may do something else.
    if type(layer) is keras.layers.Conv2D:
        strides = tuple(layer.strides)
        return [(layer.kernel, lambda x, w: ops.conv(x, w, strides=strides, **options))]
    if type(layer) is keras.layers.DepthwiseConv2D:
        strides = tuple(layer.strides)
        return [(layer.kernel, lambda x, w: ops.depthwise_conv(x, w, strides=strides, **options))]
    if type(layer) is keras.layers.SeparableConv2D:
        strides = tuple(layer.strides)
        return [
            (layer.depthwise_kernel, lambda x, w: ops.depthwise_conv(x, w, strides=strides, **options)),
            (layer.pointwise_kernel, lambda x, w: ops.conv(x, w, strides=1, padding="valid")),
        ]
    if type(layer) is keras.layers.Dense:
        return [(layer.kernel, ops.matmul)]
    return []


def turned(visit: Visit) -> Any:
    """The factors of the batch norm that alone follows the layer's output, a tensor (channels,); None where none does.

    The two are one layer, and a negative factor turns what speaks for an output into what speaks against it.
    """
    users = visit.walk.users.get(visit.step.outputs[0], [])
    layer: Any = users[0].operation if len(users) == 1 else None
    if type(layer) is not keras.layers.BatchNormalization or layer.axis not in (-1, 3):
        return None
    return layer.gamma if layer.scale else None


def nonnegative(walk: Walk, value: Value) -> bool:
    """Whether a value is known to have nothing below 0: a rectifier's, or what pools, moves and adds such."""
    step = walk.producers.get(value)
    if step is None:
        return False
    name, found = kinds.kind(step), activation(step)
    if found in RECTIFIERS | SIGMOIDS:
        return True
    if kinds.passes(step) or name in (_COPIES | _MEANS | _MAXIMA | {"Add", "Average", "Multiply"}):
        return all(nonnegative(walk, each) for each in step.inputs) and len(step.inputs) >= _operands(step)
    return False


def _operands(step: Step) -> int:
    """How many values it must take so that no constant has a part in it."""
    return 2 if kinds.kind(step) in ("Add", "Multiply") and not kinds.is_layer(step) else 1


def gate(visit: Visit) -> int | None:
    """Which of the two values that a product takes is a sigmoid's, so that it opens and shuts the other; None for neither
    or both."""
    found = [_is_gate(visit.walk, value) for value in visit.step.inputs]
    return found.index(True) if found.count(True) == 1 else None


def _is_gate(walk: Walk, value: Value) -> bool:
    step = walk.producers.get(value)
    while step is not None and (kinds.passes(step) or kinds.reshapes(step)):
        step = walk.producers.get(step.inputs[0])
    return step is not None and activation(step) in SIGMOIDS


def _gives_its_input(step: Step, visit: Visit) -> bool:
    """Whether a layer of one's own does nothing but give back its input, read off the operations that it makes."""
    if len(step.inputs) != 1 or len(step.outputs) != 1 or not kinds.is_layer(step):
        return False
    if type(step.operation).__module__.startswith("keras."):
        return False
    tensor, output = visit.inputs[0], visit.outputs[0]
    while tf.is_symbolic_tensor(output) and output is not tensor and output.op.type == "Identity":
        output = output.op.inputs[0]
    return output is tensor


def undefined(visit: Visit, method: str) -> ModelError:
    """The refusal of an operation that the method has no rule for."""
    return ModelError(
        f'{method} has no rule for "{visit.step.name}" ({activation(visit.step) or kinds.kind(visit.step)}) of '
        f"{visit.walk.graph.name}: leave {method} out."
    )
