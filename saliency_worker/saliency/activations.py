"""Trunk and head of a classifier frozen into graphs of one fixed batch size, and checked against the network itself.

The trunk runs once, from the image to the feature map ``A``; the gradient of the logit goes through the head only. The
model itself is never changed: its operations are run one by one, the last activation left out.
"""

import gc
from collections.abc import Iterator, Mapping, Set
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from saliency_worker.catalog import explains_class
from saliency_worker.needs import FROM_THE_INPUT, Need
from saliency_worker.saliency.blocked import Unreached, refuse_blocked, refuse_stopped
from saliency_worker.saliency.classifiers import Classifier
from saliency_worker.saliency.errors import (
    DeviceError,
    ModelError,
    SaliencyError,
    SettingsError,
    first_line,
)
from saliency_worker.saliency.feature_maps import feature_map
from saliency_worker.saliency.formulas import Formula
from saliency_worker.saliency.frozen import Graph, freeze, prepare_device
from saliency_worker.saliency.operations import Value
from saliency_worker.saliency.passing import Passed, through_all, through_head
from saliency_worker.saliency.self_check import (
    check_cam,
    check_logits,
    check_scores,
    own_scores,
    probes,
    rows_of,
    says_little,
)
from saliency_worker.saliency.view import View, cut
from saliency_worker.saliency.walk import Walk, unfused

Array = npt.NDArray[np.float32]
Indices = npt.NDArray[np.int32]
Maps = dict[str, Array]
_OF_HEAD = {Need.GRADIENTS, Need.COMPACT_GRADIENTS}


def view(classifier: Classifier, *, taken_apart: bool = False) -> View:
    """The classifier cut at its layer. Raises ModelError where that is not possible.

    taken_apart: layers with an activation as two operations, for a walk.
    """
    found = classifier.scores
    if taken_apart:
        found = replace(found, graph=unfused(found.graph))
    return cut(found, feature_map(found, classifier.spec.layer, classifier.tokens))


