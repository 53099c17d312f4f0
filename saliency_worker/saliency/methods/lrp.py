"""Layer-wise relevance propagation (Bach et al. 2015), composite as usual for CNNs (Montavon et al. 2019)."""

from functools import partial

import tensorflow as tf

from saliency_worker.saliency.parts import gate, part, undefined
from saliency_worker.saliency.rules import by_gradient, epsilon, positive, same_sign, through, to_signal
from saliency_worker.saliency.walk import Visit, Walk


def lrp(walk: Walk, *, epsilon: float, composite: int) -> tf.Tensor:
    """``M = Σ_c R_c`` of the pixels, where the relevance at the top is the class's logit. Returns (N, H, W), with a sign.

    composite: 1 for α1β0 in convolutions, sums and means and ε in dense layers; 0 for ε everywhere. Its sum is the logit,
    as far as ε takes nothing and every neuron that has relevance has a contribution of the right sign.
    """
    logits = tf.cast(walk.values[walk.scores.logits], tf.float32)
    rule = partial(relevance, small=epsilon, composite=bool(composite))
    return tf.reduce_sum(walk.at_picture(walk.back(rule, walk.start * logits)), axis=-1)


def relevance(visit: Visit, *, small: float, composite: bool) -> list[tf.Tensor]:
    """The rule of an operation. Raises ModelError where there is none."""
    found = part(visit)
    if found in ("pass", "scale", "activation"):
        return through(visit)
    if found in ("copies", "max"):
        return by_gradient(visit)
    if found == "weights":
        convolves = _places(visit.inputs[0]) > 1
        return positive(visit, conserving=True) if composite and convolves else epsilon(visit, small)
    if found in ("sum", "mean"):
        return same_sign(visit) if composite else epsilon(visit, small)
    if found == "product" and (place := gate(visit)) is not None:
        return to_signal(visit, place)
    raise undefined(visit, "lrp")


def _places(tensor: tf.Tensor) -> int:
    """Rows times columns of a feature map; 1 of a vector, for a convolution over one place is a dense layer."""
    return int(tensor.shape[1] * tensor.shape[2]) if len(tensor.shape) == 4 else 1
