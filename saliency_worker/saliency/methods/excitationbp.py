"""Excitation backpropagation: the marginal winning probability of each place (Zhang et al. 2016, eq. 4)."""

import tensorflow as tf

from saliency_worker.saliency.parts import gate, part, undefined
from saliency_worker.saliency.rules import by_gradient, positive, same_sign, through, to_signal
from saliency_worker.saliency.walk import Visit, Walk


def excitationbp(walk: Walk, *, places: int) -> tf.Tensor:
    """``P_i = Σ_j (a_i w_ij)⁺ / Σ_i (a_i w_ij)⁺ P_j``, from 1 at the class, summed over channels. Returns (N, h, w) ≥ 0.

    Where activations are not negative this is the paper's ``a_i w_ij⁺``; where they are, a connection excites when the
    product is positive. places: rows of the map at least, read at the last layer that has as many.
    """
    until = walk.last_map(places)
    return tf.reduce_sum(walk.at_picture(walk.back(excitation, walk.start, until)), axis=-1)


def excitation(visit: Visit, method: str = "excitationbp") -> list[tf.Tensor]:
    """The rule of an operation. Raises ModelError, in the name of the method, where there is none."""
    found = part(visit)
    if found in ("pass", "scale", "activation"):
        return through(visit)
    if found in ("copies", "max"):
        return by_gradient(visit)
    if found == "weights":
        return positive(visit)
    if found in ("sum", "mean"):
        return same_sign(visit)
    if found == "product" and (place := gate(visit)) is not None:
        return to_signal(visit, place)
    raise undefined(visit, method)