class Network:
    """A classifier as frozen graphs. The rows of a batch do not influence each other.

    Rows are preprocessed images, float32 (rows, H, W, 3). ``formulas`` of tensors by key say which maps are computed,
    for the images or, of the keys ``on_copies``, for every row. All shapes are fixed, for the last bits of a sum may
    depend on them: ``rows`` of a batch of images and copies, at most ``images`` of them images, ``masks`` rows of a
    batch of explanation maps. ``ranks``: the classes that are explained, as of Settings; they share all but the gradient.
    ``exports``: what of ACTIVATIONS and GRADIENTS comes out for the images, beside their maps. Formulas that go through the
    whole network are computed for every row, so each must be an image then.
    """

    def __init__(
        self,
        classifier: Classifier,
        formulas: Mapping[str, Formula],
        rows: int,
        masks: int,
        images: int = 1,
        on_copies: Set[str] = frozenset(),
        ranks: tuple[int, ...] = (0,),
        exports: Set[Need] = frozenset(),
    ) -> None:
        self._needs = {need for formula in formulas.values() for need in formula.spec.needs}
        self._from_input = not FROM_THE_INPUT.isdisjoint(self._needs)
        self._view = view(classifier, taken_apart=Need.WALK in self._needs)
        self._black = classifier.input.rows(np.zeros(classifier.input.shape, np.uint8)[None])
        self.rule = self._view.scores.rule
        for formula in formulas.values():
            if Need.CLASS_WEIGHTS in formula.spec.needs and self._view.cam_weights is None:
                raise ModelError(
                    f"{formula.spec.title} needs global average pooling and one dense layer as head; "
                    f"{classifier.spec.name} has another: choose gradcam."
                )
        self.classes = self._view.scores.classes
        self._formulas, self._on_copies, self._ranks, self._exports = formulas, on_copies, ranks, exports
        if ranks[-1] >= self.classes:
            raise SettingsError(
                f"Maps of the {ranks[-1] + 1} likeliest classes are asked for, but {classifier.spec.name} tells "
                f"{self.classes} classes apart: choose another classifier."
            )
        shape = classifier.input.shape
        whole = tf.TensorSpec((rows, *shape), tf.float32)
        shapes = ((len(ranks), rows), (rows,), (images,))
        self._images = images
        for since in self._ways(self._needs | exports):
            refuse_stopped(self._view, since)
        self._alive: set[str] = set()
        with refusals(classifier.spec.name):
            self._explain = freeze(
                self._explain_graph, whole, *(tf.TensorSpec(each, tf.int32) for each in shapes)
            )
            self._classify = freeze(self._classify_graph, tf.TensorSpec((masks, *shape), tf.float32))
            self._check(classifier, rows, masks)
            self._refuse_flat()
        del self._view
        gc.collect()  # traced graphs are cycles that hold copies of the weights

    def _check(self, classifier: Classifier, rows: int, masks: int) -> None:
        """Our graphs against the network, on a picture and on noise. Raises ModelError with what differs."""
        given = probes(classifier.input)
        own = own_scores(classifier.model, self._view.scores, given, classifier.output)
        whole = rows_of(given, masks, lambda batch: {"logits": self.classify(batch)})["logits"]
        head = rows_of(given, rows, lambda batch: self._probed(batch, rows))
        found, on_gpu = self._view.scores, prepare_device() != "cpu"
        check_scores(found, own, whole, head["logits"], on_gpu=on_gpu)
        if says_little(found, own):
            check_logits(found, np.asarray(self._view.logits(tf.constant(given))), whole, on_gpu=on_gpu)
        if self._view.cam_weights is not None and Need.CLASS_WEIGHTS in self._needs:
            pooled = rows_of(given, 1, lambda batch: self._probed(np.repeat(batch, rows, axis=0), rows))
            check_cam(found, pooled["features"], self._view.cam_weights, whole)

    def _probed(self, batch: Array, rows: int) -> Maps:
        """Logits and features of a batch of which the first row is an image."""
        own = np.full((len(self._ranks), rows), -1, np.int32)
        each = np.arange(rows, dtype=np.int32)
        found = self.explain(batch, own, each, each[:1])
        self._alive |= {name for name, maps in found.items() if np.ptp(maps[0]) > 0}
        return {name: found[name] for name in ("logits", "features")}

    def _ways(self, needs: Set[Need]) -> list[Value]:
        """From where on these needs take a gradient through the network."""
        found = self._view
        ways = [found.chosen.value] if needs & _OF_HEAD else []
        return [*ways, found.scores.graph.input] if Need.INPUT_GRADIENTS in needs else ways

    def _refuse_flat(self) -> None:
        """Raises ModelError where maps of our probes are flat and no other picture's would be otherwise."""
        needed = {key: set(formula.spec.needs) for key, formula in self._formulas.items()}
        needed |= {exported(need, 0): {need} for need in self._exports}
        silent = set().union(*(needs for key, needs in needed.items() if key not in self._alive))
        # A walk goes by the chain rule, or refuses what it has no rule for.
        for since in self._ways(silent | ({Need.INPUT_GRADIENTS} if Need.WALK in silent else set())):
            refuse_blocked(self._view, since)

    def explain(self, rows: Array, given: Indices, owner: Indices, images: Indices) -> Maps:
        """Raw maps of a batch.

        given: the class to explain per rank and row, (ranks, rows), or (rows,) of one rank; -1 for the choice of that rank
        for the row that ``owner`` names. Maps of further ranks have the names of ``at_rank``.
        images: the rows that are images themselves; the others are noisy copies. ``logits`` (rows, classes) and the maps
        (rows, h, w) of the keys on copies come for all rows, ``features`` (images, K) and the other maps (images, h, w)
        for the images, in their order; what follows behind the last image is padding.
        """
        slots = np.zeros(self._images, np.int32)
        slots[: len(images)] = images
        return run(self._explain, rows, given.reshape(len(self._ranks), -1), owner, slots)

    def classify(self, rows: Array) -> Array:
        """Logits (rows, classes)."""
        return run(self._classify, rows)["logits"]

    def _explain_graph(
        self, rows: tf.Tensor, given: tf.Tensor, owner: tf.Tensor, images: tf.Tensor
    ) -> dict[str, tf.Tensor]:
        with tf.GradientTape(persistent=True, watch_accessed_variables=False) as tape:
            passed = (through_all if self._from_input else through_head)(self._view, rows, tape)
            owners = tf.gather(passed.logits, owner)
            targets = {
                rank: tf.where(given[place] >= 0, given[place], _choice(owners, rank))
                for place, rank in enumerate(self._ranks)
            }
            # Not tf.gather: its gradient is a scatter, which a GPU sums in any order.
            scores = {
                rank: tf.reduce_sum(passed.logits * tf.one_hot(target, self.classes), axis=1)
                for rank, target in targets.items()
            }
        results = {"logits": passed.logits}
        for rank, target in targets.items():
            every = self._arrays(passed, tape, scores[rank], target)
            own = every if self._from_input else _of_rows(every, images)
            results.setdefault("features", tf.reduce_mean(own[Need.ACTIVATIONS], axis=(1, 2)))
            results |= {exported(need, rank): own[need] for need in self._exports}
            for key, formula in self._formulas.items():
                if not rank or explains_class(key):
                    arrays = every if key in self._on_copies else own
                    shapes = [tuple(arrays[Need.ACTIVATIONS].shape[:3]), tuple(rows.shape[:3])]
                    if Need.WALK in formula.spec.needs:  # a walk may be stopped at any layer
                        shapes.append((rows.shape[0], None, None))
                    results[at_rank(key, rank)] = formula(arrays, *shapes)
        return results

    def _arrays(
        self, passed: Passed, tape: tf.GradientTape, score: tf.Tensor, target: tf.Tensor
    ) -> dict[Need, Any]:
        """What formulas of tensors may need, for the class ``target`` (N,) of that ``score`` (N,)."""
        view = self._view
        every = {Need.ACTIVATIONS: passed.activations}
        if view.cam_weights is not None:
            every[Need.CLASS_WEIGHTS] = tf.gather(tf.constant(view.cam_weights[0].T), target)
        if (self._needs | self._exports) & _OF_HEAD:
            gradients = passed.head_gradients(tape, score)
            every[Need.COMPACT_GRADIENTS] = gradients
            every[Need.GRADIENTS] = tf.broadcast_to(gradients, tf.shape(passed.activations))
        if self._from_input:
            every[Need.INPUT] = passed.rows
        if Need.INPUT_GRADIENTS in self._needs:
            every[Need.INPUT_GRADIENTS] = passed.input_gradients(tape, score)
        if Need.WALK in self._needs:
            every[Need.WALK] = Walk(passed, target, tf.constant(self._black))
        return every

    def _classify_graph(self, rows: tf.Tensor) -> dict[str, tf.Tensor]:
        return {"logits": self._view.logits(rows)}


