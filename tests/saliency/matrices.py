"""A small network as matrices and loops in float64: the second computation of what goes back through one.

conv (relu) - max pooling - conv, batch norm, relu - flatten - dense (relu) - dense, on pictures of 6 x 6 x 3.
"""

from dataclasses import dataclass

import keras
import numpy as np

from saliency_worker.declarations import ClassifierSpec
from saliency_worker.saliency.classifiers import Classifier
from saliency_worker.saliency.network_input import NetworkInput

Array = np.ndarray
SIDE = 6


def network(*, bias: bool = True, ceiling: float | None = None) -> keras.Model:
    """The network with seeded weights; some factors of its batch norm are negative. ceiling: of the rectifier ``map``."""
    keras.utils.set_random_seed(11)
    layers = keras.layers
    options = {"use_bias": bias, "bias_initializer": "random_normal"}
    image = keras.Input((SIDE, SIDE, 3))
    x = layers.Conv2D(4, 3, padding="same", activation="relu", name="first", **options)(image)
    x = layers.MaxPooling2D(2, name="pool")(x)
    x = layers.Conv2D(5, 2, padding="valid", name="second", use_bias=False)(x)
    x = layers.BatchNormalization(name="norm", center=bias)(x)
    x = layers.ReLU(ceiling, name="map")(x)
    x = layers.Dense(6, activation="relu", name="hidden", **options)(layers.Flatten()(x))
    model = keras.Model(image, layers.Dense(3, name="scores", **options)(x), name="matrices")
    norm = model.get_layer("norm")
    norm.gamma.assign([1.2, -0.8, 0.7, 1.5, -1.1])
    norm.moving_variance.assign([0.5, 1.5, 0.8, 1.1, 0.4])
    if bias:
        norm.beta.assign([0.1, 0.2, -0.1, 0.05, 0.3])
        norm.moving_mean.assign([0.02, -0.1, 0.03, 0.0, 0.1])
    return model


def classifier(model: keras.Model) -> Classifier:
    spec = ClassifierSpec("matrices", "matrices", "matrices", SIDE, "tf", "map", "dense", "", ())
    return Classifier(spec, model, (), "", "0" * 64, NetworkInput(SIDE, SIDE, mode="tf"))


@dataclass
class Layer:
    """A layer as ``z = W x + b`` and, behind a rectifier, ``max(0, z)``; or as places whose maximum counts."""

    weights: Array | None = None
    bias: Array | None = None
    rectified: bool = False
    groups: list[list[int]] | None = None
    convolves: bool = False
    ceiling: float = np.inf

    def forward(self, x: Array) -> tuple[Array, Array]:
        """Before and after the rectifier."""
        if self.groups is not None:
            out = np.array([x[group].max() for group in self.groups])
            return out, out
        z = self.weights @ x + self.bias
        return z, np.clip(z, 0, self.ceiling) if self.rectified else z


def layers_of(model: keras.Model) -> list[Layer]:
    """The network's layers; the batch norm belongs to the convolution before it."""
    first, second, norm, hidden, scores = (
        model.get_layer(name) for name in ("first", "second", "norm", "hidden", "scores")
    )
    one, two = _matrix(first, (SIDE, SIDE, 3)), _matrix(second, (3, 3, 4))
    factor = np.asarray(norm.gamma) / np.sqrt(np.asarray(norm.moving_variance) + norm.epsilon)
    offset = (np.asarray(norm.beta) if norm.center else 0) - factor * np.asarray(norm.moving_mean)
    places = np.arange(SIDE * SIDE * 4).reshape(SIDE, SIDE, 4)
    groups = [
        list(places[2 * i : 2 * i + 2, 2 * j : 2 * j + 2, c].ravel())
        for i in range(3)
        for j in range(3)
        for c in range(4)
    ]
    return [
        Layer(one[0], one[1], rectified=True, convolves=True),
        Layer(groups=groups),
        Layer(
            two[0] * np.tile(factor, 4)[:, None],
            np.tile(offset, 4),
            rectified=True,
            convolves=True,
            ceiling=model.get_layer("map").max_value or np.inf,
        ),
        Layer(*_dense(hidden), rectified=True),
        Layer(*_dense(scores)),
    ]


def _dense(layer: keras.layers.Dense) -> tuple[Array, Array]:
    kernel = np.asarray(layer.kernel, np.float64).T
    return kernel, np.asarray(layer.bias, np.float64) if layer.use_bias else np.zeros(len(kernel))


