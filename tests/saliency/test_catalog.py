import pytest

from saliency_worker import catalog


def test_all_is_the_full_set_of_eighteen() -> None:
    keys = catalog.parse_methods("all")
    assert len(keys) == 18
    assert keys[:2] == ("gradcam", "gradcam.add-edges")
    assert {key.split(".")[0] for key in keys} == set(catalog.GRADIENT_BASES)


def test_everything_adds_cam_all_combinations_and_the_controls() -> None:
    keys = catalog.parse_methods("everything")
    assert len(keys) == len(set(keys)) == 4 * (1 + 9) + 3
    assert set(catalog.FULL_SET) < set(keys)
    assert {"cam.mul-blend21", "edges", "original", "randomcam"} < set(keys)


def test_it_keeps_each_key_once_and_in_order() -> None:
    assert catalog.parse_methods("gradcampp, gradcam,gradcampp") == ("gradcampp", "gradcam")


def test_keys_split_and_join_to_themselves() -> None:
    for key in catalog.ALL_KEYS:
        assert catalog.join_key(*catalog.split_key(key)) == key


@pytest.mark.parametrize("key", ["gradcam.", "gradcam.add", "edges.add-edges", "Gradcam", ""])
def test_it_rejects_a_key_that_does_not_exist(key: str) -> None:
    with pytest.raises(catalog.UnknownName):
        catalog.split_key(key)


def test_it_suggests_the_nearest_name() -> None:
    with pytest.raises(catalog.UnknownName, match=r"gradcam\.add-edges"):
        catalog.parse_methods("gradcam.ad-edges")
    with pytest.raises(catalog.UnknownName, match="MobileNetV2"):
        catalog.classifier("mobilnetv2")


def test_it_rejects_an_empty_list_of_methods() -> None:
    with pytest.raises(ValueError, match="No method"):
        catalog.parse_methods(" , ")


def test_classifiers_are_found_whatever_the_case() -> None:
    assert catalog.classifier("mobilenetv2").name == "MobileNetV2"


def test_labels_follow_the_paper() -> None:
    ours = [catalog.label(f"gradcam.{name}") for name in catalog.OURS]
    assert ours == ["Ours 1", "Ours 2", "Ours 3", "Ours 4", "Ours 5"]
    assert catalog.label("gradcam.comp-blend21") == "complement F2"
    assert catalog.full_label("gradcampp.add-blend21") == "Grad-CAM++ Ours 2"
    assert catalog.label("smoothgradcampp") == "Smooth Grad-CAM++"
