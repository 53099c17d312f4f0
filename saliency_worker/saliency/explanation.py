"""Explanation maps: the part of the image that a saliency map keeps, black elsewhere."""

import numpy as np
import numpy.typing as npt

Mask = npt.NDArray[np.bool_]
RULES = ("percentile", "rank")


def percentile_mask(scalar: npt.NDArray[np.float32], percentile: float = 20.0) -> Mask:
    """Pixels where ``S >= percentile of S`` (linear interpolation between order statistics), bool (H, W).

    Where more than ``percentile`` % of S share its lowest value, all of them are kept.
    """
    flat = scalar.ravel()
    position = percentile / 100 * (flat.size - 1)
    low = int(position)
    high = min(low + 1, flat.size - 1)
    ordered = np.partition(flat, (low, high))
    below, above = float(ordered[low]), float(ordered[high])
    # Not below + (above - below) * share: rounding there may pass ``above`` and drop it.
    threshold = below if position == low else min(above, below + (above - below) * (position - low))
    return scalar >= threshold


def rank_mask(scalar: npt.NDArray[np.float32], percentile: float = 20.0, seed: int = 0) -> Mask:
    """Exactly the top ``100 - percentile`` % of the pixels by rank, ties broken at random by ``seed``."""
    flat = scalar.ravel()
    dropped = round(percentile / 100 * flat.size)
    tie_break = np.random.default_rng(seed).permutation(flat.size)
    order = np.lexsort((tie_break, flat))
    mask = np.ones(flat.size, np.bool_)
    mask[order[:dropped]] = False
    return mask.reshape(scalar.shape)


def explanation_mask(
    scalar: npt.NDArray[np.float32], percentile: float = 20.0, rule: str = "percentile", seed: int = 0
) -> Mask:
    """The mask of a rule: ``percentile`` (the paper's) or ``rank`` (an exact share). Raises ValueError."""
    if rule == "percentile":
        return percentile_mask(scalar, percentile)
    if rule == "rank":
        return rank_mask(scalar, percentile, seed)
    raise ValueError(f'Unknown rule "{rule}": one of {", ".join(RULES)}.')


def explanation_map(image: npt.NDArray[np.uint8], mask: Mask) -> npt.NDArray[np.uint8]:
    """The image (H, W, 3) where the mask is true, black elsewhere."""
    return np.where(mask[..., None], image, np.uint8(0))
