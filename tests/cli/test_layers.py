"""`layers`: what can be named behind @, and every refusal of an own model as one line with exit 2."""

import json
from pathlib import Path

import cv2
import keras
import numpy as np
import pytest
from keras import layers, ops

from saliency_worker import __main__
from tests.saliency.zoo import ZOO, conv

pytestmark = pytest.mark.tensorflow


def saved(model: keras.Model, folder: Path) -> Path:
    model.save(folder / "net.keras")
    return folder / "net.keras"


def test_it_lists_maps_inside_nested_models_and_marks_the_default(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = saved(ZOO["transfer_by_sequential"]().model, tmp_path)
    assert __main__.main(["layers", str(path)]) == 0
    lines = capsys.readouterr().out.splitlines()
    last = next(line for line in lines if line.startswith("backbone/last "))
    assert "10x10x8" in last
    assert "explained by default" in last
    assert any(line.startswith("backbone/first_relu ") for line in lines)


def test_as_json_it_says_shape_and_use(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = saved(ZOO["residual"]().model, tmp_path)
    assert __main__.main(["layers", str(path), "--json"]) == 0
    rows = {row["name"]: row for row in json.loads(capsys.readouterr().out)}
    assert rows["out"]["default"]
    assert rows["out"]["shape"] == [20, 20, 6]
    assert not rows["b"]["usable"]  # the other way round the residual leads past it


def test_it_knows_the_catalogue_without_weights(capsys: pytest.CaptureFixture[str]) -> None:
    assert __main__.main(["layers", "demo-cnn"]) == 0
    assert "features_relu" in capsys.readouterr().out


def _transformer(folder: Path) -> Path:
    return saved(ZOO["transformer_by_its_tokens"]().model, folder)


def _plain(folder: Path, end: object = None, size: tuple[int | None, ...] = (20, 20, 3)) -> Path:
    image = keras.Input(size)
    scores = layers.Dense(3)(layers.GlobalAveragePooling2D()(conv()(image)))
    return saved(keras.Model(image, end(scores) if callable(end) else ops.softmax(scores)), folder)


REFUSALS = {
    "@lost": "the last feature maps are",
    "@last:tourch": "torch",
    "@last:zise=20": "size",
    "@last:size=big": "size=192x256",
    "@last:size=30x20": "leave the size out",
    "@last:fit=stretch": "squash",
    "@last:mean=a/b": "one number per channel",
    "@last:mean=0.1/0.2": "2 values",
    "@last:mean=120:std=60": "raw is 0..255",
    "@last:std=0": "above 0",
    "@last:tokens=4x4": "leave tokens out",
    "@last:output=colour": "no output",
    "@global_average_pooling2d": "not a feature map",
}


@pytest.mark.parametrize("options", REFUSALS)
def test_a_wrong_option_is_one_line(options: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    image = keras.Input((20, 20, 3))
    pooled = layers.GlobalAveragePooling2D(name="global_average_pooling2d")(conv()(image))
    path = saved(keras.Model(image, layers.Dense(3, "softmax")(pooled)), tmp_path)
    assert REFUSALS[options] in refused(f"{path}{options}", tmp_path, capsys)


def test_files_that_are_no_model_are_one_line_that_says_what_to_do(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model = ZOO["sequential"]().model
    model.save_weights(tmp_path / "some.weights.h5")
    (tmp_path / "torn.h5").write_bytes(b"\x89HDF\r\n\x1a\n" + bytes(50))
    (tmp_path / "empty").mkdir()
    for name, message in {
        "some.weights.h5": "weights without a network",
        "torn.h5": "no loadable Keras model",
        "gone.keras": "No model at",
        "empty": "SavedModel",
    }.items():
        assert message in refused(str(tmp_path / name), tmp_path, capsys)


def test_code_in_a_file_is_refused_and_a_class_of_ones_own_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    @keras.saving.register_keras_serializable("elsewhere")
    class Mystery(keras.layers.Layer):
        def call(self, x: object) -> object:
            return x

    path = _plain(tmp_path, lambda x: layers.Lambda(lambda y: y * 2)(x))
    assert "Lambda layer, which is code" in refused(str(path), tmp_path, capsys)
    path = _plain(tmp_path, Mystery())
    keras.saving.get_custom_objects().pop("elsewhere>Mystery")
    message = refused(str(path), tmp_path, capsys)
    assert "Mystery" in message
    assert "SALIENCY_MODEL_CODE" in message


def test_a_free_size_must_be_given_and_is_then_used(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = _plain(tmp_path, size=(None, None, 3))
    assert "say which, as in model.keras@:size=224x224" in refused(str(path), tmp_path, capsys)
    image = picture(tmp_path)
    command = [
        "explain",
        str(image),
        "--classifier",
        f"{path}@:size=24x40:fit=squash",
        "--methods",
        "gradcam",
        "--raw",
    ]
    assert __main__.main([*command, "--edges", "sobel", "--quiet", "--out", str(tmp_path / "maps")]) == 0
    assert np.load(tmp_path / "maps" / "net" / "a" / "gradcam.npy").shape == (24, 40)
    manifest = json.loads((tmp_path / "maps" / "net" / "manifest.json").read_text("utf-8"))
    assert manifest["settings"]["fit"] == "squash"
    provenance = manifest["images"]["a"]["maps"]["gradcam"]["provenance"]
    assert provenance["fit"] == "squash"
    assert provenance["input_size"] == [24, 40]


def test_tokens_are_asked_for_by_name(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = _transformer(tmp_path)
    assert "tokens=5x5" in refused(f"{path}@norm", tmp_path, capsys)
    assert "fewer than tokens=9x9" in refused(f"{path}@norm:tokens=9x9", tmp_path, capsys)


def picture(folder: Path, name: str = "a.png", seed: int = 0) -> Path:
    pixels = np.random.default_rng(seed).integers(0, 256, (40, 60, 3), dtype=np.uint8)
    (folder / name).write_bytes(cv2.imencode(".png", pixels)[1].tobytes())
    return folder / name


def refused(classifier: str, folder: Path, capsys: pytest.CaptureFixture[str]) -> str:
    image = picture(folder)
    capsys.readouterr()
    command = [
        "explain",
        str(image),
        "--classifier",
        classifier,
        "--methods",
        "gradcam",
        "--edges",
        "sobel",
        "--quiet",
    ]
    assert __main__.main([*command, "--out", str(folder / "out")]) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1, said
    assert len(said) < 420, said
    assert not (folder / "out").exists()
    return said
