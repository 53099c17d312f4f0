"""CAM, Grad-CAM and Grad-CAM++ as functions of arrays.

Throughout: activations ``A`` (N, h, w, K) of the last convolutional layer, gradients ``g = dY^c/dA`` of the
class's *logit*, of the same shape; results (N, h, w), neither normalised nor enlarged. Arguments are arrays or
tensors, float32 or float64; results are tensors, so the same code runs inside a frozen graph.
"""

import tensorflow as tf


def cam(activations: tf.Tensor, weights: tf.Tensor) -> tf.Tensor:
    """CAM: ``M = sum_k w_k A_k`` (Zhou et al. 2016; Feature CAM eq. 1).

    weights: (N, K), the row of the dense layer behind global average pooling that belongs to the class.
    The map may be negative.
    """
    return tf.einsum("nhwk,nk->nhw", activations, weights)


def gradcam(activations: tf.Tensor, gradients: tf.Tensor) -> tf.Tensor:
    """Grad-CAM: ``alpha_k = mean_ij g_k``, ``M = ReLU(sum_k alpha_k A_k)`` (Selvaraju et al. 2017; eq. 2, 3)."""
    weights = tf.reduce_mean(gradients, axis=(1, 2))
    return tf.nn.relu(tf.einsum("nhwk,nk->nhw", activations, weights))


def gradcampp(activations: tf.Tensor, gradients: tf.Tensor) -> tf.Tensor:
    """Grad-CAM++ with the score exp(Y) (Chattopadhay et al. 2018; eq. 4, 5).

    ``w_k = sum_ij alpha_ij ReLU(g_ij)``, ``M = ReLU(sum_k w_k A_k)``. The factor exp(Y) is common to all
    channels, cancels in the normalisation and is left out, for it overflows.
    """
    weights = tf.reduce_sum(alphas(activations, gradients) * tf.nn.relu(gradients), axis=(1, 2))
    return tf.nn.relu(tf.einsum("nhwk,nk->nhw", activations, weights))


def alphas(activations: tf.Tensor, gradients: tf.Tensor) -> tf.Tensor:
    """``alpha = g^2 / (2 g^2 + (sum_ab A_ab) g^3)``, shape (N, h, w, K).

    Computed as ``1 / (2 + g sum_ab A_ab)``, for g^3 underflows in reduced precision; 0 where g or that
    denominator is 0.
    """
    gradients = tf.convert_to_tensor(gradients)
    totals = tf.reduce_sum(activations, axis=(1, 2), keepdims=True)
    quotients = tf.math.reciprocal_no_nan(2 + gradients * totals)
    return tf.where(gradients != 0, quotients, tf.zeros_like(quotients))
