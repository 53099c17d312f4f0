"""Occlusion: how much the class loses where a grey square stands (Zeiler and Fergus 2014, section 4.1)."""

import numpy as np
import numpy.typing as npt

from saliency_worker.saliency.probe import Probe, in_pixels, patched


def occlusion(probe: Probe, *, size: float, stride: float) -> npt.NDArray[np.float32]:
    """``M_ij = mean of P^c(I) - P^c(I with a square over ij)`` over the squares that cover a pixel; it may be negative.

    size, stride: of the squares, as shares of the picture's shorter side. The grey is the middle of 0..255, ``P`` the
    probability. Returns (T, H, W) for T classes.
    """
    side, step = in_pixels(size, probe.sides), in_pixels(stride, probe.sides)
    grey = probe.colour(128)
    own = probe.own_probabilities
    return patched(
        probe, side, step, lambda *place: grey, lambda rows: own - probe.probabilities(rows)
    ).astype(np.float32)
