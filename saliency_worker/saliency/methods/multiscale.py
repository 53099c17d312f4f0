"""Regional multi-scale: what each superpixel contributes, averaged over scales (Seo, Oh and Oh 2020)."""

from collections.abc import Callable
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from saliency_worker.saliency.errors import SettingsError
from saliency_worker.saliency.noise import noise
from saliency_worker.saliency.probe import Array, Probe
from saliency_worker.saliency.superpixels import Superpixels

Floats = npt.NDArray[np.float64]
SURE = 1e-7  # nearer to 0 or 1 a probability says nothing more


def multiscale(
    probe: Probe, superpixels: Superpixels, seed: int, *, finest: int, scales: int, fillings: int
) -> npt.NDArray[np.float32]:
    """``M_ij = mean over the scales of log2 odds P^c(I) - log2 odds P^c(I without the superpixel of ij)``; signed.

    finest: superpixels of the finest scale; each further one of ``scales`` has half of them. A superpixel is taken out by
    ``fillings`` pictures of normal noise with mean and deviation of the picture's border, per channel, over which the
    probability is averaged. Returns (T, H, W) for T classes.
    """
    if finest >> (scales - 1) < 2:
        raise SettingsError(
            f"{finest} superpixels cannot be halved for {scales} scales, for the coarsest would have fewer than two: choose "
            "fewer scales, or more superpixels."
        )
    own, filling = log_odds(probe.own_probabilities), _filling(probe, seed)
    total = np.zeros((len(probe.targets), *probe.sides))
    for scale in range(scales):
        labels = superpixels(finest >> scale)
        total += (own - log_odds(_without_each(probe, labels, fillings, filling))).T[:, labels]
    return (total / scales).astype(np.float32)


def log_odds(probability: Floats) -> Floats:
    """``log2 p / (1 - p)``, with ``p`` kept from 0 and 1."""
    p = np.clip(probability, SURE, 1 - SURE)
    return np.asarray(np.log2(p / (1 - p)))


def _filling(probe: Probe, seed: int) -> Callable[[int], Array]:
    """From the number of a filling to its picture of noise, float32 (H, W, C), like the border of the image."""
    row = probe.row
    border = np.concatenate([row[0], row[-1], row[1:-1, 0], row[1:-1, -1]])
    mean, deviation = border.mean(axis=0), border.std(axis=0)

    @lru_cache(maxsize=1)  # asked for in order: one at a time is in memory, however many there are
    def filling(number: int) -> Array:
        return np.asarray(mean + deviation * noise(row.shape, 1.0, seed + number))

    return filling


def _without_each(
    probe: Probe, labels: npt.NDArray[np.intp], fillings: int, filling: Callable[[int], Array]
) -> Floats:
    """Mean probabilities (regions, T) of the image without each of its regions."""
    count = int(labels.max()) + 1
    found = np.zeros((count, len(probe.targets)))
    for part in probe.parts(count * fillings):
        pairs = [divmod(number, count) for number in part]
        rows = np.stack(
            [np.where((labels == at)[..., None], filling(which), probe.row) for which, at in pairs]
        )
        for (_, at), values in zip(pairs, probe.probabilities(rows), strict=True):
            found[at] += values
    return found / fillings
