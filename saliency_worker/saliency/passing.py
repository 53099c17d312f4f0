"""One pass of rows through a network inside a graph, as far as the methods need it recorded.

Methods of the explained layer need its activations and a gradient through the head alone, which is cheap; methods of the
picture need every operation's values and a gradient through all of them. Either way the pass is made once.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import tensorflow as tf

from saliency_worker.saliency.blocked import connected
from saliency_worker.saliency.operations import Value
from saliency_worker.saliency.view import View


@dataclass(frozen=True, eq=False)
class Passed:
    """rows: float32 (N, H, W, C). activations: ``A`` (N, h, w, K). logits: (N, classes). inner: where the gradient of the
    head is taken, ``A``, its mean over all places, or the tokens. values: of all operations, where they were recorded."""

    view: View
    rows: tf.Tensor
    activations: tf.Tensor
    inner: tf.Tensor
    logits: tf.Tensor
    values: Mapping[Value, Any] | None = None

    def head_gradients(self, tape: tf.GradientTape, score: tf.Tensor) -> tf.Tensor:
        """``d score / dA`` as (N, h, w, K), or (N, 1, 1, K) where it is equal at every place. Raises ModelError."""
        view = self.view
        found = connected(tape.gradient(score, self.inner), view, view.chosen.value)
        height, width, channels = view.chosen.shape
        if view.pool is not None:
            # A mean passes the same gradient on to every place: there the pooled features are enough.
            return tf.reshape(tf.cast(found, tf.float32), (-1, 1, 1, channels)) / float(height * width)
        if self.values is not None and view.chosen.tokens:
            found = tf.reshape(found[:, view.chosen.skipped :], (-1, *view.chosen.shape))
        return tf.cast(found, tf.float32)

    def input_gradients(self, tape: tf.GradientTape, score: tf.Tensor) -> tf.Tensor:
        """``d score / dx`` (N, H, W, C). Raises ModelError where none reaches the picture."""
        return connected(tape.gradient(score, self.rows), self.view, self.view.scores.graph.input)


def through_head(view: View, rows: tf.Tensor, tape: tf.GradientTape) -> Passed:
    """The pass of which the head alone is on the tape."""
    with tape.stop_recording():
        activations, others = view.trunk(rows)
        inner = activations if view.pool is None else view.pooled(activations)
    tape.watch(inner)
    logits = view.head(inner, others) if view.pool is None else view.tail(inner)
    return Passed(view, rows, activations, inner, logits)


def through_all(view: View, rows: tf.Tensor, tape: tf.GradientTape) -> Passed:
    """The pass that is on the tape from the picture on, with the values of all operations."""
    tape.watch(rows)
    values = view.values(rows)
    found = values[view.chosen.value]
    inner = found if view.pool is None else values[view.pool]
    if view.chosen.tokens:
        found = tf.reshape(found[:, view.chosen.skipped :], (-1, *view.chosen.shape))
    logits = view.scores.tensor(values[view.scores.logits])
    return Passed(view, rows, tf.cast(found, tf.float32), inner, logits, values)
