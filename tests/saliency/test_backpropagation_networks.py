"""Every classifier of the catalogue under every method of backpropagation: a map, or one line why not."""

import gc

import numpy as np
import pytest

from saliency_worker import catalog
from saliency_worker.saliency.activations import Network, view
from saliency_worker.saliency.classifiers import Classifier, random_classifier
from saliency_worker.saliency.errors import ModelError
from saliency_worker.saliency.formulas import plan
from saliency_worker.saliency.settings import Settings

pytestmark = pytest.mark.tensorflow
QUICK = {"MobileNetV2"}
SLOW = (
    pytest.mark.slow,
    pytest.mark.timeout(3000),
)  # ten methods' graphs of the deepest network, on a busy machine
METHODS = tuple(
    key for key, spec in catalog.METHODS.items() if spec.family == "backpropagation" and spec.of_tensors
)
NAMES = [name for name in catalog.CLASSIFIERS if name != "demo-cnn"]


def lively(name: str) -> Classifier:
    """The network with random weights and batch norms set by two pictures and a black one, negative factors among them.

    Signals of plain random weights die out on the way through a deep network; and where norms have never seen black, what
    DeepLIFT multiplies grows beyond float32 on the way through EfficientNetB0.
    """
    chosen, generator = random_classifier(name, seed=1), np.random.default_rng(2)
    for layer in chosen.model._flatten_layers():
        if type(layer).__name__ == "BatchNormalization":
            layer.momentum = 0.0
            layer.beta.assign(generator.normal(0, 0.1, layer.beta.shape))
            if layer.scale:
                layer.gamma.assign(generator.choice([-1.0, 1.0], layer.gamma.shape, p=(0.1, 0.9)))
    pictures = generator.integers(0, 256, (3, *chosen.input.shape), dtype=np.uint8)
    pictures[2] = 0
    chosen.model(chosen.input.rows(pictures), training=True)
    return chosen


@pytest.mark.parametrize("name", [pytest.param(name, marks=() if name in QUICK else SLOW) for name in NAMES])
def test_sums_are_right_and_refusals_are_told(name: str) -> None:
    chosen = lively(name)
    refused = tuple(key for key in METHODS if name in catalog.METHODS[key].not_for)
    for method in refused:
        with pytest.raises(ModelError, match=f"{method} has no rule for"):
            Network(chosen, plan(Settings((method,))).through, 1, 1)
    methods = tuple(key for key in METHODS if key not in refused)
    network = Network(chosen, plan(Settings(methods)).through, 1, 1)
    side = chosen.spec.input_size
    picture = np.random.default_rng(0).integers(0, 256, (side, side, 3), dtype=np.uint8)
    rows = chosen.input.rows(np.stack([picture, np.zeros_like(picture)]))
    zero = np.zeros(1, np.int32)
    found = network.explain(rows[:1], zero + 7, zero, zero)
    score, dark = np.asarray(view(chosen).logits(rows))[:, 7]
    total = {key: float(found[key].sum(dtype=np.float64)) for key in methods}
    size = max(abs(score), abs(dark))
    for key in methods:
        assert np.isfinite(found[key]).all() and np.ptp(found[key]) > 0, key
    assert abs(total["lrp"] - score) <= 0.05 * abs(score)
    assert abs(total["deeplift"] - (score - dark)) <= 1e-3 * size
    assert 0 < total["excitationbp"] <= 1.001
    gc.collect()
