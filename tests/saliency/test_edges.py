import numpy as np
import pytest

from saliency_worker.catalog import UnknownName
from saliency_worker.saliency.bundled import bundled, sha256
from saliency_worker.saliency.edges import Sobel, edge_detector, sobel
from saliency_worker.saliency.hed import edge_maps, load_hed


def test_sobel_equals_a_naive_loop() -> None:
    grey = np.random.default_rng(0).integers(0, 256, (6, 7), dtype=np.uint8)
    padded = np.pad(grey.astype(float), 1, mode="reflect")
    expected = np.zeros(grey.shape)
    kernel = np.array([[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]])
    for y, x in np.ndindex(grey.shape):
        window = padded[y : y + 3, x : x + 3]
        expected[y, x] = np.hypot((window * kernel).sum(), (window * kernel.T).sum())
    result = sobel(np.repeat(grey[..., None], 3, axis=2))
    np.testing.assert_allclose(result, expected / expected.max(), atol=1e-6)


def test_an_edge_lies_on_both_sides_of_a_step() -> None:
    step = np.zeros((8, 8, 3), np.uint8)
    step[:, 4:] = 200
    edges = sobel(step)
    assert (edges[:, 3:5] == 1).all()
    assert not edges[:, :3].any()
    assert not edges[:, 5:].any()


def test_a_flat_image_has_no_edges() -> None:
    assert not sobel(np.full((5, 5, 3), 90, np.uint8)).any()


def test_the_last_bit_does_not_depend_on_where_the_image_lies_in_memory() -> None:
    image = np.random.default_rng(1).integers(0, 256, (33, 37, 3), dtype=np.uint8)
    buffer = np.zeros(image.size + 64, np.uint8)
    for offset in (0, 1, 4, 32):
        moved = buffer[offset : offset + image.size].reshape(image.shape)
        moved[:] = image
        assert np.array_equal(sobel(moved), sobel(image))


def test_sobel_takes_a_batch_and_has_no_weights() -> None:
    images = np.random.default_rng(2).integers(0, 256, (2, 5, 5, 3), dtype=np.uint8)
    detector = edge_detector("sobel")
    assert isinstance(detector, Sobel)
    assert detector.weights_sha256 == ""
    assert np.array_equal(detector(images)[1], sobel(images[1]))


@pytest.mark.tensorflow
def test_the_frozen_hed_equals_the_network_and_names_its_weights() -> None:
    images = np.random.default_rng(3).integers(0, 256, (2, 40, 40, 3), dtype=np.uint8)
    images[:, :, 20:] //= 4
    detector = edge_detector("hed")
    expected = edge_maps(load_hed(bundled("hed_compact.weights.h5")), images)
    np.testing.assert_allclose(detector(images), expected, atol=1e-5)
    np.testing.assert_allclose(detector(images[:1])[0], expected[0], atol=1e-5)
    assert detector.weights_sha256 == sha256(bundled("hed_compact.weights.h5"))


def test_it_rejects_an_unknown_edge_model() -> None:
    with pytest.raises(UnknownName, match="sobel"):
        edge_detector("sobell")
