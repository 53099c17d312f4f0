"""Frozen graphs, and the device they run on."""

from collections.abc import Callable
from functools import cache
from typing import Any

import tensorflow as tf
from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

from saliency_worker.saliency.folding import fold_batch_norms

# TensorFlow copies constants about ten times while it builds and optimises a graph.
_MOST_CONSTANTS = 256 * 2**20


class Graph:
    """A function of tensors as one graph; gives its results by name. ``graph`` is for inspection."""

    def __init__(self, function: Any, names: list[str], variables: tuple[tf.Variable, ...] = ()) -> None:
        self.graph = function.graph
        self._function = function
        self._names = names
        self._variables = variables  # the function itself holds them by weak references only

    def __call__(self, *arguments: tf.Tensor) -> dict[str, tf.Tensor]:
        results = self._function(*arguments)
        return results if self._variables else dict(zip(self._names, results, strict=True))


def freeze(function: Callable[..., dict[str, tf.Tensor]], *inputs: tf.TensorSpec) -> Graph:
    """The function as one graph: its variables turned into constants, its batch norms folded.

    Beyond 256 MB of weights the variables stay: those networks (VGG) have no batch norms to fold. So they do where
    TensorFlow cannot make them constants, as in the loop of a recurrent layer.
    """
    traced = tf.function(function, autograph=False).get_concrete_function(*inputs)
    names = sorted(traced.structured_outputs)  # a frozen graph gives a list in the order of tf.nest
    variables = tuple(traced.variables)
    if sum(variable.shape.num_elements() * variable.dtype.size for variable in variables) > _MOST_CONSTANTS:
        return Graph(traced, names, variables)
    try:
        constant = convert_variables_to_constants_v2(traced)
    except (ValueError, KeyError, tf.errors.InvalidArgumentError):
        if not variables:
            raise
        return Graph(traced, names, variables)
    return Graph(fold_batch_norms(constant), names)


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


def jobs_at_once() -> int:
    """Images that are claimed together: a GPU's batches are to be full, and a CPU's few to be shared and lost."""
    return 16 if prepare_device() == "cpu" else 64
