"""The authors' Caffe weights, by a synthetic file of their layer names: found, checked, read."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

keras = pytest.importorskip("keras")

import cv2  # noqa: E402

from saliency_worker.saliency.errors import WeightsError  # noqa: E402
from saliency_worker.saliency.hed import ORIGINAL, HedConfig, build_hed  # noqa: E402
from saliency_worker.saliency.hed_caffe import AUTHORS, find_caffe_hed, load_caffe_hed  # noqa: E402
from tests.saliency.caffe_file import SMALL, Layers, random_layers, release_of, write  # noqa: E402

pytestmark = pytest.mark.tensorflow


def caffe_forward(layers: Layers, rgb: np.ndarray) -> np.ndarray:
    """The authors' network by OpenCV and NumPy: BGR, 0..255 less the mean, zeros around, logits (6, H, W)."""
    bgr = rgb[..., ::-1].astype(np.float32) * 255 - np.array(
        [104.00698793, 116.66876762, 122.67891434], np.float32
    )
    x = np.pad(bgr, ((32, 32), (32, 32), (0, 0))).transpose(2, 0, 1)
    sides = []
    for stage, repeats in enumerate(SMALL.convolutions, start=1):
        if stage > 1:
            c, h, w = x.shape
            x = x.reshape(c, h // 2, 2, w // 2, 2).max((2, 4))
        for index in range(1, repeats + 1):
            kernel, bias = layers[f"conv{stage}_{index}"]
            x = np.maximum(correlate(x, kernel) + bias[:, None, None], 0)
        kernel, bias = layers[f"score-dsn{stage}"]
        side = np.tensordot(kernel[0, :, 0, 0], x, 1) + bias[0]
        size = (rgb.shape[1] + 64, rgb.shape[0] + 64)
        sides.append(cv2.resize(side.astype(np.float32), size, interpolation=cv2.INTER_LINEAR))
    kernel, bias = layers["new-score-weighting"]
    fused = np.tensordot(kernel[0, :, 0, 0], np.stack(sides), 1) + bias[0]
    return np.stack([*sides, fused])[:, 32:-32, 32:-32]


def correlate(x: np.ndarray, kernel: np.ndarray) -> np.ndarray:
    planes = [
        sum(
            cv2.filter2D(plane, -1, k, borderType=cv2.BORDER_CONSTANT)
            for plane, k in zip(x, taps, strict=True)
        )
        for taps in kernel
    ]
    return np.stack(planes)


def test_the_network_computes_what_the_caffe_network_computes(tmp_path: Path) -> None:
    layers = random_layers()
    network = load_caffe_hed(*write(tmp_path, layers))
    rgb = np.random.default_rng(1).random((32, 48, 3), np.float32)
    logits = np.asarray(network(rgb[None]))[0].transpose(2, 0, 1)
    expected = caffe_forward(layers, rgb)
    np.testing.assert_allclose(logits, expected, rtol=1e-3, atol=1e-3 * np.abs(expected).max())


def test_the_names_are_those_of_the_network() -> None:
    convolutions = {layer.name for layer in build_hed(SMALL).layers if isinstance(layer, keras.layers.Conv2D)}
    assert convolutions == set(random_layers())


def test_a_file_of_another_length_is_refused(tmp_path: Path) -> None:
    file, release = write(tmp_path, random_layers())
    file.write_bytes(file.read_bytes()[:-100])
    with pytest.raises(WeightsError, match=r"has \d+ bytes instead of \d+; download it again from file:"):
        load_caffe_hed(file, release)


def test_another_file_is_refused_by_its_checksum(tmp_path: Path) -> None:
    file, release = write(tmp_path, random_layers())
    altered = bytearray(file.read_bytes())
    altered[-1] ^= 1
    file.write_bytes(altered)
    with pytest.raises(WeightsError, match="its SHA-256 is not"):
        load_caffe_hed(file, release)


def test_a_missing_file_is_one_clear_line(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match=r"There is no file .*: give the path of hed_pretrained_bsds"):
        load_caffe_hed(tmp_path / "none.caffemodel")


def test_a_file_without_a_layer_is_refused(tmp_path: Path) -> None:
    layers = random_layers()
    del layers["conv4_2"]
    with pytest.raises(WeightsError, match="no Caffe model with the layers"):
        load_caffe_hed(*write(tmp_path, layers))


def test_kernels_of_other_widths_are_refused(tmp_path: Path) -> None:
    file, release = write(tmp_path, random_layers())
    with pytest.raises(WeightsError):
        load_caffe_hed(file, replace(release, config=HedConfig(widths=(2, 3, 4, 5, 7))))


def test_a_file_that_is_no_caffe_model_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "junk.caffemodel"
    file.write_bytes(b"not a model at all")
    with pytest.raises(WeightsError, match="Caffe model"):
        load_caffe_hed(file, release_of(file))


def test_a_given_file_comes_before_the_folder_and_the_folder_before_the_download(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file, release = write(tmp_path, random_layers())
    (tmp_path / "keras").mkdir()
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    monkeypatch.setenv("SALIENCY_WEIGHTS_DIR", str(tmp_path))
    assert find_caffe_hed(release, tmp_path / "given") == tmp_path / "given"
    assert find_caffe_hed(release) == file
    (tmp_path / "empty").mkdir()
    downloaded = find_caffe_hed(release, folder=tmp_path / "empty")
    assert downloaded == tmp_path / "keras" / "models" / file.name
    assert downloaded.read_bytes() == file.read_bytes()


def test_a_download_that_fails_or_is_another_file_may_be_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "keras").mkdir()
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    monkeypatch.delenv("SALIENCY_WEIGHTS_DIR", raising=False)
    _, release = write(tmp_path, random_layers())
    for wrong in (
        replace(release, url=(tmp_path / "gone").as_uri()),
        replace(release, sha256="0" * 64),
    ):
        with pytest.raises(
            WeightsError, match=r"--edge-weights.*SALIENCY_WEIGHTS_DIR.*download.*failed"
        ) as found:
            find_caffe_hed(wrong)
        assert not found.value.permanent


def test_the_release_is_the_file_of_the_authors() -> None:
    assert AUTHORS.config == ORIGINAL
    assert AUTHORS.url.startswith("https://") and AUTHORS.url.endswith(AUTHORS.file)
