"""A notice where a network's answers look as if it were given pictures in the wrong range."""

from collections.abc import Callable

import numpy as np
import pytest

from saliency_worker.saliency.images import decode
from saliency_worker.saliency.network_input import NetworkInput
from saliency_worker.saliency.preprocessing_check import doubt

Array = np.ndarray
PICTURES = [np.full((8, 8, 3), (40 * n, 250 - 30 * n, 20), np.uint8) for n in range(1, 7)]
GREYS = [np.full((8, 8, 3), 30 + 40 * n, np.uint8) for n in range(6)]


def by_brightness(low: float, high: float) -> Callable[[Array], Array]:
    """A classifier of five degrees of redness that was trained with inputs in that range."""

    def classify(rows: Array) -> Array:
        share = np.clip((rows[..., 0].mean(axis=(1, 2)) - low) / (high - low), 0, 1)
        return -200 * (share[:, None] - np.linspace(0, 1, 5)) ** 2

    return classify


@pytest.mark.parametrize(("mode", "low", "high"), [("raw", 0, 255), ("unit", 0, 1), ("tf", -1, 1)])
def test_the_right_range_is_not_doubted(mode: str, low: float, high: float) -> None:
    assert doubt(by_brightness(low, high), NetworkInput(8, 8, mode=mode), PICTURES, "softmax") == ""


def test_one_class_for_all_is_doubted_where_another_range_tells_them_apart() -> None:
    said = doubt(by_brightness(-1, 1), NetworkInput(8, 8, mode="raw"), PICTURES, "softmax")
    assert "6 pictures 1 class," in said
    assert "model.keras@:" in said


def test_of_few_pictures_nothing_is_said() -> None:
    assert doubt(by_brightness(-1, 1), NetworkInput(8, 8, mode="raw"), PICTURES[:3], "softmax") == ""


def test_a_network_of_one_channel_is_compared_with_what_it_can_take() -> None:
    given = NetworkInput(8, 8, channels=1, mode="raw")
    assert "with tf" in doubt(by_brightness(-1, 1), given, GREYS, "softmax")


@pytest.mark.tensorflow
@pytest.mark.real_data
@pytest.mark.parametrize("mode", ["tf", "raw", "caffe"])
def test_a_real_network_is_doubted_where_it_is_given_too_large_numbers(mode: str, shared: object) -> None:
    from saliency_worker.saliency.classifiers import load

    model = load("MobileNet", weights_dir=shared / "weights").model
    files = sorted((shared / "images").iterdir())[:240:30]
    pictures = [decode(file.read_bytes()) for file in files]
    given = NetworkInput(192, 192, mode=mode)
    said = doubt(lambda rows: np.log(np.asarray(model(rows)) + 1e-30), given, pictures, "softmax")
    assert bool(said) == (mode != "tf"), said
