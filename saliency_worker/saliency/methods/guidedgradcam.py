"""Guided Grad-CAM: guided backpropagation where Grad-CAM looks (Selvaraju et al. 2017, section 3.1)."""

import tensorflow as tf

from saliency_worker.saliency.methods.gradcam import gradcam
from saliency_worker.saliency.methods.guidedbp import guided
from saliency_worker.saliency.walk import Walk


def guidedgradcam(walk: Walk, activations: tf.Tensor, gradients: tf.Tensor) -> tf.Tensor:
    """``M = max_c |G_c ∘ L|``: ``G`` of guided backpropagation (N, H, W, C), ``L`` Grad-CAM enlarged. Returns (N, H, W).

    activations, gradients: as of gradcam.
    """
    found = guided(walk, "guidedgradcam")
    cam = gradcam(activations, gradients)[..., None]
    enlarged = tf.image.resize(cam, tf.shape(found)[1:3], "bilinear")  # half-pixel centres
    return tf.reduce_max(tf.abs(found * enlarged), axis=-1)
