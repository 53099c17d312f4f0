"""Classifiers: from a name or a saved model to a network with its weights, geometry and class names."""

import json
import os
import re
import warnings
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import h5py
import keras
import numpy as np
import numpy.typing as npt

from saliency_worker import catalog
from saliency_worker.catalog import UnknownName
from saliency_worker.class_names import BadClassNames, read_class_file
from saliency_worker.declarations import ClassifierSpec
from saliency_worker.saliency.bundled import bundled, sha256
from saliency_worker.saliency.demo_cnn import build_demo_cnn
from saliency_worker.saliency.errors import ModelError, WeightsError
from saliency_worker.saliency.frozen import prepare_device

# Scale and offset per channel that take RGB in 0..1 to the network's input; "caffe" is BGR.
_STANDARD = np.array([0.229, 0.224, 0.225])
PREPROCESSING: dict[str, tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]] = {
    "tf": (np.full(3, 2.0), np.full(3, -1.0)),
    "raw": (np.full(3, 255.0), np.zeros(3)),
    "unit": (np.ones(3), np.zeros(3)),
    "torch": (1 / _STANDARD, -np.array([0.485, 0.456, 0.406]) / _STANDARD),
    "caffe": (np.full(3, 255.0), -np.array([103.939, 116.779, 123.68])),
}
_SAVED_MODEL = re.compile(
    r"(?P<path>.+\.(?:keras|h5))(?:@(?P<layer>[^@:]+)(?::(?P<mode>\w+))?)?", re.IGNORECASE
)


@dataclass(frozen=True)
class Classifier:
    """A network ready to be explained. ``spec`` holds its true input size (MobileNet comes in several)."""

    spec: ClassifierSpec
    model: keras.Model
    class_names: tuple[str, ...]
    weights_file: str
    weights_sha256: str

    def class_name(self, index: int) -> str:
        return class_name(self.class_names, index)


def class_name(names: tuple[str, ...], index: int) -> str:
    """The name of a class, or "class 7" where the network came without names."""
    return names[index] if index < len(names) else f"class {index}"


def preprocess(images: npt.NDArray[np.uint8], mode: str) -> npt.NDArray[np.float32]:
    """uint8 RGB (..., 3) to the input of a network of that mode, float32 of the same shape."""
    scale, offset = PREPROCESSING[mode]
    ordered = images[..., ::-1] if mode == "caffe" else images
    return np.asarray(ordered * (scale / 255).astype(np.float32) + offset.astype(np.float32), np.float32)


def load(name: str, weights: Path | None = None, weights_dir: Path | None = None) -> Classifier:
    """A classifier of the catalogue, or of a saved model written ``model.keras@layer[:preprocessing]``.

    Weights are looked for at ``weights``, in ``weights_dir`` (default: SALIENCY_WEIGHTS_DIR), then in Keras's
    own download. Raises UnknownName, WeightsError, ModelError.
    """
    prepare_device()  # before the first array lands on a GPU
    saved = _SAVED_MODEL.fullmatch(name)
    if saved:
        return _load_saved(Path(saved["path"]), saved["layer"], saved["mode"] or "raw")
    spec = catalog.classifier(name)
    if spec.builder == "demo-cnn":
        return _load_demo(spec, weights)
    if weights is None and weights_dir is None and os.environ.get("SALIENCY_WEIGHTS_DIR"):
        weights_dir = Path(os.environ["SALIENCY_WEIGHTS_DIR"])
    file = _find(spec, weights, weights_dir)
    if file is None:
        return _download(spec, weights_dir)
    return _load_file(spec, file)


def random_classifier(name: str, seed: int = 0) -> Classifier:
    """A classifier of the catalogue with seeded random weights, for tests and benchmarks."""
    prepare_device()
    spec = catalog.classifier(name)
    keras.utils.set_random_seed(seed)
    return Classifier(spec, build(spec), imagenet_names(), "random", f"random-{seed}")


def build(spec: ClassifierSpec, alpha: float = 1.0, weights: str | None = None) -> keras.Model:
    """The network of a catalogue row at its input size, without weights unless ``weights`` is given."""
    options: dict[str, Any] = {"weights": weights, "input_shape": (spec.input_size, spec.input_size, 3)}
    if alpha != 1.0:
        options["alpha"] = alpha
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


def _load_file(spec: ClassifierSpec, file: Path) -> Classifier:
    alpha, size = _variant(spec, file)
    spec = replace(spec, input_size=size)
    if alpha != 1.0:
        spec = replace(spec, title=f"{spec.title} {alpha:g}")
    model = build(spec, alpha)
    _load_weights(model, spec, file)
    if spec.builder.startswith("EfficientNet"):
        _restore_input_scaling(model)
    return Classifier(spec, model, imagenet_names(), file.name, sha256(file))


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
    found: list[int] = []

    def visit(_: str, node: object) -> None:
        if isinstance(node, h5py.Dataset) and len(node.shape) == 4 and node.shape[2] == 3:
            found.append(int(node.shape[3]))

    try:
        with h5py.File(file) as store:
            store.visititems(visit)
    except OSError:
        return 0
    return found[0] if found else 0


def _restore_input_scaling(model: keras.Model) -> None:
    """Keras adds a scaling by 1/sqrt(std) to EfficientNet only when it downloads the weights itself; it lies
    between the normalisation and the first convolution, so the kernel can take it in."""
    stem = model.get_layer("stem_conv")
    kernel = np.asarray(stem.kernel)
    stem.kernel.assign(kernel / np.sqrt(_STANDARD)[None, None, :, None])


