"""Methods of the families as other libraries have them, each through its public calls. Not installed: left out, by name."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from unittest import mock

import keras
import numpy as np
import tensorflow as tf
from tensorflow.python.eager import execute

Call = Callable[[], np.ndarray]


@dataclass(frozen=True)
class Task:
    """A picture to explain. x, black: (H, W, C) as the network takes them. copies: the noisy copies that the engine makes of
    it, (n, H, W, C). layer: of the activations. steps: of integrated gradients. Model: gives logits."""

    model: keras.Model
    x: np.ndarray
    black: np.ndarray
    target: int
    copies: np.ndarray
    layer: str
    steps: int


def largest(gradient: np.ndarray) -> np.ndarray:
    """(H, W, C) to (H, W)."""
    return np.abs(gradient).max(-1)


def summed(attribution: np.ndarray) -> np.ndarray:
    """(H, W, C) to (H, W)."""
    return attribution.sum(-1)


def xplique(task: Task) -> dict[str, Call]:
    """Xplique 2: gradients and what is made of them."""
    from xplique.attributions import DeconvNet, GuidedBackprop, IntegratedGradients, Saliency

    one_hot = tf.one_hot([task.target], task.model.output_shape[-1])

    def call(method: Any, collapse: Callable[[np.ndarray], np.ndarray]) -> Call:
        def run() -> np.ndarray:
            found = np.asarray(method(task.x[None], one_hot))[0]
            return collapse(found if found.ndim == 3 else found[..., None])

        return run

    options = {"batch_size": 16, "reducer": None}
    path = {"steps": task.steps, "baseline_value": float(task.black.flat[0])}
    return {
        "gradient": call(Saliency(task.model, **options), largest),
        "guidedbp": call(GuidedBackprop(task.model, **options), largest),
        "deconvnet": call(DeconvNet(task.model, **options), largest),
        "ig": call(IntegratedGradients(task.model, **path, **options), summed),
    }


def xplique_closed(task: Task) -> dict[str, Call]:
    """Xplique's guided backpropagation whose rectifiers pass nothing back at their ceiling."""
    from xplique.attributions import guided_backpropagation

    def policy(max_value: float | None = None, threshold: float = 0.0) -> Callable[[Any], Any]:
        rectify = keras.layers.ReLU(max_value=max_value, threshold=threshold)

        @tf.custom_gradient
        def guided(rows: Any) -> Any:
            passed = (rows > 0) & (rows < (np.inf if max_value is None else max_value))
            return rectify(rows), lambda arriving: tf.nn.relu(arriving) * tf.cast(passed, tf.float32)

        return guided

    with mock.patch.object(guided_backpropagation, "guided_relu_policy", policy):
        return {"guidedbp": xplique(task)["guidedbp"]}


def keras_vis(task: Task) -> dict[str, Call]:
    """tf-keras-vis: gradients, SmoothGrad of the engine's own noise, LayerCAM and Score-CAM at h×w."""
    from tf_keras_vis.layercam import Layercam
    from tf_keras_vis.saliency import Saliency
    from tf_keras_vis.scorecam import Scorecam
    from tf_keras_vis.utils.scores import CategoricalScore

    score, rows = CategoricalScore([task.target]), task.x[None]
    saliency = Saliency(task.model, clone=False)
    bare = {"gradient_modifier": None, "keepdims": True, "normalize_map": False}
    layer = {"penultimate_layer": task.layer, "seek_penultimate_conv_layer": False}
    small = {"expand_cam": False, "normalize_cam": False}

    def smooth() -> np.ndarray:
        noise = (task.copies - task.x)[:, None]
        with mock.patch.object(np.random, "normal", lambda *_: noise):
            return largest(np.asarray(saliency(score, rows, smooth_samples=len(noise), **bare))[0])

    return {
        "gradient": lambda: largest(np.asarray(saliency(score, rows, **bare))[0]),
        "smoothgrad": smooth,
        "layercam": lambda: np.asarray(Layercam(task.model, clone=False)(score, rows, **layer, **small))[0],
        "scorecam": lambda: np.asarray(Scorecam(task.model, clone=False)(score, rows, **layer, **small))[0],
    }


def shap_deep(task: Task) -> dict[str, Call]:
    """DeepLIFT as shap's DeepExplainer has it."""
    import shap

    explainer = shap.DeepExplainer(task.model, task.black[None])

    def deeplift() -> np.ndarray:
        recorded = execute.record_gradient
        try:
            found = np.asarray(explainer.shap_values(task.x[None], check_additivity=False))
        finally:
            execute.record_gradient = (
                recorded  # where it fails it leaves its own, and no gradient works any more
            )
        return summed(found[0, ..., task.target])

    return {"deeplift": deeplift}


def shap_gradient(task: Task) -> dict[str, Call]:
    """shap's GradientExplainer: expected gradients, the places on the way drawn at random; of one baseline, and with the
    places that the engine has, they are integrated gradients."""
    import shap

    explainer = shap.GradientExplainer(task.model, task.black[None], batch_size=16)

    def ig() -> np.ndarray:
        with _places(task.steps):
            values, indices = explainer.shap_values(
                task.x[None], nsamples=task.steps, ranked_outputs=1, rseed=0
            )
        if int(np.ravel(indices)[0]) != task.target:
            raise ValueError("it explains another class")
        found = np.asarray(values[0] if isinstance(values, list) else values)
        return summed(found.reshape(task.x.shape))

    return {"ig": ig}


@contextmanager
def _places(steps: int) -> Iterator[None]:
    """The middles of the steps, in the place of numbers drawn evenly."""
    drawn = iter((np.arange(steps) + 0.5) / steps)
    with mock.patch.object(np.random, "uniform", lambda *_: next(drawn)):
        yield


PEERS: dict[str, Callable[[Task], dict[str, Call]]] = {
    "Xplique": xplique,
    "Xplique, closed at the ceiling": xplique_closed,
    "tf-keras-vis": keras_vis,
    "shap, DeepExplainer": shap_deep,
    "shap, GradientExplainer": shap_gradient,
}
