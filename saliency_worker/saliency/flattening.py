"""From a Keras model to one flat list of operations: nested models inlined, each application of a layer a step of its own.

The list is read off the history of Keras's symbolic tensors: the model is not called, changed or copied.
"""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import keras
from keras import tree
from keras.src.models.functional import Functional
from keras.src.ops.symbolic_arguments import SymbolicArguments

from saliency_worker.saliency.errors import ModelError
from saliency_worker.saliency.operations import OperationGraph, Step, Value

_INSIDE = (Functional.call, keras.Sequential.call, keras.Function.call)


def flatten(
    model: keras.Model, output: str = "", shape: tuple[int, ...] | None = None, name: str = ""
) -> OperationGraph:
    """The flat graph of a model of one image input, up to the output of that name where there are several.

    shape: (height, width, channels), of a model that does not say it. name: for messages, by default the model's. Raises
    ModelError where the model cannot be read.
    """
    name = name or model.name
    function = _function(model, shape)
    if len(function.inputs) != 1:
        raise ModelError(
            f"{name} has {len(function.inputs)} inputs: only networks with one image input can be explained."
        )
    work = _Flattening()
    image = work.value(function.inputs[0])
    results = work.function(function, [image], "")
    value = results[_chosen(model, function, output, name)]
    graph = OperationGraph(name, tuple(work.steps), image, value, work.shapes, work.dtypes, work.containers)
    if value == image:
        raise ModelError(f"{name} gives back its input: give an image classifier.")
    steps = tuple(graph.needed([value], [image]))
    return OperationGraph(name, steps, image, value, work.shapes, work.dtypes, work.containers)


def _chosen(model: keras.Model, function: Any, output: str, title: str) -> int:
    names = list(dict.fromkeys(_output_names(model, function)))
    if len(function.outputs) == 1 and not output:
        return 0
    if output in names:
        return names.index(output)
    if output:
        raise ModelError(f'{title} has no output "{output}": it has {", ".join(names)}.')
    raise ModelError(
        f"{title} has {len(names)} outputs ({', '.join(names)}), not one vector of class scores: choose one, "
        f"as in model.keras@:output={names[0]}."
    )


def _output_names(model: keras.Model, function: Any) -> list[str]:
    struct = function._outputs_struct
    if isinstance(struct, dict):
        return [str(key) for key in sorted(struct)]
    names = [str(tensor._keras_history.operation.name) for tensor in function.outputs]
    counts = Counter(names)
    return [name if counts[name] == 1 else f"{name}#{place}" for place, name in enumerate(names, 1)]


class _Flattening:
    """Collects steps while nested models are opened."""

    def __init__(self) -> None:
        self.steps: list[Step] = []
        self.shapes: dict[Value, tuple[int | None, ...]] = {}
        self.dtypes: dict[Value, str] = {}
        self.containers: dict[str, Value] = {}
        self._keep: list[Any] = []  # symbolic tensors are told apart by id: none may go

    def value(self, tensor: keras.KerasTensor) -> Value:
        made = len(self.shapes)
        self.shapes[made], self.dtypes[made] = tuple(tensor.shape), str(tensor.dtype)
        self._keep.append(tensor)
        return made

    def function(self, function: Any, given: Sequence[Value], prefix: str) -> list[Value]:
        """Adds the steps of a function of Keras; returns the values of its outputs."""
        places = {id(tensor): value for tensor, value in zip(function.inputs, given, strict=True)}
        nodes = [
            node
            for depth in sorted(function._nodes_by_depth, reverse=True)
            for node in function._nodes_by_depth[depth]
            if node.operation and not node.is_input
        ]
        names = _names([node.operation for node in nodes])
        for node, name in zip(nodes, names, strict=True):
            if all(id(tensor) in places for tensor in node.input_tensors):
                for tensor, value in zip(node.outputs, self._node(node, places, prefix + name), strict=True):
                    places[id(tensor)] = value
        return [places[id(tensor)] for tensor in function.outputs]

    def _node(self, node: Any, places: dict[int, Value], name: str) -> list[Value]:
        inner = _inner(node.operation, node.arguments)
        own = {id(tensor): places[id(tensor)] for tensor in node.input_tensors}
        if inner is None:
            outputs = [self.value(tensor) for tensor in node.outputs]
            self.steps.append(Step(name, node.operation, node.arguments, own, tuple(outputs)))
            return outputs
        given = [own[id(tensor)] for tensor in tree.flatten(node.arguments.args[0])]
        given = [
            self._entered(node.operation, inner, tensor, value, f"{name}/input")
            for tensor, value in zip(inner.inputs, given, strict=True)
        ]
        results = self.function(inner, given, f"{name}/")
        if len(results) == 1:
            self.containers[name] = results[0]
        return results

    def _entered(
        self, operation: Any, inner: Any, tensor: keras.KerasTensor, value: Value, name: str
    ) -> Value:
        """A nested model casts what it gets to the type of its input, and adds or drops a last axis of 1."""
        outer_shape, outer_type = self.shapes[value], self.dtypes[value]
        compute = getattr(operation, "compute_dtype", tensor.dtype)
        through = compute if getattr(operation, "_convert_input_args", False) else tensor.dtype
        if (outer_type, len(outer_shape)) == (tensor.dtype, len(tensor.shape)) and through == tensor.dtype:
            return value
        outside = keras.KerasTensor(outer_shape, outer_type)
        made = self.value(keras.KerasTensor(tensor.shape, tensor.dtype))
        step = Step(name, _Entry(operation, inner), SymbolicArguments(outside), {id(outside): value}, (made,))
        self.steps.append(step)
        return made


