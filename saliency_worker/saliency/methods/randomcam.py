"""The control ``randomcam``: Grad-CAM of a network that forgot (Adebayo et al. 2018, "Sanity checks for saliency maps").

A method whose map stays the same when the weights are drawn anew does not explain the network.
"""

import tensorflow as tf

from saliency_worker.saliency.methods.gradcam import gradcam


def randomcam(activations: tf.Tensor, gradients: tf.Tensor) -> tf.Tensor:
    """Grad-CAM (Feature CAM eq. 2, 3); its arguments come from the network with random last block and head."""
    return gradcam(activations, gradients)
