"""Edge maps at the resolution of the image: HED, or Sobel where provenance says so."""

from pathlib import Path
from typing import Protocol

import cv2
import keras
import numpy as np
import numpy.typing as npt
import tensorflow as tf

from saliency_worker.catalog import EDGE_MODELS, UnknownName
from saliency_worker.saliency import hed_caffe
from saliency_worker.saliency.bundled import bundled, sha256
from saliency_worker.saliency.errors import SettingsError
from saliency_worker.saliency.frozen import Graph, freeze
from saliency_worker.saliency.hed import edge_tensor, load_hed


class EdgeDetector(Protocol):
    """Edge maps of a batch; ``name`` and ``weights_sha256`` ("" without weights) are provenance."""

    name: str
    weights_sha256: str

    def __call__(self, images: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
        """RGB (N, H, W, 3) to edge maps float32 (N, H, W) in 0..1."""


def sobel(rgb: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
    """Magnitude of the 3x3 Sobel gradient of the 8-bit luma over its maximum; a flat image has no edges.

    uint8 (H, W, 3) to float32 (H, W) in 0..1.
    """
    grey = cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY).astype(np.float32)
    across, down = cv2.Sobel(grey, cv2.CV_32F, 1, 0), cv2.Sobel(grey, cv2.CV_32F, 0, 1)
    # Not cv2.magnitude: its last bit depends on where the array lies in memory.
    magnitude = np.sqrt(across * across + down * down)
    return np.asarray(magnitude / max(float(magnitude.max()), 1.0), dtype=np.float32)


class Sobel:
    """The Sobel detector; it has no weights."""

    name = "sobel"
    weights_sha256 = ""

    def __call__(self, images: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
        return np.stack([sobel(image) for image in images])


class Hed:
    """An HED network as one frozen graph per size of picture."""

    def __init__(self, name: str, network: keras.Model, weights: Path) -> None:
        self.name = name
        self.weights_sha256 = sha256(weights)
        self._network = network
        self._graphs: dict[tuple[int, ...], Graph] = {}

    def __call__(self, images: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
        if images.shape not in self._graphs:
            self._graphs[images.shape] = freeze(self._graph, tf.TensorSpec(images.shape, tf.uint8))
        return np.asarray(self._graphs[images.shape](tf.constant(images))["edges"])

    def _graph(self, images: tf.Tensor) -> dict[str, tf.Tensor]:
        return {"edges": edge_tensor(self._network, tf.cast(images, tf.float32) / 255)}


def edge_detector(name: str, weights: Path | None = None) -> EdgeDetector:
    """The detector of a name of the catalogue: ``hed`` (compact), ``hed-authors`` (full width), ``sobel``.

    weights: a file to take instead of the bundled one (``hed``: of ``save_hed``, compact form), instead of looking
    for one (``hed-authors``: the Caffe model). Raises UnknownName, WeightsError, SettingsError.
    """
    if name == "hed":
        file = weights or bundled("hed_compact.weights.h5")
        return Hed(name, load_hed(file), file)
    if name == "hed-authors":
        release = hed_caffe.AUTHORS
        file = hed_caffe.find_caffe_hed(release, weights)
        return Hed(name, hed_caffe.load_caffe_hed(file, release), file)
    if name == "sobel":
        if weights is not None:
            raise SettingsError(f"Sobel has no weights: leave {weights.name} out, or choose hed.")
        return Sobel()
    raise UnknownName("edge model", name, EDGE_MODELS)
