"""Regional multi-scale: what each superpixel contributes, averaged over scales (Seo, Oh and Oh 2020)."""

import numpy as np
import numpy.typing as npt

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
    own, filled = log_odds(probe.own_probabilities), _fillings(probe, fillings, seed)
    total = np.zeros((len(probe.targets), *probe.sides))
    for scale in range(scales):
        labels = superpixels(max(2, finest >> scale))
        total += (own - log_odds(_without_each(probe, labels, filled))).T[:, labels]
    return (total / scales).astype(np.float32)


def log_odds(probability: Floats) -> Floats:
    """``log2 p / (1 - p)``, with ``p`` kept from 0 and 1."""
    p = np.clip(probability, SURE, 1 - SURE)
    return np.asarray(np.log2(p / (1 - p)))


def _fillings(probe: Probe, count: int, seed: int) -> list[Array]:
    """Pictures of noise, float32 (H, W, C), like the border of the image."""
    row = probe.row
    border = np.concatenate([row[0], row[-1], row[1:-1, 0], row[1:-1, -1]])
    mean, deviation = border.mean(axis=0), border.std(axis=0)
    return [mean + deviation * noise(row.shape, 1.0, seed + number) for number in range(count)]


def _without_each(probe: Probe, labels: npt.NDArray[np.intp], fillings: list[Array]) -> Floats:
    """Mean probabilities (regions, T) of the image without each of its regions."""
    count = int(labels.max()) + 1
    found = np.zeros((count, len(probe.targets)))
    for part in probe.parts(count * len(fillings)):
        pairs = [divmod(number, len(fillings)) for number in part]
        rows = np.stack(
            [np.where((labels == at)[..., None], fillings[which], probe.row) for at, which in pairs]
        )
        for (at, _), values in zip(pairs, probe.probabilities(rows), strict=True):
            found[at] += values
    return found / len(fillings)
