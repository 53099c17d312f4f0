"""Networks that are wrapped: by Sequential, by another model, with operations among their layers."""

import keras
import numpy as np
from keras import layers, ops

from saliency_worker.saliency.model_choice import ModelChoice
from tests.saliency.tape import Case
from tests.saliency.zoo.shapes import GAP, SIDE, Function, backbone, chain, conv, plain, shape, two


@shape
def sequential() -> Case:
    """The first model of every course."""
    first, last, flat, dense = conv(4, "first", strides=2), conv(), layers.Flatten(), layers.Dense(3)
    model = keras.Sequential([keras.Input((SIDE, SIDE, 3)), first, last, flat, dense, layers.Softmax()])
    return Case(model, chain(first, last), chain(flat, dense), layer="last")


@shape
def transfer_by_sequential() -> Case:
    """The reproduction of the most frequent complaint: a nested network, pooled, one dense layer."""
    base, pool, dense = backbone(), GAP(), layers.Dense(5, "softmax")
    model = keras.Sequential([keras.Input((SIDE, SIDE, 3)), base, pool, dense])
    return Case(model, base, chain(pool, _logits(dense)), layer="backbone/last", cam=True)


@shape
def transfer_by_the_tutorial() -> Case:
    """Augmentation as a Sequential, scaling as operations, training=False, dropout, one logit."""
    augment = keras.Sequential([layers.RandomFlip("horizontal"), layers.RandomRotation(0.2)], name="augment")
    base, pool, drop, dense = backbone(), GAP(), layers.Dropout(0.2), layers.Dense(1)
    image = keras.Input((SIDE, SIDE, 3))
    x = augment(image)
    x = ops.subtract(ops.divide(x, 127.5), 1.0)
    x = dense(drop(pool(base(x, training=False))))
    trunk = lambda rows: base(rows / 127.5 - 1)  # noqa: E731
    return Case(
        keras.Model(image, x),
        trunk,
        chain(pool, dense, two),
        "backbone/last",
        probabilities="sigmoid",
        cam=True,
    )


@shape
def vgg_with_flatten_and_two_dense() -> Case:
    first, down, last, pool = conv(6, "first"), layers.MaxPooling2D(), conv(8), layers.MaxPooling2D()
    inner = keras.Input((SIDE, SIDE, 3))
    base = keras.Model(inner, pool(last(down(first(inner)))), name="vgg")
    flat, hidden, dense = layers.Flatten(), layers.Dense(12, "relu"), layers.Dense(4, "softmax")
    image = keras.Input((SIDE, SIDE, 3))
    model = keras.Model(image, dense(hidden(flat(base(image)))))
    return Case(model, chain(first, down, last), chain(pool, flat, hidden, _logits(dense)), layer="vgg/last")


@shape
def relu_as_an_operation() -> Case:
    """Taken at the convolution its map would be that before the activation."""
    last, pool, dense = conv(activation=None), GAP(), layers.Dense(4)
    return plain(chain(last, ops.relu), chain(pool, dense), layer="relu", cam=True)


@shape
def softmax_as_an_operation() -> Case:
    last, pool, dense = conv(), GAP(), layers.Dense(4)
    return plain(last, chain(pool, dense), lambda x: ops.softmax(x), layer="last", cam=True)


@shape
def features_multiplied() -> Case:
    """CAM must know of the factor between pooling and dense layer."""
    factors = np.linspace(-2, 2, 6).astype(np.float32)
    last, pool, dense = conv(), GAP(), layers.Dense(4)
    return plain(last, chain(pool, lambda x: ops.multiply(x, factors), dense), layer="last", cam=True)


@shape
def norm_after_pooling() -> Case:
    last, pool, norm, dense = conv(), GAP(), layers.BatchNormalization(), layers.Dense(4)
    return plain(last, chain(pool, norm, dense), layer="last", cam=True)


@shape
def features_normalised() -> Case:
    """Cosine classifiers: no weights of CAM, but a gradient."""
    last, pool, dense = conv(), GAP(), layers.Dense(4, use_bias=False)
    return plain(last, chain(pool, lambda x: ops.normalize(x, axis=-1), dense), layer="last")


@shape
def mean_as_an_operation() -> Case:
    last, dense = conv(), layers.Dense(4)
    return plain(last, chain(lambda x: ops.mean(x, axis=(1, 2)), dense), layer="last", cam=True)


@shape
def pooling_inside_the_backbone() -> Case:
    """pooling='avg': the nested network ends behind its map."""
    last, pool, dense = conv(7), GAP(), layers.Dense(4, "softmax")
    inner = keras.Input((SIDE, SIDE, 3))
    base = keras.Model(inner, pool(last(inner)), name="pooled")
    image = keras.Input((SIDE, SIDE, 3))
    return Case(
        keras.Model(image, dense(base(image))),
        last,
        chain(pool, _logits(dense)),
        layer="pooled/last",
        cam=True,
    )


@shape
def whole_classifier_wrapped() -> Case:
    """Preprocessing before and Softmax behind a classifier that gives logits."""
    last, pool, dense = conv(), GAP(), layers.Dense(4)
    inner = keras.Input((SIDE, SIDE, 3))
    base = keras.Model(inner, dense(pool(last(inner))), name="classifier")
    model = keras.Sequential(
        [keras.Input((SIDE, SIDE, 3)), layers.Rescaling(1 / 255), base, layers.Softmax()], name="wrapped"
    )
    return Case(model, lambda x: last(x / 255), chain(pool, dense), layer="classifier/last", cam=True)


@shape
def three_levels_deep() -> Case:
    innermost = backbone("innermost")
    middle_image = keras.Input((SIDE, SIDE, 3))
    middle = keras.Model(middle_image, layers.LeakyReLU(name="leaky")(innermost(middle_image)), name="middle")
    pool, dense = GAP(), layers.Dense(3, "softmax")
    model = keras.Sequential(
        [keras.Input((SIDE, SIDE, 3)), keras.Sequential([middle], name="outer"), pool, dense]
    )
    return Case(model, middle, chain(pool, _logits(dense)), layer="outer/middle/leaky", cam=True)


@shape
def a_layer_named_inside() -> Case:
    base, pool, dense = backbone(), GAP(), layers.Dense(5, "softmax")
    model = keras.Sequential([keras.Input((SIDE, SIDE, 3)), base, pool, dense])
    first, norm, relu, last = (base.get_layer(n) for n in ("first", "first_norm", "first_relu", "last"))
    trunk = lambda x: relu(norm(first(x), training=False))  # noqa: E731
    choice = ModelChoice(layer="backbone/first_relu")
    return Case(model, trunk, chain(last, pool, _logits(dense)), "backbone/first_relu", choice)


def _logits(dense: keras.layers.Dense) -> Function:
    """What a dense layer gives before its activation, by its arrays."""
    return lambda x: ops.matmul(x, dense.kernel) + dense.bias
