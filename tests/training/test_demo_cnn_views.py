"""Views of pictures: what the cache writes down is what the student is shown."""

import numpy as np
import pytest

from fixtures.training.demo_cnn_data import (
    HELD_OUT_COUNT,
    HELD_OUT_FILE,
    Views,
    draw_views,
    held_out_names,
    render,
)
from fixtures.training.demo_cnn_teacher import principal_components
from fixtures.training.demo_cnn_train import GRID, Batch, averaging, cutmix

NEUTRAL = np.ones(5, np.float32)


def test_views_depend_on_the_seed_alone() -> None:
    first, again, other = (draw_views([(50, 80), (90, 60)], 5, seed) for seed in (1, 1, 2))
    assert all(np.array_equal(getattr(first, f), getattr(again, f)) for f in Views.__dataclass_fields__)
    assert not np.array_equal(first.box, other.box)


def test_boxes_stay_inside_the_picture_and_keep_their_share_of_the_area() -> None:
    views = draw_views([(300, 500)], 500, 3, scale=(0.2, 0.9))
    x0, y0, x1, y1 = views.box.T
    assert (views.box >= 0).all() and (views.box <= 1 + 1e-6).all()
    area = (x1 - x0) * (y1 - y0)
    assert area.max() <= 0.9 + 1e-5
    assert np.median(area) > 0.2


def test_a_neutral_view_of_a_box_is_that_part_of_the_picture() -> None:
    picture = np.random.default_rng(0).integers(0, 256, (40, 60, 3), np.uint8)
    box = np.array([10 / 60, 0, 50 / 60, 1], np.float32)
    np.testing.assert_array_equal(render(picture, box, False, NEUTRAL, 40), picture[:, 10:50])
    np.testing.assert_array_equal(render(picture, box, True, NEUTRAL, 40), picture[:, 10:50][:, ::-1])


def test_no_saturation_gives_a_grey_picture() -> None:
    picture = np.random.default_rng(0).integers(0, 256, (20, 20, 3), np.uint8)
    grey = render(picture, np.array([0, 0, 1, 1]), False, np.array([1, 1, 0, 1, 1], np.float32), 20)
    assert np.ptp(grey.astype(int), axis=2).max() == 0
    assert np.ptp(grey) > 100


def test_the_held_out_list_is_what_its_seed_draws() -> None:
    listed = HELD_OUT_FILE.read_text().split()
    assert len(set(listed)) == HELD_OUT_COUNT
    names = [f"picture{i}" for i in range(600)]
    assert held_out_names(names) == held_out_names(names[::-1])
    assert len(held_out_names(names)) == HELD_OUT_COUNT


def test_cutmix_mixes_pictures_maps_and_probabilities_by_the_same_box() -> None:
    n, size = 16, GRID * 4
    value = np.arange(n, dtype=np.float32)
    batch = Batch(
        np.broadcast_to(value[:, None, None, None], (n, size, size, 3)).copy(),
        np.eye(n, dtype=np.float32),
        np.broadcast_to(value[:, None, None, None], (n, GRID, GRID, 2)).copy(),
    )
    mixed = cutmix(batch, 1.0, np.random.default_rng(5))
    seen = mixed.images.mean((1, 2, 3))
    np.testing.assert_allclose(seen, mixed.maps.mean((1, 2, 3)), rtol=1e-5)
    np.testing.assert_allclose(seen, mixed.probabilities @ value, rtol=1e-5)
    assert np.abs(seen - value).max() > 0.5
    untouched = cutmix(batch, 0.0, np.random.default_rng(5))
    np.testing.assert_array_equal(untouched.images, batch.images)


@pytest.mark.parametrize("size", [6, 8, 9, 12])
def test_cells_average_the_part_of_the_map_that_they_cover(size: int) -> None:
    matrix = averaging(size, 6)
    np.testing.assert_allclose(matrix.sum(1), 1, rtol=1e-6)
    line = np.random.default_rng(size).normal(size=size)
    naive = np.repeat(line, 6).reshape(6, size).mean(1)
    np.testing.assert_allclose(matrix @ line, naive, atol=1e-6)


def test_principal_components_keep_the_directions_of_largest_variance() -> None:
    rng = np.random.default_rng(0)
    features = rng.normal(size=(4000, 6)) * [9, 4, 1, 0.1, 0.1, 0.1]
    mean, basis = principal_components(features, 3)
    projected = (features - mean) @ basis
    assert np.mean(projected**2) == pytest.approx(1, rel=0.05)
    assert np.abs(np.corrcoef(projected.T) - np.eye(3)).max() < 0.01
    assert [np.abs(basis[:, k]).argmax() for k in range(3)] == [0, 1, 2]
