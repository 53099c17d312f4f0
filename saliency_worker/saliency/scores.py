"""Where a network's scores come from: the last activation, cut off so that logits are had."""

from dataclasses import dataclass, replace
from typing import Any

import keras
import numpy as np
import numpy.typing as npt
import tensorflow as tf
from keras.src.ops.symbolic_arguments import SymbolicArguments

from saliency_worker.saliency import kinds
from saliency_worker.saliency.errors import ModelError
from saliency_worker.saliency.metrics import probabilities
from saliency_worker.saliency.operations import OperationGraph, Step, Value

_FUNCTIONS = {
    "softmax": keras.activations.softmax,
    "sigmoid": keras.activations.sigmoid,
    "log_softmax": keras.activations.log_softmax,
}


@dataclass(frozen=True, eq=False)
class Scores:
    """The logits of a graph, and what makes the network's own answer of them.

    graph: the network, the activation of its last layer as a step of its own. logits: their value, any shape of which all
    but the batch and one axis are 1. activation: ``softmax``, ``sigmoid``, ``log_softmax`` or ``linear``. classes: how many;
    a single logit ``z`` stands for two, of logits ``-z`` and ``z``.
    """

    graph: OperationGraph
    logits: Value
    activation: str
    classes: int

    @property
    def single(self) -> bool:
        return _units(self.graph.shapes[self.logits]) == 1

    @property
    def rule(self) -> str:
        """How probabilities follow from logits: ``softmax`` over the classes, or ``sigmoid`` of each."""
        return "sigmoid" if self.activation == "sigmoid" or self.single else "softmax"

    def tensor(self, logits: Any) -> tf.Tensor:
        """The value ``logits`` as float32 (N, classes)."""
        flat = tf.cast(
            tf.reshape(logits, (tf.shape(logits)[0], _units(self.graph.shapes[self.logits]))), tf.float32
        )
        return tf.concat([-flat, flat], axis=1) if self.single else flat

    def answers(self, logits: npt.NDArray[np.float32]) -> npt.NDArray[np.float64]:
        """What the network itself gives for these logits (N, classes): (N, outputs), for comparison."""
        plain = logits[:, 1:] if self.single else logits
        if self.activation == "linear":
            return np.asarray(plain, np.float64)
        found = probabilities(plain, "sigmoid" if self.activation == "sigmoid" else "softmax")
        return np.log(found) if self.activation == "log_softmax" else found


def scores(graph: OperationGraph) -> Scores:
    """The logits behind the output of the graph. Raises ModelError where it has no one vector of class scores, or where
    no logits can be had."""
    units = _units(graph.shapes[graph.output])
    if units is None:
        raise ModelError(
            f"{graph.name} does not end in one vector of class scores, but in {graph.shapes[graph.output]}: give an "
            "image classifier."
        )
    value, step = _before_passing(graph, graph.output)
    if step is None:
        raise _without_logits(graph, "its input")
    found = kinds.activation(step.operation) if kinds.is_activation(step) else "linear"
    if found == "linear":
        graph, value, found = _split(graph, value, step)
    elif found in _FUNCTIONS:
        _check_axis(graph, step, found)
        value = step.inputs[0]
    else:
        raise _without_logits(graph, f'the activation "{found}" of "{step.name}"')
    if found == "linear":
        _require_linear(graph, value)
    else:
        _refuse_second_squashing(graph, value, found)
    if found in ("softmax", "log_softmax") and units == 1:
        raise ModelError(
            f"{graph.name} ends in a softmax of one score, which is always 1: give it one score per class, or a sigmoid."
        )
    return Scores(graph, value, found, max(units, 2))


def _units(shape: tuple[int | None, ...]) -> int | None:
    """Length of the one axis that is longer than 1; None where there are several or it is open."""
    inner = [side for side in shape[1:] if side != 1]
    if None in inner or len(inner) > 1:
        return None
    return inner[0] if inner else 1


def _before_passing(graph: OperationGraph, value: Value) -> tuple[Value, Step | None]:
    """Back over steps that leave the values as they are; shapes may change, all axes but one being 1."""
    while True:
        step = graph.producer(value)
        if step is None or len(step.inputs) != 1 or not (kinds.passes(step) or kinds.reshapes(step)):
            return value, step
        if _units(graph.shapes[step.inputs[0]]) is None:
            return value, step
        value = step.inputs[0]


