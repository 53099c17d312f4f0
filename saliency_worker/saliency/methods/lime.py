"""LIME: a linear model of the class's probability over superpixels that are shown or hidden (Ribeiro et al. 2016)."""

import numpy as np
import numpy.typing as npt

from saliency_worker.saliency.noise import uniforms
from saliency_worker.saliency.probe import Probe, blended
from saliency_worker.saliency.superpixels import Superpixels

Floats = npt.NDArray[np.float64]

KERNEL_WIDTH = 0.25  # as of the authors' program for pictures, and the ridge too
RIDGE = 1.0


def lime(
    probe: Probe, superpixels: Superpixels, seed: int, *, samples: int, segments: int
) -> npt.NDArray[np.float32]:
    """The coefficient of each pixel's superpixel; it may be negative.

    ``min_w,b sum_i pi_i (P^c(I shown as z_i) - b - w z_i)^2 + |w|^2`` over ``samples`` random choices ``z`` of about
    ``segments`` superpixels, the first of which shows all. A superpixel is hidden by its mean colour. Choices near to the
    whole picture weigh more: ``pi = exp(-D^2 / (2 * 0.25^2))``, ``D = 1 - sqrt(share shown)`` being the cosine distance.
    Returns (T, H, W) for T classes.
    """
    labels = superpixels(segments)
    count = int(labels.max()) + 1
    behind = mean_colours(probe.row, labels, count)
    fit = WeightedRidge(count, len(probe.targets), RIDGE)
    for part in probe.parts(samples):
        chosen = np.stack([choice(seed, number, count) for number in part])
        found = probe.probabilities(blended(probe, chosen[:, labels], behind))
        fit.add(chosen.astype(np.float64), found, proximity(chosen.mean(axis=1, dtype=np.float64)))
    return fit.coefficients()[:, labels].astype(np.float32)


def choice(seed: int, number: int, count: int) -> npt.NDArray[np.float32]:
    """Which of ``count`` superpixels the copy of that number shows, 0 or 1 (count,)."""
    if not number:
        return np.ones(count, np.float32)
    return (uniforms((count,), seed, number) < 0.5).astype(np.float32)


def proximity(shown: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """The weight of a choice that shows this share of the superpixels."""
    distance = 1 - np.sqrt(shown)
    return np.asarray(np.exp(-(distance**2) / (2 * KERNEL_WIDTH**2)))


def mean_colours(
    row: npt.NDArray[np.float32], labels: npt.NDArray[np.intp], count: int
) -> npt.NDArray[np.float32]:
    """(H, W, C): each superpixel in its mean colour."""
    flat, sizes = labels.ravel(), np.bincount(labels.ravel(), minlength=count)
    channels = [np.bincount(flat, row[..., c].ravel(), count) / sizes for c in range(row.shape[2])]
    return np.stack(channels, axis=-1)[labels].astype(np.float32)


class WeightedRidge:
    """Ridge regression with weights and an intercept that is not shrunk, whatever the number of rows in the same memory."""

    def __init__(self, features: int, targets: int, penalty: float) -> None:
        self._penalty = penalty
        self._moments = np.zeros((features + 1, features + 1))
        self._products = np.zeros((features + 1, targets))

    def add(self, rows: Floats, values: Floats, weights: Floats) -> None:
        """rows (n, features), values (n, targets), weights (n,)."""
        with_one = np.concatenate([rows, np.ones((len(rows), 1))], axis=1)
        weighted = with_one * weights[:, None]
        self._moments += weighted.T @ with_one
        self._products += weighted.T @ values

    def coefficients(self) -> Floats:
        """(targets, features), without the intercept."""
        penalty = np.full(len(self._moments), self._penalty)
        penalty[-1] = 0
        found = np.linalg.solve(self._moments + np.diag(penalty), self._products)
        return np.asarray(found[:-1].T, np.float64)
