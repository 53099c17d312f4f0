"""The command line with the real engine, on a small network saved as a Keras model."""

import json
import os
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from saliency_worker import __main__, catalog

pytestmark = pytest.mark.tensorflow


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    import keras

    keras.utils.set_random_seed(0)
    network = keras.Sequential(
        [
            keras.layers.Input((32, 32, 3)),
            keras.layers.Conv2D(8, 3, strides=2, activation="relu", name="first"),
            keras.layers.Conv2D(6, 3, strides=2, activation="relu", name="last"),
            keras.layers.GlobalAveragePooling2D(),
            keras.layers.Dense(5, activation="softmax"),
        ]
    )
    path = tmp_path_factory.mktemp("model") / "tiny.keras"
    network.save(path)
    return path


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("images")
    for number in range(3):
        noise = np.random.default_rng(number).normal(size=(48, 60, 3))
        smooth = cv2.normalize(cv2.GaussianBlur(noise, (0, 0), 4), None, 0, 255, cv2.NORM_MINMAX)
        cv2.imwrite(str(folder / f"image{number}.png"), smooth.astype(np.uint8))
    return folder


def explain(model: Path, out: Path, *arguments: object) -> int:
    fixed = ["--classifier", f"{model}@last:unit", "--edges", "sobel", "--out", str(out), "--quiet"]
    return __main__.main(["explain", *map(str, arguments), *fixed])


