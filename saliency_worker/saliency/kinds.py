"""What an operation does, as far as it matters for maps: convolve, pool, move pixels, squash, mix."""

from typing import Any

import keras
import tensorflow as tf

from saliency_worker.saliency.operations import Step

_LINEAR = ("linear", "identity", "_identity")
_SOFTMAX = {keras.activations.softmax, keras.ops.softmax, tf.nn.softmax}
_SIGMOID = {keras.activations.sigmoid, keras.ops.sigmoid, tf.nn.sigmoid}
_LOG_SOFTMAX = {keras.activations.log_softmax, keras.ops.log_softmax, tf.nn.log_softmax}
_CONVOLUTIONS = (
    keras.layers.Conv2D,
    keras.layers.DepthwiseConv2D,
    keras.layers.SeparableConv2D,
    keras.layers.Conv2DTranspose,
)
_POOLS = {
    *("MaxPooling2D", "AveragePooling2D", "GlobalAveragePooling2D", "GlobalMaxPooling2D"),
    *("AdaptiveAveragePooling2D", "AdaptiveMaxPooling2D", "MaxPool", "AveragePool"),
    *("AdaptiveAveragePool", "AdaptiveMaxPool"),
}
_MOVES = {
    *(
        "ZeroPadding2D",
        "Cropping2D",
        "UpSampling2D",
        "Resizing",
        "CenterCrop",
        "Reshape",
        "Flatten",
        "Permute",
    ),
    *(
        "Pad",
        "Resize",
        "Transpose",
        "Squeeze",
        "ExpandDims",
        "Ravel",
        "Flip",
        "Roll",
        "Tile",
        "Repeat",
        "GetItem",
    ),
}
_PASSING = {
    "Dropout",
    "SpatialDropout2D",
    "GaussianNoise",
    "GaussianDropout",
    "AlphaDropout",
    "Identity",
    "Cast",
}
_PASSING |= {"ActivityRegularization", "StopGradient"}
_RESHAPING = {"Reshape", "Flatten", "Squeeze", "ExpandDims", "Ravel"}
_AFFINE = {"Rescaling", "Normalization", "BatchNormalization"}
_ARITHMETIC = {"Add", "Subtract", "Multiply", "Divide", "TrueDivide", "Negative"}


def kind(step: Step) -> str:
    """The name of its class, ``Conv2D`` or ``Softmax``."""
    return type(step.operation).__name__


def is_layer(step: Step) -> bool:
    return isinstance(step.operation, keras.Layer)


def activation(operation: Any) -> str:
    """``linear``, ``softmax``, ``sigmoid``, ``log_softmax`` or the name of another activation; of a layer or operation
    that ends in one, or is one."""
    name = type(operation).__name__
    if isinstance(operation, keras.layers.Softmax) or name == "Softmax":
        return "softmax"
    if not isinstance(operation, keras.Layer) and name in ("Sigmoid", "LogSoftmax"):
        return {"Sigmoid": "sigmoid", "LogSoftmax": "log_softmax"}[name]
    function = getattr(operation, "activation", None)
    if function is None:
        return "linear"
    for known, functions in (("softmax", _SOFTMAX), ("sigmoid", _SIGMOID), ("log_softmax", _LOG_SOFTMAX)):
        if function in functions:
            return known
    if function is keras.activations.linear or function is tf.identity:
        return "linear"
    return str(getattr(function, "__name__", type(function).__name__))


def is_activation(step: Step) -> bool:
    """Whether it is nothing but an activation: it can be cut off as a whole."""
    names = ("Softmax", "Activation") if is_layer(step) else ("Softmax", "Sigmoid", "LogSoftmax")
    return kind(step) in names


def is_convolution(layer: Any) -> bool:
    """Whether the layer or operation convolves, or holds a layer that does."""
    if isinstance(layer, keras.Layer):
        return any(isinstance(inner, _CONVOLUTIONS) for inner in layer._flatten_layers())
    return type(layer).__name__ in ("Conv", "DepthwiseConv", "SeparableConv", "ConvTranspose")


