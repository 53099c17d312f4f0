"""RISE: the mean of random masks, each weighted by the class's probability behind it (Petsiuk et al. 2018, eq. 6)."""

import numpy as np
import numpy.typing as npt

from saliency_worker.saliency.errors import SettingsError
from saliency_worker.saliency.noise import uniforms
from saliency_worker.saliency.probe import Array, Probe, blended, interpolation


def rise(probe: Probe, seed: int, *, masks: int, cells: int, kept: float) -> npt.NDArray[np.float32]:
    """``M = sum_i P^c(I * m_i) m_i / (kept N)`` over ``N = masks`` smooth random masks, black behind them.

    A mask is a grid of ``cells`` x ``cells`` zeros and ones (ones with the chance ``kept``), enlarged linearly to one
    cell more than the picture and cut out of that at random. Returns (T, H, W) for T classes.
    """
    height, width = probe.sides
    if cells > min(height, width):
        raise SettingsError(
            f"A grid of {cells} cells a side is finer than the picture of {height}x{width}: choose fewer cells."
        )
    grid = _Grid(probe.sides, cells, kept, seed)
    black = probe.colour(0)
    totals = np.zeros((len(probe.targets), grid.height * grid.width))
    for part in probe.parts(masks):
        drawn = np.stack([grid.mask(number) for number in part])
        found = probe.probabilities(blended(probe, drawn, black))
        # In float32 within a batch: otherwise all its masks would be copied first.
        totals += found.T.astype(np.float32) @ drawn.reshape(len(part), -1)
    return (totals / (kept * masks)).reshape(-1, *probe.sides).astype(np.float32)


class _Grid:
    """Random masks of one size; each follows from the seed and its number alone."""

    def __init__(self, sides: tuple[int, int], cells: int, kept: float, seed: int) -> None:
        self.height, self.width = sides
        self._cells, self._kept, self._seed = cells, kept, seed
        self._steps = tuple(-(-side // cells) for side in sides)
        self._enlarged = tuple(
            interpolation(cells, (cells + 1) * step).astype(np.float32) for step in self._steps
        )

    def mask(self, number: int) -> Array:
        """Float32 (H, W) in 0..1."""
        drawn = uniforms((2 + self._cells**2,), self._seed, number)
        top, left = (int(share * step) for share, step in zip(drawn[:2], self._steps, strict=True))
        zeros_and_ones = (drawn[2:] < self._kept).astype(np.float32).reshape(self._cells, self._cells)
        rows = self._enlarged[0][top : top + self.height]
        columns = self._enlarged[1][left : left + self.width]
        return np.asarray(rows @ zeros_and_ones @ columns.T)
