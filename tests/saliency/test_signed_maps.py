"""What becomes of a map that has a sign: what counts of it, what is shown, what its provenance says."""

from collections.abc import Callable

import numpy as np
import pytest

from saliency_worker import catalog
from saliency_worker.catalog import UnknownName
from saliency_worker.declarations import SIGNED
from saliency_worker.saliency.classifiers import Classifier
from saliency_worker.saliency.compose import Composer
from saliency_worker.saliency.explain import Explainer
from saliency_worker.saliency.feature_cam import blend, experiment, luma
from saliency_worker.saliency.render import diverging
from saliency_worker.saliency.settings import Settings

pytestmark = pytest.mark.tensorflow
Pictures = Callable[[int], list[tuple[str, np.ndarray]]]
RAW = np.array([[-4, 0], [1, 2]], np.float32)
COUNTS = {
    "absolute": [[1, 0], [0.25, 0.5]],
    "positive": [[0, 0], [0.5, 1]],
    "diverging": [[0, 4 / 6], [5 / 6, 1]],
}


@pytest.mark.parametrize("rule", SIGNED)
def test_each_rule_keeps_what_it_says(rule: str) -> None:
    image, edges = np.zeros((2, 2, 3), np.uint8), np.zeros((2, 2), np.float32)
    composer = Composer(image, edges, {"lrp": RAW}, {}, 0.25, "jet", {"lrp": rule})
    np.testing.assert_allclose(composer.compose("lrp").scalar, COUNTS[rule], atol=1e-6)


def test_diverging_colours_are_white_at_zero_and_part_there() -> None:
    colours = diverging(RAW)
    np.testing.assert_array_equal(colours[0, 1], 1)
    against, half_for = colours[0, 0], colours[1, 1]
    assert against[2] > against[0] and half_for[0] > half_for[2]
    np.testing.assert_allclose(
        1 - half_for, (1 - diverging(np.array([[2.0]], np.float32))[0, 0]) / 2, atol=1e-6
    )
    np.testing.assert_array_equal(diverging(np.zeros((2, 2), np.float32)), 1)


def test_provenance_holds_the_rule_and_the_run_may_choose_another(
    small: Classifier, pictures: Pictures
) -> None:
    methods = ("lrp", "ig", "gradient", "lrp.add-edges")
    rules = {}
    for signed in ("", "positive"):
        settings = Settings(methods, edges="sobel", metrics=False, raw=True, signed=signed)
        (found,) = Explainer(small, settings).explain(pictures(1))
        rules[signed] = {key: each.provenance["parameters"].get("signed") for key, each in found.maps.items()}
        if signed:
            raw = found.maps["lrp"].raw
            assert raw.min() < 0, "the raw map keeps its sign"
            np.testing.assert_allclose(found.maps["lrp"].scalar, np.maximum(raw, 0) / raw.max(), atol=1e-6)
    assert rules[""] == {"lrp": "diverging", "ig": "absolute", "gradient": None, "lrp.add-edges": "diverging"}
    assert rules["positive"] == {
        "lrp": "positive",
        "ig": "positive",
        "gradient": None,
        "lrp.add-edges": "positive",
    }
    with pytest.raises(UnknownName, match="positive"):
        Settings(methods, signed="positiv")


def test_all_nine_combinations_of_feature_cam_stand_on_a_new_base(
    small: Classifier, pictures: Pictures
) -> None:
    keys = tuple(catalog.join_key("guidedbp", each) for each in ("", *catalog.COMBINATIONS))
    (found,) = Explainer(small, Settings(keys, edges="sobel", metrics=False)).explain(pictures(1))
    base, image = found.maps["guidedbp"].scalar, found.original.astype(np.float32) / 255
    for key in keys[1:]:
        kind, source = key.split(".")[1].split("-")
        features = found.edges if source == "edges" else luma(blend(source, image, found.edges))
        plain = experiment(kind, features, base)
        expected = (plain - plain.min()) / (plain.max() - plain.min())
        np.testing.assert_allclose(found.maps[key].scalar, expected, atol=1e-5, err_msg=key)
