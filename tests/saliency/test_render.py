import io

import cv2
import numpy as np
import pytest
from PIL import Image

from saliency_worker.catalog import COLOUR_MAPS
from saliency_worker.saliency.render import colour_map, display, png, to_bytes


@pytest.mark.parametrize("name", COLOUR_MAPS)
def test_colours_are_those_of_the_named_map_in_rgb(name: str) -> None:
    ramp = np.arange(256, dtype=np.uint8)[None]
    code = {"jet": cv2.COLORMAP_JET, "turbo": cv2.COLORMAP_TURBO, "viridis": cv2.COLORMAP_VIRIDIS}[name]
    bgr = cv2.applyColorMap(ramp, code)
    assert np.array_equal(to_bytes(colour_map(ramp.astype(np.float32) / 255, name)), bgr[..., ::-1])


def test_jet_runs_from_blue_to_red() -> None:
    low, high = to_bytes(colour_map(np.array([[0.0, 1.0]], np.float32)))[0]
    assert low.tolist() == [0, 0, 128]
    assert high.tolist() == [128, 0, 0]


def test_display_adds_and_clips() -> None:
    features = np.full((1, 1, 3), 1.0, np.float32)
    coloured = np.array([[[0.0, 0.5, 0.9]]], np.float32)
    assert display("add", features, coloured, 0.25)[0, 0].tolist() == [64, 191, 255]


def test_display_multiplies_the_colours_with_the_features_or_their_complement() -> None:
    features = np.array([[[0.25, 0.5, 1.0]]], np.float32)
    coloured = np.full((1, 1, 3), 0.8, np.float32)
    assert display("mul", features, coloured)[0, 0].tolist() == [51, 102, 204]
    assert display("comp", features, coloured)[0, 0].tolist() == [153, 102, 0]


def test_a_png_gives_back_the_pixels_and_nothing_else() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (9, 5, 3), dtype=np.uint8)
    data = png(pixels)
    with Image.open(io.BytesIO(data)) as image:
        assert np.array_equal(np.asarray(image), pixels)
        assert image.info == {}
    assert png(pixels) == data
