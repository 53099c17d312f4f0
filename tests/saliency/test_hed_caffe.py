"""Reading the authors' Caffe weights: a synthetic file of their layer names, written byte by byte here."""

import hashlib
import struct
from pathlib import Path

import numpy as np
import pytest

keras = pytest.importorskip("keras")

import cv2  # noqa: E402

from saliency_worker.saliency.errors import WeightsError  # noqa: E402
from saliency_worker.saliency.hed import HedConfig, build_hed  # noqa: E402
from saliency_worker.saliency.hed_caffe import load_caffe_hed  # noqa: E402

pytestmark = pytest.mark.tensorflow
SMALL = HedConfig(
    widths=(2, 3, 4, 5, 6), scale=255.0, offset=(-122.67891434, -116.66876762, -104.00698793), border=32
)
Layers = dict[str, tuple[np.ndarray, np.ndarray]]


def field(number: int, payload: bytes) -> bytes:
    """A length-delimited field of the protocol-buffer wire format."""
    return varint(number << 3 | 2) + varint(len(payload)) + payload


def varint(value: int) -> bytes:
    low, rest = value & 0x7F, value >> 7
    return bytes([low | 0x80]) + varint(rest) if rest else bytes([low])


def blob(array: np.ndarray) -> bytes:
    shape = field(1, b"".join(varint(n) for n in array.shape))
    return field(7, shape) + field(5, struct.pack(f"<{array.size}f", *array.ravel()))


def caffe_model(layers: Layers) -> bytes:
    """NetParameter {name 1, layer 100}; LayerParameter {name 1, type 2, blobs 7}."""
    model = field(1, b"HED")
    for name, arrays in layers.items():
        blobs = b"".join(field(7, blob(array)) for array in arrays)
        model += field(100, field(1, name.encode()) + field(2, b"Convolution") + blobs)
    return model


def random_layers(seed: int = 0) -> Layers:
    rng, channels, layers = np.random.default_rng(seed), 3, {}
    for stage, (width, repeats) in enumerate(zip(SMALL.widths, SMALL.convolutions, strict=True), start=1):
        for index in range(1, repeats + 1):
            kernel = rng.normal(0, (2 / 9 / channels) ** 0.5, (width, channels, 3, 3))
            layers[f"conv{stage}_{index}"] = kernel, rng.normal(size=width)
            channels = width
        layers[f"score-dsn{stage}"] = rng.normal(size=(1, width, 1, 1)) / 100, rng.normal(size=1)
    layers["new-score-weighting"] = rng.normal(size=(1, 5, 1, 1)), rng.normal(size=1)
    return {name: (k.astype(np.float32), b.astype(np.float32)) for name, (k, b) in layers.items()}


def write(folder: Path, layers: Layers) -> tuple[Path, str]:
    file = folder / "hed.caffemodel"
    file.write_bytes(caffe_model(layers))
    return file, hashlib.sha256(file.read_bytes()).hexdigest()


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
    file, checksum = write(tmp_path, layers)
    network = load_caffe_hed(file, checksum=checksum, config=SMALL)
    rgb = np.random.default_rng(1).random((32, 48, 3), np.float32)
    logits = np.asarray(network(rgb[None]))[0].transpose(2, 0, 1)
    expected = caffe_forward(layers, rgb)
    np.testing.assert_allclose(logits, expected, rtol=1e-3, atol=1e-3 * np.abs(expected).max())


def test_the_names_are_those_of_the_network() -> None:
    convolutions = {layer.name for layer in build_hed(SMALL).layers if isinstance(layer, keras.layers.Conv2D)}
    assert convolutions == set(random_layers())


def test_another_file_is_refused_by_its_checksum(tmp_path: Path) -> None:
    file, _ = write(tmp_path, random_layers())
    with pytest.raises(WeightsError, match="is not the expected file"):
        load_caffe_hed(file, config=SMALL)


def test_a_missing_file_is_one_clear_line(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match=r"There is no file .* download"):
        load_caffe_hed(tmp_path / "none.caffemodel")


def test_a_file_without_a_layer_is_refused(tmp_path: Path) -> None:
    layers = random_layers()
    del layers["conv4_2"]
    file, checksum = write(tmp_path, layers)
    with pytest.raises(WeightsError, match="no Caffe model with the layers"):
        load_caffe_hed(file, checksum=checksum, config=SMALL)


def test_kernels_of_other_widths_are_refused(tmp_path: Path) -> None:
    file, checksum = write(tmp_path, random_layers())
    with pytest.raises(WeightsError):
        load_caffe_hed(file, checksum=checksum, config=HedConfig(widths=(2, 3, 4, 5, 7)))


def test_a_file_that_is_no_caffe_model_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "junk.caffemodel"
    file.write_bytes(b"not a model at all")
    with pytest.raises(WeightsError, match="Caffe model"):
        load_caffe_hed(file, checksum=hashlib.sha256(file.read_bytes()).hexdigest(), config=SMALL)
