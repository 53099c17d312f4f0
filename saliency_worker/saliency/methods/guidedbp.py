"""Guided backpropagation: only what was active and pushes up goes back (Springenberg et al. 2014, section 3.4).

The paper defines it for ``max(0, x)``, as the gradient from which every rectifier also strikes what is negative. So a
rectifier with a ceiling (ReLU6) passes nothing on where it is at it, as its derivative says.
"""

import tensorflow as tf

from saliency_worker.saliency.parts import RECTIFIERS, activation, part, undefined
from saliency_worker.saliency.rules import by_known_gradient
from saliency_worker.saliency.walk import Visit, Walk


def guidedbp(walk: Walk) -> tf.Tensor:
    """``M = max_c |G_c|``, the gradient in which every rectifier passes on ``1[0 < x < ceiling] 1[R > 0] R``.

    Returns (N, H, W).
    """
    return tf.reduce_max(tf.abs(guided(walk, "guidedbp")), axis=-1)


def guided(walk: Walk, method: str) -> tf.Tensor:
    """What arrives at the picture, (N, H, W, C). Raises ModelError, in the name of the method, beside rectifiers."""

    def rule(visit: Visit) -> list[tf.Tensor]:
        if part(visit) != "activation":
            return by_known_gradient(visit, method)
        if activation(visit.step) not in RECTIFIERS:
            raise undefined(visit, method)
        return visit.gradient([tf.nn.relu(visit.arriving[0])])

    return walk.at_picture(walk.back(rule, walk.start))
