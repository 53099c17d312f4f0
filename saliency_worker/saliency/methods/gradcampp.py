"""Grad-CAM++ with the score exp(Y) (Chattopadhay et al. 2018; Feature CAM eq. 4, 5)."""

import tensorflow as tf


def gradcampp(activations: tf.Tensor, gradients: tf.Tensor) -> tf.Tensor:
    """``w_k = sum_ij alpha_ij ReLU(g_ij)``, ``M = ReLU(sum_k w_k A_k)``, neither normalised nor enlarged.

    The factor exp(Y) is common to all channels, cancels in the normalisation and is left out, for it overflows.
    activations: ``A`` (N, h, w, K) of the last convolutional layer; gradients: ``g = dY^c/dA`` of the class's
    *logit*, of the same shape or, where it is equal at every place, (N, 1, 1, K). Returns (N, h, w). Arguments are
    arrays or tensors, float32 or float64; the result is a tensor, so the same code runs inside a frozen graph.
    """
    weighted = alphas(activations, gradients) * tf.nn.relu(gradients)
    weights = tf.reduce_sum(tf.broadcast_to(weighted, tf.shape(activations)), axis=(1, 2))
    return tf.nn.relu(tf.einsum("nhwk,nk->nhw", activations, weights))


def alphas(activations: tf.Tensor, gradients: tf.Tensor) -> tf.Tensor:
    """``alpha = g^2 / (2 g^2 + (sum_ab A_ab) g^3)``, shape of the gradients.

    Computed as ``1 / (2 + g sum_ab A_ab)``, for g^3 underflows in reduced precision; 0 where g or that
    denominator is 0.
    """
    gradients = tf.convert_to_tensor(gradients)
    totals = tf.reduce_sum(activations, axis=(1, 2), keepdims=True)
    quotients = tf.math.reciprocal_no_nan(2 + gradients * totals)
    return tf.where(gradients != 0, quotients, tf.zeros_like(quotients))
