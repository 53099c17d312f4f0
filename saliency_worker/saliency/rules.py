"""Rules that several methods of relevance share. Relevance is float32, and biases get none of it."""

from collections.abc import Callable
from typing import Any

import tensorflow as tf

from saliency_worker.saliency import kinds
from saliency_worker.saliency.parts import (
    Stage,
    has_no_rectifier,
    nonnegative,
    part,
    turned,
    undefined,
    weights,
)
from saliency_worker.saliency.walk import Visit


def epsilon(visit: Visit, small: float) -> list[tf.Tensor]:
    """ε rule: ``R_i = x_i Σ_j w_ij R_j / (z_j + ε sign z_j)`` with ``z_j = Σ_i x_i w_ij`` (Bach et al. 2015, eq. 58)."""
    stages = weights(visit.step)
    if not stages:
        return _shared(visit, visit.inputs, lambda z: _divided(visit.arriving[0], z, small))
    (relevance,) = visit.arriving
    given = _inputs(visit.inputs[0], stages)
    for tensor, (weight, apply) in zip(reversed(given), reversed(stages), strict=True):
        kernel = tf.cast(weight, tf.float32)
        ratio = _divided(relevance, apply(tensor, kernel), small)
        relevance = tensor * _transposed(apply, tensor, kernel, ratio)
    return [relevance]


def positive(visit: Visit, *, against: bool = False, conserving: bool = False) -> list[tf.Tensor]:
    """α1β0 rule: ``R_i = Σ_j (x_i w_ij)⁺ R_j / Σ_i (x_i w_ij)⁺`` (Bach et al. 2015, eq. 60).

    against: with ``−w``. conserving: an output that no contribution speaks for, positive by its bias alone, shares by those
    against it, and one that sees nothing but 0 evenly, rather than lose what they have.
    """
    (relevance,) = visit.arriving
    stages, factors = weights(visit.step), turned(visit)
    given = _inputs(visit.inputs[0], stages)
    for place in reversed(range(len(stages))):
        tensor, (kernel, apply) = given[place], stages[place]
        kernel = tf.cast(kernel, tf.float32)
        if factors is not None and place == len(stages) - 1:
            signs = tf.sign(tf.cast(factors, tf.float32))
            by_channel = len(kernel.shape) == 4 and kernel.shape[-1] != signs.shape[0]
            kernel = kernel * (tf.reshape(signs, kernel.shape[2:]) if by_channel else signs)
        kernel = -kernel if against and place == len(stages) - 1 else kernel
        halves = [(tf.nn.relu(tensor), tf.nn.relu(kernel))]
        if place or not nonnegative(visit.walk, visit.step.inputs[0]):
            halves.append((-tf.nn.relu(-tensor), -tf.nn.relu(-kernel)))
        total = tf.add_n([apply(x, w) for x, w in halves])
        arrived, ratio = relevance, tf.math.divide_no_nan(relevance, total)
        relevance = tf.add_n([x * _transposed(apply, x, w, ratio) for x, w in halves])
        if conserving:
            # Nothing speaks for it, so that all its contributions have one sign and the ε rule shares alike.
            against_it = apply(tensor, kernel)
            rest = _divided(tf.where(total > 0, 0.0, arrived), against_it, 0)
            relevance += tensor * _transposed(apply, tensor, kernel, rest)
            # Not even that, for all it sees is 0: evenly (the flat rule), for no input has a part in it.
            ones, even = tf.ones_like(tensor) if place else _inside(visit), tf.ones_like(kernel)
            blind = tf.where((total > 0) | (against_it != 0), 0.0, arrived)
            relevance += ones * _transposed(
                apply, ones, even, tf.math.divide_no_nan(blind, apply(ones, even))
            )
    return [relevance]


def same_sign(visit: Visit) -> list[tf.Tensor]:
    """Of sums and means: what is above 0 is shared by the terms above 0, what is below by those below.

    The ε rule would give terms that cancel out more than all there is.
    """
    (relevance,) = visit.arriving
    (output,) = (tf.cast(each, tf.float32) for each in visit.outputs)
    above, below = (
        _shared(visit, [sign * tf.nn.relu(sign * each) for each in visit.inputs], share)
        for sign, share in (
            (1, lambda z: tf.math.divide_no_nan(tf.where(output > 0, relevance, 0), z)),
            (-1, lambda z: tf.math.divide_no_nan(tf.where(output < 0, relevance, 0), z)),
        )
    )
    return [one + other for one, other in zip(above, below, strict=True)]


def through(visit: Visit) -> list[tf.Tensor]:
    """What arrives goes on as it is: of what has one input for each output."""
    return list(visit.arriving)


def by_gradient(visit: Visit) -> list[tf.Tensor]:
    """The chain rule: of copies each to its origin, of a maximum all to the winner."""
    return visit.gradient()


def by_known_gradient(visit: Visit, method: str) -> list[tf.Tensor]:
    """The chain rule. Raises ModelError, in the name of the method, where a rectifier may be inside."""
    if not has_no_rectifier(visit):
        raise undefined(visit, method)
    if part(visit) == "pass" and kinds.kind(visit.step) != "StopGradient":
        return through(visit)  # without the operation run once more
    return visit.gradient()


def to_signal(visit: Visit, gate: int) -> list[tf.Tensor]:
    """Of a product with a gate: all to what the gate lets through (Arras et al. 2017, section 3.2)."""
    found = [tf.zeros(tf.shape(each), tf.float32) for each in visit.inputs]
    found[1 - gate] = visit.arriving[0]
    return found


def _inside(visit: Visit) -> tf.Tensor:
    """1 where the input is the network's, 0 where a layer before it has padded."""
    (value,) = visit.step.inputs
    step = visit.walk.producers.get(value)
    if step is None or kinds.kind(step) != "ZeroPadding2D":
        return tf.ones_like(tf.cast(visit.inputs[0], tf.float32))
    return tf.cast(step.run({step.inputs[0]: tf.ones_like(visit.walk.values[step.inputs[0]])})[0], tf.float32)


def _inputs(tensor: Any, stages: list[Stage]) -> list[tf.Tensor]:
    """What each stage of a layer takes."""
    found = [tf.cast(tensor, tf.float32)]
    for kernel, apply in stages[:-1]:
        found.append(apply(found[-1], tf.cast(kernel, tf.float32)))
    return found


def _transposed(
    apply: Callable[[Any, Any], Any], tensor: tf.Tensor, kernel: tf.Tensor, given: tf.Tensor
) -> tf.Tensor:
    """The transposed product: ``Σ_j w_ij given_j`` in the shape of the input."""
    with tf.GradientTape(watch_accessed_variables=False) as tape:
        tape.watch(tensor)
        output = apply(tensor, kernel)
    return tape.gradient(output, tensor, given)


def _shared(visit: Visit, inputs: list[Any], share: Callable[[Any], Any]) -> list[tf.Tensor]:
    """``x_i ∂z/∂x_i share(z)`` of an operation that is linear in its inputs and has no weights."""
    (total,) = visit.run(inputs)
    given = share(tf.cast(total, tf.float32))
    return [
        tf.cast(x, tf.float32) * each for x, each in zip(inputs, visit.gradient([given], inputs), strict=True)
    ]


def _divided(relevance: tf.Tensor, total: tf.Tensor, small: float) -> tf.Tensor:
    return tf.math.divide_no_nan(relevance, total + small * tf.where(total >= 0, 1.0, -1.0))
