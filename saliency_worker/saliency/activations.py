"""Two views of a classifier, trunk and head, frozen into graphs of one fixed batch size.

The trunk runs once, from the image to the last convolutional activation ``A``; the gradient of the logit goes
through the head only. The model itself is never changed: the logits come from a second view of its last layer.
"""

import gc
from collections.abc import Mapping, Set
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
import numpy.typing as npt
import tensorflow as tf

from saliency_worker.catalog import explains_class
from saliency_worker.declarations import Need
from saliency_worker.saliency.classifiers import Classifier
from saliency_worker.saliency.errors import DeviceError, ModelError, SettingsError
from saliency_worker.saliency.formulas import Formula
from saliency_worker.saliency.frozen import Graph, freeze

Array = npt.NDArray[np.float32]
Indices = npt.NDArray[np.int32]
Maps = dict[str, Array]


@dataclass(frozen=True)
class View:
    """A classifier cut at its last convolutional layer.

    trunk: input to ``A`` (N, h, w, K); head: ``A`` to logits (N, classes).
    cam_weights: (K, classes) of the dense layer behind global average pooling, None for another head.
    pool, tail: that pooling, and the rest of the head from its output to the logits.
    """

    trunk: keras.Model
    head: keras.Model
    cam_weights: Array | None
    pool: keras.Layer | None = None
    tail: keras.Model | None = None


def view(classifier: Classifier) -> View:
    """Cut the classifier at its layer. Raises ModelError where that is not possible."""
    model, layer = classifier.model, classifier.spec.layer
    activation = feature_layer(model, layer).output
    if len(activation.shape) != 4:
        raise ModelError(f'Layer "{layer}" gives {activation.shape}, not a feature map: name a convolution.')
    logits = logits_of(model)
    try:
        head = keras.Model(activation, logits)
    except ValueError as error:
        raise ModelError(
            f'The output does not depend on layer "{layer}" alone: name a later layer.'
        ) from error
    trunk, weights = keras.Model(model.inputs[0], activation), _cam_weights(head)
    if weights is None:
        return View(trunk, head, None)
    pool = next(each for each in head.layers if isinstance(each, keras.layers.GlobalAveragePooling2D))
    return View(trunk, head, weights, pool, keras.Model(pool.output, logits))


def feature_layer(model: keras.Model, name: str) -> keras.Layer:
    """The layer of that name.

    Keras numbers unnamed layers through the whole process (``activation_187`` of NASNet), so an unknown number
    stands for the last layer with the same stem. Raises ModelError with the names of the last feature maps.
    """
    stem = name.rstrip("0123456789")
    exact = [layer for layer in model.layers if layer.name == name]
    alike = [layer for layer in model.layers if stem.endswith("_") and layer.name.startswith(stem)]
    if exact or alike:
        return exact[0] if exact else alike[-1]
    maps = [layer.name for layer in model.layers if len(getattr(layer.output, "shape", ())) == 4]
    raise ModelError(f'No layer "{name}": the last feature maps are {", ".join(maps[-3:]) or "none"}.')


def logits_of(model: keras.Model) -> keras.KerasTensor:
    """The scores before the softmax, as a second view of the last layer. Raises ModelError."""
    if len(model.outputs) != 1 or len(model.outputs[0].shape) != 2 or (model.outputs[0].shape[1] or 0) < 2:
        raise ModelError(
            f"{model.name} does not end in one vector of class scores: give an image classifier."
        )
    last = model.layers[-1]
    if isinstance(last, keras.layers.Softmax) or _is_squashing_activation(last):
        return last.input
    if not isinstance(last, keras.layers.Dense):
        raise ModelError(f'The last layer "{last.name}" is no dense layer and no softmax: logits are needed.')
    if last.activation is keras.activations.linear:
        return model.outputs[0]
    if last.activation not in (keras.activations.softmax, keras.activations.sigmoid):
        raise ModelError(
            f'The last layer "{last.name}" has an activation other than softmax: logits are needed.'
        )
    plain = keras.layers.Dense(last.units, use_bias=last.use_bias, name=f"{last.name}_logits")
    scores = plain(last.input)
    plain.set_weights(last.get_weights())
    return scores


