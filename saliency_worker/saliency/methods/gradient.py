"""The gradient of the class's logit by the pixels (Simonyan et al. 2013, section 3.1)."""

import tensorflow as tf


def gradient(gradients: tf.Tensor) -> tf.Tensor:
    """``M_ij = max_c |dY/dx_ijc|``: what of a pixel, in whichever colour, would change the class most.

    gradients: ``dY/dx`` (N, H, W, C) of the class's *logit* by the picture as the network takes it. Returns (N, H, W).
    """
    return tf.reduce_max(tf.abs(gradients), axis=-1)
