"""The HED network: form, alignment to the pixel, any size of picture."""

from pathlib import Path

import numpy as np
import pytest

keras = pytest.importorskip("keras")

from saliency_worker.saliency.errors import WeightsError  # noqa: E402
from saliency_worker.saliency.hed import (  # noqa: E402
    COMPACT,
    ORIGINAL,
    HedConfig,
    build_hed,
    edge_maps,
    load_hed,
    save_hed,
)

pytestmark = pytest.mark.tensorflow
TINY = HedConfig(widths=(3, 4, 5, 6, 7))


@pytest.fixture(scope="module")
def tiny() -> "keras.Model":
    keras.utils.set_random_seed(3)
    return build_hed(TINY)


def test_the_original_form_is_vgg16_with_five_side_outputs_and_a_fusion() -> None:
    network = build_hed(ORIGINAL)
    vgg16_convolutions = 14_714_688
    side_outputs = sum(width + 1 for width in ORIGINAL.widths)
    assert network.count_params() == vgg16_convolutions + side_outputs + 6
    assert network.get_layer("conv5_3").kernel.shape == (3, 3, 512, 512)
    assert network.get_layer("score-dsn5").kernel.shape == (1, 1, 512, 1)


def test_the_compact_form_fits_two_megabytes_as_float16() -> None:
    assert build_hed(COMPACT).count_params() * 2 < 2_000_000


def test_a_form_without_five_stages_is_refused() -> None:
    with pytest.raises(ValueError, match="five stages"):
        HedConfig(widths=(8, 8, 8))


def test_every_side_output_keeps_the_mirror_symmetry_of_the_picture() -> None:
    """With kernels that are symmetric a shift of half a pooled pixel in any stage would break the symmetry."""
    network = build_hed(TINY)
    for layer in network.layers:
        if isinstance(layer, keras.layers.Conv2D):
            layer.kernel.assign(np.full(layer.kernel.shape, 1.0 / np.prod(layer.kernel.shape[:3])))
    picture = np.random.default_rng(0).random((1, 32, 48, 3), np.float32) + 0.5
    logits = np.asarray(network(picture))
    for axis in (1, 2):
        mirrored = np.flip(np.asarray(network(np.flip(picture, axis))), axis)
        np.testing.assert_allclose(logits, mirrored, rtol=1e-5, atol=1e-5)
    assert np.ptp(logits, axis=(0, 1, 2)).min() > 1e-4


@pytest.mark.parametrize("size", [(32, 48), (37, 50), (16, 31)])
def test_the_map_has_the_size_of_the_picture_and_lies_in_0_to_1(
    tiny: "keras.Model", size: tuple[int, int]
) -> None:
    pictures = np.random.default_rng(1).integers(0, 256, (2, *size, 3), np.uint8)
    maps = edge_maps(tiny, pictures)
    assert maps.shape == (2, *size) and maps.dtype == np.float32
    assert maps.min() >= 0 and maps.max() <= 1


def test_padding_does_not_shift_the_map(tiny: "keras.Model") -> None:
    """The part of the map that no padding reaches is the same whether the picture is cut at 128 or at 121 columns."""
    picture = np.random.default_rng(2).random((1, 32, 384, 3), np.float32)
    whole, cut = edge_maps(tiny, picture), edge_maps(tiny, picture[:, :, :377])
    np.testing.assert_allclose(whole[:, :, :128], cut[:, :, :128], atol=1e-5)
    assert np.abs(whole[:, :, :377] - cut).max() > 1e-4


def test_bytes_and_floats_of_one_picture_give_one_map(tiny: "keras.Model") -> None:
    picture = np.random.default_rng(4).integers(0, 256, (1, 32, 32, 3), np.uint8)
    np.testing.assert_allclose(
        edge_maps(tiny, picture), edge_maps(tiny, picture / np.float32(255)), atol=1e-6
    )


@pytest.mark.parametrize("shape", [(1, 15, 40, 3), (32, 32, 3), (1, 32, 32, 1)])
def test_other_shapes_are_refused(tiny: "keras.Model", shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="RGB images"):
        edge_maps(tiny, np.zeros(shape, np.uint8))


def test_saved_weights_come_back(tiny: "keras.Model", tmp_path: Path) -> None:
    save_hed(tiny, tmp_path / "tiny.weights.h5", dtype="float32")
    picture = np.random.default_rng(5).random((1, 32, 32, 3), np.float32)
    loaded = load_hed(tmp_path / "tiny.weights.h5", TINY)
    np.testing.assert_array_equal(edge_maps(loaded, picture), edge_maps(tiny, picture))


def test_half_precision_changes_the_map_by_less_than_one_level_of_a_png(
    tiny: "keras.Model", tmp_path: Path
) -> None:
    save_hed(tiny, tmp_path / "tiny.weights.h5")
    picture = np.random.default_rng(5).random((1, 32, 32, 3), np.float32)
    loaded = load_hed(tmp_path / "tiny.weights.h5", TINY)
    assert 0 < np.abs(edge_maps(loaded, picture) - edge_maps(tiny, picture)).max() < 1 / 255


@pytest.mark.parametrize("other", [COMPACT, HedConfig(widths=(3, 4, 5, 6, 8))])
def test_weights_of_another_form_are_refused(tiny: "keras.Model", tmp_path: Path, other: HedConfig) -> None:
    save_hed(tiny, tmp_path / "tiny.weights.h5")
    with pytest.raises(WeightsError, match=r"tiny\.weights\.h5 does not hold"):
        load_hed(tmp_path / "tiny.weights.h5", other)


def test_a_torn_file_is_refused(tiny: "keras.Model", tmp_path: Path) -> None:
    file = tmp_path / "tiny.weights.h5"
    save_hed(tiny, file)
    file.write_bytes(file.read_bytes()[:2000])
    with pytest.raises(WeightsError, match="can't be read"):
        load_hed(file, TINY)
