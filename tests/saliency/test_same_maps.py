"""Classifiers of the catalogue give the maps that they gave before own models were read as graphs.

The arrays were computed by the engine that cut a model at its list of layers, on the picture below. Processors differ
by some 1e-6 of the highest value; a layer, a gradient or a filling taken wrongly changes it by far more than 1e-4.
"""

from pathlib import Path

import numpy as np
import pytest

from saliency_worker.saliency.classifiers import load, random_classifier
from saliency_worker.saliency.explain import Explainer
from saliency_worker.saliency.settings import Settings

pytestmark = pytest.mark.tensorflow
STORED = Path(__file__).parent / "arrays" / "catalogue_maps.npz"
METHODS = ("cam", "gradcam", "gradcampp", "smoothgradcampp", "randomcam")


@pytest.mark.parametrize("name", ["demo-cnn", "MobileNetV2"])
def test_the_catalogue_gives_the_maps_it_gave(name: str) -> None:
    classifier = load(name) if name == "demo-cnn" else random_classifier(name, 1)
    picture = (
        np.random.default_rng(4).integers(0, 256, (9, 12, 3), dtype=np.uint8).repeat(30, 0).repeat(25, 1)
    )
    settings = Settings(METHODS, edges="sobel", samples=2, raw=True, seed=3)
    (found,) = Explainer(classifier, settings).explain([("a" * 64, picture)])
    with np.load(STORED) as stored:
        for key, result in found.maps.items():
            before = stored[f"{name}/{key}"]
            assert result.raw is not None
            np.testing.assert_allclose(
                result.raw, before, rtol=0, atol=1e-4 * np.abs(before).max(), err_msg=key
            )
        confidences = [
            result.metrics["target_confidence"] for result in found.maps.values() if result.metrics
        ]
        said = [found.class_index, found.confidence, *confidences]
        np.testing.assert_allclose(said, stored[f"{name}/confidence"], rtol=1e-4)
