"""A synthetic Caffe model of HED's layer names, written byte by byte in the wire format of protocol buffers."""

import hashlib
import struct
from pathlib import Path

import numpy as np

from saliency_worker.saliency.hed import HedConfig
from saliency_worker.saliency.hed_caffe import Release

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


def write(folder: Path, layers: Layers, config: HedConfig = SMALL) -> tuple[Path, Release]:
    """The file, and the release that it is."""
    file = folder / "hed_pretrained_bsds.caffemodel"
    file.write_bytes(caffe_model(layers))
    return file, release_of(file, config)


def release_of(file: Path, config: HedConfig = SMALL) -> Release:
    data = file.read_bytes()
    return Release(file.name, file.as_uri(), len(data), hashlib.sha256(data).hexdigest(), config)
