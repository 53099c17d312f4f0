"""LayerCAM: every place weighted by its own positive gradient (Jiang et al. 2021)."""

import tensorflow as tf


def layercam(activations: tf.Tensor, gradients: tf.Tensor) -> tf.Tensor:
    """``M = ReLU(sum_k ReLU(g_k) A_k)``, element by element, neither normalised nor enlarged.

    activations: ``A`` (N, h, w, K); gradients: ``g = dY^c/dA`` of the class's *logit*, of the same shape or, where it is
    equal at every place, (N, 1, 1, K). Returns (N, h, w). Arguments are arrays or tensors, float32 or float64; the
    result is a tensor, so the same code runs inside a frozen graph.
    """
    return tf.nn.relu(tf.reduce_sum(tf.nn.relu(gradients) * activations, axis=-1))
