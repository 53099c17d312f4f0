"""Which maps are computed again together: those whose provenance does not contradict."""

from typing import Any

from survey_site.stimuli.recompute import StoredMap, known_settings, orders


def provenance(**parameters: Any) -> dict[str, Any]:
    edges = parameters.pop("edges", None)
    rows = parameters.pop("rows", 13)
    return {"parameters": parameters, "edge_model": edges, "batch": {"rows": rows, "masks": 9}}


def stored(id: int, method: str, made: dict[str, Any], **changes: Any) -> StoredMap:
    facts = {"stimulus": 1, "classifier": "VGG16", "colour_map": "jet", "provenance": made} | changes
    return StoredMap(id=id, method=method, **facts)


def test_the_provenance_knows_only_what_its_method_uses() -> None:
    assert known_settings(provenance()) == {"batch": 13}
    made = provenance(k=0.25, samples=25, noise=0.15, edges="sobel", percentile=20.0)
    assert known_settings(made) == {"batch": 13, "k": 0.25, "samples": 25, "noise": 0.15, "edges": "sobel"}


def test_maps_of_one_run_are_one_order_with_all_that_they_know() -> None:
    found = orders(
        [
            stored(1, "gradcam", provenance()),
            stored(2, "gradcam.add-edges", provenance(k=0.3, edges="hed")),
            stored(3, "smoothgradcampp", provenance(samples=8, noise=0.1)),
        ]
    )
    (order,) = found
    assert order.maps == [1, 2, 3]
    assert order.methods == {"gradcam", "gradcam.add-edges", "smoothgradcampp"}
    assert order.settings == {
        "colour_map": "jet", "metrics": False, "batch": 13, "k": 0.3, "edges": "hed", "samples": 8, "noise": 0.1,
    }  # fmt: skip


def test_maps_of_several_classes_share_a_pass_that_is_asked_for_all_of_them() -> None:
    (order,) = orders(
        [
            stored(1, "gradcam", provenance(), rank=2),
            stored(2, "gradcam.add-edges", provenance(k=0.3, edges="hed")),
        ]
    )
    assert (order.maps, order.all_settings["ranks"]) == ([1, 2], [0, 2])
    (plain,) = orders([stored(1, "gradcam", provenance())])
    assert plain.all_settings == plain.settings


def test_contradicting_settings_are_apart() -> None:
    found = orders(
        [
            stored(1, "gradcam.add-edges", provenance(k=0.25, edges="sobel")),
            stored(2, "gradcam.add-edges", provenance(k=0.25, edges="hed")),
            stored(3, "gradcam", provenance()),
        ]
    )
    assert [order.maps for order in found] == [[1, 3], [2]]


def test_images_classifiers_and_colour_maps_are_apart() -> None:
    plain = provenance()
    found = orders(
        [
            stored(1, "gradcam", plain),
            stored(2, "gradcam", plain, stimulus=2),
            stored(3, "gradcam", plain, classifier="Xception"),
            stored(1, "gradcam", plain, colour_map="viridis"),
        ]
    )
    assert len(found) == 4


def test_an_upload_without_provenance_of_ours_knows_nothing() -> None:
    assert known_settings({"file": "a.npy"}) == {}
