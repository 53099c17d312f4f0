"""`--overlay` lays each map over its image, at the image's own size and where the network looked."""

import numpy as np
import pytest
from PIL import Image

from saliency_worker import overlay
from tests.cli.conftest import Bench


def test_every_map_but_the_original_gets_an_overlay_of_the_images_size(bench: Bench) -> None:
    image = bench.image("wide.png")  # 30 × 20 pixels
    assert bench.explain(image, "--overlay", methods="gradcam,gradcam.add-edges,original") == 0
    folder = bench.out / "MobileNetV2" / "wide"
    assert sorted(p.name for p in folder.glob("*.overlay.png")) == [
        "gradcam.add-edges.overlay.png",
        "gradcam.overlay.png",
    ]
    photo = np.asarray(Image.open(image).convert("RGB")).astype(float)
    laid = np.asarray(Image.open(folder / "gradcam.overlay.png")).astype(float)
    assert laid.shape == photo.shape
    np.testing.assert_array_equal(laid[:, :5], photo[:, :5])  # beside the centre square nothing changes
    np.testing.assert_array_equal(laid[:, 25:], photo[:, 25:])
    shown = Image.open(folder / "gradcam.png").convert("RGB").resize((20, 20), Image.Resampling.BICUBIC)
    np.testing.assert_allclose(laid[:, 5:25], (photo[:, 5:25] + np.asarray(shown)) / 2, atol=1)


def test_an_image_without_overlays_is_made_again_when_they_are_asked_for(bench: Bench) -> None:
    image = bench.image("cat.png")
    bench.explain(image)
    bench.explain(image, "--overlay")
    assert bench.done == 1
    bench.explain(image, "--overlay")
    assert bench.done == 0


@pytest.mark.parametrize(
    ("size", "box"), [((30, 20), (5, 0, 25, 20)), ((21, 30), (0, 4, 21, 25)), ((9, 9), (0, 0, 9, 9))]
)
def test_the_square_is_the_one_that_the_engine_crops(size: tuple[int, int], box: tuple[int, ...]) -> None:
    from saliency_worker.saliency.images import crop

    pixels = np.random.default_rng(0).integers(0, 256, (size[1], size[0], 3), dtype=np.uint8)
    assert overlay.centre(*size) == box
    left, top, right, bottom = box
    np.testing.assert_array_equal(crop(pixels, right - left), pixels[top:bottom, left:right])


def test_a_squashed_picture_is_covered_as_a_whole() -> None:
    photo, shown = Image.new("RGB", (30, 20), "black"), Image.new("RGB", (8, 8), "white")
    laid = np.asarray(overlay.lay_over(photo, shown, whole=True, opacity=1))
    assert (laid == 255).all()
