import hashlib
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from saliency_worker.catalog import FULL_SET
from saliency_worker.saliency.classifiers import Classifier
from saliency_worker.saliency.explain import Explainer
from saliency_worker.saliency.provenance import Run, array_sha256, canonical_hash, provenance
from saliency_worker.saliency.settings import Settings

SETTINGS = Settings(FULL_SET, edges="sobel")


@pytest.fixture
def run(small: Classifier) -> Run:
    return Run(small.spec, "ab" * 32, "", SETTINGS, 13, 9, "cpu")


def hash_of(run: Run, key: str = "smoothgradcampp.add-edges", **changes: object) -> str:
    inputs = {"image_sha256": "cd" * 32, "noise_seed": 5, "class_index": 1, "key": key, **changes}
    return str(canonical_hash(run.inputs(**inputs)))


def test_hashes_of_arrays_are_of_their_little_endian_bytes() -> None:
    array = np.arange(6, dtype=np.float32).reshape(2, 3)
    expected = hashlib.sha256(b"".join(np.float32(n).tobytes() for n in range(6))).hexdigest()
    assert array_sha256(array) == expected
    assert array_sha256(np.asfortranarray(array)) == expected
    assert array_sha256(array.astype(">f4")) == expected


@pytest.mark.parametrize(
    "change", [{"image_sha256": "ef" * 32}, {"noise_seed": 6}, {"class_index": 2}, {"key": "smoothgradcampp"}]
)
def test_every_input_of_the_map_is_in_the_hash(run: Run, change: dict[str, object]) -> None:
    assert hash_of(run) == hash_of(run)
    assert hash_of(run) != hash_of(run, **change)


@pytest.mark.parametrize(
    "setting",
    [{"samples": 26}, {"noise": 0.2}, {"k": 0.3}, {"percentile": 30}, {"keep": "rank"}, {"metrics": False}],
)
def test_every_setting_of_the_map_is_in_the_hash(run: Run, setting: dict[str, float]) -> None:
    assert hash_of(replace(run, settings=replace(SETTINGS, **setting))) != hash_of(run)


@pytest.mark.parametrize("field", ["weights_sha256", "edge_weights_sha256", "rows", "masks", "device"])
def test_everything_else_of_the_run_is_in_the_hash(run: Run, field: str) -> None:
    value = 4 if field in ("rows", "masks") else "other"
    assert hash_of(replace(run, **{field: value})) != hash_of(run)
    assert hash_of(replace(run, spec=replace(run.spec, layer="first_relu"))) != hash_of(run)


def test_what_a_method_does_not_use_does_not_change_its_hash(run: Run) -> None:
    other = replace(run, settings=replace(SETTINGS, samples=30, k=0.5, colour_map="turbo"))
    assert hash_of(run, "gradcam") == hash_of(other, "gradcam")
    assert hash_of(run, "gradcam.comp-edges") == hash_of(other, "gradcam.comp-edges")
    assert hash_of(run, "gradcam.add-edges") != hash_of(other, "gradcam.add-edges")


def test_the_record_hangs_the_picture_below_the_map(run: Run) -> None:
    inputs = run.inputs("cd" * 32, 5, 1, "gradcam")
    records = [provenance(inputs, colour_map, "a" * 64, colour_map) for colour_map in ("jet", "turbo")]
    assert records[0]["parameters_hash"] == records[1]["parameters_hash"] == canonical_hash(inputs)
    assert records[0]["png_sha256"] != records[1]["png_sha256"]


@pytest.mark.tensorflow
def test_the_record_of_a_map_names_all_that_the_design_asks_for(
    small: Classifier, pictures: Callable[[int], list[tuple[str, np.ndarray]]]
) -> None:
    (explanation,) = Explainer(small, replace(SETTINGS, samples=3)).explain(pictures(1))
    result = explanation.maps["smoothgradcampp.add-blend21"]
    record = result.provenance
    assert record["image_sha256"] == pictures(1)[0][0]
    assert (record["classifier"], record["layer"], record["method"]) == ("small", "last", result.key)
    assert record["parameters"] == {
        "samples": 3,
        "noise": 0.15,
        "k": 0.25,
        "percentile": 20.0,
        "keep": "percentile",
    }
    assert (record["edge_model"], record["edge_weights_sha256"]) == ("sobel", None)
    assert record["noise_seed"] > 0
    assert record["batch"] == {"rows": 4, "masks": 9}
    assert set(record["versions"]) == {"engine", "tensorflow", "keras", "numpy", "opencv"}
    assert "unknown" not in record["versions"].values()
    assert record["array_sha256"] == array_sha256(result.scalar)
    assert record["png_sha256"] == hashlib.sha256(result.png).hexdigest()
