"""The classifier as its users know it: plain Keras, independent of the engine under test."""

import json
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf
from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

from saliency_worker import catalog
from saliency_worker.declarations import ClassifierSpec
from saliency_worker.saliency.bundled import bundled
from saliency_worker.saliency.demo_cnn import build_demo_cnn


def build(name: str, weights: Path | None) -> keras.Model:
    """A catalogue classifier with logits as output; random weights (seeded) where none are given."""
    spec = catalog.classifier(name)
    keras.utils.set_random_seed(1)
    if spec.builder == "demo-cnn":
        return demo_cnn(spec)
    model = getattr(keras.applications, spec.builder)(weights=None, classifier_activation=None)
    if weights is not None:
        model.load_weights(weights)
    return model


def demo_cnn(spec: ClassifierSpec) -> keras.Model:
    """The bundled classifier with its own weights."""
    classes = len(json.loads(bundled("demo_cnn.json").read_text("utf-8")))
    model = build_demo_cnn(classes, spec.input_size, classifier_activation=None)
    model.load_weights(bundled("demo_cnn.weights.h5"))
    return model


def explained_layer(model: keras.Model, name: str) -> str:
    """The catalogue's layer in this model. Keras numbers unnamed layers through the whole process (NASNet's
    `activation_187`): an unknown number stands for the last layer of that stem."""
    names = [layer.name for layer in model.layers]
    stem = name.rstrip("0123456789")
    return name if name in names else [other for other in names if other.startswith(stem)][-1]


def random_weights(name: str, folder: str) -> Path:
    """A file of seeded random weights in `folder`: speed does not depend on what the weights are."""
    path = Path(folder) / f"{name}.random.weights.h5"
    build(name, None).save_weights(path)
    return path


def preprocess(name: str, crops: np.ndarray) -> np.ndarray:
    """uint8 (N, H, W, 3) → the float32 input of the classifier."""
    x = crops.astype("float32")
    match catalog.classifier(name).preprocessing:
        case "tf":
            return x / 127.5 - 1
        case "caffe":
            return x[..., ::-1] - np.array([103.939, 116.779, 123.68], "float32")
        case "torch":
            return (x / 255 - np.array([0.485, 0.456, 0.406], "float32")) / np.array(
                [0.229, 0.224, 0.225], "float32"
            )
        case _:
            return x


def input_range(name: str) -> float:
    """Width of the input range after preprocessing, per channel (exact for `tf`, nominal for the others)."""
    return {"tf": 2.0, "caffe": 255.0, "torch": 1 / 0.226}.get(catalog.classifier(name).preprocessing, 255.0)


class Passes:
    """Bare forward passes: the least any method needs."""

    def __init__(self, model: keras.Model, batch: int) -> None:
        shape = (batch, *model.input_shape[1:])
        self.batch = batch
        self.compiled = tf.function(
            lambda x: model(x, training=False), input_signature=[tf.TensorSpec(shape)]
        )
        self.frozen = convert_variables_to_constants_v2(self.compiled.get_concrete_function())
        self._x = tf.constant(np.random.default_rng(0).normal(size=shape).astype("float32"))

    def run(self, passes: int, *, frozen: bool) -> None:
        """Send `passes` images through the network, in whole batches (rounded up)."""
        call = self.frozen if frozen else self.compiled
        for _ in range(-(-passes // self.batch)):
            result = call(self._x)
        np.asarray(result[0] if isinstance(result, list) else result)


def naive_cams(model: keras.Model, layer: str, x: np.ndarray, classes: np.ndarray) -> dict[str, np.ndarray]:
    """Grad-CAM and Grad-CAM++ by the letter of their equations in float64 from one image at a time, h×w."""
    view = keras.Model(model.inputs, [model.get_layer(layer).output, model.output])
    maps: dict[str, list[np.ndarray]] = {"gradcam": [], "gradcampp": []}
    for one, index in zip(x, classes, strict=True):
        with tf.GradientTape() as tape:
            activations, logits = view(one[None])
            score = logits[0, int(index)]
        g = tape.gradient(score, activations).numpy()[0].astype("float64")
        a = activations.numpy()[0].astype("float64")
        maps["gradcam"].append(np.maximum((g.mean((0, 1)) * a).sum(-1), 0))
        denominator = 2 * g**2 + a.sum((0, 1)) * g**3
        alpha = np.divide(g**2, denominator, out=np.zeros_like(g), where=(g != 0) & (denominator != 0))
        weights = (alpha * np.maximum(g, 0)).sum((0, 1))
        maps["gradcampp"].append(np.maximum((weights * a).sum(-1), 0))
    return {key: np.stack(value) for key, value in maps.items()}
