"""Ablation-CAM: channels weighted by what the logit loses without them (Desai and Ramaswamy 2020)."""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from saliency_worker.saliency.answers import Array, ScoresAt

Channels = npt.NDArray[np.intp]


def ablationcam(activations: Array, scores_at: ScoresAt) -> Array:
    """``M = ReLU(sum_k (Y^c - Y^c_k) A_k)``, ``Y^c_k`` the logit where ``A_k`` is 0.

    The paper divides by ``Y^c``. That is common to all channels and cancels in the normalisation; a negative logit
    would turn the map round, so it is left out. activations: ``A`` (h, w, K) of the image; scores_at: what the head says to
    activations. Returns (h, w).
    """
    own = float(scores_at(activations[None]).logits[0])
    # What is 0 everywhere is missed by nobody.
    live = np.flatnonzero(activations.any(axis=(0, 1)))
    losses = np.zeros(activations.shape[-1])
    for said, channels in scores_at.stream(_without_each(activations, live, scores_at.rows)):
        losses[channels] = own - said.logits.astype(np.float64)
    return np.maximum(activations.astype(np.float64) @ losses, 0).astype(np.float32)


def _without_each(activations: Array, channels: Channels, rows: int) -> Iterator[tuple[Array, Channels]]:
    """Copies (n, h, w, K), each without one channel, in blocks of ``rows``; with the channels (n,)."""
    for start in range(0, len(channels), rows):
        part = channels[start : start + rows]
        copies = np.repeat(activations[None], len(part), axis=0)
        copies[np.arange(len(part)), :, :, part] = 0
        yield copies, part