def is_pooling(step: Step) -> bool:
    return kind(step) in _POOLS


def moves_pixels(step: Step) -> bool:
    return kind(step) in _MOVES


def passes(step: Step) -> bool:
    """Whether it leaves its input as it is at inference, its type aside."""
    name = kind(step)
    if name == "Cast" and not _keeps_values(step):
        return False
    augments = is_layer(step) and name.startswith("Random") and hasattr(keras.layers, name)
    return name in _PASSING or augments or (name == "Activation" and activation(step.operation) == "linear")


def _keeps_values(step: Step) -> bool:
    """Whether a change of type rounds nothing away but digits: from floating point to whole numbers it does."""
    given = str(step.arguments.keras_tensors[0].dtype)
    return "float" in str(getattr(step.operation, "dtype", "")) or "float" not in given


def reshapes(step: Step) -> bool:
    return kind(step) in _RESHAPING


def is_affine(step: Step) -> bool:
    """Whether its single input enters by a product with and a sum of constants alone."""
    if len(step.arguments.keras_tensors) != 1:
        return False
    name = kind(step)
    if isinstance(step.operation, keras.layers.Dense | keras.layers.EinsumDense | keras.layers.Conv2D):
        return activation(step.operation) == "linear"
    if name == "BatchNormalization" or name in _AFFINE:
        return True
    return name in _ARITHMETIC - {"Divide", "TrueDivide"} or _divides_by_constant(step)


def _divides_by_constant(step: Step) -> bool:
    first = (*step.arguments.args, *step.arguments.kwargs.values())[:1]
    return kind(step) in ("Divide", "TrueDivide") and any(
        first[0] is each for each in step.arguments.keras_tensors
    )


def is_weighted(step: Step) -> bool:
    """Whether it is a linear layer with weights, or a product of tensors."""
    if isinstance(
        step.operation, keras.layers.Dense | keras.layers.EinsumDense | keras.layers.BatchNormalization
    ):
        return True
    return is_convolution(step.operation) or kind(step) in ("Matmul", "Dot", "Einsum", "Tensordot", "Dot")


def averages(step: Step, rank_four: tuple[int | None, ...]) -> bool:
    """Whether it is the mean over all places of a map of that shape (N, h, w, K)."""
    operation, name = step.operation, kind(step)
    if isinstance(operation, keras.layers.GlobalAveragePooling2D):
        return bool(operation.data_format == "channels_last")
    if isinstance(operation, keras.layers.AveragePooling2D):
        return tuple(operation.pool_size) == tuple(rank_four[1:3]) and operation.padding == "valid"
    if name == "Mean" and not is_layer(step):
        axes = getattr(operation, "axis", None)
        found = {axis % 4 for axis in axes} if isinstance(axes, tuple | list) else set()
        return found == {1, 2}
    return False


def swaps_sides(step: Step) -> bool:
    """Whether it exchanges rows and columns of pictures (N, h, w, K)."""
    name, operation = kind(step), step.operation
    order: tuple[int, ...] = ()
    if name == "Permute":
        order = (0, *operation.dims)  # type: ignore[attr-defined]
    elif name == "Transpose" and getattr(operation, "axes", None):
        order = tuple(operation.axes)  # type: ignore[attr-defined]
    return len(order) == 4 and order.index(1) > order.index(2)


def mirrors(step: Step) -> bool:
    """Whether it turns a picture (N, h, w, K) upside down or left to right."""
    axes = getattr(step.operation, "axis", None) if kind(step) == "Flip" else ()
    found = (1, 2) if axes is None else axes if isinstance(axes, list | tuple) else (axes,)
    return any(axis % 4 in (1, 2) for axis in found)


def mixes_places(step: Step) -> bool:
    """Whether it is, or holds, attention between places."""
    operation = step.operation
    layers = operation._flatten_layers() if isinstance(operation, keras.Layer) else [operation]
    return any("Attention" in type(layer).__name__ for layer in layers)
