"""What people see: colour maps, display images, PNGs."""

from functools import cache

import cv2
import numpy as np
import numpy.typing as npt

from saliency_worker.saliency.errors import SaliencyError
from saliency_worker.saliency.feature_cam import experiment

_OPENCV_MAPS = {"jet": cv2.COLORMAP_JET, "turbo": cv2.COLORMAP_TURBO, "viridis": cv2.COLORMAP_VIRIDIS}

_AGAINST_AND_FOR = np.array([[33, 102, 172], [178, 24, 43]], np.float32) / np.float32(255)

# Neighbours subtracted and no search for repetitions: half the time of the default at the same size.
_PNG = [
    *(cv2.IMWRITE_PNG_FILTER, cv2.IMWRITE_PNG_FILTER_SUB),
    *(cv2.IMWRITE_PNG_STRATEGY, cv2.IMWRITE_PNG_STRATEGY_HUFFMAN_ONLY),
]


@cache
def colour_table(name: str) -> npt.NDArray[np.float32]:
    """The 256 RGB colours of a colour map, float32 (256, 3) in 0..1. Raises KeyError."""
    ramp = np.arange(256, dtype=np.uint8)[:, None]
    bgr = cv2.applyColorMap(ramp, _OPENCV_MAPS[name])[:, 0]
    return (bgr[:, ::-1] / 255).astype(np.float32)


def colour_map(scalar: npt.NDArray[np.float32], name: str = "jet") -> npt.NDArray[np.float32]:
    """RGB float32 (H, W, 3) in 0..1 of a map (H, W) in 0..1, in 256 levels."""
    return np.asarray(np.take(colour_table(name), to_bytes(scalar), axis=0))


def diverging(signed: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """RGB float32 (H, W, 3) in 0..1 of a map with a sign: white at 0, red above, blue below, as far as the largest size.

    The colours are the ends and the middle of “RdBu” (Brewer), linear between.
    """
    largest = float(np.abs(signed).max())
    share = signed / np.float32(largest) if largest > 0 else np.zeros_like(signed)
    towards = np.where((share >= 0)[..., None], _AGAINST_AND_FOR[1], _AGAINST_AND_FOR[0])
    return np.asarray(1 + np.abs(share)[..., None] * (towards - 1), np.float32)


def to_bytes(values: npt.NDArray[np.float32]) -> npt.NDArray[np.uint8]:
    """0..1 to 0..255, rounded to the nearest, clipped."""
    return np.asarray(np.clip(np.rint(values * np.float32(255)), 0, 255).astype(np.uint8))


def display(
    kind: str, features: npt.NDArray[np.float32], coloured: npt.NDArray[np.float32], k: float = 0.25
) -> npt.NDArray[np.uint8]:
    """The colour-mapped CAM combined with the RGB F by the map's own experiment, clipped, uint8 (H, W, 3)."""
    return to_bytes(experiment(kind, features, coloured, k))


def crossed_out(rgb: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """The picture (H, W, 3) under grey stripes: there is no map, which one colour all over would not say."""
    down, across = np.indices(rgb.shape[:2])
    width = max(2, max(rgb.shape[:2]) // 28)
    return np.where(((down + across) // width % 4 == 0)[..., None], np.uint8(128), rgb)


def png(rgb: npt.NDArray[np.uint8]) -> bytes:
    """PNG of RGB uint8 (H, W, 3): 8 bits per channel, no metadata, the same bytes for the same pixels."""
    done, data = cv2.imencode(".png", cv2.cvtColor(rgb, cv2.COLOR_RGB2BGR), _PNG)
    if not done:
        raise SaliencyError("The PNG could not be written: report this with the image.")
    return data.tobytes()
