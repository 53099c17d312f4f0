"""Networks of the catalogue with their weights: from a file given, a folder, Keras's own download, or the bundle."""

import json
import os
import re
import warnings
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import h5py
import keras
import numpy as np

from saliency_worker.declarations import ClassifierSpec
from saliency_worker.saliency.bundled import bundled, sha256
from saliency_worker.saliency.demo_cnn import build_demo_cnn
from saliency_worker.saliency.errors import WeightsError, first_line
from saliency_worker.saliency.network_input import STANDARD


class CatalogueNetwork(NamedTuple):
    """A network with its weights; spec: with its true input size, for MobileNet comes in several."""

    spec: ClassifierSpec
    model: keras.Model
    class_names: tuple[str, ...]
    weights_file: str
    weights_sha256: str


def loaded(spec: ClassifierSpec, weights: Path | None, weights_dir: Path | None) -> CatalogueNetwork:
    """The network of a row with weights from `weights`, `weights_dir` (default: SALIENCY_WEIGHTS_DIR) or Keras's download.

    Raises WeightsError.
    """
    if spec.builder == "demo-cnn":
        return _load_demo(spec, weights)
    if weights is None and weights_dir is None and os.environ.get("SALIENCY_WEIGHTS_DIR"):
        weights_dir = Path(os.environ["SALIENCY_WEIGHTS_DIR"])
    file = _find(spec, weights, weights_dir)
    if file is None:
        return _download(spec, weights_dir)
    return _load_file(spec, file)


def build(
    spec: ClassifierSpec, alpha: float = 1.0, weights: str | None = None, classes: int | None = None
) -> keras.Model:
    """The network of a catalogue row at its input size, without weights unless ``weights`` is given.

    classes: how many, the catalogue's own (1000) by default.
    """
    options: dict[str, Any] = {"weights": weights, "input_shape": (spec.input_size, spec.input_size, 3)}
    options |= {"alpha": alpha} if alpha != 1.0 else {}
    options |= {"classes": classes} if classes is not None else {}
    return getattr(keras.applications, spec.builder)(**options)


def _find(spec: ClassifierSpec, weights: Path | None, folder: Path | None) -> Path | None:
    if weights is not None:
        if not weights.is_file():
            raise WeightsError(f"No weights at {weights}: give the path of an existing file.")
        return weights
    if folder is None:
        return None
    matches = (file for pattern in spec.weights_files for file in sorted(folder.glob(pattern)))
    return next((file for file in matches if file.is_file()), None)


def _load_file(spec: ClassifierSpec, file: Path) -> CatalogueNetwork:
    alpha, size = _variant(spec, file)
    spec = replace(spec, input_size=size)
    if alpha != 1.0:
        spec = replace(spec, title=f"{spec.title} {alpha:g}")
    model = build(spec, alpha)
    try:
        _load_weights(model, spec, file)
    except WeightsError:
        model = _of_other_classes(spec, alpha, file)
        if model is None:
            raise
    if spec.builder.startswith("EfficientNet"):
        _restore_input_scaling(model)
    names = imagenet_names() if model.output_shape[-1] == len(imagenet_names()) else ()
    return CatalogueNetwork(spec, model, names, file.name, sha256(file))


def _of_other_classes(spec: ClassifierSpec, alpha: float, file: Path) -> keras.Model | None:
    """The network with as many classes as a file of weights has, trained anew for other ones; None where none fits."""
    for classes in _class_counts(file):
        model = build(spec, alpha, classes=classes)
        try:
            _load_weights(model, spec, file)
        except WeightsError:
            continue
        return model
    return None


def _class_counts(file: Path) -> list[int]:
    """How many classes weights may be of: widths of dense kernels, and lengths that one array alone has (a bias)."""
    shapes = list(_array_shapes(file))
    kernels = [shape[-1] for shape in shapes if len(shape) == 2]
    lengths = [shape[-1] for shape in shapes if len(shape) == 1]
    once = [length for length in lengths if lengths.count(length) == 1]
    found = dict.fromkeys(each for each in (*kernels[::-1], *once) if 2 <= each <= 100_000)
    return list(found)[:4]


