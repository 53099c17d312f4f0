"""Geometry and decoding: what the network sees is what people see.

Decode to 8-bit RGB with the EXIF orientation applied, crop the centre (or squash the whole), resize to the
classifier's input (INTER_AREA when shrinking, INTER_CUBIC when enlarging).
"""

import cv2
import numpy as np
import numpy.typing as npt

from saliency_worker import decoding
from saliency_worker.overlay import centre
from saliency_worker.saliency.errors import ImageError


def decode(data: bytes) -> npt.NDArray[np.uint8]:
    """RGB uint8 (height, width, 3) of an encoded image, as `saliency_worker.decoding` reads it.

    Raises ImageError when the bytes are no readable image, or below 2x2 or above 100 megapixels.
    """
    try:
        return np.asarray(decoding.decode(data).image, dtype=np.uint8)
    except decoding.UnreadableImage as error:
        raise ImageError(f"The image cannot be read: {error}.") from error


def crop(rgb: npt.NDArray[np.uint8], size: int) -> npt.NDArray[np.uint8]:
    """The centre square of ``rgb`` (H, W, 3), resized to uint8 (size, size, 3); errors as of ``fitted``."""
    return fitted(rgb, (size, size))


def fitted(rgb: npt.NDArray[np.uint8], size: tuple[int, int], fit: str = "crop") -> npt.NDArray[np.uint8]:
    """``rgb`` (H, W, 3) as uint8 of height and width ``size``; of ``crop`` its centre in those proportions.

    The larger side loses ``(larger - kept) // 2`` pixels at its start. ``squash`` keeps the whole picture and changes
    its proportions. Raises ImageError on another shape.
    """
    if rgb.ndim != 3 or rgb.shape[2] != 3 or rgb.dtype != np.uint8:
        raise ImageError(f"Expected uint8 RGB of shape (height, width, 3), not {rgb.dtype} {rgb.shape}.")
    height, width = rgb.shape[:2]
    if min(width, height) < decoding.MIN_SIDE:
        raise ImageError(f"The image is {width}x{height} pixels: use one of at least 2x2.")
    if fit == "crop":
        left, top, right, bottom = centre(width, height, size)
        rgb = rgb[top:bottom, left:right]
    rgb = np.ascontiguousarray(rgb)
    if rgb.shape[:2] == size:
        return rgb
    shrinks = rgb.shape[0] > size[0] or rgb.shape[1] > size[1]
    method = cv2.INTER_AREA if shrinks else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(rgb, size[::-1], interpolation=method), dtype=np.uint8)
