"""Discrepancy maps: how far the score moves where a small square is random (Zhou et al. 2014, section 3.2)."""

import numpy as np
import numpy.typing as npt

from saliency_worker.saliency.noise import uniforms
from saliency_worker.saliency.probe import Array, Probe, in_pixels, patched


def discrepancy(probe: Probe, seed: int, *, size: float, stride: float) -> npt.NDArray[np.float32]:
    """``M_ij = mean of |Y^c(I) - Y^c(I with a random square over ij)|`` over the squares that cover a pixel.

    size, stride: of the squares, as shares of the picture's shorter side; by default the authors' 11 pixels, 3 apart, of
    about 224. Each square has pixels of its own, drawn evenly from 0..255. Zhou et al. look at any unit of a network;
    here it is the class's logit. Returns (T, H, W) for T classes.
    """
    side, step = in_pixels(size, probe.sides), in_pixels(stride, probe.sides)
    own = probe.own_logits

    def fill(number: int, top: int, left: int) -> Array:
        levels = uniforms((side, side, 3), seed, number) * 256
        return probe.input.rows(levels.astype(np.uint8))

    return patched(probe, side, step, fill, lambda rows: np.abs(own - probe.logits(rows))).astype(np.float32)
