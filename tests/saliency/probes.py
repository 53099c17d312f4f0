"""A network of plain arithmetic for the tests of methods that ask one, and what it was asked."""

from dataclasses import dataclass, field

import numpy as np

from saliency_worker.saliency.network_input import NetworkInput
from saliency_worker.saliency.probe import Probe

BATCH = 3


@dataclass
class Linear:
    """Logits ``(w . x, -w . x)`` of each row; ``asked`` are the sizes of the questions."""

    weights: np.ndarray
    asked: list[int] = field(default_factory=list)

    def __call__(self, rows: np.ndarray) -> np.ndarray:
        assert rows.dtype == np.float32 and 0 < len(rows) <= BATCH
        self.asked.append(len(rows))
        score = np.einsum("nhwc,hwc->n", rows.astype(np.float64), self.weights)
        return np.stack([score, -score], axis=1).astype(np.float32)


def probe_of(
    picture: np.ndarray, network: Linear, targets: tuple[int, ...] = (0,), rule: str = "sigmoid"
) -> Probe:
    """picture: uint8 (H, W, 3), whose levels over 255 are the network's input."""
    given = NetworkInput(*picture.shape[:2], mode="unit")
    return Probe(given.rows(picture), given, targets, BATCH, network, rule)


def sigmoid(x: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-x))


def drawn(height: int, width: int, seed: int = 0) -> tuple[np.ndarray, Linear]:
    """A picture and a network of that size."""
    generator = np.random.default_rng(seed)
    picture = generator.integers(0, 256, (height, width, 3), dtype=np.uint8)
    return picture, Linear(generator.normal(0, 0.3, (height, width, 3)))
