"""A network asked again, image by image, with inputs of a method's own making: perturbed pictures, steps on a path.

A formula gets functions of one image's class and calls them as often as it likes; they run in frozen graphs of at most so
many rows, so that memory is bounded whatever is asked. Nothing is padded: an image's inputs share no batch with another's,
so that the same method gives the same bytes without, and no pass is in vain.
"""

from collections.abc import Callable, Iterable, Iterator, Set
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Any, Generic, NamedTuple, TypeVar

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from saliency_worker.needs import Need
from saliency_worker.saliency.activations import refusals, run, view
from saliency_worker.saliency.batches import read_ahead
from saliency_worker.saliency.blocked import connected, refuse_blocked, refuse_stopped
from saliency_worker.saliency.classifiers import Classifier
from saliency_worker.saliency.errors import ModelError, SettingsError
from saliency_worker.saliency.frozen import Graph, freeze
from saliency_worker.saliency.metrics import probabilities
from saliency_worker.saliency.operations import Value
from saliency_worker.saliency.probe import Probe
from saliency_worker.saliency.self_check import probes

Array = npt.NDArray[np.float32]
Kept = TypeVar("Kept")
Answer = TypeVar("Answer")
_AHEAD = 2  # blocks made while the device computes


class Said(NamedTuple):
    """What the network says to rows of one class: its logits float32 (n,), and its probabilities float64 (n,), 0..1."""

    logits: Array
    probabilities: npt.NDArray[np.float64]


@dataclass(frozen=True)
class Asker(Generic[Answer]):
    """Inputs (n, ...) to answers. rows: how many go through the network at a time, the best length of a block."""

    rows: int
    shape: tuple[int, ...]
    batch: Callable[[Array], Any]
    answer: Callable[[Any], Answer]

    def __call__(self, inputs: Array) -> Answer:
        """The answers to these inputs, all of which lie in memory. Raises SettingsError for another shape."""
        if inputs.ndim != 1 + len(self.shape) or inputs.shape[1:] != self.shape or not len(inputs):
            raise SettingsError(f"A method asks with {inputs.shape} instead of (n, {self.shape}).")
        parts = [self.batch(inputs[at : at + self.rows]) for at in range(0, len(inputs), self.rows)]
        return self.answer(np.concatenate(parts))

    def stream(self, blocks: Iterable[tuple[Array, Kept]]) -> Iterator[tuple[Answer, Kept]]:
        """The answers to block after block, each with what was kept beside it, in order.

        The next blocks are made in another thread while the device computes; no more than a few exist at a time.
        """
        with ThreadPoolExecutor(1, "inputs") as maker:
            for inputs, kept in read_ahead(maker, lambda block: block, blocks, _AHEAD):
                yield self(inputs), kept


ScoresAt = Asker[Said]
GradientsAt = Asker[Array]


class Answers:
    """The graphs that ``needs`` ask for, of up to ``rows`` rows, made once for all images."""

    def __init__(self, classifier: Classifier, needs: Set[Need], rows: int) -> None:
        """Raises ModelError where the network cannot be asked so."""
        self.rows = rows
        self._view = view(classifier)
        self._classes, self._rule = self._view.scores.classes, self._view.scores.rule
        self._given = classifier.input
        self._input, self._map = classifier.input.shape, self._view.chosen.shape
        name = classifier.spec.name
        if Need.HEAD_SCORES_AT in needs and self._view.chosen.tokens:
            raise ModelError(
                f"{name} is explained at tokens, and a method asks for the scores of changed feature maps: leave out "
                "ablationcam and its like, or name a layer that gives a feature map."
            )
        pictures = tf.TensorSpec((None, *self._input), tf.float32)
        maps, index = tf.TensorSpec((None, *self._map), tf.float32), tf.TensorSpec((), tf.int32)
        made: dict[Need, tuple[Callable[..., Any], tuple[tf.TensorSpec, ...]]] = {
            Need.SCORES_AT: (self._scores, (pictures,)),
            Need.DIFFERENCE: (self._scores, (pictures,)),
            Need.HEAD_SCORES_AT: (self._head_scores, (maps,)),
            Need.INPUT_GRADIENTS_AT: (self._gradients, (pictures, index)),
        }
        with refusals(name):
            wanted = {Need.SCORES_AT if need == Need.PROBE else need for need in needs} & made.keys()
            if Need.INPUT_GRADIENTS_AT in wanted:
                refuse_stopped(self._view, self._picture)
            self._graphs = {need: freeze(*_flat(made[need])) for need in sorted(wanted)}
            if Need.INPUT_GRADIENTS_AT in wanted and not self._probed():
                refuse_blocked(self._view, self._picture)
        self.map_size = self._map[:2]
        del self._view

    @property
    def _picture(self) -> Value:
        return self._view.scores.graph.input

    def _probed(self) -> bool:
        """Whether a gradient of a class reaches some of our probes."""
        graph, rows = self._graphs[Need.INPUT_GRADIENTS_AT], probes(self._given)
        return any(_gradients_of(graph, np.array(0, np.int32), row[None]).any() for row in rows)

    def probe(
        self, row: Array, targets: tuple[int, ...], told: Callable[[int, int], None] | None = None
    ) -> Probe:
        """The image of this row (H, W, C), and what the network says of changed copies to these classes."""
        ask = partial(_logits_of, self._graphs[Need.SCORES_AT])
        return Probe(row, self._given, targets, self.rows, ask, self._rule, told)

    def of(self, target: int) -> dict[Need, Any]:
        """The functions for the class ``target``."""
        found: dict[Need, Any] = {}
        said = partial(self._said, target)
        for need, graph in self._graphs.items():
            if need == Need.DIFFERENCE:
                continue
            if need == Need.INPUT_GRADIENTS_AT:
                gradients = partial(_gradients_of, graph, np.array(target, np.int32))
                found[need] = Asker(self.rows, self._input, gradients, np.asarray)
            else:
                shape = self._input if need == Need.SCORES_AT else self._map
                found[need] = Asker(self.rows, shape, partial(_logits_of, graph), said)
        return found

    def logits(self, rows: Array) -> Array:
        """Logits (n, classes) of a few rows, where DIFFERENCE is among the needs."""
        return run(self._graphs[Need.DIFFERENCE], rows)["logits"]

    def _said(self, target: int, logits: Array) -> Said:
        return Said(logits[:, target], probabilities(logits, self._rule)[:, target])

    def _scores(self, rows: tf.Tensor) -> dict[str, tf.Tensor]:
        return {"logits": self._view.logits(rows)}

    def _head_scores(self, activations: tf.Tensor) -> dict[str, tf.Tensor]:
        found = self._view
        return {
            "logits": found.head(activations) if found.pool is None else found.tail(found.pooled(activations))
        }

    def _gradients(self, rows: tf.Tensor, target: tf.Tensor) -> dict[str, tf.Tensor]:
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(rows)
            logits = self._view.logits(rows)
            score = tf.reduce_sum(logits * tf.one_hot(target, self._classes))
        return {"gradients": connected(tape.gradient(score, rows), self._view, self._picture)}


def _flat(made: tuple[Callable[..., Any], tuple[tf.TensorSpec, ...]]) -> tuple[Any, ...]:
    function, specs = made
    return function, *specs


def _logits_of(graph: Graph, batch: Array) -> Array:
    return run(graph, batch)["logits"]


def _gradients_of(graph: Graph, target: npt.NDArray[np.int32], batch: Array) -> Array:
    return run(graph, batch, target)["gradients"]
