"""Back through a network, operation by operation, by rules of a method's own.

A gradient has one rule for all operations, the chain rule. Deconvolution, guided backpropagation, relevance propagation and
their kin have others for some of them. A walk knows what every operation took and gave; a rule turns what arrives at its
results into what arrives at its inputs.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import keras
import tensorflow as tf
from keras.src.ops.symbolic_arguments import SymbolicArguments

from saliency_worker.saliency import kinds
from saliency_worker.saliency.errors import ModelError
from saliency_worker.saliency.operations import OperationGraph, Step, Value
from saliency_worker.saliency.passing import Passed
from saliency_worker.saliency.scores import without_activation


@dataclass(frozen=True, eq=False)
class Visit:
    """An operation on the way back. inputs, outputs: what it took and gave, of ``step.inputs`` and ``step.outputs``.
    arriving: float32, of the shape of each output."""

    walk: "Walk"
    step: Step
    inputs: list[Any]
    outputs: list[Any]
    arriving: list[tf.Tensor]

    def run(self, inputs: Sequence[Any]) -> list[Any]:
        """The operation's results for other inputs."""
        return self.step.run(dict(zip(self.step.inputs, inputs, strict=True)))

    def gradient(
        self, arriving: Sequence[Any] | None = None, inputs: Sequence[Any] | None = None
    ) -> list[tf.Tensor]:
        """The chain rule, at other inputs or for what arrives otherwise. Raises ModelError where there is no derivative."""
        at = self.inputs if inputs is None else list(inputs)
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            for tensor in at:
                tape.watch(tensor)
            outputs = self.run(at)
        given = self.arriving if arriving is None else arriving
        found = tape.gradient(outputs, at, [tf.cast(r, o.dtype) for r, o in zip(given, outputs, strict=True)])
        if all(each is None for each in found):
            raise ModelError(
                f'No gradient passes "{self.step.name}" ({kinds.kind(self.step)}) of {self.walk.graph.name}: choose '
                "methods of a later layer, such as gradcam."
            )
        return [
            tf.zeros_like(tensor, tf.float32) if each is None else tf.cast(each, tf.float32)
            for each, tensor in zip(found, at, strict=True)
        ]


Rule = Callable[[Visit], list[Any]]


class Walk:
    """The operations of a network, fused activations taken apart, with what they gave for the rows of a batch.

    target: the explained class of each row, (N,). black: a black picture as the network takes it, (1, H, W, C).
    """

    def __init__(self, passed: Passed, target: tf.Tensor, black: tf.Tensor) -> None:
        assert passed.values is not None
        self.passed, self.scores = passed, passed.view.scores
        self.graph: OperationGraph = self.scores.graph
        self.values = dict(passed.values)
        self._target, self.black = target, black

    @cached_property
    def start(self) -> tf.Tensor:
        """What the class's logit is at the value of the logits: 1 at its place (of a single score ``z``: 1 or -1)."""
        logits = self.values[self.scores.logits]
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(logits)
            chosen = self.scores.tensor(logits) * tf.one_hot(self._target, self.scores.classes)
        return tf.cast(tape.gradient(chosen, logits), tf.float32)

    @cached_property
    def black_values(self) -> dict[Value, Any]:
        """What every operation gives for a black picture, a batch of one."""
        return self.passed.view.values(self.black)

    @cached_property
    def producers(self) -> dict[Value, Step]:
        return {value: step for step in self.graph.steps for value in step.outputs}

    @cached_property
    def users(self) -> dict[Value, list[Step]]:
        found: dict[Value, list[Step]] = {}
        for step in self.graph.steps:
            for value in step.inputs:
                found.setdefault(value, []).append(step)
        return found

    def back(self, rule: Rule, start: tf.Tensor, until: Value | None = None) -> tf.Tensor:
        """What arrives at the picture, (N, H, W, C), or at the value ``until``, on which all must depend.

        start: what the walk begins with, of the shape of the logits. Raises ModelError where a rule is not defined.
        """
        end = self.graph.input if until is None else until
        arrived: dict[Value, Any] = {self.scores.logits: start}
        for step in reversed(self.graph.needed([self.scores.logits], [end])):
            outputs = [self.values[value] for value in step.outputs]
            given = [arrived.pop(value, None) for value in step.outputs]
            if all(each is None for each in given):
                continue
            given = [
                tf.zeros_like(tensor, tf.float32) if each is None else each
                for each, tensor in zip(given, outputs, strict=True)
            ]
            inputs = [self.values[value] for value in step.inputs]
            for value, each in zip(step.inputs, rule(Visit(self, step, inputs, outputs, given)), strict=True):
                arrived[value] = arrived[value] + each if value in arrived else each
        if end not in arrived:
            raise ModelError(
                f"Nothing arrives at the picture of {self.graph.name}: choose methods of the explained layer."
            )
        return arrived[end]

    def at_picture(self, arrived: tf.Tensor) -> tf.Tensor:
        """What arrived at the network's input as (N, H, W, C)."""
        return arrived[..., None] if len(arrived.shape) == 3 else arrived

    def last_map(self, least: int) -> Value:
        """The last feature map of at least so many rows that the whole output depends on; else the picture."""
        for step in reversed(self.graph.needed([self.scores.logits], [self.graph.input])):
            shape = self.graph.shapes[step.outputs[0]]
            if (
                len(step.outputs) != 1
                or len(shape) != 4
                or (shape[1] or 0) < least
                or kinds.moves_pixels(step)
            ):
                continue
            if not self.graph.open_inputs([self.scores.logits], step.outputs):
                return step.outputs[0]
        return self.graph.input


def unfused(graph: OperationGraph) -> OperationGraph:
    """The same graph with the activation of a layer that has one as a step of its own; values keep their numbers."""
    steps: list[Step] = []
    shapes, dtypes = dict(graph.shapes), dict(graph.dtypes)
    for step in graph.steps:
        function = getattr(step.operation, "activation", None)
        plain = kinds.activation(step.operation) == "linear"
        if not kinds.is_layer(step) or plain or function is None or kinds.kind(step) == "Activation":
            steps.append(step)
            continue
        (value,) = step.outputs
        between = len(shapes)
        shapes[between], dtypes[between] = shapes[value], dtypes[value]
        tensor = keras.KerasTensor(shapes[value], dtypes[value])
        steps.append(replace(step, operation=without_activation(step.operation), outputs=(between,)))
        name = f"{step.name}/{kinds.activation(step.operation)}"
        steps.append(Step(name, function, SymbolicArguments(tensor), {id(tensor): between}, (value,)))
    return replace(graph, steps=tuple(steps), shapes=shapes, dtypes=dtypes)