def tree(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def test_everything_is_written_with_the_documented_shapes(model: Path, images: Path, tmp_path: Path) -> None:
    assert explain(model, tmp_path, images, "--methods", "everything", "--raw", "--sheet") == 0
    folder = tmp_path / "tiny" / "image0"
    for key in catalog.EVERYTHING:
        array = np.load(folder / f"{key}.npy")
        assert (array.shape, array.dtype) == ((32, 32), np.float32), key
        assert 0 <= array.min() <= array.max() <= 1, key
    for base in (key for key in catalog.EVERYTHING if key in catalog.BASES):
        assert np.load(folder / f"{base}.raw.npy").shape == (7, 7)
    content = json.loads((tmp_path / "tiny" / "manifest.json").read_text("utf-8"))
    found = content["images"]["image0"]["maps"]["smoothgradcampp.add-blend21"]
    assert found["provenance"]["noise_seed"] > 0
    assert found["provenance"]["edge_model"] == "sobel"
    assert set(found["metrics"]) >= {"right", "confidence", "kept_share", "drop"}


def test_maps_do_not_depend_on_neighbours_or_on_interruption(
    model: Path, images: Path, tmp_path: Path
) -> None:
    assert explain(model, tmp_path / "once", images) == 0
    assert explain(model, tmp_path / "twice", images / "image2.png") == 0
    assert explain(model, tmp_path / "twice", images) == 0
    assert tree(tmp_path / "once") == tree(tmp_path / "twice")


def test_the_seed_changes_the_smooth_maps_only(model: Path, images: Path, tmp_path: Path) -> None:
    image = images / "image0.png"
    methods = ("--methods", "gradcampp,smoothgradcampp")
    assert explain(model, tmp_path / "none", image, *methods) == 0
    assert explain(model, tmp_path / "seven", image, *methods, "--seed", "7") == 0
    first, second = (tree(tmp_path / name / "tiny" / "image0") for name in ("none", "seven"))
    assert [name for name in first if first[name] != second[name]] == [
        "smoothgradcampp.npy",
        "smoothgradcampp.png",
    ]


def test_recomputing_gives_identical_maps(
    model: Path, images: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert explain(model, tmp_path, images, "--methods", "all") == 0
    assert __main__.main(["verify", str(tmp_path), "--recompute"]) == 0
    assert "54 maps identical when recomputed" in capsys.readouterr().out


def test_every_perturbation_and_activation_method_is_written_and_recomputed_alike(
    model: Path, images: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    families = ("perturbation", "activation")
    keys = [key for key, spec in catalog.METHODS.items() if spec.family in families and not spec.control]
    few = [
        "--rise-masks",
        "20",
        "--lime-samples",
        "20",
        "--lime-segments",
        "9",
        "--discrepancy-stride",
        "0.04",
    ]
    few += ["--multiscale-finest", "9", "--multiscale-scales", "2"]
    image = images / "image0.png"
    assert explain(model, tmp_path, image, "--methods", ",".join([*keys, "rise.add-blend21"]), *few) == 0
    written = json.loads((tmp_path / "tiny" / "manifest.json").read_text("utf-8"))["images"]["image0"]["maps"]
    assert set(written) == {*keys, "rise.add-blend21"} and len(keys) == 11
    assert __main__.main(["verify", str(tmp_path), "--recompute"]) == 0
    assert "12 maps identical when recomputed" in capsys.readouterr().out


def test_further_measures_stand_in_the_tables_where_they_are_asked_for(
    model: Path, images: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    boxes = tmp_path / "boxes.csv"
    boxes.write_text("file,left,top,right,bottom\nimage0,0,0,60,48\nimage1,0,0,60,48\n", "utf-8")
    asked = ["--measures", "sanity,curves", "--steps", "4", "--sanity-networks", "2", "--regions", str(boxes)]
    fixed = [
        "--classifier",
        f"{model}@last:unit",
        "--edges",
        "sobel",
        "--out",
        str(tmp_path / "out"),
        "--quiet",
    ]
    methods = ["--methods", "gradcam,gradcam.add-edges,eigencam"]
    assert __main__.main(["evaluate", str(images), *methods, *asked, *fixed]) == 0
    printed = capsys.readouterr().out
    for title in ("Sparsity", "Deletion", "Insertion", "Sanity check", "Pointing game"):
        assert title in printed
    summaries = json.loads((tmp_path / "out" / "tables.json").read_text("utf-8"))["summaries"]
    assert {s["key"] for s in summaries} == {"original", "gradcam", "gradcam.add-edges", "eigencam"}
    for summary in summaries[1:]:
        assert summary["pointing_percent"] == 100  # the boxes are the whole pictures; the third has none
        assert 0 < summary["deletion"] < 1 and -1 <= summary["sanity"] <= 1
    assert explain(model, tmp_path / "maps", images, *methods, *asked) == 0
    maps = json.loads((tmp_path / "maps" / "tiny" / "manifest.json").read_text("utf-8"))["images"]
    assert maps["image0"]["maps"]["gradcam"]["metrics"]["pointing"] == 1
    assert "pointing" not in maps["image2"]["maps"]["gradcam"]["metrics"]
    first, last = maps["image1"]["maps"]["gradcam"]["metrics"]["sanity_layers"]
    assert (
        first[0].startswith("dense")
        and last[0] == "first"
        and maps["image0"]["region"] == maps["image1"]["region"]
    )
    assert __main__.main(["verify", str(tmp_path / "maps"), "--recompute", "--quiet"]) == 0


def test_evaluate_measures_what_explain_records(model: Path, images: Path, tmp_path: Path) -> None:
    assert explain(model, tmp_path, images, "--methods", "all") == 0
    name = f"{model}@last:unit"
    fixed = ["--classifier", name, "--edges", "sobel", "--out", str(tmp_path), "--quiet"]
    assert __main__.main(["evaluate", str(images), *fixed]) == 0
    maps = json.loads((tmp_path / "tiny" / "manifest.json").read_text("utf-8"))["images"]
    summaries = json.loads((tmp_path / "tables.json").read_text("utf-8"))["summaries"]
    for summary in summaries[1:]:
        recorded = [record["maps"][summary["key"]]["metrics"] for record in maps.values()]
        assert summary["right_percent"] == pytest.approx(100 * np.mean([m["right"] for m in recorded]))
        assert summary["average_confidence"] == pytest.approx(np.mean([m["confidence"] for m in recorded]))


def test_with_tensorflow_loaded_an_error_is_still_one_line(images: Path, tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.weights.h5"
    wrong.write_bytes(b"no weights")
    command = [sys.executable, "-m", "saliency_worker", "explain", str(images), "--classifier", "MobileNet"]
    done = subprocess.run(
        [*command, "--weights", str(wrong), "--edges", "sobel", "--out", str(tmp_path / "out")],
        capture_output=True,
        text=True,
        env={name: value for name, value in os.environ.items() if name != "TF_CPP_MIN_LOG_LEVEL"},
    )
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1, done.stderr
    assert "wrong.weights.h5" in done.stderr
    assert not (tmp_path / "out").exists()


def test_maps_of_the_other_families_are_the_same_when_recomputed(
    model: Path, images: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    methods = "gradient,ig.add-blend21,smoothgrad,lrp,deeplift,excitationbp,guidedgradcam.comp-edges"
    options = ["--methods", methods, "--ig-steps", 6, "--samples", 3, "--raw", "--signed", "positive"]
    assert explain(model, tmp_path, images / "image0.png", *options) == 0
    content = json.loads((tmp_path / "tiny" / "manifest.json").read_text("utf-8"))
    assert (content["settings"]["signed"], content["settings"]["ig_steps"]) == ("positive", 6)
    assert np.load(tmp_path / "tiny" / "image0" / "lrp.raw.npy").shape == (32, 32)
    assert __main__.main(["verify", str(tmp_path), "--recompute"]) == 0
    assert "7 maps identical when recomputed" in capsys.readouterr().out


def test_an_operation_without_a_rule_ends_the_command_with_one_line(
    images: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    import keras

    image = keras.Input((16, 16, 3))
    x = keras.layers.Conv2D(4, 3, activation="silu", name="last")(image)
    network = keras.Model(image, keras.layers.Dense(3)(keras.layers.GlobalAveragePooling2D()(x)))
    network.save(tmp_path / "soft.keras")
    fixed = ["--classifier", f"{tmp_path}/soft.keras@last:unit", "--out", str(tmp_path / "out"), "--quiet"]
    assert __main__.main(["explain", str(images), "--methods", "guidedbp", *fixed]) == 2
    said = capsys.readouterr().err.strip().splitlines()
    assert len(said) == 1 and 'guidedbp has no rule for "last/silu" (silu)' in said[0]
    with pytest.raises(SystemExit, match="2"):
        __main__.main(["explain", str(images), "--methods", "ig", "--ig-steps", "0", *fixed])
    assert "from 1 to 10000" in capsys.readouterr().err
