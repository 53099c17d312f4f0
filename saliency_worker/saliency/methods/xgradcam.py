"""XGrad-CAM: gradients averaged with the activations as weights (Fu et al. 2020)."""

import tensorflow as tf


def xgradcam(activations: tf.Tensor, gradients: tf.Tensor) -> tf.Tensor:
    """``w_k = sum_ij A_kij g_kij / sum_ab A_kab``, ``M = ReLU(sum_k w_k A_k)``, neither normalised nor enlarged.

    A channel whose activations sum to 0 has the weight 0: after a ReLU it is 0 everywhere. Arguments and result as of
    layercam.
    """
    totals = tf.reduce_sum(activations, axis=(1, 2))
    weighted = tf.reduce_sum(activations * gradients, axis=(1, 2))
    return tf.nn.relu(tf.einsum("nhwk,nk->nhw", activations, tf.math.divide_no_nan(weighted, totals)))
