"""Integrated gradients (Sundararajan et al. 2017, eq. 1, 3)."""

import numpy as np
import numpy.typing as npt

from saliency_worker.saliency.answers import GradientsAt

Array = npt.NDArray[np.float32]


def ig(row: Array, black: Array, gradients_at: GradientsAt, *, steps: int) -> Array:
    """``M = sum_c (x - x0)_c mean_k dY/dx_c (x0 + a_k (x - x0))``, with ``a_k`` in the middle of each of the steps.

    row, black: ``x`` and ``x0`` (H, W, C), the picture and a black one as the network takes them. Returns (H, W), with a
    sign. Its sum is ``Y(x) - Y(x0)``, the nearer the more steps are made (completeness).
    """
    total = np.zeros(row.shape, np.float64)
    difference = row - black
    shares = ((np.arange(steps) + 0.5) / steps).astype(np.float32)
    starts = range(0, steps, gradients_at.rows)
    path = (
        (black + shares[at : at + gradients_at.rows, None, None, None] * difference, None) for at in starts
    )
    for gradients, _ in gradients_at.stream(path):
        total += gradients.sum(axis=0, dtype=np.float64)
    return np.asarray((difference * total / steps).sum(axis=-1), np.float32)
