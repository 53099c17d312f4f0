"""Deconvolution: the class sent back through the network turned round (Zeiler and Fergus 2014, section 2.1)."""

import tensorflow as tf

from saliency_worker.saliency.parts import RECTIFIERS, activation, part, undefined
from saliency_worker.saliency.rules import by_known_gradient
from saliency_worker.saliency.walk import Visit, Walk


def deconvnet(walk: Walk) -> tf.Tensor:
    """``M = max_c |D_c|``: weights transposed, maxima to their places, every rectifier one of the signal itself,
    ``max(0, R)``. Returns (N, H, W)."""
    return tf.reduce_max(tf.abs(walk.at_picture(walk.back(_rule, walk.start))), axis=-1)


def _rule(visit: Visit) -> list[tf.Tensor]:
    if part(visit) != "activation":
        return by_known_gradient(visit, "deconvnet")
    if activation(visit.step) not in RECTIFIERS:
        raise undefined(visit, "deconvnet")
    return [tf.nn.relu(visit.arriving[0])]
