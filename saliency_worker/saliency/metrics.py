"""Machine metrics of an explanation map (Feature CAM, Tables 2 and 3)."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt


def softmax(logits: npt.NDArray[np.floating]) -> npt.NDArray[np.float64]:
    """Softmax over the last axis in float64, safe for huge logits."""
    shifted = np.asarray(logits, np.float64)
    powers = np.exp(shifted - shifted.max(axis=-1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=-1, keepdims=True))


def probabilities(logits: npt.NDArray[np.float32], rule: str = "softmax") -> npt.NDArray[np.float64]:
    """Probabilities of logits (..., classes) in float64: ``softmax`` over the classes, or ``sigmoid`` of each."""
    if rule == "softmax":
        return softmax(logits)
    # Not 1 / (1 + exp(-x)), which overflows.
    return np.asarray(0.5 * (1 + np.tanh(0.5 * np.asarray(logits, np.float64))))


@dataclass(frozen=True)
class Prediction:
    """What the network says: top-1 class, its probability, and the probability of the explained class, 0..1."""

    class_index: int
    confidence: float
    target_confidence: float


def predict(logits: npt.NDArray[np.float32], target: int, rule: str = "softmax") -> Prediction:
    """Prediction of one row of logits (classes,); ``target`` is the class that is explained, rule as of probabilities."""
    found = probabilities(logits, rule)
    top = int(np.argmax(logits))
    return Prediction(top, float(found[top]), float(found[target]))


def average_drop(original: float, explained: float) -> float:
    """Loss of the explained class's softmax, ``max(0, Y - O) / Y``, 0..1 (Chattopadhay et al. 2018).

    0 where the original's softmax is 0. Tables average it over images.
    """
    return max(0.0, original - explained) / original if original > 0 else 0.0


def map_metrics(
    original: Prediction,
    explained: Prediction,
    base: Prediction | None,
    kept_share: float,
    *,
    empty: bool = False,
) -> dict[str, Any]:
    """Metrics of one explanation map.

    ``right``: same top-1 class as the original. ``higher_than_original``, ``higher_than_base``: the top-1
    softmax exceeds that of the original, of the bare CAM's explanation map (None for a bare map or when the
    bare map was not asked for). ``increase``, ``drop``: of the explained class's softmax, as in the
    literature. ``kept_share``: share of pixels kept, 0..1. ``empty``: the CAM is the same everywhere, so that it explains
    nothing; its explanation map keeps the whole picture, and scores as perfect would be no result: they are None.
    """
    if empty:
        return {**dict.fromkeys(_MEASURED), "kept_share": kept_share, "empty": True}
    return {
        "class_index": explained.class_index,
        "confidence": explained.confidence,
        "target_confidence": explained.target_confidence,
        "right": explained.class_index == original.class_index,
        "higher_than_original": explained.confidence > original.confidence,
        "higher_than_base": None if base is None else explained.confidence > base.confidence,
        "increase": explained.target_confidence > original.target_confidence,
        "drop": average_drop(original.target_confidence, explained.target_confidence),
        "kept_share": kept_share,
        "empty": False,
    }


_MEASURED = (
    *("class_index", "confidence", "target_confidence", "right"),
    *("higher_than_original", "higher_than_base", "increase", "drop"),
)
