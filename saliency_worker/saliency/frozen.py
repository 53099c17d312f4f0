"""Frozen graphs, and the device they run on."""

from collections.abc import Callable
from functools import cache
from typing import Any

import tensorflow as tf
from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

from saliency_worker.saliency.folding import fold_batch_norms


class Graph:
    """A function of tensors as one frozen graph; gives its results by name. ``graph`` is for inspection."""

    def __init__(self, function: Any, names: list[str]) -> None:
        self.graph = function.graph
        self._function = function
        self._names = names

    def __call__(self, *arguments: tf.Tensor) -> dict[str, tf.Tensor]:
        return dict(zip(self._names, self._function(*arguments), strict=True))


def freeze(function: Callable[..., dict[str, tf.Tensor]], *inputs: tf.TensorSpec) -> Graph:
    """The function as one graph: its variables turned into constants, its batch norms folded."""
    traced = tf.function(function, autograph=False).get_concrete_function(*inputs)
    frozen = fold_batch_norms(convert_variables_to_constants_v2(traced))
    return Graph(
        frozen, sorted(traced.structured_outputs)
    )  # a frozen graph gives a list in the order of tf.nest


@cache
def prepare_device() -> str:
    """Make the device ready once per process; returns "cpu" or the name of the first GPU.

    A GPU's memory is taken as needed, for the worker shares it, and its kernels are the deterministic ones.
    """
    gpus = tf.config.list_physical_devices("GPU")
    if not gpus:
        return "cpu"
    for gpu in gpus:
        tf.config.experimental.set_memory_growth(gpu, True)
    tf.config.experimental.enable_op_determinism()
    return str(tf.config.experimental.get_device_details(gpus[0]).get("device_name", "gpu"))


def rows_per_batch() -> tuple[int, bool]:
    """Upper limit of the batch size that suits the device, and whether a batch should hold several images.

    A CPU is as fast with few rows, and alone in its batch an image has the same bytes in any company.
    """
    return (16, False) if prepare_device() == "cpu" else (128, True)
