"""A classifier cut at its feature map: what leads to it, and what leads from it to the logits."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from saliency_worker.saliency import kinds
from saliency_worker.saliency.feature_maps import FeatureMap
from saliency_worker.saliency.operations import Step, Value
from saliency_worker.saliency.scores import Scores

Array = npt.NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class View:
    """A network cut at its feature map ``A`` (N, h, w, K). Formulas are float32, whatever the network computes in.

    pool: value of the mean over all places of ``A``, where nothing else is done with ``A``; None for another head.
    cam_weights: (K, classes) and bias (classes,), where the logits are a product with that mean and a sum; else None.
    """

    scores: Scores
    chosen: FeatureMap
    pool: Value | None
    cam_weights: tuple[Array, Array] | None

    def logits(self, rows: tf.Tensor) -> tf.Tensor:
        """Float32 rows (N, H, W, C) to logits (N, classes), the network as a whole."""
        graph = self.scores.graph
        return self.scores.tensor(graph.run([self.scores.logits], {graph.input: self._given(rows)})[0])

    def values(self, rows: tf.Tensor) -> dict[Value, Any]:
        """Float32 rows to the logits' value, with those of all operations on the way."""
        graph = self.scores.graph
        return graph.values([self.scores.logits, self.chosen.value], {graph.input: self._given(rows)})

    def trunk(self, rows: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor | None]:
        """Float32 rows to ``A`` and, of a layer of tokens, those that have no place (N, skipped, K)."""
        graph, chosen = self.scores.graph, self.chosen
        found = tf.cast(graph.run([chosen.value], {graph.input: self._given(rows)})[0], tf.float32)
        if not chosen.tokens:
            return found, None
        return tf.reshape(found[:, chosen.skipped :], (-1, *chosen.shape)), found[:, : chosen.skipped]

    def pooled(self, activations: tf.Tensor) -> tf.Tensor:
        assert self.pool is not None
        graph, value = self.scores.graph, self.chosen.value
        found = graph.run([self.pool], {value: tf.cast(activations, graph.dtypes[value])})[0]
        return tf.cast(found, tf.float32)

    def tail(self, pooled: tf.Tensor) -> tf.Tensor:
        """What ``pooled`` gives to logits (N, classes)."""
        return self._from(self.pool, pooled)

    def head(self, activations: tf.Tensor, others: tf.Tensor | None = None) -> tf.Tensor:
        """``A`` and what ``trunk`` gave beside it to logits (N, classes)."""
        height, width, channels = self.chosen.shape
        if others is not None:
            tokens = tf.reshape(activations, (-1, height * width, channels))
            activations = tf.concat([others, tokens], axis=1)
        return self._from(self.chosen.value, activations)

    def _from(self, value: Any, tensor: tf.Tensor) -> tf.Tensor:
        graph = self.scores.graph
        given = {value: tf.cast(tensor, graph.dtypes[value])}
        return self.scores.tensor(graph.run([self.scores.logits], given)[0])

    def _given(self, rows: tf.Tensor) -> tf.Tensor:
        return as_input(rows, self.scores.graph.shapes[self.scores.graph.input], self._input_type)

    @property
    def _input_type(self) -> str:
        return self.scores.graph.dtypes[self.scores.graph.input]


def as_input(rows: tf.Tensor, shape: tuple[int | None, ...], dtype: str) -> tf.Tensor:
    """Float32 rows (N, H, W, C) as the tensor that a network of that input takes; whole numbers are rounded and kept in
    their range."""
    if len(shape) == 3:
        rows = rows[..., 0]
    if "int" in dtype:
        return tf.saturate_cast(tf.round(rows), dtype)
    return tf.cast(rows, dtype)


def cut(found: Scores, chosen: FeatureMap) -> View:
    """The view of a network at a feature map."""
    pool = None if chosen.tokens else _pool(found, chosen)
    return View(found, chosen, pool, None if pool is None else _cam_weights(found, pool))


def _pool(found: Scores, chosen: FeatureMap) -> Value | None:
    """The value of global average pooling, where it is all that ``A`` goes into."""
    graph, value = found.graph, chosen.value
    while value != found.logits:
        users = graph.users(value)
        if len(users) != 1 or users[0].arguments.keras_tensors.__len__() != 1 or len(users[0].outputs) != 1:
            return None
        if kinds.averages(users[0], graph.shapes[value]):
            return users[0].outputs[0]
        if not kinds.passes(users[0]):
            return None
        value = users[0].outputs[0]
    return None


def _cam_weights(found: Scores, pool: Value) -> tuple[Array, Array] | None:
    """Weights and bias of the logits, where the pooled features meet only products with and sums of constants."""
    graph = found.graph
    steps = graph.needed([found.logits], [pool])
    if not all(_is_constant_product(step) for step in steps):
        return None
    features = tf.zeros((found.classes, *(side or 1 for side in graph.shapes[pool][1:])), graph.dtypes[pool])
    with tf.GradientTape(watch_accessed_variables=False) as tape:
        tape.watch(features)
        logits = found.tensor(graph.run([found.logits], {pool: features})[0])
        # Row c explains class c: one gradient gives the whole matrix, to the last bit that of a dense layer.
        total = tf.reduce_sum(logits * tf.eye(found.classes))
    gradient = tape.gradient(total, features)
    if gradient is None:
        return None
    weights = np.asarray(gradient, np.float32).reshape(found.classes, -1).T
    return np.ascontiguousarray(weights), np.asarray(logits[0], np.float32)


def _is_constant_product(step: Step) -> bool:
    return kinds.passes(step) or kinds.reshapes(step) or kinds.is_affine(step)