def _is_squashing_activation(layer: keras.Layer) -> bool:
    squashing = (keras.activations.softmax, keras.activations.sigmoid)
    return isinstance(layer, keras.layers.Activation) and layer.activation in squashing


def _cam_weights(head: keras.Model) -> Array | None:
    """Weights (K, classes) where the head is global average pooling and one dense layer (or a 1x1 convolution)."""
    ignored = (keras.layers.InputLayer, keras.layers.Dropout, keras.layers.Reshape, keras.layers.Flatten)
    layers = [layer for layer in head.layers if not isinstance(layer, ignored)]
    if len(layers) != 2 or not isinstance(layers[0], keras.layers.GlobalAveragePooling2D):
        return None
    kernel = layers[1].get_weights()[0] if layers[1].get_weights() else np.zeros(0)
    return np.asarray(kernel.reshape(-1, kernel.shape[-1]), np.float32) if kernel.ndim in (2, 4) else None


class Network:
    """A classifier as frozen graphs. The rows of a batch do not influence each other.

    Rows are preprocessed images, float32 (rows, H, W, 3). ``formulas`` of tensors by key say which maps are computed,
    for the images or, of the keys ``on_copies``, for every row. All shapes are fixed, for the last bits of a sum may
    depend on them: ``rows`` of a batch of images and copies, at most ``images`` of them images, ``masks`` rows of a
    batch of explanation maps. ``ranks``: the classes that are explained, as of Settings; they share all but the gradient.
    """

    def __init__(
        self,
        classifier: Classifier,
        formulas: Mapping[str, Formula],
        rows: int,
        masks: int,
        images: int = 1,
        on_copies: Set[str] = frozenset(),
        ranks: tuple[int, ...] = (0,),
    ) -> None:
        self._view = view(classifier)
        for formula in formulas.values():
            if Need.CLASS_WEIGHTS in formula.spec.needs and self._view.cam_weights is None:
                raise ModelError(
                    f"{formula.spec.title} needs global average pooling and one dense layer as head; "
                    f"{classifier.spec.name} has another: choose gradcam."
                )
        self.classes = int(self._view.head.outputs[0].shape[1])
        self._formulas, self._on_copies, self._ranks = formulas, on_copies, ranks
        if ranks[-1] >= self.classes:
            raise SettingsError(
                f"Maps of the {ranks[-1] + 1} likeliest classes are asked for, but {classifier.spec.name} tells "
                f"{self.classes} classes apart: choose another classifier."
            )
        side = classifier.spec.input_size
        whole = tf.TensorSpec((rows, side, side, 3), tf.float32)
        shapes = ((len(ranks), rows), (rows,), (images,))
        self._explain = freeze(
            self._explain_graph, whole, *(tf.TensorSpec(shape, tf.int32) for shape in shapes)
        )
        self._images = images
        self._classify = freeze(self._classify_graph, tf.TensorSpec((masks, side, side, 3), tf.float32))
        del self._view
        gc.collect()  # traced graphs are cycles that hold copies of the weights

    def explain(self, rows: Array, given: Indices, owner: Indices, images: Indices) -> Maps:
        """Raw maps of a batch.

        given: the class to explain per rank and row, (ranks, rows), or (rows,) of one rank; -1 for the choice of that rank
        for the row that ``owner`` names. Maps of further ranks have the names of ``at_rank``.
        images: the rows that are images themselves; the others are noisy copies. ``logits`` (rows, classes) and the maps
        (rows, h, w) of the keys on copies come for all rows, ``features`` (images, K) and the other maps (images, h, w)
        for the images, in their order; what follows behind the last image is padding.
        """
        slots = np.zeros(self._images, np.int32)
        slots[: len(images)] = images
        return _run(self._explain, rows, given.reshape(len(self._ranks), -1), owner, slots)

    def classify(self, rows: Array) -> Array:
        """Logits (rows, classes)."""
        return _run(self._classify, rows)["logits"]

    def _explain_graph(
        self, rows: tf.Tensor, given: tf.Tensor, owner: tf.Tensor, images: tf.Tensor
    ) -> dict[str, tf.Tensor]:
        view = self._view
        activations = view.trunk(rows, training=False)
        # A mean passes the same gradient on to every place: there the pooled features are enough.
        inner = activations if view.pool is None else view.pool(activations)
        with tf.GradientTape(persistent=len(self._ranks) > 1, watch_accessed_variables=False) as tape:
            tape.watch(inner)
            logits = (view.tail or view.head)(inner, training=False)
            owners = tf.gather(logits, owner)
            targets = {
                rank: tf.where(given[place] >= 0, given[place], _choice(owners, rank))
                for place, rank in enumerate(self._ranks)
            }
            # Not tf.gather: its gradient is a scatter, which a GPU sums in any order.
            scores = {
                rank: tf.reduce_sum(logits * tf.one_hot(target, self.classes), axis=1)
                for rank, target in targets.items()
            }
        results = {"logits": logits}
        for rank, target in targets.items():
            every = self._arrays(activations, tape.gradient(scores[rank], inner), target)
            own = {need: tf.gather(tensor, images) for need, tensor in every.items()}
            results.setdefault("features", tf.reduce_mean(own[Need.ACTIVATIONS], axis=(1, 2)))
            for key, formula in self._formulas.items():
                if not rank or explains_class(key):
                    arrays = every if key in self._on_copies else own
                    results[at_rank(key, rank)] = formula(arrays, tuple(arrays[Need.ACTIVATIONS].shape[:3]))
        return results

    def _arrays(
        self, activations: tf.Tensor, gradients: tf.Tensor, target: tf.Tensor
    ) -> dict[Need, tf.Tensor]:
        """What formulas of tensors may need, for the class ``target`` (N,). gradients: of its logit by the head's input."""
        shape, weights = tf.shape(activations), self._view.cam_weights
        every = {Need.ACTIVATIONS: activations}
        if weights is not None:
            gradients = tf.reshape(gradients, (-1, 1, 1, len(weights)))
            gradients = gradients / tf.cast(shape[1] * shape[2], gradients.dtype)
            every[Need.CLASS_WEIGHTS] = tf.gather(tf.constant(weights.T), target)
        every[Need.COMPACT_GRADIENTS] = gradients
        every[Need.GRADIENTS] = tf.broadcast_to(gradients, shape)
        return every

    def _classify_graph(self, rows: tf.Tensor) -> dict[str, tf.Tensor]:
        return {"logits": self._view.head(self._view.trunk(rows, training=False), training=False)}


def _choice(logits: tf.Tensor, rank: int) -> tf.Tensor:
    """The class of this rank per row of logits; of equal ones the first."""
    if not rank:
        return tf.argmax(logits, axis=1, output_type=tf.int32)
    return tf.math.top_k(logits, rank + 1).indices[:, rank]


def at_rank(key: str, rank: int) -> str:
    """The name of a method's maps for the network's choice of that rank, among the results of a batch."""
    return f"{key}@{rank}" if rank else key


def _run(graph: Graph, *arguments: npt.NDArray[Any]) -> Maps:
    """The graph's results as arrays. Raises DeviceError where the device has too little memory."""
    try:
        results = graph(*map(tf.constant, arguments))
        return {name: np.asarray(value) for name, value in results.items()}
    except tf.errors.ResourceExhaustedError as error:
        raise DeviceError(
            f"The device has too little memory for {len(arguments[0])} rows: choose a smaller batch."
        ) from error
