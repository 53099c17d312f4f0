"""Score-CAM: channels weighted by the score of the image behind them (Wang et al. 2020, algorithm 1)."""

import numpy as np
import numpy.typing as npt

from saliency_worker.saliency.metrics import softmax
from saliency_worker.saliency.probe import Probe, blended, interpolation


def scorecam(probe: Probe, activations: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """``M = ReLU(sum_k alpha_k A_k)``, ``alpha = softmax over k of Y^c(I * H_k)``.

    ``H_k`` is ``A_k`` enlarged and scaled to 0..1; black is behind it. The score of a black picture, which the paper
    takes off every score, cancels in the softmax. activations: ``A`` (h, w, K) of the image. A channel that is the same
    everywhere hides nothing or all: it counts as hiding all. Returns (T, h, w) for T classes.
    """
    height, width = probe.sides
    rows = interpolation(activations.shape[0], height)
    columns = interpolation(activations.shape[1], width)
    black = probe.colour(0)
    # What is 0 everywhere adds nothing, and its alpha is a factor that all have in common.
    live = np.flatnonzero(activations.any(axis=(0, 1)))
    scores = np.zeros((len(live), len(probe.targets)))
    for part in probe.parts(len(live)):
        masks = np.stack([_unit(rows @ activations[..., live[at]] @ columns.T) for at in part])
        scores[part] = probe.logits(blended(probe, masks, black))
    weights = softmax(scores.T) if len(live) else scores.T
    maps = np.einsum("hwk,tk->thw", activations[..., live].astype(np.float64), weights)
    return np.asarray(np.maximum(maps, 0), np.float32)


def _unit(enlarged: npt.NDArray[np.float64]) -> npt.NDArray[np.float32]:
    low, high = enlarged.min(), enlarged.max()
    return ((enlarged - low) / (high - low) if high > low else np.zeros_like(enlarged)).astype(np.float32)
