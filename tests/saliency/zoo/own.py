"""Networks of tokens, of classes of their own, and of several inputs and outputs."""

from typing import Any

import keras
import numpy as np
from keras import layers, ops

from saliency_worker.saliency.model_choice import ModelChoice
from tests.saliency.tape import Case
from tests.saliency.zoo.shapes import GAP, SIDE, Function, backbone, chain, conv, plain, shape


@shape
def transformer_by_its_tokens() -> Case:
    """Patches, a class token in front, one block; explained before the block's attention."""
    patches, norm, attend, pool = (
        layers.Conv2D(8, 4, 4, name="patches"),
        layers.LayerNormalization(name="norm"),
        layers.MultiHeadAttention(2, 4),
        layers.Dense(4),
    )
    flat = layers.Reshape((25, 8))

    def embed(x: Any) -> Any:
        tokens = flat(patches(x))
        first = ops.mean(tokens, axis=1, keepdims=True)
        return norm(ops.concatenate([first, tokens], axis=1))

    image = keras.Input((SIDE, SIDE, 3))
    tokens = embed(image)
    model = keras.Model(image, ops.softmax(pool(ops.mean(tokens + attend(tokens, tokens), axis=1))))
    others: list[Any] = []

    def trunk(x: Any) -> Any:
        found = embed(x)
        others[:] = [found[:, :1]]
        return ops.reshape(found[:, 1:], (-1, 5, 5, 8))

    def head(x: Any) -> Any:
        joined = ops.concatenate([others[0], ops.reshape(x, (-1, 25, 8))], axis=1)
        return pool(ops.mean(joined + attend(joined, joined), axis=1))

    choice = ModelChoice(layer="norm", tokens=(5, 5), preprocessing="unit")
    return Case(model, trunk, head, layer="norm", choice=choice)


@keras.saving.register_keras_serializable("zoo")
class OwnModel(keras.Model):
    """A class of one's own around a nested network, as many tutorials write it."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.base = backbone()
        self.pool, self.scores = GAP(), layers.Dense(4, activation="softmax")

    def call(self, images: Any, training: bool = False) -> Any:
        return self.scores(self.pool(self.base(images / 255.0, training=training)))


@shape
def class_of_its_own() -> Case:
    model = OwnModel()
    model(np.zeros((1, SIDE, SIDE, 3), np.float32))
    head = chain(model.pool, _logits(model.scores))
    choice = ModelChoice(size=(SIDE, SIDE))
    return Case(model, lambda x: model.base(x / 255.0), head, layer="backbone/last", choice=choice, cam=True)


@shape
def class_of_its_own_inside() -> Case:
    inner, hidden, dense = OwnModel(name="own"), layers.Dense(6, "relu"), layers.Dense(3)
    image = keras.Input((SIDE, SIDE, 3))
    model = keras.Model(image, ops.softmax(dense(hidden(inner(image)))))
    head = chain(inner.pool, inner.scores, hidden, dense)
    return Case(model, lambda x: inner.base(x / 255.0), head, layer="own/backbone/last")


@shape
def picture_in_a_dictionary() -> Case:
    last, pool, dense = conv(), GAP(), layers.Dense(4)
    image = keras.Input((SIDE, SIDE, 3), name="image")
    model = keras.Model({"image": image}, {"scores": layers.Softmax()(dense(pool(last(image))))})
    return Case(model, last, chain(pool, dense), layer="last", cam=True)


@shape
def one_of_two_outputs() -> Case:
    last, pool, dense, other = conv(), GAP(), layers.Dense(4, name="animal"), layers.Dense(2, name="colour")
    image = keras.Input((SIDE, SIDE, 3))
    pooled = pool(last(image))
    model = keras.Model(image, [other(pooled), dense(pooled)])
    return Case(model, last, chain(pool, dense), "last", ModelChoice(output="animal"), cam=True)


@shape
def layers_within_a_layer() -> Case:
    """A block of one's own is one step: its output can be explained."""

    class Block(keras.layers.Layer):
        def __init__(self, **options: Any) -> None:
            super().__init__(**options)
            self.inside = conv(6, "inside")

        def build(self, shape: Any) -> None:
            self.inside.build(shape)

        def call(self, x: Any) -> Any:
            return ops.relu(self.inside(x)) * 1.5

        def compute_output_shape(self, shape: Any) -> Any:
            return (*shape[:3], 6)

    block, pool, dense = Block(name="block"), GAP(), layers.Dense(4)
    return plain(block, chain(pool, dense), layer="block", cam=True)


@shape
def recurrent_head() -> Case:
    """Its loop keeps variables that cannot be made constants."""
    last, rows, recurrent, dense = conv(4), layers.Reshape((SIDE, SIDE * 4)), layers.LSTM(5), layers.Dense(3)
    return plain(last, chain(rows, recurrent, dense), layer="last")


@shape
def backbone_of_several_maps() -> Case:
    """A pyramid as a nested model of a dictionary, of which the finer map is used."""
    first, finer = conv(4, "first"), conv(5, "finer")
    inside = keras.Input((SIDE, SIDE, 3))
    found = first(inside)
    pyramid = keras.Model(
        inside, {"coarse": layers.MaxPooling2D(2)(found), "fine": finer(found)}, name="pyramid"
    )
    pool, dense = GAP(), layers.Dense(3)
    image = keras.Input((SIDE, SIDE, 3))
    model = keras.Model(image, ops.softmax(dense(pool(pyramid(image)["fine"]))))
    return Case(model, chain(first, finer), chain(pool, dense), layer="pyramid/finer", cam=True)


@shape
def nested_model_of_two_inputs() -> Case:
    last, join = conv(), layers.Concatenate()
    sides = [keras.Input((SIDE, SIDE, 3)), keras.Input((SIDE, SIDE, 3))]
    pair = keras.Model(sides, last(join(sides)), name="pair")
    pool, dense = GAP(), layers.Dense(3)
    image = keras.Input((SIDE, SIDE, 3))
    model = keras.Model(image, ops.softmax(dense(pool(pair([image, image * 2])))))
    trunk = lambda x: last(join([x, x * 2]))  # noqa: E731
    return Case(model, trunk, chain(pool, dense), layer="pair/last", cam=True)


@shape
def norm_of_the_logits() -> Case:
    last, pool, dense, norm = conv(), GAP(), layers.Dense(3), layers.BatchNormalization()
    return plain(last, chain(pool, dense, lambda x: norm(x, training=False)), layer="last", cam=True)


@shape
def sum_of_exponentials_as_pooling() -> Case:
    last = conv(4, activation=None)
    return plain(last, lambda x: ops.logsumexp(x, axis=(1, 2)), layer="last")


def _logits(dense: keras.layers.Dense) -> Function:
    """What a dense layer gives before its activation, by its arrays."""
    return lambda x: ops.matmul(x, dense.kernel) + dense.bias
