"""CAM: the weights of the class's row of the dense layer (Zhou et al. 2016, eq. 2; Feature CAM eq. 1)."""

import tensorflow as tf


def cam(activations: tf.Tensor, weights: tf.Tensor) -> tf.Tensor:
    """``M = sum_k w_k A_k``, neither normalised nor enlarged; it may be negative.

    activations: ``A`` (N, h, w, K) of the last convolutional layer. weights: (N, K), the row of the dense layer
    behind global average pooling that belongs to the class. Returns (N, h, w). Arguments are arrays or tensors,
    float32 or float64; the result is a tensor, so the same code runs inside a frozen graph.
    """
    return tf.einsum("nhwk,nk->nhw", activations, weights)
