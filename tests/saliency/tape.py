"""The second computation that maps of any network are compared with: one tape, then the equations as loops in float64."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from saliency_worker.saliency.activations import Network
from saliency_worker.saliency.classifiers import Classifier, of_model
from saliency_worker.saliency.formulas import plan
from saliency_worker.saliency.model_choice import ModelChoice
from saliency_worker.saliency.settings import Settings

Array = np.ndarray
ROWS = 2


@dataclass(frozen=True)
class Case:
    """A network with what its author knows of it.

    trunk: rows to ``A`` (N, h, w, K), head: ``A`` to logits (N, classes), both by calling layers one after the other;
    of one logit the head gives two, ``-z`` and ``z``. layer: the expected default. choice: how it is asked for.
    probabilities: the network's own answer out of the logits, ``softmax`` or ``sigmoid``.
    """

    model: keras.Model
    trunk: Callable[[Any], Any]
    head: Callable[[Any], Any]
    layer: str = ""
    choice: ModelChoice = field(default_factory=ModelChoice)
    probabilities: str = "softmax"
    cam: bool = False
    tolerance: float = 1e-3


def rows_for(classifier: Any, seed: int = 0) -> Array:
    pictures = (
        np.random.default_rng(seed).integers(0, 256, (ROWS, *classifier.input.shape[:2], 3)).astype(np.uint8)
    )
    pictures[:, : pictures.shape[1] // 2, : pictures.shape[2] // 3] //= 6
    return classifier.input.rows(np.stack([classifier.input.picture(each) for each in pictures]))


def assert_maps_are_right(case: Case, classifier: Classifier | None = None) -> None:
    """Grad-CAM, Grad-CAM++ and, where there is one, CAM of two classes, against the tape.

    classifier: as it came out of a file; by default of the model itself, whose default layer must be the case's.
    """
    if classifier is None:
        classifier = of_model(case.model, case.choice)
        assert case.layer in ("", classifier.spec.layer)
    keys = ("gradcam", "gradcampp", *(("cam",) if case.cam else ()))
    network = Network(classifier, plan(Settings(keys)).passes, ROWS, ROWS, ROWS)
    rows = rows_for(classifier)
    each = np.arange(ROWS, dtype=np.int32)
    for target in (0, network.classes - 1):
        found = network.explain(rows, np.full(ROWS, target, np.int32), each, each)
        activations, gradients, logits = taped(case, rows, target)
        close(found["logits"], logits, np.abs(logits).max(), case.tolerance)
        compare(found, activations, gradients, case.tolerance, cam=case.cam)


def taped(case: Case, rows: Array, target: int) -> tuple[Array, Array, Array]:
    activations = case.trunk(tf.constant(rows))
    with tf.GradientTape() as tape:
        tape.watch(activations)
        logits = case.head(activations)
        score = tf.reduce_sum(tf.cast(logits, tf.float32)[:, target])
    gradients = tape.gradient(score, activations)
    return tuple(
        np.asarray(tf.cast(each, tf.float32), np.float64) for each in (activations, gradients, logits)
    )


def compare(found: dict[str, Array], A: Array, g: Array, tolerance: float, *, cam: bool) -> None:
    for index in range(len(A)):
        signed = A[index] @ g[index].mean(axis=(0, 1))
        close(found["gradcam"][index], np.maximum(signed, 0), np.abs(signed).max(), tolerance)
        denominators = 2 + A[index].sum(axis=(0, 1)) * g[index]
        usable = (g[index] != 0) & (denominators != 0)
        alpha = np.where(usable, 1 / np.where(usable, denominators, 1), 0)
        weighted = A[index] @ (alpha * np.maximum(g[index], 0)).sum(axis=(0, 1))
        # Near a pole of alpha a rounding of g decides: there the map says nothing about either computation.
        if not usable.any() or np.abs(denominators[usable]).min() > 1e-3:
            close(found["gradcampp"][index], np.maximum(weighted, 0), np.abs(weighted).max(), tolerance)
        if cam:
            places = A.shape[1] * A.shape[2]
            close(found["cam"][index], signed * places, np.abs(signed).max() * places, tolerance)


def close(actual: Array, expected: Array, size: float, tolerance: float) -> None:
    np.testing.assert_allclose(actual, expected, rtol=0, atol=tolerance * max(float(size), 1e-12))
