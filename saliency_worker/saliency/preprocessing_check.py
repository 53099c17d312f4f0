"""Whether a network's answers to real pictures look as if it were given them in the wrong range."""

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from saliency_worker.saliency.errors import ModelError
from saliency_worker.saliency.metrics import probabilities
from saliency_worker.saliency.model_choice import MODES
from saliency_worker.saliency.network_input import NetworkInput

FEWEST = 4  # pictures; of fewer, one class for all may well be right
MOST = 16
_SURER = 0.15

Classify = Callable[[npt.NDArray[np.float32]], npt.NDArray[np.float32]]


def doubt(
    classify: Classify, given: NetworkInput, pictures: Sequence[npt.NDArray[np.uint8]], rule: str
) -> str:
    """A sentence where another preprocessing gives answers that differ more from picture to picture and are surer, or where
    this one gives all pictures one class; "" where nothing is to be said.

    classify: rows (N, H, W, C) to logits (N, classes). pictures: uint8 RGB of any size, at most MOST are looked at.
    rule: of metrics.probabilities.
    """
    if len(pictures) < FEWEST or given.whole:
        return ""
    seen = np.stack([given.picture(picture) for picture in pictures[:MOST]])
    own = _answers(classify, given, seen, rule)
    others = {mode: _answers(classify, other, seen, rule) for mode, other in _others(given)}
    if not others:
        return ""
    best = max(others, key=lambda mode: others[mode])
    (classes, sure), (other_classes, other_sure) = own, others[best]
    same = classes == 1 and other_classes >= 3
    worse = other_classes >= 2 * classes or (other_classes >= classes and other_sure >= sure + _SURER)
    if not (same or worse):
        return ""
    return (
        f"with {given.mode} preprocessing the network gives {len(seen)} pictures {classes} "
        f"class{'es' * (classes != 1)}, {100 * sure:.0f} % sure; with {best} {other_classes}, {100 * other_sure:.0f} % "
        f"sure: check the preprocessing it was trained with, as in model.keras@:{best}"
    )


def _others(given: NetworkInput) -> list[tuple[str, NetworkInput]]:
    found = []
    for mode in MODES:
        try:
            other = replace(given, mode=mode, mean=(), std=())
        except ModelError:
            continue  # the means of colours, for a network of one channel
        if other != given:
            found.append((mode, other))
    return found


def _answers(
    classify: Classify, given: NetworkInput, seen: npt.NDArray[np.uint8], rule: str
) -> tuple[int, float]:
    """How many classes the pictures are given, and the mean of their probabilities."""
    found = probabilities(classify(given.rows(seen)), rule)
    return len(set(found.argmax(axis=1).tolist())), float(found.max(axis=1).mean())
