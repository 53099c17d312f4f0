"""The two libraries people use today with Keras, each through its public calls.

tf-keras-vis and Xplique are optional; `benchmarks/requirements-peers.txt` says how to install them.
"""

from typing import Any

import keras
import numpy as np
import tensorflow as tf


def noisy(x: np.ndarray, samples: int, sigma: float, seed: int) -> np.ndarray:
    """`samples` copies of one input (H, W, 3) with Gaussian noise."""
    noise = np.random.default_rng(seed).normal(0, sigma, (samples, *x.shape))
    return (x + noise).astype("float32")


class TfKerasVis:
    """Three CAMs by tf-keras-vis (it has no Smooth Grad-CAM++: its Grad-CAM++ on noisy copies, averaged)."""

    def __init__(self, model: keras.Model, layer: str) -> None:
        from tf_keras_vis.gradcam import Gradcam
        from tf_keras_vis.gradcam_plus_plus import GradcamPlusPlus

        self.gradcam = Gradcam(model, clone=False)
        self.gradcampp = GradcamPlusPlus(model, clone=False)
        self.layer = layer

    def plain(self, x: np.ndarray, classes: np.ndarray) -> dict[str, np.ndarray]:
        """Grad-CAM and Grad-CAM++ at h×w, un-normalised, on the layer itself."""
        return {
            "gradcam": self._call(self.gradcam, x, classes),
            "gradcampp": self._call(self.gradcampp, x, classes),
        }

    def three(
        self, x: np.ndarray, classes: np.ndarray, samples: int, sigma: float, *, batched: bool
    ) -> list[np.ndarray]:
        """The three CAMs of each image: noisy copies in one call (batched by hand) or one by one."""
        maps = []
        for number, (one, index) in enumerate(zip(x, classes, strict=True)):
            first = self._call(self.gradcam, one[None], [index])[0]
            second = self._call(self.gradcampp, one[None], [index])[0]
            copies = noisy(one, samples, sigma, number)
            if batched:
                smooth = self._call(self.gradcampp, copies, [index] * samples)
            else:
                smooth = np.stack([self._call(self.gradcampp, copy[None], [index])[0] for copy in copies])
            maps.append(np.stack([first, second, smooth.mean(0)]))
        return maps

    def _call(self, method: Any, x: np.ndarray, classes: Any) -> np.ndarray:
        from tf_keras_vis.utils.scores import CategoricalScore

        return np.asarray(
            method(
                CategoricalScore([int(index) for index in classes]),
                x,
                penultimate_layer=self.layer,
                seek_penultimate_conv_layer=False,
                expand_cam=False,
                normalize_cam=False,
            )
        )


class Xplique:
    """Three CAMs by Xplique (no Smooth Grad-CAM++ either: its Grad-CAM++ on a batch of noisy copies, averaged)."""

    def __init__(self, model: keras.Model, layer: str, batch: int) -> None:
        from xplique.attributions import GradCAM, GradCAMPP

        self.outputs = model.output_shape[-1]
        self.gradcam = GradCAM(model, conv_layer=layer, batch_size=batch)
        self.gradcampp = GradCAMPP(model, conv_layer=layer, batch_size=batch)

    def plain(self, x: np.ndarray, classes: np.ndarray) -> dict[str, np.ndarray]:
        """Grad-CAM and Grad-CAM++ at h×w: the steps of its `explain` without the enlarging."""
        maps = {}
        for key, method in (("gradcam", self.gradcam), ("gradcampp", self.gradcampp)):
            activations, gradients = method._gradient(tf.constant(x), self._targets(classes))
            weights = method._compute_weights(gradients, activations)
            maps[key] = np.asarray(method._apply_weights(weights, activations))
        return maps

    def three(self, x: np.ndarray, classes: np.ndarray, samples: int, sigma: float) -> list[np.ndarray]:
        """The three CAMs of each image, noisy copies as one batch."""
        first = np.asarray(self.gradcam(x, self._targets(classes)))
        second = np.asarray(self.gradcampp(x, self._targets(classes)))
        maps = []
        for number, (one, index) in enumerate(zip(x, classes, strict=True)):
            copies = noisy(one, samples, sigma, number)
            smooth = np.asarray(self.gradcampp(copies, self._targets([index] * samples)))
            maps.append(np.stack([first[number], second[number], smooth.mean(0)]))
        return maps

    def _targets(self, classes: Any) -> tf.Tensor:
        return tf.one_hot([int(index) for index in classes], self.outputs)
