"""The engine's graphs against the network itself, at every load: what differs is refused, never drawn."""

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import numpy.typing as npt
import tensorflow as tf
from keras import tree

from saliency_worker.saliency.errors import ModelError
from saliency_worker.saliency.network_input import NetworkInput
from saliency_worker.saliency.scores import Scores
from saliency_worker.saliency.view import as_input

Array = npt.NDArray[np.float32]
TOLERANCE = {"float16": 2e-2, "bfloat16": 1e-1}
ON_GPU = 1e-2  # its convolutions may round to ten bits, in the network and in our graph at other places
PROBES = ("a picture", "noise")


def probes(network_input: NetworkInput) -> Array:
    """Two inputs, (2, H, W, C): a smooth scene with shapes and noise; the same in every run."""
    height, width = network_input.height, network_input.width
    down, across = np.mgrid[0 : 1 : height * 1j, 0 : 1 : width * 1j]
    scene = np.stack([down, across, 1 - down], axis=-1) * 200
    scene[(down - 0.4) ** 2 + (across - 0.6) ** 2 < 0.06] = (230, 180, 30)
    scene[(abs(down - 0.7) < 0.12) & (abs(across - 0.3) < 0.2)] = (20, 60, 200)
    noise = np.random.default_rng(0).integers(0, 256, (height, width, 3))
    pictures = np.stack([scene, noise]).astype(np.uint8)
    return network_input.rows(np.stack([network_input.picture(each) for each in pictures]))


def own_scores(model: keras.Model, found: Scores, rows: Array, output: str) -> npt.NDArray[np.float64]:
    """What the network itself says to the rows, (N, outputs), called as its author would."""
    graph = found.graph
    shape, dtype = graph.shapes[graph.input], graph.dtypes[graph.input]
    given: Any = as_input(tf.constant(rows), shape, dtype)
    struct = getattr(model, "_inputs_struct", None)
    if struct is not None and not isinstance(struct, keras.KerasTensor):
        given = tree.pack_sequence_as(struct, [given])
    results = model(given, training=False)
    if output:
        results = _output(results, model, output)
    result = tree.flatten(results)[0]
    return np.asarray(tf.cast(result, tf.float32), np.float64).reshape(len(rows), -1)


def _output(results: Any, model: keras.Model, output: str) -> Any:
    if isinstance(results, dict):
        return results[output]
    names = list(getattr(model, "output_names", []))
    return tree.flatten(results)[names.index(output)] if output in names else results


def check_scores(
    found: Scores, own: npt.NDArray[np.float64], whole: Array, cut: Array, *, on_gpu: bool = False
) -> None:
    """Compare the network's own scores of the probes with our logits: of the whole network, and of its head at ``A``.

    own: (2, outputs). whole, cut: (2, classes). Raises ModelError with what was compared.
    """
    tolerance = max(ON_GPU if on_gpu else 1e-4, _tolerance(found))
    name = found.graph.name
    for place, probe in enumerate(PROBES):
        if not np.isfinite(own[place]).all():
            continue  # the first picture says so, in words about weights and preprocessing
        _compare(name, f"its own scores of {probe}", own[place], found.answers(whole)[place], tolerance)
        _compare(
            name, f"the logits of {probe}", whole[place], cut[place], tolerance, "at the explained layer"
        )
    if found.activation == "linear" and not found.single and _are_probabilities(own):
        raise ModelError(
            f"{name} gives scores that are probabilities, but no softmax or sigmoid was found that makes them of logits: "
            "let it end in a softmax or sigmoid of Keras."
        )


def says_little(found: Scores, own: npt.NDArray[np.float64]) -> bool:
    """Whether the network is so sure that its probabilities would be the same for other logits: (2, outputs)."""
    if found.activation == "linear":
        return False
    chances = np.exp(own) if found.activation == "log_softmax" else own
    return bool((np.minimum(chances, 1 - chances).max(axis=1) < 1e-3).any())


def check_logits(found: Scores, plain: Array, whole: Array, *, on_gpu: bool = False) -> None:
    """Logits computed operation by operation, nothing folded, with those of our graph, (2, classes). Raises ModelError."""
    tolerance = max(ON_GPU if on_gpu else 1e-4, _tolerance(found))
    for place, probe in enumerate(PROBES):
        if np.isfinite(plain[place]).all():
            _compare(found.graph.name, f"the logits of {probe}", plain[place], whole[place], tolerance)


def check_cam(found: Scores, features: Array, weights: tuple[Array, Array], logits: Array) -> None:
    """The mean of the map CAM plus the bias is the logit: features (N, K) are ``A`` averaged. Raises ModelError."""
    kernel, bias = weights
    name, tolerance = found.graph.name, max(1e-3, _tolerance(found))
    for place, probe in enumerate(PROBES[: len(features)]):
        if np.isfinite(logits[place]).all():
            _compare(
                name,
                f"the logits of {probe}",
                logits[place],
                features[place] @ kernel + bias,
                tolerance,
                "as mean of CAM",
            )


def _compare(
    name: str,
    what: str,
    theirs: npt.NDArray[Any],
    ours: npt.NDArray[Any],
    tolerance: float,
    how: str = "in our graph",
) -> None:
    if theirs.shape != ours.shape:
        raise ModelError(
            f"{name} cannot be explained: {what} have the shape {theirs.shape}, {how} {ours.shape}."
        )
    largest = float(np.abs(theirs).max())
    by = float(np.abs(theirs - ours).max())
    if not by <= tolerance * max(largest, 1e-6):  # what is not a number is neither
        raise ModelError(
            f"{name} cannot be explained rightly: {what} and those {how} differ by {by:.2g}, largest score {largest:.2g}; "
            "report this with the model, and build it from layers of Keras where it has code of its own."
        )


def _tolerance(found: Scores) -> float:
    """Of the coarsest type that the network computes in; 0 where that is float32."""
    return max(TOLERANCE.get(dtype, 0.0) for dtype in found.graph.dtypes.values())


def _are_probabilities(scores: npt.NDArray[np.float64]) -> bool:
    return bool((scores >= 0).all() and np.allclose(scores.sum(axis=1), 1, atol=1e-3))


def rows_of(probe: Array, size: int, run: Callable[[Array], dict[str, Array]]) -> dict[str, Array]:
    """The results for the probes of a graph of fixed batch size, padded or in as many runs as it takes."""
    parts = []
    for start in range(0, len(probe), size):
        part = probe[start : start + size]
        padding = np.repeat(part[-1:], size - len(part), axis=0)
        found = run(np.concatenate([part, padding]))
        parts.append({name: value[: len(part)] for name, value in found.items()})
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