def _matrix(layer: keras.layers.Layer, shape: tuple[int, ...]) -> tuple[Array, Array]:
    """Weights and bias of a convolution without its rectifier, from what it makes of each unit vector."""
    size = int(np.prod(shape))
    config = {**layer.get_config(), "activation": None, "name": f"{layer.name}_plain"}
    plain = type(layer).from_config(config)
    plain.build((None, *shape))
    plain.set_weights(layer.get_weights())
    images = np.concatenate([np.zeros((1, size)), np.eye(size)]).reshape(-1, *shape).astype(np.float32)
    found = np.asarray(plain(images), np.float64).reshape(size + 1, -1)
    return (found[1:] - found[0]).T, found[0]


def passed(layers: list[Layer], x: Array) -> list[tuple[Array, Array, Array]]:
    """Input, sum and output of every layer."""
    found = []
    for layer in layers:
        z, out = layer.forward(x)
        found.append((x, z, out))
        x = out
    return found


def gradient_like(layers: list[Layer], x: Array, target: int, rule: str) -> Array:
    """``gradient``, ``guidedbp`` or ``deconvnet`` at the picture, flat, with its sign."""
    steps = passed(layers, x)
    back = np.eye(len(steps[-1][2]))[target]
    for layer, (before, z, _) in zip(reversed(layers), reversed(steps), strict=True):
        if layer.groups is not None:
            back = _to_winners(layer.groups, before, back)
            continue
        if layer.rectified:
            active = (z > 0) & (z < layer.ceiling)
            back = back * (active if rule != "deconvnet" else 1) * (back > 0 if rule != "gradient" else 1)
        back = layer.weights.T @ back
    return back


def _to_winners(groups: list[list[int]], before: Array, back: Array) -> Array:
    found = np.zeros_like(before)
    for value, group in zip(back, groups, strict=True):
        found[group[int(np.argmax(before[group]))]] += value
    return found


def relevance(layers: list[Layer], x: Array, target: int, *, composite: bool) -> Array:
    """LRP at the picture, flat: loops over every pair of neurons, biases left out."""
    steps = passed(layers, x)
    back = np.eye(len(steps[-1][2]))[target] * steps[-1][2][target]
    for layer, (before, _, _) in zip(reversed(layers), reversed(steps), strict=True):
        if layer.groups is not None:
            back = _to_winners(layer.groups, before, back)
            continue
        found = np.zeros_like(before)
        for j, value in enumerate(back):
            parts = layer.weights[j] * before
            if composite and layer.convolves:
                parts = np.maximum(parts, 0) if (parts > 0).any() else parts
            if parts.any():
                found += parts / parts.sum() * value
        back = found
    return back


def excitation(layers: list[Layer], x: Array, back: Array, down_to: int = 0) -> Array:
    """Excitation backpropagation from what is known at the output of the last of the layers to layer ``down_to``."""
    steps = passed(layers, x)
    for layer, (before, _, _) in list(zip(layers, steps, strict=True))[down_to:][::-1]:
        if layer.groups is not None:
            back = _to_winners(layer.groups, before, back)
            continue
        found = np.zeros_like(before)
        for j, value in enumerate(back):
            parts = np.maximum(layer.weights[j] * before, 0)
            if parts.any():
                found += parts / parts.sum() * value
        back = found
    return back


def lifted(layers: list[Layer], x: Array, black: Array, target: int) -> Array:
    """Contributions of DeepLIFT's rescale rule at the picture, flat."""
    now, then = passed(layers, x), passed(layers, black)
    back = np.eye(len(now[-1][2]))[target]
    for layer, (before, z, out), (old, old_z, old_out) in list(zip(layers, now, then, strict=True))[::-1]:
        if layer.groups is not None:
            found = np.zeros_like(before)
            for value, group, new, was in zip(back, layer.groups, out, old_out, strict=True):
                top, bottom = group[int(np.argmax(before[group]))], group[int(np.argmax(old[group]))]
                found[top] += value * (max(new, was) - was)
                found[bottom] += value * (new - max(new, was))
            change = before - old
            back = np.divide(found, change, out=np.zeros_like(found), where=np.abs(change) > 1e-9)
            continue
        if layer.rectified:
            change = z - old_z
            back = back * np.divide(out - old_out, change, out=(z > 0) * 1.0, where=np.abs(change) > 1e-9)
        back = layer.weights.T @ back
    return back * (x - black)
