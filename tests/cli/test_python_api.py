"""`explain` of a live model: docs/python.md runs as it is, and what comes back is what the engine and the model say."""

import tomllib
import warnings
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from PIL import Image

from saliency_worker import python_api
from saliency_worker.python_api import Explained, explain
from saliency_worker.saliency.errors import ImageError, SaliencyError, SettingsError
from tests.saliency.conftest import small_network
from tests.site.markdown import ROOT, fences, text_of

pytestmark = pytest.mark.tensorflow
NAMES = ("ant", "bee", "cat", "dog", "emu")


def photos(count: int = 2) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (count, 40, 50, 3), dtype=np.uint8)


@pytest.fixture(scope="module")
def model() -> Any:
    return small_network()


@pytest.fixture(scope="module")
def found(model: Any) -> Explained:
    return explain(
        model, photos(), "gradcam,gradcam.add-edges", preprocessing="tf", class_names=NAMES, edges="sobel"
    )


def test_the_page_runs_from_top_to_bottom(capsys: pytest.CaptureFixture[str]) -> None:
    blocks = fences(text_of("docs/python.md"), "python")
    assert len(blocks) > 3
    names: dict[str, Any] = {}
    for block in blocks:
        exec(compile(block, "<docs/python.md>", "exec"), names)
    assert "give uint8 with values 0..255" in capsys.readouterr().out
    assert isinstance(names["found"], Explained)


def test_maps_are_those_of_the_gradient_tape(found: Explained, model: Any) -> None:
    import cv2
    import tensorflow as tf

    from saliency_worker.saliency.images import crop

    for number, photo in enumerate(photos()):
        rows = tf.constant(crop(photo, 32)[None].astype(np.float32) / 127.5 - 1)
        last, head = model.get_layer("last"), model.get_layer("scores")
        trunk = keras.Model(model.inputs, last.output)
        with tf.GradientTape() as tape:
            activations = trunk(rows)
            tape.watch(activations)
            pooled = tf.reduce_mean(activations, (1, 2))
            logits = pooled @ head.kernel + head.bias
            score = logits[0, int(np.argmax(logits))]
        gradient = tape.gradient(score, activations)
        cam = np.maximum((np.asarray(gradient).mean((1, 2)) * np.asarray(activations)[0]).sum(-1), 0)
        large = cv2.resize(cam.astype(np.float32), (32, 32), interpolation=cv2.INTER_LINEAR)
        expected = (large - large.min()) / np.ptp(large)
        np.testing.assert_allclose(found.maps("gradcam")[number], expected, atol=1e-3)


def test_metrics_sheet_and_overlay_are_of_every_image(found: Explained) -> None:
    assert len(found) == 2
    rows = found.metrics()
    assert [(row["image"], row["key"]) for row in rows] == [
        (name, key) for name in ("image 0", "image 1") for key in ("gradcam", "gradcam.add-edges")
    ]
    assert {row["predicted"] for row in rows} <= set(NAMES)
    assert all(0 <= row["kept_share"] <= 1 for row in rows)
    assert found.sheet(1).size[0] > 3 * 32
    assert found.overlay("gradcam", 1).size == (50, 40)
    assert found._repr_png_().startswith(b"\x89PNG")
    assert found.layer == "last"


def test_paths_pillow_images_and_arrays_give_the_same_maps(model: Any, tmp_path: Path) -> None:
    photo = photos(1)[0]
    path = tmp_path / "owl.png"
    Image.fromarray(photo).save(path)
    made = [
        explain(model, image, "gradcam", preprocessing="tf")
        for image in (path, str(path), Image.fromarray(photo), photo)
    ]
    assert [each.names for each in made] == [("owl",), ("owl",), ("image 0",), ("image 0",)]
    for each in made[1:]:
        np.testing.assert_array_equal(each.maps("gradcam"), made[0].maps("gradcam"))


def test_targets_are_names_or_indices_of_one_or_of_each(model: Any) -> None:
    def explained(targets: Any) -> list[int]:
        made = explain(model, photos(), "gradcam", preprocessing="tf", class_names=NAMES, targets=targets)
        return [each.class_index for each in made]

    assert explained("cat") == explained(2) == explained(np.int64(2)) == [2, 2]
    assert explained(["bee", 4]) == [1, 4]
    assert explained([None, 0])[1] == 0


def test_further_measures_and_regions_are_of_each_image(model: Any) -> None:
    everywhere = np.ones(photos()[1].shape[:2], bool)
    made = explain(
        model, photos(), "gradcam", preprocessing="tf", measures=["curves"], regions=[None, everywhere]
    )
    first, second = made.metrics()
    assert "pointing" not in first and second["pointing"] == 1
    assert 0 <= first["deletion"] <= 1 and 0 <= first["insertion"] <= 1 and 0 <= first["sparsity"] < 1
    with pytest.raises(SettingsError, match="2 images and 1 regions"):
        explain(model, photos(), "gradcam", preprocessing="tf", regions=[everywhere])
    with pytest.raises(ImageError, match="give it in the picture's own pixels"):
        explain(model, photos(), "gradcam", preprocessing="tf", regions=[None, everywhere[1:]])


def test_the_model_stays_as_it_is(model: Any) -> None:
    before = [weight.copy() for weight in model.get_weights()]
    config = model.to_json()
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        explain(model, photos(), "gradcam", preprocessing="tf")
    assert model.to_json() == config
    assert all(np.array_equal(a, b) for a, b in zip(before, model.get_weights(), strict=True))


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"images": []}, "no image"),
        ({"images": photos() / 255}, "uint8"),
        ({"images": np.zeros((2, 8, 8, 4), np.uint8)}, "shape"),
        ({"images": "/nowhere/owl.png"}, "cannot be read"),
        ({"targets": "horse"}, "no class of the network"),
        ({"targets": [1]}, "2 images and 1 targets"),
        ({"targets": 7}, "Class 7 does not exist"),
        ({"class_names": ["one"]}, "1 names"),
        ({"layer": "nowhere"}, "nowhere"),
        ({"model": "demo-cnn", "layer": "x"}, "behind the name"),
        ({"model": "a model"}, "demo-cnn|known|mean"),
        ({"methods": []}, "at least one"),
        ({"methods": "gradkam"}, "gradcam"),
        ({"preprocessing": "log"}, "preprocessing"),
    ],
)
def test_what_does_not_fit_is_refused_in_one_line(model: Any, change: dict[str, Any], told: str) -> None:
    given: dict[str, Any] = {
        "model": model,
        "images": photos(),
        "methods": "gradcam",
        "class_names": NAMES,
    } | change
    with pytest.raises((SaliencyError, ValueError), match=told) as caught:
        explain(given.pop("model"), given.pop("images"), given.pop("methods"), **given)
    assert "\n" not in str(caught.value)


def test_its_types_are_part_of_the_package() -> None:
    assert (Path(python_api.__file__).parent / "py.typed").is_file()
    wheel = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["hatch"]["build"]["targets"][
        "wheel"
    ]
    assert "saliency_worker" in wheel["packages"]  # every file of it
