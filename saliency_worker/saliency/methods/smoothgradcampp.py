"""Smooth Grad-CAM++: Grad-CAM++ averaged over noisy copies (Omeiza et al. 2019; Feature CAM eq. 6)."""

import numpy as np
import numpy.typing as npt


def smoothgradcampp(noisy_maps: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """``M = mean_n M_n`` of the un-normalised Grad-CAM++ maps of n noisy copies.

    noisy_maps: float32 (n, h, w). Returns float32 (h, w), summed in float64: with many copies a sum in float32
    would depend on their order.
    """
    return np.asarray(noisy_maps.mean(axis=0, dtype=np.float64), dtype=np.float32)
