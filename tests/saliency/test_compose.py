import cv2
import numpy as np
import pytest

from saliency_worker.catalog import COMBINATIONS
from saliency_worker.saliency.compose import Composer, enlarge
from saliency_worker.saliency.feature_cam import blend, experiment, luma, normalise
from saliency_worker.saliency.formulas import plan
from saliency_worker.saliency.render import colour_map, display
from saliency_worker.saliency.settings import Settings

GENERATOR = np.random.default_rng(4)
IMAGE = GENERATOR.integers(0, 256, (12, 12, 3), dtype=np.uint8)
EDGES = GENERATOR.random((12, 12), np.float32)
RAW = GENERATOR.random((3, 3), np.float32)


def composer(k: float = 0.25) -> Composer:
    pictures = plan(Settings(("edges", "original"))).pictures
    return Composer(IMAGE, EDGES, {"gradcam": RAW, "randomcam": RAW.T}, pictures, k, "turbo")


@pytest.mark.parametrize(("side", "size"), [(7, 224), (8, 299), (3, 10), (1, 6)])
def test_enlarging_is_bilinear_with_half_pixel_centres(side: int, size: int) -> None:
    raw = np.random.default_rng(side).random((side, side), np.float32)
    expected = cv2.resize(raw, (size, size), interpolation=cv2.INTER_LINEAR)
    np.testing.assert_allclose(enlarge(raw, size), expected.reshape(size, size), atol=1e-5)


def test_enlarging_by_hand() -> None:
    assert enlarge(np.array([[0.0, 1.0]], np.float32), 4)[0].tolist() == [0.0, 0.25, 0.75, 1.0]


def test_a_bare_map_is_the_enlarged_cam_and_its_colours() -> None:
    composed = composer().compose("gradcam")
    assert np.array_equal(composed.scalar, normalise(enlarge(RAW, 12)))
    assert np.array_equal(composed.display, np.rint(colour_map(composed.scalar, "turbo") * 255))


@pytest.mark.parametrize("combination", COMBINATIONS)
def test_every_combination_is_its_experiment_on_luma_and_on_colours(combination: str) -> None:
    composed = composer(0.4).compose(f"gradcam.{combination}")
    kind, source = combination.split("-")
    cam = normalise(enlarge(RAW, 12))
    features = blend(source, IMAGE.astype(np.float32) / 255, EDGES)
    expected = normalise(experiment(kind, luma(features), cam, 0.4))
    np.testing.assert_allclose(composed.scalar, expected, atol=1e-5)
    assert np.array_equal(composed.display, display(kind, features, colour_map(cam, "turbo"), 0.4))


def test_the_controls_show_edges_image_and_the_random_cam() -> None:
    edges = composer().compose("edges")
    assert np.array_equal(edges.scalar, normalise(EDGES))
    assert np.array_equal(edges.display[..., 1], np.rint(EDGES * 255))
    original = composer().compose("original")
    assert np.array_equal(original.display, IMAGE)
    np.testing.assert_allclose(original.scalar, normalise(luma(IMAGE.astype(np.float32))), atol=1e-6)
    assert np.array_equal(composer().compose("randomcam").scalar, normalise(enlarge(RAW.T, 12)))
