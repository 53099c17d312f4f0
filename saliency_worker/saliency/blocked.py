"""Operations that let no gradient through, such as a rounding or a comparison: a map behind one is flat and says nothing.

TensorFlow gives for some of them no gradient and for others zeros, without a word. They are looked for where a gradient is
missing or a map of our probes is flat, for a network may as well be silent by its weights.
"""

from typing import Any

import tensorflow as tf

from saliency_worker.saliency import kinds
from saliency_worker.saliency.errors import ModelError
from saliency_worker.saliency.operations import OperationGraph, Step, Value
from saliency_worker.saliency.view import View

_DRAWS = (
    (0.0, 1.0),
    (0.0, 30.0),
    (0.5, 0.3),
    (128.0, 80.0),
    (0.0, 3000.0),
)  # mean and deviation of what an operation is tried with


class Unreached(ModelError):
    """TensorFlow gives no gradient by the value ``since``."""

    def __init__(self, view: View, since: Value) -> None:
        super().__init__(str(_refusal(view, since, None)))
        self._view, self._since = view, since

    def named(self) -> ModelError:
        """The same with the operation that is to blame; not inside a graph that is being traced."""
        return _refusal(self._view, self._since, _blocking(self._view, self._since))


def connected(gradients: Any, view: View, since: Value) -> Any:
    """The gradients by the value ``since``. Raises Unreached where TensorFlow gives none."""
    if gradients is None:
        raise Unreached(view, since)
    return gradients


def refuse_blocked(view: View, since: Value) -> None:
    """Raises ModelError where every way from the value ``since`` to the logits leads through an operation whose derivative
    is 0 everywhere, or missing."""
    if (step := _blocking(view, since)) is not None:
        raise _refusal(view, since, step)


def refuse_stopped(view: View, since: Value) -> None:
    """Raises ModelError where an operation between the value ``since`` and the logits hides a way from the gradient, which
    is not that of the network then."""
    graph, top = view.scores.graph, view.scores.logits
    after = set(graph.downstream(since))
    for step in graph.needed([top], [since]):
        if step in after and kinds.kind(step) == "StopGradient":
            raise _refusal(view, since, step)


def _blocking(view: View, since: Value) -> Step | None:
    """An operation that lets no gradient through, where no way from ``since`` to the logits is open; else None."""
    graph, top = view.scores.graph, view.scores.logits
    after = {since, *(value for step in graph.downstream(since) for value in step.outputs)}
    reached, closed = {top}, None
    for step in reversed(graph.needed([top], [since])):
        if not reached.intersection(step.outputs):
            continue
        for value in after.intersection(step.inputs):
            # A walk goes on to a picture of whole numbers as it comes; a gradient ends there, and is missing then.
            whole = value == since and not _is_differentiable(graph.dtypes[value])
            if whole or _lets_through(graph, step, value):
                reached.add(value)
            else:
                closed = step if _is_differentiable(graph.dtypes[value]) else graph.producer(value) or step
    return None if since in reached else closed


def _lets_through(graph: OperationGraph, step: Step, value: Value) -> bool:
    """Whether the operation has a derivative by this input that is not 0 at some of what is drawn at random."""
    if kinds.is_weighted(step) and type(step.operation).__module__.startswith("keras."):
        return True  # if it has none, that is its weights' doing
    if not _is_differentiable(graph.dtypes[value]):
        return False
    draw = tf.random.Generator.from_seed(0)
    for mean, deviation in _DRAWS:
        given = {each: _drawn(draw, graph, each, mean, deviation) for each in step.inputs}
        try:
            with tf.GradientTape(watch_accessed_variables=False) as tape:
                tape.watch(given[value])
                outputs = [tf.cast(each, tf.float32) for each in step.run(given) if each.dtype.is_floating]
                total = tf.add_n([tf.reduce_sum(each * draw.normal(tf.shape(each))) for each in outputs])
            found = tape.gradient(total, given[value])
        except Exception:  # what it makes of numbers that it never gets is its own affair
            return True
        if found is not None and tf.reduce_any(tf.convert_to_tensor(found) != 0):
            return True
    return False


def _drawn(
    draw: tf.random.Generator, graph: OperationGraph, value: Value, mean: float, deviation: float
) -> tf.Tensor:
    found = draw.normal([side or 1 for side in graph.shapes[value]], mean, deviation)
    # Cast to booleans all would be true, and what a mask leaves out would never be tried.
    return found > mean if graph.dtypes[value] == "bool" else tf.cast(found, graph.dtypes[value])


def _is_differentiable(dtype: str) -> bool:
    return bool(tf.as_dtype(dtype).is_floating or tf.as_dtype(dtype).is_complex)


def _refusal(view: View, since: Value, step: Step | None) -> ModelError:
    graph = view.scores.graph
    behind = since == view.chosen.value
    what = f'"{view.chosen.name}"' if behind else f"the picture of {graph.name}"
    advice = "name a later layer" if behind else "choose methods of the explained layer, such as gradcam"
    if not behind and "int" in graph.dtypes[graph.input]:
        reason = "it takes whole numbers"
    elif step is None:
        reason = "an operation on the way has none"
    elif kinds.kind(step) == "StopGradient":
        reason = f'"{step.name}" (StopGradient) hides a way from it'
    else:
        reason = (
            f'"{step.name}" ({kinds.kind(step)}) has none anywhere, like a rounding, a sign or a comparison'
        )
    return ModelError(
        f"No gradient reaches {what}: {reason}; {advice}, or methods of scores alone, such as occlusion."
    )
