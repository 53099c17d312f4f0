"""Networks by what they take and give: scores, channels, sizes, precisions, norms and paddings."""

import keras
from keras import layers, ops

from saliency_worker.saliency.model_choice import ModelChoice
from tests.saliency.tape import Case
from tests.saliency.zoo.shapes import GAP, SIDE, Function, backbone, chain, conv, plain, shape, two


@shape
def many_labels() -> Case:
    last, pool, dense = conv(), GAP(), layers.Dense(5, "sigmoid")
    image = keras.Input((SIDE, SIDE, 3))
    model = keras.Model(image, dense(pool(last(image))))
    return Case(model, last, chain(pool, _logits(dense)), layer="last", probabilities="sigmoid", cam=True)


@shape
def one_output_for_two_classes() -> Case:
    last, pool, dense = conv(), GAP(), layers.Dense(1, "sigmoid")
    image = keras.Input((SIDE, SIDE, 3))
    model = keras.Model(image, dense(pool(last(image))))
    return Case(
        model, last, chain(pool, _logits(dense), two), layer="last", probabilities="sigmoid", cam=True
    )


@shape
def linear_scores() -> Case:
    last, pool, dense = conv(), GAP(), layers.Dense(4)
    return plain(last, chain(pool, dense), lambda x: x, layer="last", cam=True)


@shape
def behind_a_temperature() -> Case:
    last, pool, dense = conv(), GAP(), layers.Dense(4)
    return plain(last, chain(pool, dense, lambda x: x / 2.5), layers.Softmax(), layer="last", cam=True)


@shape
def log_probabilities() -> Case:
    last, pool, dense = conv(), GAP(), layers.Dense(4)
    return plain(last, chain(pool, dense), lambda x: ops.log_softmax(x), layer="last", cam=True)


@shape
def cast_behind_the_softmax() -> Case:
    last, pool, dense = conv(), GAP(), layers.Dense(4)
    end = chain(layers.Softmax(), layers.Activation("linear", dtype="float32"), layers.Dropout(0.1))
    return plain(last, chain(pool, dense), end, layer="last", cam=True)


@shape
def one_channel() -> Case:
    last, flat, dense = conv(), layers.Flatten(), layers.Dense(4)
    return plain(last, chain(flat, dense), size=(SIDE, SIDE, 1), layer="last")


@shape
def without_a_channel_axis() -> Case:
    last, flat, dense, widen = conv(), layers.Flatten(), layers.Dense(4), layers.Reshape((SIDE, SIDE, 1))
    image = keras.Input((SIDE, SIDE))
    model = keras.Model(image, ops.softmax(dense(flat(last(widen(image))))))
    return Case(model, last, chain(flat, dense), layer="last")


@shape
def not_square() -> Case:
    last, flat, dense = conv(strides=2), layers.Flatten(), layers.Dense(4)
    return plain(last, chain(flat, dense), size=(16, 28, 3), layer="last")


@shape
def of_any_size() -> Case:
    base, pool, dense = backbone(size=(None, None, 3)), GAP(), layers.Dense(4)
    return plain(
        base,
        chain(pool, dense),
        size=(None, None, 3),
        layer="backbone/last",
        choice=ModelChoice(size=(24, 18)),
        cam=True,
    )


@shape
def backbone_of_any_size_inside() -> Case:
    base, flat, dense = backbone(size=(None, None, 3)), layers.Flatten(), layers.Dense(4)
    return plain(base, chain(flat, dense), layer="backbone/last")


@shape
def whole_numbers_in() -> Case:
    scale, last, pool, dense = layers.Rescaling(1 / 255), conv(), GAP(), layers.Dense(4)
    return plain(chain(scale, last), chain(pool, dense), dtype="uint8", layer="last", cam=True)


@shape
def half_precision() -> Case:
    half = {"dtype": "float16"}
    first, last, pool, dense = conv(6, "first", **half), conv(**half), GAP(**half), layers.Dense(4, **half)
    choice = ModelChoice(preprocessing="unit")
    return plain(
        chain(first, last),
        chain(pool, dense),
        layers.Softmax(dtype="float32"),
        layer="last",
        choice=choice,
        tolerance=2e-2,
        cam=True,
    )


@shape
def mixed_precision() -> Case:
    mixed = {"dtype": "mixed_float16"}
    first, last, flat, dense = (
        conv(6, "first", **mixed),
        conv(**mixed),
        layers.Flatten(),
        layers.Dense(4, **mixed),
    )
    choice = ModelChoice(preprocessing="unit")
    return plain(
        chain(first, last),
        chain(flat, dense),
        layers.Softmax(dtype="float32"),
        layer="last",
        choice=choice,
        tolerance=2e-2,
    )


@shape
def own_mean_and_deviation() -> Case:
    last, pool, dense = conv(), GAP(), layers.Dense(4)
    choice = ModelChoice(mean=(0.4, 0.5, 0.6), std=(0.2, 0.3, 0.25))
    return plain(last, chain(pool, dense), layer="last", choice=choice, cam=True)


@shape
def norm_over_rows() -> Case:
    """A batch norm over axis 1 does not lie along the channels: it cannot go into the kernel."""
    last, norm, relu, pool, dense = (
        conv(activation=None),
        layers.BatchNormalization(axis=1),
        layers.ReLU(name="relu"),
        GAP(),
        layers.Dense(4),
    )
    trunk = lambda x: relu(norm(last(x), training=False))  # noqa: E731
    return plain(trunk, chain(pool, dense), layer="relu", cam=True)


@shape
def rescaling_behind_a_convolution() -> Case:
    last, scale, pool, dense = (
        conv(activation=None),
        layers.Rescaling(0.5, offset=0.1, name="scaled"),
        GAP(),
        layers.Dense(4),
    )
    return plain(chain(last, scale), chain(pool, dense), layer="scaled", cam=True)


@shape
def other_norms() -> Case:
    last, group, layer_norm, pool, dense = (
        conv(8, "conv"),
        layers.GroupNormalization(4),
        layers.LayerNormalization(name="norm"),
        GAP(),
        layers.Dense(4),
    )
    return plain(chain(last, group, layer_norm), chain(pool, dense), layer="norm", cam=True)


@shape
def separable_and_depthwise() -> Case:
    first, norm, deep, relu = (
        layers.SeparableConv2D(6, 3),
        layers.BatchNormalization(),
        layers.DepthwiseConv2D(3),
        layers.ReLU(6.0, name="relu6"),
    )
    pool, dense = GAP(), layers.Dense(4)
    trunk = lambda x: relu(norm(deep(first(x)), training=False))  # noqa: E731
    return plain(trunk, chain(pool, dense), layer="relu6", choice=ModelChoice(preprocessing="unit"), cam=True)


@shape
def padding_and_pooling_last() -> Case:
    last, pad, drop, pool, flat, dense = (
        conv(),
        layers.ZeroPadding2D(),
        layers.SpatialDropout2D(0.2),
        layers.AveragePooling2D(2),
        layers.Flatten(),
        layers.Dense(4),
    )
    return plain(last, chain(pad, drop, pool, flat, dense), layer="last")


@shape
def pooled_by_a_window_of_the_whole_map() -> Case:
    last, pool, flat, dense = conv(), layers.AveragePooling2D(SIDE), layers.Flatten(), layers.Dense(4)
    return plain(last, chain(pool, flat, dense), layer="last", cam=True)


def _logits(dense: keras.layers.Dense) -> Function:
    """What a dense layer gives before its activation, by its arrays."""
    return lambda x: ops.matmul(x, dense.kernel) + dense.bias
