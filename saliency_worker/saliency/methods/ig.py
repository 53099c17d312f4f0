"""Integrated gradients (Sundararajan et al. 2017, eq. 1, 3)."""

import numpy as np
import numpy.typing as npt

from saliency_worker.saliency.answers import GradientsAt
from saliency_worker.saliency.errors import SettingsError

Array = npt.NDArray[np.float32]
_TIMES_MORE = 27
_FLOOR = 1e-3  # share of all that is attributed, of either sign, below which a difference counts as none


def ig(
    row: Array, black: Array, difference: float, gradients_at: GradientsAt, *, steps: int, gap: float
) -> Array:
    """``M = sum_c (x - x0)_c mean_k dY/dx_c (x0 + a_k (x - x0))``, with ``a_k`` in the middle of each of the steps.

    row, black: ``x`` and ``x0`` (H, W, C), the picture and a black one as the network takes them. difference:
    ``Y(x) - Y(x0)``, which the sum of the map comes to (completeness). Where it misses that by more than ``gap`` of it,
    each step is cut in three, thrice at most; what was computed is kept. Returns (H, W), with a sign. Raises SettingsError
    where even that misses it.
    """
    total = np.zeros(row.shape, np.float64)
    shares, count = (np.arange(steps) + 0.5) / steps, steps
    while True:
        total += _summed(black, row - black, shares, gradients_at)
        found = ((row - black) * total / count).sum(axis=-1)
        allowed = gap * max(abs(difference), _FLOOR * float(np.abs(found).sum()))
        missed = abs(float(found.sum()) - difference)
        if missed <= allowed or not np.isfinite(missed):  # a map that is not finite is refused as any other
            return np.asarray(found, np.float32)
        if count >= _TIMES_MORE * steps:
            raise SettingsError(
                f"The sum of integrated gradients misses the score's rise of {difference:.3g} by {missed:.2g} even in "
                f"{count} steps, and no more than {allowed:.2g} is allowed: take more steps (ig_steps), allow more "
                "(ig_gap), or leave ig out."
            )
        count *= 3
        # The middles of the outer thirds; those of the inner ones are known.
        places = np.arange(count)
        shares = (places[places % 3 != 1] + 0.5) / count


def _summed(
    black: Array, difference: Array, shares: npt.NDArray[np.float64], gradients_at: GradientsAt
) -> npt.NDArray[np.float64]:
    """The sum of the gradients at these shares of the way, (H, W, C)."""
    blocks = (shares[at : at + gradients_at.rows] for at in range(0, len(shares), gradients_at.rows))
    path = ((black + part.astype(np.float32)[:, None, None, None] * difference, None) for part in blocks)
    total = np.zeros(black.shape, np.float64)
    for gradients, _ in gradients_at.stream(path):
        total += gradients.sum(axis=0, dtype=np.float64)
    return total
