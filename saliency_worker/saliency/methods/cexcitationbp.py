"""Contrastive excitation backpropagation: what wins for the class and not against it (Zhang et al. 2016, section 3.3)."""

import tensorflow as tf

from saliency_worker.saliency import kinds
from saliency_worker.saliency.methods.excitationbp import excitation
from saliency_worker.saliency.operations import Step
from saliency_worker.saliency.parts import part, undefined
from saliency_worker.saliency.rules import positive
from saliency_worker.saliency.walk import Visit, Walk


def cexcitationbp(walk: Walk, *, places: int) -> tf.Tensor:
    """``P(class) − P(its dual)``, where the dual has the weights of the last layer turned. Returns (N, h, w), with a sign.

    Each of the two is scaled to the sum 1 below the last layer; from there on both go down together.
    """
    top = _last_weights(walk)

    def contrast(visit: Visit) -> list[tf.Tensor]:
        if visit.step is not top:
            return excitation(visit, "cexcitationbp")
        if part(visit) != "weights":
            raise undefined(visit, "cexcitationbp")
        (own,), (dual,) = positive(visit), positive(visit, against=True)
        return [_to_one(own) - _to_one(dual)]

    arrived = walk.back(contrast, walk.start, walk.last_map(places))
    return tf.reduce_sum(walk.at_picture(arrived), axis=-1)


def _last_weights(walk: Walk) -> Step:
    """The layer that gives the logits, shapes aside."""
    step = walk.producers[walk.scores.logits]
    while (kinds.passes(step) or kinds.reshapes(step)) and step.inputs[0] in walk.producers:
        step = walk.producers[step.inputs[0]]
    return step


def _to_one(probability: tf.Tensor) -> tf.Tensor:
    axes = list(range(1, len(probability.shape)))
    return tf.math.divide_no_nan(probability, tf.reduce_sum(probability, axis=axes, keepdims=True))
