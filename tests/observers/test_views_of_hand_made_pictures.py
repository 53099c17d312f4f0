"""What observers see of pictures whose content is known."""

import numpy as np
import pytest

from saliency_worker.observer_kinds import BY_KEY, EDGE, GREY, KINDS, OTHER_CAM, TEXTURE, name
from saliency_worker.observers import ladder, views
from saliency_worker.saliency.render import colour_map, to_bytes


def plain(value: int = 120, side: int = 224) -> np.ndarray:
    return np.full((side, side, 3), value, np.uint8)


def framed(left: int, top: int, width: int = 80) -> np.ndarray:
    """A light square on grey: four edges at known places."""
    picture = plain(90)
    picture[top : top + width, left : left + width] = 200
    return picture


def noisy(seed: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (224, 224, 3), np.uint8)


def outlines(photo: np.ndarray) -> np.ndarray:
    """A flat heat map with the photo's edges drawn into it, as Feature CAM does."""
    drawn = views.sobel(views.luma(photo, 224))
    return np.clip(60 + 0.25 * drawn / drawn.max() * 255, 0, 255).astype(np.uint8)[..., None].repeat(3, 2)


def test_a_picture_without_contrast_is_seen_as_nothing():
    for seen in (*ladder.of_map(plain()).values(), *ladder.of_photo(plain()).values()):
        assert not seen.any()


def test_a_view_has_unit_length_and_no_mean():
    for seen in ladder.of_photo(noisy(1), np.random.default_rng(2).random((7, 7))).values():
        assert seen.dtype == np.float32
        assert np.linalg.norm(seen) == pytest.approx(1, abs=1e-5)
        assert seen.mean() == pytest.approx(0, abs=1e-5)


def test_the_edge_observer_sees_drawn_edges_and_no_smooth_heat():
    photos = [framed(20, 30), framed(110, 30), framed(20, 120), framed(110, 120)]
    seen = np.stack([ladder.of_photo(photo)[EDGE] for photo in photos])
    for place, photo in enumerate(photos):
        scores = seen @ ladder.of_map(outlines(photo))[EDGE]
        assert scores.argmax() == place
        assert scores[place] > 0.5
        others = np.delete(scores, place)
        assert (others < 0.3).all()


def test_edges_drawn_dark_are_seen_as_those_drawn_light():
    photo = framed(40, 60)
    light, dark = outlines(photo), 255 - outlines(photo)
    one, two = ladder.of_map(light)[EDGE], ladder.of_map(dark)[EDGE]
    assert float(one @ two) > 0.99


def test_texture_and_place_sees_where_there_is_contrast_and_not_which():
    photo = plain()
    photo[:112, :112] = noisy(3)[:112, :112]
    shown = plain()
    shown[:112, :112] = noisy(4)[:112, :112]  # another noise at the same place
    elsewhere = plain()
    elsewhere[112:, 112:] = noisy(3)[112:, 112:]
    here, there = (ladder.of_photo(p)[TEXTURE] for p in (photo, elsewhere))
    seen = ladder.of_map(shown)[TEXTURE]
    assert float(here @ seen) > 0.9
    assert float(there @ seen) < 0


def test_blurred_grey_sees_brightness_and_no_detail():
    steps = np.repeat(np.linspace(20, 230, 8).astype(np.uint8), 28)
    photo = np.broadcast_to(steps[None, :, None], (224, 224, 3)).copy()
    checked = photo.copy()
    checked[::2, ::2] += 10
    assert float(ladder.of_photo(photo)[GREY] @ ladder.of_map(checked)[GREY]) > 0.99
    assert float(ladder.of_photo(photo[:, ::-1])[GREY] @ ladder.of_map(photo)[GREY]) < -0.9


@pytest.mark.parametrize("palette", ["jet", "turbo", "viridis"])
def test_heat_is_read_back_from_the_colours(palette: str):
    values = np.linspace(0, 1, 224, dtype=np.float32)[:, None].repeat(224, 1)
    shown = to_bytes(colour_map(values, palette))
    found = views.heat(shown, palette)
    wanted = views.resized(values, views.GRID)
    assert np.abs(found - wanted).max() < 0.06


def test_another_networks_cam_is_compared_with_the_heat():
    heat = np.zeros((224, 224), np.float32)
    heat[20:90, 130:200] = 1
    shown = to_bytes(colour_map(heat, "jet"))
    same = views.resized(heat, 7)
    other = same[::-1, ::-1]
    seen = ladder.of_map(shown)[OTHER_CAM]
    assert float(ladder.of_photo(noisy(5), same)[OTHER_CAM] @ seen) > 0.7
    assert float(ladder.of_photo(noisy(5), other)[OTHER_CAM] @ seen) < 0


def test_without_another_network_that_observer_has_no_view():
    assert set(ladder.of_photo(noisy(6))) == {EDGE, TEXTURE, GREY}


def test_pictures_of_any_size_are_seen_alike():
    large = framed(40, 60)
    small = large[::2, ::2]
    for key in (EDGE, TEXTURE, GREY):
        assert float(ladder.of_photo(large)[key] @ ladder.of_photo(small)[key]) > 0.85


def test_every_observer_names_what_it_compares_and_its_source():
    assert [kind.key for kind in KINDS] == ["edge", "texture", "grey", "other_cam", "trained"]
    assert all(kind.title and kind.compares and kind.source for kind in KINDS)
    assert name("edge") == BY_KEY["edge"].title
    assert name("of a later version") == "of a later version"
