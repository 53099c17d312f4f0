"""HiResCAM: gradients times activations, summed over the channels (Draelos and Carin 2020)."""

import tensorflow as tf


def hirescam(activations: tf.Tensor, gradients: tf.Tensor) -> tf.Tensor:
    """``M = sum_k g_k A_k``, element by element, neither normalised nor enlarged; it may be negative.

    The sum of the map is the logit less its bias where the head is one dense layer. Arguments and result as of layercam.
    """
    return tf.reduce_sum(gradients * activations, axis=-1)
