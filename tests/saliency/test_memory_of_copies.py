"""Methods that ask about changed copies hold a batch of them at a time: many take the memory that few take."""

import tracemalloc
from collections.abc import Callable

import numpy as np
import pytest

from saliency_worker.saliency.answers import Asker, Said
from saliency_worker.saliency.methods.ablationcam import ablationcam
from saliency_worker.saliency.methods.discrepancy import discrepancy
from saliency_worker.saliency.methods.lime import lime
from saliency_worker.saliency.methods.multiscale import multiscale
from saliency_worker.saliency.methods.occlusion import occlusion
from saliency_worker.saliency.methods.rise import rise
from saliency_worker.saliency.methods.scorecam import scorecam
from saliency_worker.saliency.network_input import NetworkInput
from saliency_worker.saliency.probe import Probe

SIDE, BATCH = 64, 8
ROW = np.random.default_rng(0).uniform(-1, 1, (SIDE, SIDE, 3)).astype(np.float32)
QUARTERS = (np.arange(SIDE)[:, None] // 32 * 2 + np.arange(SIDE)[None] // 32).astype(np.intp)


def said(rows: np.ndarray) -> np.ndarray:
    """A network of two classes that looks at means."""
    mean = rows.reshape(len(rows), -1).mean(axis=1)
    return np.stack([mean, -mean], axis=1).astype(np.float32)


def probe() -> Probe:
    return Probe(ROW, NetworkInput(SIDE, SIDE, mode="tf"), (0,), BATCH, said)


def maps(channels: int) -> np.ndarray:
    return np.random.default_rng(1).uniform(0, 1, (7, 7, channels)).astype(np.float32)


def head(activations: np.ndarray) -> Said:
    logits = activations.reshape(len(activations), -1).mean(axis=1)
    return Said(logits.astype(np.float32), logits)


METHODS: dict[str, Callable[[int], object]] = {
    "rise": lambda n: rise(probe(), 1, masks=n, cells=7, kept=0.5),
    "lime": lambda n: lime(probe(), lambda _: QUARTERS, 1, samples=n, segments=4),
    "multiscale": lambda n: multiscale(probe(), lambda _: QUARTERS, 1, finest=4, scales=1, fillings=n // 4),
    "occlusion": lambda n: occlusion(probe(), size=0.25, stride=0.75 / (n**0.5 - 1)),
    "discrepancy": lambda n: discrepancy(probe(), 1, size=0.25, stride=0.75 / (n**0.5 - 1)),
    "scorecam": lambda n: scorecam(probe(), maps(n)),
    "ablationcam": lambda n: ablationcam(maps(n), Asker(BATCH, (7, 7, n), lambda rows: rows, head)),
}
GROWS = {"scorecam": 7 * 7 * 8 * 3, "ablationcam": 7 * 7 * 4 * (1 + 6 * BATCH)}
"""Bytes for each further channel that the activations themselves, in some copies, take."""


def peak(method: str, copies: int) -> int:
    """Most bytes of arrays at a time."""
    METHODS[method](16)  # what is made once
    tracemalloc.start()
    try:
        METHODS[method](copies)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("method", METHODS)
def test_sixteen_times_as_many_copies_take_no_more_memory(method: str) -> None:
    few, many = 64, 1024
    grown = peak(method, many) - peak(method, few)
    assert grown <= 0.1 * BATCH * ROW.nbytes + GROWS.get(method, 0) * (many - few)
