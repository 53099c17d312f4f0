"""The formulas of the toy methods: HiResCAM to a power, and how much it varies under noise."""

import numpy as np
import numpy.typing as npt
import tensorflow as tf


def toy(activations: tf.Tensor, gradients: tf.Tensor, *, power: float) -> tf.Tensor:
    """``M = ReLU(sum_k g_k A_k)^power``: (N, h, w, K) twice to (N, h, w)."""
    return tf.nn.relu(tf.reduce_sum(activations * gradients, axis=-1)) ** power


def toyspread(noisy_maps: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Standard deviation over the noisy copies: (n, h, w) to (h, w)."""
    return np.asarray(noisy_maps.std(axis=0, dtype=np.float64), np.float32)
