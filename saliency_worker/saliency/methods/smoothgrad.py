"""SmoothGrad: the gradient averaged over noisy copies (Smilkov et al. 2017, section 3)."""

import numpy as np
import numpy.typing as npt

from saliency_worker.saliency.answers import GradientsAt

Array = npt.NDArray[np.float32]


def smoothgrad(noisy_rows: Array, gradients_at: GradientsAt) -> Array:
    """``M = max_c |mean_n dY/dx_c (x + noise_n)|``: signs cancel between the copies, not between the colours.

    noisy_rows: (n, H, W, C), copies of the picture as the network takes it. Returns (H, W).
    """
    total = np.zeros(noisy_rows.shape[1:], np.float64)
    starts = range(0, len(noisy_rows), gradients_at.rows)
    for gradients, _ in gradients_at.stream((noisy_rows[at : at + gradients_at.rows], None) for at in starts):
        total += gradients.sum(axis=0, dtype=np.float64)
    return np.asarray(np.abs(total / len(noisy_rows)).max(axis=-1), np.float32)
