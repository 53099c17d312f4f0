"""The authors' weights of HED, read from their Caffe model into the network of ``hed.py``.

The file ``hed_pretrained_bsds.caffemodel`` (56 MB) is not shipped: whoever chooses the edge model ``hed-authors`` gives
its path, puts it into the folder of weights, or has it downloaded from the authors' page, checked by its SHA-256.
OpenCV 4 reads Caffe models; only the weights are taken from it, the network is ours.
"""

import os
from dataclasses import dataclass
from pathlib import Path

import cv2
import keras
import numpy as np

from saliency_worker.saliency.bundled import sha256
from saliency_worker.saliency.errors import WeightsError
from saliency_worker.saliency.hed import ORIGINAL, HedConfig, build_hed


@dataclass(frozen=True)
class Release:
    """A published Caffe model of HED: the name of its file, where it is, what it must be, the network it fits."""

    file: str
    url: str
    size: int
    sha256: str
    config: HedConfig


# Size and SHA-256 as several projects that verify their download publish them.
AUTHORS = Release(
    "hed_pretrained_bsds.caffemodel",
    "https://vcl.ucsd.edu/hed/hed_pretrained_bsds.caffemodel",
    58_876_104,
    "4b6937684bce9be1ef5163c78ec812dff9a23653bfbb451925210a64ecfaaac7",
    ORIGINAL,
)


def find_caffe_hed(release: Release, given: Path | None = None, folder: Path | None = None) -> Path:
    """The file of a release: ``given``, else in ``folder`` (default: SALIENCY_WEIGHTS_DIR), else downloaded.

    A download lands in Keras's own cache and is made once. Raises ``WeightsError``.
    """
    if given is not None:
        return given
    if folder is None and os.environ.get("SALIENCY_WEIGHTS_DIR"):
        folder = Path(os.environ["SALIENCY_WEIGHTS_DIR"])
    if folder is not None and (folder / release.file).is_file():
        return folder / release.file
    try:
        return Path(
            keras.utils.get_file(
                release.file,
                release.url,
                cache_dir=os.environ.get("KERAS_HOME"),
                cache_subdir="models",
                file_hash=release.sha256,
                hash_algorithm="sha256",
            )
        )
    except Exception as error:  # Keras passes on whatever the network or the disk raises
        where = str(folder) if folder else "SALIENCY_WEIGHTS_DIR (not set)"
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise WeightsError(
            f"No {release.file}: no explicit file was given (--edge-weights), {where} does not hold it, and its "
            f"download from {release.url} failed ({reason}).",
            permanent=False,
        ) from error


def load_caffe_hed(file: Path, release: Release = AUTHORS) -> keras.Model:
    """The network with the weights of a release's Caffe model.

    Kernels are turned from (out, in, y, x) to (y, x, in, out); conv1_1 from BGR to RGB.
    Raises ``WeightsError`` where the file is missing, is another file, or lacks a layer of HED.
    """
    _require(file, release)
    config = release.config
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


def _require(file: Path, release: Release) -> None:
    if not file.is_file():
        raise WeightsError(
            f"There is no file {file}: give the path of {release.file}, or leave it out to have it downloaded."
        )
    size = file.stat().st_size
    if size != release.size:
        raise WeightsError(
            f"{file} is not {release.file}: it has {size} bytes instead of {release.size}; download it again from "
            f"{release.url}"
        )
    if sha256(file) != release.sha256:
        raise WeightsError(
            f"{file} is not {release.file} (its SHA-256 is not {release.sha256}); download it again from "
            f"{release.url}"
        )


def _read(file: Path, config: HedConfig) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Kernel (y, x, in, out) and bias (out,) of each convolution of HED, by the authors' layer names."""
    names = _convolutions(config)
    try:
        description = np.frombuffer(_description(names).encode(), np.uint8)
        net = cv2.dnn.readNetFromCaffe(description, np.fromfile(file, np.uint8))
        blobs = {name: (net.getParam(name, 0), net.getParam(name, 1)) for name, _ in names}
    except cv2.error as error:
        raise WeightsError(f"{file} is no Caffe model with the layers of HED: download it again") from error
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
