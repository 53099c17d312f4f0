"""The control ``randomcam``: a classifier whose head and last block forget what they learned (Adebayo 2018)."""

from collections.abc import Iterable
from dataclasses import replace

import keras
import numpy as np

from saliency_worker.saliency.classifiers import Classifier
from saliency_worker.saliency.errors import ModelError, first_line
from saliency_worker.saliency.kinds import is_convolution


def randomised(classifier: Classifier, seed: int) -> Classifier:
    """A copy of the classifier with head and last block drawn anew from ``seed``; the original is untouched.

    Kernels are He-normal, biases 0, batch norms the identity. Raises ModelError where Keras cannot copy the network.
    """
    copy = twin(classifier, "randomcam needs")
    draw_anew(forgotten_layers(copy.model, classifier.spec.last_block_after), np.random.default_rng(seed))
    return copy


def twin(classifier: Classifier, who: str) -> Classifier:
    """A copy of the classifier with weights of its own. who: needs it, as the error says. Raises ModelError."""
    try:
        model = keras.models.clone_model(classifier.model)
        model.set_weights(classifier.model.get_weights())
    except Exception as error:  # a class of one's own may lack what a copy needs
        raise ModelError(
            f"{who[0].upper()}{who[1:]} a copy of {classifier.spec.name}, and Keras cannot make one "
            f"({first_line(error)}): leave it out, or give its classes a get_config."
        ) from error
    return replace(classifier, model=model)


def draw_anew(layers: Iterable[keras.Layer], generator: np.random.Generator) -> None:
    """Forget what these layers learned."""
    for layer in layers:
        for weight in layer.weights:
            weight.assign(_draw(weight.name, tuple(weight.shape), generator))


def forgotten_layers(model: keras.Model, last_block_after: str) -> list[keras.Layer]:
    """Layers with weights that are no ancestors of ``last_block_after``.

    Without that name (a saved model): the last convolution and all behind it.
    """
    weighted = [layer for layer in model.layers if layer.weights]
    if last_block_after:
        kept = keras.Model(model.inputs[0], model.get_layer(last_block_after).output)
        names = {layer.name for layer in kept.layers}
        return [layer for layer in weighted if layer.name not in names]
    flat = flat_layers(model)
    last = max((index for index, layer in enumerate(flat) if is_convolution(layer)), default=0)
    return flat[last:]


def flat_layers(model: keras.Model) -> list[keras.Layer]:
    """The layers with weights in the order of the network, those inside nested networks too."""
    return [inner for layer in model.layers if layer.weights for inner in _inner(layer)]


def _inner(layer: keras.Layer) -> list[keras.Layer]:
    if not isinstance(layer, keras.Model):
        return [layer]
    return [inner for child in layer.layers if child.weights for inner in _inner(child)]


def _draw(name: str, shape: tuple[int, ...], generator: np.random.Generator) -> np.ndarray:
    if name.endswith("kernel"):
        fan_in = int(np.prod(shape[:2])) if "depthwise" in name else int(np.prod(shape[:-1]))
        return generator.normal(0, np.sqrt(2 / fan_in), shape).astype(np.float32)
    return np.full(shape, 1 if name in ("gamma", "moving_variance", "variance") else 0, np.float32)
