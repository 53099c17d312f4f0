"""From scores to choices: the candidate of the highest score, by how much, or none where they cannot be told apart."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

TIE = 1e-6  # correlations nearer to each other are the same: float32 has no more to say


@dataclass(frozen=True, slots=True)
class ObserverChoice:
    """place: of the chosen candidate, from 0; None where the best are equal (identical photos, a flat map).

    margin: its score less the next one's, 0 where there is no choice. Scores are correlations, so at most 2.
    """

    place: int | None
    margin: float


def choose(scores: Sequence[float] | npt.NDArray[np.floating]) -> ObserverChoice:
    """The choice among the candidates of one pool, (m,), m of 2 or more. Raises ValueError for fewer."""
    values = np.asarray(scores, np.float64)
    if values.ndim != 1 or len(values) < 2:
        raise ValueError(f"A choice is among 2 candidates or more, not {values.shape}.")
    second, best = np.partition(values, len(values) - 2)[-2:]
    margin = float(best - second)
    if not np.isfinite(margin) or margin <= TIE:
        return ObserverChoice(None, 0.0)
    return ObserverChoice(int(values.argmax()), margin)


def scores(map_view: npt.NDArray[np.float32], candidates: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Correlations of one map's view (d,) with those of its candidates (m, d)."""
    return np.asarray(candidates @ map_view, np.float32)