# Of Keras's own file names, and of the first kernel's output channels where the name says nothing.
_ALPHA_TEXTS = {"1_0": 1.0, "7_5": 0.75, "5_0": 0.5, "2_5": 0.25}
_ALPHA_CHANNELS = {8: 0.25, 16: 0.5, 24: 0.75, 32: 1.0, 40: 1.3, 48: 1.4}


def _variant(spec: ClassifierSpec, file: Path) -> tuple[float, int]:
    """Width multiplier and input size of a MobileNet, by file name (``..._0.75_192...``) or by shape."""
    if not spec.builder.startswith("MobileNet"):
        return 1.0, spec.input_size
    numbers = re.search(r"_(\d\.\d+|\d_\d)_(\d{3})(?=\D|$)", file.name)
    if numbers:
        alpha = _ALPHA_TEXTS.get(numbers[1]) or float(numbers[1].replace("_", "."))
        return alpha, int(numbers[2])
    return _ALPHA_CHANNELS.get(_first_channels(file), 1.0), spec.input_size


def _first_channels(file: Path) -> int:
    """Output channels of the first convolution over RGB in a weights file, 0 where there is none."""
    return next((shape[3] for shape in _array_shapes(file) if len(shape) == 4 and shape[2] == 3), 0)


def _array_shapes(file: Path) -> Iterator[tuple[int, ...]]:
    """Shapes of the arrays in a file of weights, in its order; none of a file that is no HDF5."""
    found: list[tuple[int, ...]] = []

    def visit(_: str, node: object) -> None:
        if isinstance(node, h5py.Dataset):
            found.append(tuple(int(side) for side in node.shape))

    try:
        with h5py.File(file) as store:
            store.visititems(visit)
    except OSError:
        return
    yield from found


def _restore_input_scaling(model: keras.Model) -> None:
    """Keras adds a scaling by 1/sqrt(std) to EfficientNet only when it downloads the weights itself; it lies
    between the normalisation and the first convolution, so the kernel can take it in."""
    stem = model.get_layer("stem_conv")
    kernel = np.asarray(stem.kernel)
    stem.kernel.assign(kernel / np.sqrt(STANDARD)[None, None, :, None])


def _download(spec: ClassifierSpec, folder: Path | None) -> CatalogueNetwork:
    try:
        model = build(spec, weights="imagenet")
        file = _downloaded_file(spec)
    except Exception as error:  # Keras passes on whatever the network or the disk raises
        where = str(folder) if folder else "SALIENCY_WEIGHTS_DIR (not set)"
        raise WeightsError(
            f"No weights for {spec.name}: no explicit file was given (--weights), {where} holds none of "
            f"{', '.join(spec.weights_files)}, and Keras's own download failed ({first_line(error)}).",
            permanent=False,
        ) from error
    return CatalogueNetwork(spec, model, imagenet_names(), file.name, sha256(file))


def _downloaded_file(spec: ClassifierSpec) -> Path:
    folder = Path(os.environ.get("KERAS_HOME", Path.home() / ".keras")) / "models"
    file = _find(spec, None, folder)
    if file is None:
        raise FileNotFoundError(f"nothing in {folder}")
    return file


def _load_demo(spec: ClassifierSpec, weights: Path | None) -> CatalogueNetwork:
    names = tuple(json.loads(bundled("demo_cnn.json").read_text(encoding="utf-8")))
    file = weights or bundled("demo_cnn.weights.h5")
    model = build_demo_cnn(len(names), spec.input_size)
    _load_weights(model, spec, file)
    return CatalogueNetwork(spec, model, names, file.name, sha256(file))


def _load_weights(model: keras.Model, spec: ClassifierSpec, file: Path) -> None:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # one per layer that fails; the error says it once
            model.load_weights(file)
    except (ValueError, OSError, KeyError, TypeError) as error:
        raise WeightsError(
            f"{file.name} does not hold the weights of {spec.name}: give the file of this classifier."
        ) from error


def imagenet_names() -> tuple[str, ...]:
    """The 1000 class names of ILSVRC 2012 in the order of the networks' outputs."""
    text = (Path(__file__).parent / "imagenet_classes.txt").read_text(encoding="utf-8")
    return tuple(text.split())
