"""From the raw CAMs of one image to its maps: scalar, display image, mask."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from saliency_worker.catalog import split_key
from saliency_worker.needs import Need
from saliency_worker.saliency.errors import SaliencyError
from saliency_worker.saliency.feature_cam import blend, by_sign, experiment, luma, normalise
from saliency_worker.saliency.formulas import Formula
from saliency_worker.saliency.render import colour_map, display, diverging, to_bytes

Array = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Composed:
    """scalar: float32 (H, W) in 0..1; display: uint8 RGB (H, W, 3)."""

    scalar: Array
    display: npt.NDArray[np.uint8]


def enlarge(raw: npt.NDArray[np.floating], size: int | tuple[int, int]) -> Array:
    """A raw CAM (h, w) to float32 of height and width ``size``, bilinear with half-pixel centres, the border continued."""
    height, width = (size, size) if isinstance(size, int) else size
    rows = _between(np.asarray(raw, np.float64), height)
    return np.ascontiguousarray(_between(rows.T, width).T, dtype=np.float32)


def _between(values: npt.NDArray[np.float64], size: int) -> npt.NDArray[np.float64]:
    """Linear interpolation along the first axis. Written out, for the bytes must not depend on a library."""
    position = np.clip((np.arange(size) + 0.5) * len(values) / size - 0.5, 0, len(values) - 1)
    low = np.floor(position).astype(np.intp)
    high = np.minimum(low + 1, len(values) - 1)
    share = (position - low)[:, None]
    return np.asarray(values[low] * (1 - share) + values[high] * share)


class Composer:
    """The maps of one image by key. Inputs and CAMs are enlarged and coloured once, whatever the keys.

    image: uint8 (H, W, 3); edges: float32 (H, W) in 0..1; raw: float32 (h, w) per method of a network; pictures:
    the methods of none. signs: the rule for signed maps by method, "" or missing for maps without a sign.
    """

    def __init__(
        self,
        image: npt.NDArray[np.uint8],
        edges: Array,
        raw: Mapping[str, Array],
        pictures: Mapping[str, Formula],
        k: float,
        colours: str,
        signs: Mapping[str, str] | None = None,
    ) -> None:
        self._pictures = pictures
        self._unit = image.astype(np.float32) / np.float32(255)
        self._edges = edges
        self._k = k
        self._cams: dict[str, Array] = {}
        self._coloured: dict[str, Array] = {}
        for base, cam in raw.items():
            if not np.isfinite(cam).all():
                raise SaliencyError(
                    f"The map of {base} holds NaN or infinite values (sums beyond float32, or weights that are not finite): "
                    f"check the network's weights, the image and the method's parameters, or leave {base} out."
                )
            rule = (signs or {}).get(base, "")
            signed = by_sign(enlarge(cam, image.shape[:2]), rule)
            self._cams[base] = normalise(signed)
            self._coloured[base] = (
                diverging(signed) if rule == "diverging" else colour_map(self._cams[base], colours)
            )
        self._inputs: dict[str, tuple[Array, Array]] = {}

    def compose(self, key: str) -> Composed:
        """The map of a key."""
        base, combination = split_key(key)
        if base in self._pictures:
            return self._picture(self._pictures[base])
        if not combination:
            return Composed(self._cams[base], to_bytes(self._coloured[base]))
        kind, source = combination.split("-")
        features, grey = self._features(source)
        scalar = normalise(experiment(kind, grey, self._cams[base], self._k))
        return Composed(scalar, display(kind, features, self._coloured[base], self._k))

    def _picture(self, formula: Formula) -> Composed:
        """A picture is shown as it is; its scalar map is its grey, or its luma."""
        size = self._edges.shape
        arrays = {Need.IMAGE: self._unit, Need.EDGES: self._edges}
        found = np.asarray(formula(arrays, size, (*size, 3)), np.float32)
        if found.ndim == 3:
            return Composed(normalise(luma(found)), to_bytes(found))
        return Composed(normalise(found), np.repeat(to_bytes(found)[..., None], 3, axis=2))

    def _features(self, source: str) -> tuple[Array, Array]:
        if source not in self._inputs:
            features = blend(source, self._unit, self._edges)
            # The luma of F1 is E itself; its weights do not sum to exactly 1 in float32.
            self._inputs[source] = features, self._edges if source == "edges" else luma(features)
        return self._inputs[source]
