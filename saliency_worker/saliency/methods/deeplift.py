"""DeepLIFT with the rescale rule, against a black picture (Shrikumar et al. 2017, section 3.5)."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import tensorflow as tf

from saliency_worker.saliency.operations import Value
from saliency_worker.saliency.parts import part, undefined
from saliency_worker.saliency.rules import through
from saliency_worker.saliency.walk import Visit, Walk

_MISSED = 0.01
_SAME = 1e-6  # a difference below counts as none: there the derivative is the multiplier


def deeplift(walk: Walk) -> tf.Tensor:
    """``M = Σ_c m_c Δx_c``, multipliers ``m`` times differences from a black picture. Returns (N, H, W), with a sign.

    Its sum is the difference of the logits (summation to delta). Where multipliers are so large and cancel out so far that
    float32 misses it by more than ``_MISSED`` of the larger logit, the map is NaN, which is refused.
    """
    multipliers = walk.at_picture(walk.back(_rule, walk.start))
    difference = walk.passed.rows - walk.black
    found = tf.reduce_sum(multipliers * difference, axis=-1)
    now, before = (_score(walk, values) for values in (walk.values, walk.black_values))
    missed = tf.abs(tf.reduce_sum(found, axis=(1, 2)) - (now - before))
    holds = missed <= _MISSED * tf.maximum(tf.abs(now), tf.abs(before)) + _SAME
    return tf.where(holds[:, None, None], found, np.nan)


def _score(walk: Walk, values: Mapping[Value, Any]) -> tf.Tensor:
    """The explained class's logit, (N,) or (1,) of the black picture times (N,)."""
    product = walk.start * tf.cast(values[walk.scores.logits], tf.float32)
    return tf.reduce_sum(product, axis=list(range(1, len(product.shape))))


def _rule(visit: Visit) -> list[tf.Tensor]:
    found = part(visit)
    if found == "pass":
        return through(visit)
    if found in ("scale", "copies", "weights", "sum", "mean"):
        return visit.gradient()
    if found == "activation":
        return [_rescaled(visit)]
    if found == "max":
        return [_maximum(visit)]
    if found == "product":
        return _product(visit)
    raise undefined(visit, "deeplift")


def _black(visit: Visit) -> tuple[list[tf.Tensor], list[tf.Tensor]]:
    values = visit.walk.black_values
    return (
        [tf.cast(values[value], tf.float32) for value in visit.step.inputs],
        [tf.cast(values[value], tf.float32) for value in visit.step.outputs],
    )


def _rescaled(visit: Visit) -> tf.Tensor:
    """Rescale rule: ``m_x = m_y Δy / Δx``, the derivative where ``Δx`` vanishes."""
    (before,), (after,) = _black(visit)
    entering = tf.cast(visit.inputs[0], tf.float32) - before
    leaving = tf.cast(visit.outputs[0], tf.float32) - after
    small = tf.abs(entering) < _SAME
    slope = tf.math.divide_no_nan(leaving, entering)
    return tf.where(small, visit.gradient()[0], visit.arriving[0] * slope)


def _maximum(visit: Visit) -> tf.Tensor:
    """Of a maximum: what it rose by goes to the place of the maximum, what it fell by to the place where it was.

    Either place changed by at least as much, so that its share is finite and the shares sum up to the difference.
    """
    (before,), (after,) = _black(visit)
    tensor, output = tf.cast(visit.inputs[0], tf.float32), tf.cast(visit.outputs[0], tf.float32)
    before, after = tf.broadcast_to(before, tf.shape(tensor)), tf.broadcast_to(after, tf.shape(output))
    higher = tf.maximum(output, after)
    (now,) = visit.gradient([visit.arriving[0] * (higher - after)])
    (then,) = visit.gradient(
        [visit.arriving[0] * (output - higher)], [tf.cast(before, visit.inputs[0].dtype)]
    )
    entering = tensor - before
    return tf.where(tf.abs(entering) < _SAME, 0.0, tf.math.divide_no_nan(now + then, entering))


def _product(visit: Visit) -> list[tf.Tensor]:
    """Of a product each factor times the mean of the other, now and before: both orders count alike (as in DeepSHAP)."""
    before, _ = _black(visit)
    means = [(tf.cast(now, tf.float32) + then) / 2 for now, then in zip(visit.inputs, before, strict=True)]
    return visit.gradient(
        inputs=[tf.cast(each, now.dtype) for each, now in zip(means, visit.inputs, strict=True)]
    )
