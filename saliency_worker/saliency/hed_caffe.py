"""The authors' weights of HED, read from their Caffe model into the network of ``hed.py``.

The file ``hed_pretrained_bsds.caffemodel`` (56 MB) is not shipped: it is downloaded by hand from the authors' page of
HED and named by its path. OpenCV 4 reads Caffe models; only the weights are taken from it, the network is ours.
"""

from __future__ import annotations

from pathlib import Path

import cv2
import keras
import numpy as np

from saliency_worker.saliency.bundled import sha256
from saliency_worker.saliency.errors import WeightsError
from saliency_worker.saliency.hed import ORIGINAL, HedConfig, build_hed

# Of the authors' file, 58,876,104 bytes, as several projects that verify their download publish it.
AUTHORS_SHA256 = "4b6937684bce9be1ef5163c78ec812dff9a23653bfbb451925210a64ecfaaac7"


def load_caffe_hed(
    file: Path, *, checksum: str = AUTHORS_SHA256, config: HedConfig = ORIGINAL
) -> keras.Model:
    """The network with the weights of a Caffe model whose SHA-256 is ``checksum``.

    Kernels are turned from (out, in, y, x) to (y, x, in, out); conv1_1 from BGR to RGB.
    Raises ``WeightsError`` where the file is missing, is another file, or lacks a layer of HED.
    """
    if not file.is_file():
        raise WeightsError(
            f"There is no file {file}: download hed_pretrained_bsds.caffemodel from HED's authors"
        )
    if sha256(file) != checksum:
        raise WeightsError(
            f"{file} is not the expected file (its SHA-256 is not {checksum}): download it again"
        )
    stored = _read(file, config)
    network = build_hed(config)
    for layer in network.layers:
        if not isinstance(layer, keras.layers.Conv2D):
            continue
        kernel, bias = stored[layer.name]
        if kernel.shape != tuple(layer.kernel.shape) or bias.shape != tuple(layer.bias.shape):
            raise WeightsError(
                f"Layer {layer.name} of {file} has a kernel {kernel.shape} instead of {tuple(layer.kernel.shape)}"
            )
        layer.set_weights([kernel, bias])
    return network


def _read(file: Path, config: HedConfig) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Kernel (y, x, in, out) and bias (out,) of each convolution of HED, by the authors' layer names."""
    names = _convolutions(config)
    try:
        description = np.frombuffer(_description(names).encode(), np.uint8)
        net = cv2.dnn.readNetFromCaffe(description, np.fromfile(file, np.uint8))
        blobs = {name: (net.getParam(name, 0), net.getParam(name, 1)) for name, _ in names}
    except cv2.error as error:
        raise WeightsError(
            f"{file} is no Caffe model with the layers of HED: download hed_pretrained_bsds.caffemodel again"
        ) from error
    stored = {
        name: (kernel.transpose(2, 3, 1, 0), bias.reshape(-1)) for name, (kernel, bias) in blobs.items()
    }
    kernel, bias = stored["conv1_1"]
    stored["conv1_1"] = kernel[:, :, ::-1], bias
    return stored


def _convolutions(config: HedConfig) -> list[tuple[str, tuple[int, int, int]]]:
    """(name, (channels in, channels out, size)) of the convolutions, by the authors' names."""
    found, channels = [], 3
    for stage, (width, repeats) in enumerate(zip(config.widths, config.convolutions, strict=True), start=1):
        for index in range(1, repeats + 1):
            found.append((f"conv{stage}_{index}", (channels, width, 3)))
            channels = width
        found.append((f"score-dsn{stage}", (width, 1, 1)))
    return [*found, ("new-score-weighting", (5, 1, 1))]


def _description(names: list[tuple[str, tuple[int, int, int]]]) -> str:
    """Caffe's text form of unconnected convolutions: enough for OpenCV to find their weights by name."""
    parts = ['name: "weights of HED"']
    for name, (channels, filters, size) in names:
        shape = f"shape {{ dim: 1 dim: {channels} dim: {size} dim: {size} }}"
        parts.append(
            f'layer {{ name: "in-{name}" type: "Input" top: "in-{name}" input_param {{ {shape} }} }}'
        )
        form = f"num_output: {filters} kernel_size: {size}"
        parts.append(
            f'layer {{ name: "{name}" type: "Convolution" bottom: "in-{name}" top: "{name}" '
            f"convolution_param {{ {form} }} }}"
        )
    return "\n".join(parts)
