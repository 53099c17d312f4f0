"""What observers make of a picture. uint8 RGB (H, W, 3) of any size in, float32 arrays out."""

from functools import cache

import cv2
import numpy as np
import numpy.typing as npt

from saliency_worker.saliency.render import colour_table

Picture = npt.NDArray[np.uint8]
View = npt.NDArray[np.float32]

SIDE = 112  # pixels at which pictures are compared: the edges of a photo of 224 survive, noise does not
GRID = 14  # cells a side of the grid of local contrasts, and of heat
COARSE = 8  # cells a side of the blurred picture
BLUR = 1.0  # standard deviation, pixels at SIDE: an edge is one or two wide, the heat below it is not
FLAT = 1e-6  # a view whose values differ by less has nothing to compare


def resized(picture: npt.NDArray[np.generic], side: int) -> npt.NDArray[np.float32]:
    """The picture as float32 (side, side[, 3]): means of areas where it shrinks, bilinear where it grows."""
    small = picture.shape[0] > side or picture.shape[1] > side
    values = np.ascontiguousarray(picture)
    method = cv2.INTER_AREA if small else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(values, (side, side), interpolation=method), np.float32)


def luma(picture: Picture, side: int = SIDE) -> View:
    """Brightness (side, side), 0..255, by the weights of ITU-R BT.601."""
    return resized(cv2.cvtColor(np.ascontiguousarray(picture), cv2.COLOR_RGB2GRAY), side)


def high_passed(grey: View) -> View:
    """How far each pixel differs from its surroundings, whichever way: edges that were drawn dark count as well."""
    return np.asarray(np.abs(grey - cv2.GaussianBlur(grey, (0, 0), BLUR)), np.float32)


def sobel(grey: View) -> View:
    """Length of the gradient by the two 3x3 Sobel filters."""
    across, down = cv2.Sobel(grey, cv2.CV_32F, 1, 0), cv2.Sobel(grey, cv2.CV_32F, 0, 1)
    return np.asarray(cv2.magnitude(across, down), np.float32)


def local_contrast(grey: View, grid: int = GRID) -> View:
    """Standard deviation of the brightness in each cell of a grid, (grid, grid)."""
    mean, square = resized(grey, grid), resized(grey * grey, grid)
    return np.sqrt(np.maximum(square - mean * mean, 0.0))


def blurred(grey: View, cells: int = COARSE) -> View:
    """Mean brightness of each of a few cells, (cells, cells)."""
    return resized(grey, cells)


def heat(picture: Picture, colour_map: str, grid: int = GRID) -> View:
    """The values 0..1, (grid, grid), whose colours under a colour map are nearest to the picture's, blurred."""
    colours = resized(picture, grid).reshape(-1, 3) / 255
    table = _table(colour_map)
    # Channel by channel: a sum over an axis of three takes NumPy four times as long.
    apart = sum((colours[:, None, channel] - table[None, :, channel]) ** 2 for channel in range(3))
    nearest = np.argmin(apart, axis=1)
    return (nearest.astype(np.float32) / 255).reshape(grid, grid)


@cache
def _table(colour_map: str) -> npt.NDArray[np.float32]:
    return colour_table(colour_map)


def unit(values: npt.NDArray[np.floating]) -> View:
    """The values as one vector without their mean, of length 1; zeros where they hardly differ."""
    flat = np.asarray(values, np.float32).ravel()
    flat = flat - flat.mean()
    spread = float(np.abs(flat).max(initial=0.0))
    if spread < FLAT:
        return np.zeros_like(flat)
    return flat / np.float32(np.linalg.norm(flat))
