"""Gradients at many rows, and rectifiers with a ceiling, against loops in float64 over a network of matrices."""

from collections.abc import Callable

import numpy as np
import pytest
from scipy import stats

from saliency_worker.saliency.activations import Network
from saliency_worker.saliency.classifiers import Classifier
from saliency_worker.saliency.explain import Explainer
from saliency_worker.saliency.formulas import plan
from saliency_worker.saliency.noise import derive_seed
from saliency_worker.saliency.results import Explanation
from saliency_worker.saliency.settings import Settings
from tests.saliency import matrices

pytestmark = pytest.mark.tensorflow
SIDE, SHA256 = matrices.SIDE, "0" * 64
PICTURE = np.random.default_rng(4).integers(0, 256, (SIDE, SIDE, 3), dtype=np.uint8)
ROW = PICTURE.astype(np.float64).ravel() / 127.5 - 1


def explained(classifier: Classifier, method: str, **options: object) -> Explanation:
    settings = Settings((method,), edges="sobel", metrics=False, raw=True, **options)
    (found,) = Explainer(classifier, settings).explain([(SHA256, PICTURE)])
    return found


def of_pixels(values: np.ndarray, collapse: Callable[..., np.ndarray]) -> np.ndarray:
    return collapse(values.reshape(SIDE, SIDE, 3), axis=-1)


def test_integrated_gradients_are_the_mean_gradient_on_the_way_times_the_way() -> None:
    model, steps = matrices.network(), 7
    layers = matrices.layers_of(model)
    found = explained(matrices.classifier(model), "ig", parameters={"ig_steps": steps, "ig_gap": 1.0})
    expected = np.zeros(ROW.size)
    for k in range(steps):
        place = -1 + (k + 0.5) / steps * (ROW + 1)
        gradient = matrices.gradient_like(layers, place, found.class_index, "gradient")
        for i in range(ROW.size):
            expected[i] += gradient[i] * (ROW[i] + 1) / steps
    summed = of_pixels(expected, np.sum)
    np.testing.assert_allclose(found.maps["ig"].raw, summed, atol=2e-5 * np.abs(summed).max())


def test_smoothgrad_is_the_size_of_the_mean_gradient_at_noisy_copies() -> None:
    model, copies, sigma = matrices.network(), 9, 0.2
    layers = matrices.layers_of(model)
    found = explained(matrices.classifier(model), "smoothgrad", samples=copies, noise=sigma)
    bits = np.random.SFC64(derive_seed(SHA256)).random_raw(copies * ROW.size // 4)
    words = bits.astype("<u8").view("<u2").reshape(copies, ROW.size)
    mean = np.zeros(ROW.size)
    for each in words:
        noisy = ROW + 2 * sigma * stats.norm.ppf((each + 0.5) / 65536)  # the network takes -1..1
        mean += matrices.gradient_like(layers, noisy, found.class_index, "gradient") / copies
    expected = of_pixels(np.abs(mean), np.max)
    np.testing.assert_allclose(found.maps["smoothgrad"].raw, expected, atol=2e-5 * expected.max())


@pytest.mark.parametrize("ceiling", [None, 0.4])
@pytest.mark.parametrize("rule", ["gradient", "guidedbp", "deconvnet"])
def test_a_rectifier_passes_nothing_back_at_its_ceiling(rule: str, ceiling: float | None) -> None:
    """But in deconvolution, where every rectifier is one of the signal alone."""
    model = matrices.network(ceiling=ceiling)
    layers = matrices.layers_of(model)
    network = Network(matrices.classifier(model), plan(Settings((rule,))).through, 1, 1)
    sums = matrices.passed(layers, ROW)[2][1]
    assert 0 < (sums > 0.4).sum() < (sums > 0).sum() < sums.size
    zero, row = np.zeros(1, np.int32), ROW.reshape(1, SIDE, SIDE, 3).astype(np.float32)
    found = network.explain(row, zero + 1, zero, zero)[rule][0]
    expected = of_pixels(np.abs(matrices.gradient_like(layers, ROW, 1, rule)), np.max)
    np.testing.assert_allclose(found, expected, atol=1e-5 * expected.max())