@contextmanager
def refusals(name: str) -> Iterator[None]:
    """What TensorFlow or a layer's own code raises on the way to a graph, as a refusal in one line."""
    try:
        yield
    except Unreached as error:
        raise error.named() from error
    except (SaliencyError, MemoryError):
        raise
    except tf.errors.ResourceExhaustedError as error:
        raise DeviceError(f"The device has too little memory for {name}: choose a smaller batch.") from error
    except Exception as error:
        raise ModelError(
            f"{name} cannot be made one graph of fixed size ({first_line(error)}): leave out layers that keep a state or "
            "draw at random when they are asked."
        ) from error


def _choice(logits: tf.Tensor, rank: int) -> tf.Tensor:
    """The class of this rank per row of logits; of equal ones the first."""
    if not rank:
        return tf.argmax(logits, axis=1, output_type=tf.int32)
    return tf.math.top_k(logits, rank + 1).indices[:, rank]


def at_rank(key: str, rank: int) -> str:
    """The name of a method's maps for the network's choice of that rank, among the results of a batch."""
    return f"{key}@{rank}" if rank else key


def exported(need: Need, rank: int) -> str:
    """The name of an array of the images among the results of a batch; no method has one like it."""
    return at_rank(f"={need}", rank)


def _of_rows(every: Mapping[Need, Any], images: tf.Tensor) -> dict[Need, Any]:
    return {need: tf.gather(tensor, images) for need, tensor in every.items()}


def run(graph: Graph, *arguments: npt.NDArray[Any]) -> Maps:
    """The graph's results as arrays. Raises DeviceError where the device has too little memory."""
    try:
        results = graph(*map(tf.constant, arguments))
        return {name: np.asarray(value) for name, value in results.items()}
    except tf.errors.ResourceExhaustedError as error:
        raise DeviceError(
            f"The device has too little memory for {len(arguments[0])} rows: choose a smaller batch."
        ) from error
