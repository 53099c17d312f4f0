"""Every classifier of the catalogue, with random weights, against the plain equations at h x w in float64."""

import gc

import keras
import numpy as np
import pytest
import tensorflow as tf

from saliency_worker.catalog import CLASSIFIERS, classifier
from saliency_worker.saliency.activations import Network
from saliency_worker.saliency.classifiers import random_classifier
from saliency_worker.saliency.formulas import plan
from saliency_worker.saliency.random_weights import forgotten_layers
from saliency_worker.saliency.settings import Settings
from tests.saliency.plain_keras import feature_layer, logits_of

pytestmark = pytest.mark.tensorflow
QUICK = {"MobileNet", "MobileNetV2", "EfficientNetB0"}
FEATURE_MAPS = {
    "VGG16": (14, 512),
    "VGG19": (14, 512),
    "ResNet50": (7, 2048),
    "InceptionV3": (8, 2048),
    "InceptionResNetV2": (8, 1536),
    "Xception": (10, 2048),
    "MobileNet": (7, 1024),
    "MobileNetV2": (7, 1280),
    "DenseNet121": (7, 1024),
    "NASNetMobile": (7, 1056),
    "EfficientNetB0": (7, 1280),
}


def networks() -> list:
    return [
        pytest.param(name, marks=() if name in QUICK else pytest.mark.slow) for name in sorted(FEATURE_MAPS)
    ]


def plain(model: keras.Model, layer: str, rows: np.ndarray, target: int) -> tuple[np.ndarray, np.ndarray]:
    """Activations and gradients of the logit by one tape over the whole network, float64 (h, w, K)."""
    whole = keras.Model(model.inputs[0], [feature_layer(model, layer).output, logits_of(model)])
    with tf.GradientTape() as tape:
        activations, logits = whole(tf.constant(rows), training=False)
        score = logits[0, target]
    gradients = tape.gradient(score, activations)
    return np.asarray(activations[0], np.float64), np.asarray(gradients[0], np.float64)


@pytest.mark.parametrize("name", networks())
def test_maps_equal_the_plain_equations(name: str) -> None:
    chosen = random_classifier(name, seed=1)
    bases = ("gradcam", "gradcampp", *(("cam",) if chosen.spec.head == "gap" else ()))
    network = Network(chosen, plan(Settings(bases)).passes, 1, 1)
    side = chosen.spec.input_size
    scale = 127.0 if chosen.spec.preprocessing in ("raw", "caffe") else 1.0
    rows = (np.random.default_rng(0).uniform(-1, 1, (1, side, side, 3)) * scale).astype(np.float32)
    zero = np.zeros(1, np.int32)
    maps = network.explain(rows, zero + 7, zero, zero)
    A, g = plain(chosen.model, chosen.spec.layer, rows, 7)
    assert A.shape == (FEATURE_MAPS[name][0], *FEATURE_MAPS[name])

    signed = A @ g.mean(axis=(0, 1))
    _close(maps["gradcam"][0], np.maximum(signed, 0), np.abs(signed).max())
    denominators = 2 + A.sum(axis=(0, 1)) * g
    alpha = np.where((g != 0) & (denominators != 0), 1 / np.where(denominators == 0, 1, denominators), 0)
    weighted = A @ (alpha * np.maximum(g, 0)).sum(axis=(0, 1))
    _close(maps["gradcampp"][0], np.maximum(weighted, 0), np.abs(weighted).max())
    assert weighted.any()
    if "cam" in bases:
        _close(maps["cam"][0], signed * A.shape[0] * A.shape[1], np.abs(signed).max() * A.shape[0] ** 2)
    gc.collect()


def _close(actual: np.ndarray, expected: np.ndarray, size: float) -> None:
    np.testing.assert_allclose(actual, expected, atol=1e-4 * size)


@pytest.mark.parametrize("name", networks())
def test_the_last_block_of_the_catalogue_is_a_small_part_behind_the_rest(name: str) -> None:
    spec = classifier(name)
    model = random_classifier(name).model
    forgotten = {layer.name for layer in forgotten_layers(model, spec.last_block_after)}
    weighted = [layer.name for layer in model.layers if layer.weights]
    assert weighted[-1] in forgotten
    assert 2 <= len(forgotten) <= max(8, len(weighted) // 4)
    assert weighted[0] not in forgotten


def test_the_table_of_this_test_is_complete() -> None:
    assert set(FEATURE_MAPS) | {"demo-cnn"} == set(CLASSIFIERS)
