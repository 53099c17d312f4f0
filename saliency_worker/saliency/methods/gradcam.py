"""Grad-CAM: channels weighted by their mean gradient (Selvaraju et al. 2017, eq. 1, 2; Feature CAM eq. 2, 3)."""

import tensorflow as tf


def gradcam(activations: tf.Tensor, gradients: tf.Tensor) -> tf.Tensor:
    """``alpha_k = mean_ij g_k``, ``M = ReLU(sum_k alpha_k A_k)``, neither normalised nor enlarged.

    activations: ``A`` (N, h, w, K) of the last convolutional layer; gradients: ``g = dY^c/dA`` of the class's
    *logit*, of the same shape or, where it is equal at every place, (N, 1, 1, K). Returns (N, h, w). Arguments are
    arrays or tensors, float32 or float64; the result is a tensor, so the same code runs inside a frozen graph.
    """
    weights = tf.reduce_mean(tf.broadcast_to(gradients, tf.shape(activations)), axis=(1, 2))
    return tf.nn.relu(tf.einsum("nhwk,nk->nhw", activations, weights))
