"""What a map alone says of itself: how few pixels hold it, and whether it points into what is known of the picture."""

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float32]


def sparsity(scalar: Array) -> float:
    """Gini index of a map's values, none negative: 0 where all pixels are equal, near 1 where few hold everything.

    ``1 - 2 sum_i s_i / sum s * (N - i + 1/2) / N`` over the values in rising order (Hurley and Rickard 2009). 0 for a map
    of zeros.
    """
    ordered = np.sort(scalar.ravel().astype(np.float64))
    total = ordered.sum()
    if not total > 0:
        return 0.0
    count = len(ordered)
    return float(1 - 2 * (ordered / total * (count - np.arange(1, count + 1) + 0.5) / count).sum())


def hit(scalar: Array, region: npt.NDArray[np.bool_]) -> float | None:
    """The pointing game (Zhang et al. 2016): 1 where the largest value lies in the region, else 0.

    Of several largest values the share that does. None where no pixel belongs to the region, as where a box was cut off
    with the picture's border. No tolerance.
    """
    if not region.any():
        return None
    return float(region[scalar == scalar.max()].mean())


def rank_correlation(first: Array, second: Array) -> float | None:
    """Spearman's correlation of two maps, -1..1, equal values sharing their mean rank. None where one map is flat."""
    ranks = [_mean_ranks(values) for values in (first, second)]
    centred = [values - values.mean() for values in ranks]
    lengths = [float(np.sqrt((values**2).sum())) for values in centred]
    if not all(lengths):
        return None
    return float(np.clip((centred[0] * centred[1]).sum() / (lengths[0] * lengths[1]), -1, 1))


def _mean_ranks(values: Array) -> npt.NDArray[np.float64]:
    _, which, counts = np.unique(values.ravel(), return_inverse=True, return_counts=True)
    last = np.cumsum(counts, dtype=np.float64)
    return np.asarray((last - (counts - 1) / 2)[which])