def _split(graph: OperationGraph, value: Value, step: Step) -> tuple[OperationGraph, Value, str]:
    """The last layer as one step without its activation and one with nothing else."""
    found = kinds.activation(step.operation)
    if found == "linear":
        return graph, value, found
    layers = (keras.layers.Dense, keras.layers.EinsumDense, keras.layers.Conv2D)
    if found not in _FUNCTIONS or not isinstance(step.operation, layers):
        raise _without_logits(
            graph, f'an activation other than softmax and sigmoid, the {found} of "{step.name}"'
        )
    _check_axis(graph, step, found)
    plain = len(graph.shapes)
    shape, dtype = graph.shapes[value], graph.dtypes[value]
    tensor = keras.KerasTensor(shape, dtype)
    linear = replace(step, operation=without_activation(step.operation), outputs=(plain,))
    squash = Step(
        f"{step.name}/{found}", _FUNCTIONS[found], SymbolicArguments(tensor), {id(tensor): plain}, (value,)
    )
    place = graph.steps.index(step)
    return (
        replace(
            graph,
            steps=(*graph.steps[:place], linear, squash, *graph.steps[place + 1 :]),
            shapes={**graph.shapes, plain: shape},
            dtypes={**graph.dtypes, plain: dtype},
        ),
        plain,
        found,
    )


def without_activation(layer: keras.Layer) -> keras.Layer:
    """The same layer, weights and all, without its activation; the layer itself keeps its own."""
    twin = object.__new__(type(layer))
    twin.__dict__.update(layer.__dict__)
    object.__setattr__(twin, "activation", keras.activations.linear)
    return twin


def _check_axis(graph: OperationGraph, step: Step, found: str) -> None:
    """A softmax must run over the classes."""
    if found == "sigmoid":
        return
    shape = graph.shapes[step.inputs[0]] if kinds.is_activation(step) else graph.shapes[step.outputs[0]]
    axes = getattr(step.operation, "axis", -1) if kinds.is_activation(step) else -1
    axes = axes if isinstance(axes, list | tuple) else (axes,)
    over = {axis % len(shape) for axis in axes}
    wanted = {place for place, side in enumerate(shape) if place and side != 1}
    if 0 in over or not wanted <= over:
        raise ModelError(
            f'"{step.name}" takes its softmax over axis {", ".join(map(str, axes))}, not over the classes of {shape}: '
            "its probabilities are not those of classes; use axis -1."
        )


def _require_linear(graph: OperationGraph, value: Value) -> None:
    """Scores without an activation count as logits where only sums and products lead to them from a layer's weights."""
    waiting, seen = [value], set()
    while waiting:
        step = graph.producer(waiting.pop())
        if step is None:
            raise _without_logits(graph, "values of the picture itself")
        if step.name in seen:
            continue
        seen.add(step.name)
        if kinds.is_activation(step) or kinds.activation(step.operation) != "linear":
            found = kinds.activation(step.operation)
            raise _without_logits(
                graph, f'what "{step.name}" ({found}), an activation other than softmax, gives'
            )
        if kinds.is_weighted(step):
            continue
        if not (_transparent(step) or kinds.is_affine(step)):
            raise _without_logits(graph, f'"{step.name}" ({kinds.kind(step)}), no dense layer and no softmax')
        waiting.extend(step.inputs)


_SUMS = {
    "Add",
    "Subtract",
    "Average",
    "Multiply",
    "Mean",
    "Sum",
    "Max",
    "Concatenate",
    "Stack",
    "GetItem",
    "Maximum",
}


def _transparent(step: Step) -> bool:
    return (
        kinds.passes(step)
        or kinds.reshapes(step)
        or kinds.is_pooling(step)
        or kinds.kind(step) in (_SUMS | {"Maximum"})
    )


def _refuse_second_squashing(graph: OperationGraph, value: Value, found: str) -> None:
    """A softmax of probabilities, mostly a slip, has no logits that anybody means."""
    while True:
        value, step = _before_passing(graph, value)
        if step is None:
            return
        earlier = kinds.activation(step.operation)
        if earlier in _FUNCTIONS:
            raise ModelError(
                f'{graph.name} takes a {found} of the {earlier} of "{step.name}": its scores are squashed twice; leave one '
                "out."
            )
        if not kinds.is_affine(step) or kinds.is_weighted(step):
            return
        value = step.inputs[0]


def _without_logits(graph: OperationGraph, ending: str) -> ModelError:
    return ModelError(
        f"{graph.name} ends in {ending}: logits are needed. Let it end in a dense layer, with or without softmax or "
        "sigmoid."
    )
