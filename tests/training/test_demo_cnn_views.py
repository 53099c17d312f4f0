"""Views of pictures: what the cache writes down is what the student is shown."""

import numpy as np

from fixtures.training.demo_cnn_data import (
    HELD_OUT_COUNT,
    HELD_OUT_FILE,
    Views,
    draw_views,
    held_out_names,
    render,
)
from fixtures.training.demo_cnn_train import Batch, cutmix

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


def test_cutmix_mixes_pictures_and_probabilities_by_the_same_area() -> None:
    n, size = 16, 32
    value = np.arange(n, dtype=np.float32)
    images = np.broadcast_to(value[:, None, None, None], (n, size, size, 3)).copy()
    batch = Batch(images, np.eye(n, dtype=np.float32))
    mixed = cutmix(batch, 1.0, np.random.default_rng(5))
    np.testing.assert_allclose(mixed.images.mean((1, 2, 3)), mixed.probabilities @ value, rtol=1e-5)
    assert np.abs(mixed.images.mean((1, 2, 3)) - value).max() > 0.5
    untouched = cutmix(batch, 0.0, np.random.default_rng(5))
    np.testing.assert_array_equal(untouched.images, images)
