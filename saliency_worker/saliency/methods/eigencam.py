"""Eigen-CAM: the activations along their first principal component (Muhammad and Yeasin 2020)."""

import tensorflow as tf


def eigencam(activations: tf.Tensor) -> tf.Tensor:
    """``M = A v``, ``v`` the first right singular vector of ``A`` as a matrix (h w, K), as it is: no mean is taken off.

    It explains no class. A singular vector has no sign of its own: the map has the one with a sum that is not negative,
    which after a ReLU makes all of it positive. activations: ``A`` (N, h, w, K). Returns (N, h, w). Argument and result
    as of gradcam. Out of the smaller of the two products of ``A`` with itself, for a whole decomposition would cost
    more than the network.
    """
    activations = tf.convert_to_tensor(activations)
    shape = tf.shape(activations)
    places, channels = shape[1] * shape[2], shape[3]
    matrix = tf.reshape(activations, (shape[0], places, channels))
    # The largest entry becomes 1, for squares of huge values overflow.
    largest = tf.reduce_max(tf.abs(matrix), axis=(1, 2), keepdims=True)
    scaled = tf.math.divide_no_nan(matrix, largest)
    found = (
        tf.cond(places <= channels, lambda: _by_places(scaled), lambda: _by_channels(scaled))
        * largest[..., 0]
    )
    signs = tf.where(tf.reduce_sum(found, axis=1, keepdims=True) < 0, -1.0, 1.0)
    return tf.reshape(found * tf.cast(signs, found.dtype), shape[:3])


def _by_places(matrix: tf.Tensor) -> tf.Tensor:
    values, vectors = tf.linalg.eigh(tf.matmul(matrix, matrix, transpose_b=True))
    return vectors[..., -1] * tf.sqrt(tf.nn.relu(values[..., -1:]))


def _by_channels(matrix: tf.Tensor) -> tf.Tensor:
    _, vectors = tf.linalg.eigh(tf.matmul(matrix, matrix, transpose_a=True))
    return tf.linalg.matvec(matrix, vectors[..., -1])