@dataclass(frozen=True)
class _Entry:
    """What a nested model does to its input before its first layer."""

    operation: Any
    inner: Any

    def __call__(self, tensor: Any) -> Any:
        if getattr(self.operation, "_convert_input_args", False):
            policy = self.operation.dtype_policy
            tensor = policy.convert_input(tensor, self.operation.autocast, self.operation.input_dtype)
        if not isinstance(self.inner, Functional):
            return tensor
        return self.inner._adjust_input_rank(self.inner._convert_inputs_to_tensors([tensor]))


def _inner(operation: Any, arguments: SymbolicArguments) -> Any:
    """The function of Keras inside a nested model, None where it is a step as a whole."""
    if not isinstance(operation, keras.Model | keras.Function) or len(arguments.args) != 1:
        return None
    tensors = tree.flatten(arguments.args[0])
    if len(tensors) != len(arguments.keras_tensors):
        return None
    try:
        function = _opened(operation, tensors)
    except Exception:  # what its code does with symbolic tensors is its own affair
        return None
    if function is None or len(function.inputs) != len(tensors):
        return None
    try:
        tree.assert_same_structure(arguments.args[0], function._inputs_struct)
    except ValueError:
        if len(tensors) > 1:
            return None
    return function


def _opened(operation: Any, tensors: Sequence[keras.KerasTensor]) -> Any:
    call = type(operation).call
    if call is keras.Sequential.call:
        return operation._functional
    if call in _INSIDE:
        return operation
    if not isinstance(operation, keras.Model):
        return None
    return traced(
        operation, [keras.KerasTensor(each.shape, _cast(operation, each.dtype)) for each in tensors]
    )


def _cast(model: keras.Model, dtype: str) -> str:
    """The type in which a model of its own class gets an input of that type."""
    return str(model.compute_dtype) if "float" in dtype and model.autocast else dtype


def _function(model: keras.Model, shape: tuple[int, ...] | None) -> Any:
    if isinstance(model, keras.Sequential) and type(model).call is keras.Sequential.call:
        if model._functional is None and shape is not None and not model.built:
            model.build((None, *shape))
        if model._functional is None:
            raise ModelError(f"{model.name} was never built: say its size, as in model.keras@:size=224x224.")
        return model._functional
    if type(model).call in _INSIDE:
        return model
    if shape is None:
        raise ModelError(
            f"{model.name} is a model of its own class and does not say what pictures it takes: say its size, as in "
            "model.keras@:size=224x224."
        )
    try:
        return traced(model, [keras.KerasTensor((None, *shape), "float32")])
    except ModelError:
        raise
    except Exception as error:
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise ModelError(
            f"{model.name} is a model of its own class whose code cannot be read as a graph ({reason[:160]}): build it "
            "from Keras layers and keras.ops, or give the folder that model.export writes."
        ) from error


def traced(model: keras.Model, inputs: Sequence[keras.KerasTensor]) -> Any:
    """What a model of its own class does with symbolic tensors, as a function of Keras. Leaves no trace in its layers."""
    given = inputs[0] if len(inputs) == 1 else list(inputs)
    if not model.built:
        raise ModelError(f"{model.name} was never built.")
    kwargs = {"training": False} if model._call_has_training_arg else {}
    with _histories_kept(model):
        outputs = model.call(given, **kwargs)
        return keras.Function(given, outputs)


@contextmanager
def _histories_kept(model: keras.Model) -> Iterator[None]:
    """A layer remembers each symbolic call, and one that was called twice has no ``output`` any more."""
    layers = model._flatten_layers(include_self=False, recursive=True)
    before = {layer: (list(layer._inbound_nodes), list(layer._outbound_nodes)) for layer in layers}
    try:
        yield
    finally:
        for layer, (inbound, outbound) in before.items():
            layer._inbound_nodes[:], layer._outbound_nodes[:] = inbound, outbound


def _names(operations: Sequence[Any]) -> list[str]:
    """A name per application: of a layer its own, with #1, #2 where it is applied several times; of an operation its
    kind, numbered, for Keras numbers operations through the whole process."""
    layers = [operation for operation in operations if isinstance(operation, keras.Layer | keras.Model)]
    times, seen = Counter(map(id, layers)), Counter[int]()
    taken = {layer.name for layer in layers}
    found = []
    for operation in operations:
        if isinstance(operation, keras.Layer):
            seen[id(operation)] += 1
            repeated = f"#{seen[id(operation)]}" if times[id(operation)] > 1 else ""
            found.append(f"{operation.name}{repeated}")
            continue
        stem = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", type(operation).__name__).lower()
        number, name = 0, stem
        while name in taken:
            number += 1
            name = f"{stem}_{number}"
        taken.add(name)
        found.append(name)
    return found
