"""A map that is the same everywhere explains nothing: it is marked, and scores nowhere."""

from collections.abc import Callable

import numpy as np
import pytest

from saliency_worker.cli import tables
from saliency_worker.saliency.explain import Explainer
from saliency_worker.saliency.render import crossed_out
from saliency_worker.saliency.settings import Settings
from tests.saliency.conftest import classifier_of, small_network

pytestmark = pytest.mark.tensorflow
METHODS = ("gradcam", "gradcam.mul-edges", "gradcam.add-edges", "original")
Pictures = Callable[[int], list[tuple[str, np.ndarray]]]


def explained(pictures: Pictures, *, dead: bool) -> object:
    model = small_network()
    if dead:
        scores = model.get_layer("scores")
        scores.set_weights([np.zeros_like(each) for each in scores.get_weights()])
    (found,) = Explainer(classifier_of(model), Settings(METHODS, edges="sobel")).explain(pictures(1))
    return found


def test_a_map_without_a_gradient_is_marked_and_measured_as_nothing(pictures: Pictures) -> None:
    found = explained(pictures, dead=True)
    for key in METHODS[:3]:
        result = found.maps[key]
        assert result.metrics["empty"] is True
        assert result.metrics["right"] is None
        assert result.metrics["confidence"] is None
        assert result.metrics["class_name"] is None
        striped = (result.display == 128).all(axis=-1)
        assert 0.2 < striped.mean() < 0.35
    assert found.maps["original"].metrics["empty"] is False


def test_a_map_with_something_on_it_is_not(pictures: Pictures) -> None:
    for result in explained(pictures, dead=False).maps.values():
        assert result.metrics["empty"] is False
        assert isinstance(result.metrics["right"], bool)


def test_stripes_leave_the_rest_of_the_picture() -> None:
    picture = np.full((56, 70, 3), 7, np.uint8)
    marked = crossed_out(picture)
    assert set(np.unique(marked)) == {7, 128}
    assert (picture == 7).all()


def test_tables_leave_empty_maps_out_and_say_how_many_there_are() -> None:
    common = {"classifier": "net", "key": "gradcam"}
    full = {**common, "image": "a", "right": True, "confidence": 0.5, "kept_share": 0.8, "empty": False}
    empty = {**common, "image": "b", "right": None, "confidence": None, "kept_share": 1.0, "empty": True}
    (summary,) = tables.summarise([full, empty])
    assert summary["n"] == 2
    assert summary["right_percent"] == 100
    assert summary["average_confidence"] == 0.5
    assert summary["empty_percent"] == 50
    assert summary["kept_percent"] == 80
    assert summary["right_low"] == pytest.approx(100 * tables.wilson(1, 1)[0])
    (none,) = tables.summarise([empty])
    assert none["average_confidence"] is None
    assert "empty_percent" in tables.tidy_csv([none])
