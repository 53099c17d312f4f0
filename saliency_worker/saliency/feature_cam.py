"""Feature CAM: an edge map of the image drawn into a CAM (Feature CAM eq. 7 to 9).

Arrays are float32 in 0..1: image ``I`` (H, W, 3), edge map ``E`` (H, W), CAM ``M`` (H, W), normalised and
enlarged. Inputs ``F`` have the shape of an RGB image; scalar maps use their luma.
"""

import numpy as np
import numpy.typing as npt

from saliency_worker.saliency.errors import SaliencyError

Array = npt.NDArray[np.float32]
_LUMA = np.array([0.299, 0.587, 0.114], np.float32)  # ITU-R BT.601


def normalise(values: npt.NDArray[np.floating]) -> Array:
    """Min-max to 0..1 in float32; a flat map is all zeros. Raises SaliencyError on NaN or infinity."""
    low, high = float(np.min(values)), float(np.max(values))
    if not (np.isfinite(low) and np.isfinite(high)):
        raise SaliencyError(
            "The map holds NaN or infinite values: check the network's weights, the image and the parameters of the method."
        )
    if high == low:
        return np.zeros(values.shape, np.float32)
    # Halved first, for the span of huge float32 values overflows.
    scaled = (values * 0.5 - low * 0.5) / (high * 0.5 - low * 0.5)
    return scaled.astype(np.float32, copy=False)


def by_sign(values: Array, rule: str) -> Array:
    """What counts of a map that has a sign: ``absolute`` its size, ``positive`` what is above 0; all of it otherwise."""
    if rule == "absolute":
        return np.abs(values)
    return np.maximum(values, 0) if rule == "positive" else values


def blend(source: str, image: Array, edges: Array) -> Array:
    """F of a combination: ``edges`` F1 = E, ``blend21`` F2 = (2 I + E) / 3, ``blend11`` F3 = (I + E) / 2.

    Returns float32 (H, W, 3) in 0..1; F1 has three equal channels.
    """
    stacked = np.repeat(edges[..., None], 3, axis=2)
    if source == "edges":
        return stacked
    share = {"blend21": 2, "blend11": 1}[source]
    return ((share * image + stacked) / np.float32(share + 1)).astype(np.float32)


def luma(rgb: Array) -> Array:
    """Luma of RGB (H, W, 3) in 0..1: ``0.299 R + 0.587 G + 0.114 B``, float32 (H, W)."""
    red, green, blue = (rgb[..., channel] * weight for channel, weight in enumerate(_LUMA))
    return np.asarray(red + green + blue)


def experiment(kind: str, features: Array, cam: Array, k: float = 0.25) -> Array:
    """``add``: k F + M (eq. 7); ``mul``: F M (eq. 8); ``comp``: (1 - F) M (eq. 9); of equal shapes, unclipped."""
    if kind == "add":
        return np.float32(k) * features + cam
    if kind == "mul":
        return features * cam
    if kind == "comp":
        return (1 - features) * cam
    raise ValueError(f'Unknown experiment "{kind}": one of add, mul, comp.')