def _download(spec: ClassifierSpec, folder: Path | None) -> Classifier:
    try:
        model = build(spec, weights="imagenet")
        file = _downloaded_file(spec)
    except Exception as error:  # Keras passes on whatever the network or the disk raises
        where = str(folder) if folder else "SALIENCY_WEIGHTS_DIR (not set)"
        raise WeightsError(
            f"No weights for {spec.name}: no explicit file was given (--weights), {where} holds none of "
            f"{', '.join(spec.weights_files)}, and Keras's own download failed ({_first_line(error)}).",
            permanent=False,
        ) from error
    return Classifier(spec, model, imagenet_names(), file.name, sha256(file))


def _downloaded_file(spec: ClassifierSpec) -> Path:
    folder = Path(os.environ.get("KERAS_HOME", Path.home() / ".keras")) / "models"
    file = _find(spec, None, folder)
    if file is None:
        raise FileNotFoundError(f"nothing in {folder}")
    return file


def _load_demo(spec: ClassifierSpec, weights: Path | None) -> Classifier:
    names = tuple(json.loads(bundled("demo_cnn.json").read_text(encoding="utf-8")))
    file = weights or bundled("demo_cnn.weights.h5")
    model = build_demo_cnn(len(names), spec.input_size)
    _load_weights(model, spec, file)
    return Classifier(spec, model, names, file.name, sha256(file))


def _load_weights(model: keras.Model, spec: ClassifierSpec, file: Path) -> None:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # one per layer that fails; the error says it once
            model.load_weights(file)
    except (ValueError, OSError, KeyError, TypeError) as error:
        raise WeightsError(
            f"{file.name} does not hold the weights of {spec.name}: give the file of this classifier."
        ) from error


def _load_saved(path: Path, layer: str | None, mode: str) -> Classifier:
    if not path.is_file():
        raise ModelError(f"No model at {path}: give the path of a saved Keras model.")
    if mode not in PREPROCESSING:
        raise UnknownName("preprocessing", mode, PREPROCESSING)
    try:
        model = keras.saving.load_model(path, compile=False)
    except Exception as error:  # any class of a foreign file may fail to be rebuilt
        raise ModelError(f"{path.name} is no loadable Keras model: {_first_line(error)}") from error
    size = _square_input(model, path.name)
    model = _functional(model)
    chosen = layer or last_convolution(model)
    names = _sidecar_names(path)
    spec = ClassifierSpec(path.stem, path.stem, str(path), size, mode, chosen, "", "", ())
    return Classifier(spec, model, names, path.name, sha256(path))


def _functional(model: keras.Model) -> keras.Model:
    """A sequential model as a graph: Keras connects its layers anew at each loading step, so that the first
    connection, which ``layer.output`` names, is not the one of the others."""
    if not isinstance(model, keras.Sequential):
        return model
    image = scores = keras.Input(model.inputs[0].shape[1:])
    for layer in model.layers:
        scores = layer.__class__.from_config(layer.get_config())(scores)
    chained = keras.Model(image, scores, name=model.name)
    chained.set_weights(model.get_weights())
    return chained


def _square_input(model: keras.Model, name: str) -> int:
    shapes = [tuple(tensor.shape) for tensor in model.inputs]
    if len(shapes) != 1:
        raise ModelError(
            f"{name} has {len(shapes)} inputs: only networks with one image input can be explained."
        )
    shape = shapes[0]
    if len(shape) != 4 or shape[3] != 3 or shape[1] is None or shape[1] != shape[2]:
        raise ModelError(
            f"{name} takes input of shape {shape[1:]}: it must be (side, side, 3) with a fixed side."
        )
    return int(shape[1])


def last_convolution(model: keras.Model) -> str:
    """Name of the last layer whose output is a feature map (h, w, K). Raises ModelError if there is none."""
    convolved = False
    for layer in model.layers:
        convolved = convolved or is_convolution(layer)
    if not convolved:
        raise ModelError(f"{model.name} has no convolution: CAMs need one; choose another model.")
    maps = [
        layer.name for layer in model.layers if _is_feature_map(layer) and not isinstance(layer, _POOLING)
    ]
    return str(maps[-1])


_POOLING = (
    keras.layers.GlobalAveragePooling2D,
    keras.layers.GlobalMaxPooling2D,
    keras.layers.MaxPooling2D,
    keras.layers.AveragePooling2D,
    keras.layers.Dropout,
    keras.layers.SpatialDropout2D,
    keras.layers.InputLayer,
)


def is_convolution(layer: keras.Layer) -> bool:
    """Whether the layer convolves, or is a network that does."""
    kinds = (keras.layers.Conv2D, keras.layers.DepthwiseConv2D, keras.layers.SeparableConv2D)
    if isinstance(layer, keras.Model):
        return any(is_convolution(inner) for inner in layer.layers)
    return isinstance(layer, kinds)


def _is_feature_map(layer: keras.Layer) -> bool:
    shape = tuple(getattr(getattr(layer, "output", None), "shape", ()))
    return len(shape) == 4 and (shape[1] or 0) > 1


def _sidecar_names(path: Path) -> tuple[str, ...]:
    """Those in the file of the model's name that ends in .json. Raises ModelError where it holds anything else."""
    file = path.with_suffix(".json")
    try:
        return read_class_file(file) if file.is_file() else ()
    except BadClassNames as error:
        raise ModelError(
            f"The file beside the model holds no class names: {error}; or rename the file."
        ) from error


def imagenet_names() -> tuple[str, ...]:
    """The 1000 class names of ILSVRC 2012 in the order of the networks' outputs."""
    text = (Path(__file__).parent / "imagenet_classes.txt").read_text(encoding="utf-8")
    return tuple(text.split())


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
