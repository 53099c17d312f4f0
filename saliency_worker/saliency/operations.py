"""A network as one flat list of operations, run by ourselves: any of its values can be taken out or put in.

Layers and operations of ``keras.ops`` are steps alike. How a Keras model becomes such a list: flattening.py.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import keras
import tensorflow as tf
from keras import tree
from keras.src.ops.symbolic_arguments import SymbolicArguments

Value = int  # a tensor of the flat graph


@dataclass(frozen=True, eq=False)
class Step:
    """One application of a layer or operation. inputs, outputs: values in the order of its arguments and results."""

    name: str
    operation: Callable[..., Any]
    arguments: SymbolicArguments
    places: Mapping[int, Value]
    outputs: tuple[Value, ...]

    @property
    def inputs(self) -> tuple[Value, ...]:
        return tuple(dict.fromkeys(self.places[id(each)] for each in self.arguments.keras_tensors))

    def run(self, values: Mapping[Value, Any]) -> list[Any]:
        """Its results for these values, as at inference whatever the model was built with."""
        args, kwargs = self.arguments.fill_in({key: values[value] for key, value in self.places.items()})
        if isinstance(self.operation, keras.Layer) and self.operation._call_has_training_arg:
            kwargs = {**kwargs, "training": False}
        return list(tree.flatten(self.operation(*args, **kwargs)))


@dataclass(frozen=True, eq=False)
class OperationGraph:
    """The steps from ``input`` to ``output``, in an order in which they can run.

    shapes: of values, with None for what is open, the batch first. containers: the nested models by the name of a step,
    with the value that each gives. dtypes: of values.
    """

    name: str
    steps: tuple[Step, ...]
    input: Value
    output: Value
    shapes: Mapping[Value, tuple[int | None, ...]]
    dtypes: Mapping[Value, str]
    containers: Mapping[str, Value] = field(default_factory=dict)

    def needed(self, wanted: Sequence[Value], given: Sequence[Value]) -> list[Step]:
        """The steps that lead to the wanted values, where the given ones are known, in order."""
        missing = set(wanted) - set(given)
        found = []
        for step in reversed(self.steps):
            if missing.intersection(step.outputs):
                found.append(step)
                missing |= set(step.inputs)
                missing -= set(given) | set(step.outputs)
        return found[::-1]

    def open_inputs(self, wanted: Sequence[Value], given: Sequence[Value]) -> bool:
        """Whether the wanted values depend on the model's input by a way that passes none of the given ones."""
        steps = self.needed(wanted, given)
        return self.input in wanted or any(self.input in step.inputs for step in steps)

    def run(self, wanted: Sequence[Value], given: Mapping[Value, Any]) -> list[Any]:
        """The wanted values as tensors. Runs in a graph and eagerly."""
        values = self.values(wanted, given)
        return [values[value] for value in wanted]

    def values(self, wanted: Sequence[Value], given: Mapping[Value, Any]) -> dict[Value, Any]:
        """The wanted values as tensors, with all that are passed on the way."""
        values = dict(given)
        for step in self.needed(wanted, tuple(given)):
            values.update(zip(step.outputs, step.run(values), strict=True))
        return values

    def with_shapes(self, shape: tuple[int, ...]) -> "OperationGraph":
        """The same graph with the shapes that its values have for an input of that shape, without the batch."""
        if not any(None in each[1:] for each in self.shapes.values()) and None in self.shapes[self.input][:1]:
            return self
        values = [self.input, *(value for step in self.steps for value in step.outputs)]
        found: dict[Value, tuple[int | None, ...]] = {}

        def trace(rows: tf.Tensor) -> tf.Tensor:
            for value, tensor in zip(values, self.run(values, {self.input: rows}), strict=True):
                found[value] = tuple(tensor.shape)
            return tf.constant(0)

        spec = tf.TensorSpec((None, *shape), self.dtypes[self.input])
        tf.function(trace, autograph=False).get_concrete_function(spec)
        return replace(self, shapes={**self.shapes, **found})

    def users(self, value: Value) -> list[Step]:
        return [step for step in self.steps if value in step.inputs]

    def producer(self, value: Value) -> Step | None:
        """The step that gives the value; None for the model's input."""
        return next((step for step in self.steps if value in step.outputs), None)

    def downstream(self, value: Value) -> list[Step]:
        """The steps that depend on the value."""
        reached, found = {value}, []
        for step in self.steps:
            if reached.intersection(step.inputs):
                reached.update(step.outputs)
                found.append(step)
        return found
