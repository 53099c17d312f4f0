"""The bundled edge network draws a step where the step is: to the pixel, at any phase of its pooling, in any size."""

import numpy as np
import pytest

pytest.importorskip("keras")

from saliency_worker.saliency.bundled import bundled
from saliency_worker.saliency.hed import edge_maps, load_hed

pytestmark = pytest.mark.tensorflow
PLACES = [75, 80, 88, 101, 111]


@pytest.fixture(scope="module")
def network():
    return load_hed(bundled("hed_compact.weights.h5"))


def steps(size: tuple[int, int]) -> np.ndarray:
    """One picture for each place: dark left of the column, bright from it on, a little grain."""
    pictures = np.full((len(PLACES), *size, 3), 70, np.uint8)
    for picture, place in zip(pictures, PLACES, strict=True):
        picture[:, place:] = 190
    grain = np.random.default_rng(0).integers(-6, 7, pictures.shape)
    return np.clip(pictures + grain, 0, 255).astype(np.uint8)


@pytest.mark.parametrize("size", [(96, 192), (90, 187)])
def test_a_step_is_drawn_on_its_two_columns_or_one_beside(network, size: tuple[int, int]) -> None:
    pictures = steps(size)
    for maps in (
        edge_maps(network, pictures),
        edge_maps(network, pictures.transpose(0, 2, 1, 3)).transpose(0, 2, 1),
    ):
        for drawn, place in zip(maps, PLACES, strict=True):
            profile = drawn[20:-20].mean(0)
            middle = place - 0.5
            near = slice(place - 8, place + 8)
            assert abs(int(profile.argmax()) - middle) <= 1.5
            weight = np.maximum(profile[near] - 0.5 * profile.max(), 0)
            assert abs((weight * np.arange(place - 8, place + 8)).sum() / weight.sum() - middle) < 1
            assert profile.max() > 0.5
            assert np.delete(profile, np.r_[place - 12 : place + 12])[8:-8].max() < 0.3


def test_one_picture_gives_the_same_map_alone_and_in_a_batch(network) -> None:
    pictures = steps((96, 192))
    np.testing.assert_allclose(
        edge_maps(network, pictures[2:3])[0], edge_maps(network, pictures)[2], atol=1e-5
    )
