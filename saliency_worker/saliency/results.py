"""What the engine gives back for an image."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float32]


@dataclass(frozen=True)
class MapResult:
    """One map of one image.

    scalar: float32 (H, W) in 0..1. display: uint8 RGB (H, W, 3), encoded as ``png``. metrics: those of
    metrics.map_metrics with the class's name, None if not asked for. raw: float32 (h, w), the base CAM before
    enlarging and normalising, None if not asked for. provenance: as of provenance.provenance, for JSON.
    """

    key: str
    scalar: Array
    display: npt.NDArray[np.uint8]
    png: bytes
    array_sha256: str
    png_sha256: str
    metrics: dict[str, Any] | None
    raw: Array | None
    provenance: dict[str, Any]


@dataclass(frozen=True)
class ClassMaps:
    """The maps of one image that explain one class, by key."""

    class_index: int
    class_name: str
    maps: dict[str, MapResult]


@dataclass(frozen=True)
class Explanation:
    """All maps of one image, and what the network says about the image itself.

    features: float32 (K,), the activations averaged over the picture. original: uint8 (H, W, 3), the crop.
    edges: float32 (H, W), zeros where no method needs them. confidence: softmax of ``class_index``. further: by rank,
    from 1, what explains the network's other choices, of the methods whose maps differ by class; without metrics.
    """

    image_sha256: str
    class_index: int
    class_name: str
    confidence: float
    features: Array
    original: npt.NDArray[np.uint8]
    edges: Array
    maps: dict[str, MapResult]
    metrics_original: dict[str, Any]
    further: dict[int, ClassMaps] = field(default_factory=dict)

    @property
    def by_rank(self) -> dict[int, ClassMaps]:
        """All maps by the rank of the class that they explain."""
        return {0: ClassMaps(self.class_index, self.class_name, self.maps), **self.further}
