"""Networks as people build them. Each says by its own layers what its map is; tape.py compares the engine with that.

A case is built twice out of the same layers: as a Keras model, and as two plain functions that its reference calls.
"""

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
from keras import layers, ops

from saliency_worker.saliency.model_choice import ModelChoice
from tests.saliency.tape import Case

Function = Callable[[Any], Any]
ZOO: dict[str, Callable[[], Case]] = {}
SIDE = 20


def shape(build: Callable[[], Case]) -> Callable[[], Case]:
    """Adds a case to the zoo; its weights are the same in every run."""

    def seeded() -> Case:
        keras.utils.set_random_seed(sum(map(ord, build.__name__)))
        case = build()
        stir(case.model)
        return case

    ZOO[build.__name__] = seeded
    return seeded


def stir(model: keras.Model) -> None:
    """Batch norms that do something: their statistics and scales are drawn."""
    generator = np.random.default_rng(5)
    for weight in model.weights:
        if weight.name in ("gamma", "moving_variance"):
            weight.assign(generator.uniform(0.5, 1.5, weight.shape))
        if weight.name in ("beta", "moving_mean", "bias"):
            weight.assign(generator.uniform(-0.3, 0.3, weight.shape))


def conv(channels: int = 6, name: str = "last", **options: Any) -> keras.Layer:
    return layers.Conv2D(channels, 3, **{"activation": "relu", "name": name, "padding": "same", **options})


def chain(*steps: Function) -> Function:
    def run(x: Any) -> Any:
        for step in steps:
            x = step(x)
        return x

    return run


def plain(trunk: Function, head: Function, end: Function = ops.softmax, **known: Any) -> Case:
    """One functional model of trunk, head and ending. size: of its input."""
    image = keras.Input(known.pop("size", (SIDE, SIDE, 3)), dtype=known.pop("dtype", None))
    return Case(keras.Model(image, end(head(trunk(image))), name="net"), trunk, head, **known)


def backbone(
    name: str = "backbone", size: tuple[int | None, ...] = (SIDE, SIDE, 3), **last: Any
) -> keras.Model:
    """A network without a head that ends in ``NAME/last``."""
    image = keras.Input(size)
    x = layers.Conv2D(5, 3, 2, "same", use_bias=False, name="first")(image)
    x = layers.ReLU(name="first_relu")(layers.BatchNormalization(name="first_norm")(x))
    return keras.Model(image, conv(8, **last)(x), name=name)


def two(logit: Any) -> Any:
    """Logits of two classes out of one."""
    return ops.concatenate([-logit, logit], axis=-1)


GAP = layers.GlobalAveragePooling2D


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


@shape
def residual() -> Case:
    first, left, norm, add, relu = (
        conv(6, "a"),
        conv(6, "b"),
        layers.BatchNormalization(),
        layers.Add(),
        layers.ReLU(name="out"),
    )
    pool, dense = GAP(), layers.Dense(4)

    def trunk(x: Any) -> Any:
        x = first(x)
        return relu(add([x, norm(left(x))]))

    return plain(trunk, chain(pool, dense), layer="out", cam=True)


@shape
def squeeze_and_excite_behind_the_map() -> Case:
    last, pool, squeeze, excite = (
        conv(),
        GAP(keepdims=True),
        layers.Dense(3, "relu"),
        layers.Dense(6, "sigmoid"),
    )
    product, end, dense = layers.Multiply(name="excited"), GAP(), layers.Dense(4)

    def trunk(x: Any) -> Any:
        x = last(x)
        return product([x, excite(squeeze(pool(x)))])

    return plain(trunk, chain(end, dense), layer="excited", cam=True)


@shape
def excitation_in_the_head() -> Case:
    last, pool, squeeze, excite = (
        conv(),
        GAP(keepdims=True),
        layers.Dense(3, "relu"),
        layers.Dense(6, "sigmoid"),
    )
    end, dense = GAP(), layers.Dense(4)

    def head(x: Any) -> Any:
        return dense(end(x * excite(squeeze(pool(x)))))

    return plain(last, head, choice=ModelChoice(layer="last"))


@shape
def average_and_maximum_joined() -> Case:
    last, average, most, join, dense = (
        conv(),
        GAP(),
        layers.GlobalMaxPooling2D(),
        layers.Concatenate(),
        layers.Dense(4),
    )
    return plain(last, lambda x: dense(join([average(x), most(x)])), layer="last")


@shape
def maximum_pooled() -> Case:
    last, most, dense = conv(), layers.GlobalMaxPooling2D(), layers.Dense(4)
    return plain(last, chain(most, dense), layer="last")


@shape
def two_branches_joined_as_maps() -> Case:
    left, right, join, pool, dense = (
        conv(4, "left"),
        conv(4, "right"),
        layers.Concatenate(name="join"),
        GAP(),
        layers.Dense(4),
    )
    return plain(lambda x: join([left(x), right(x)]), chain(pool, dense), layer="join", cam=True)


@shape
def one_convolution_applied_twice() -> Case:
    first, shared, pool, dense = conv(6, "first"), conv(6, "shared"), GAP(), layers.Dense(4)
    return plain(chain(first, shared, shared), chain(pool, dense), layer="shared#2", cam=True)


@shape
def one_backbone_for_two_views() -> Case:
    """The picture and its mirror image through the same nested network, then joined."""
    base, join, last, pool, dense = (
        backbone(),
        layers.Concatenate(),
        conv(5, "joined"),
        GAP(),
        layers.Dense(4),
    )
    trunk = lambda x: last(join([base(x), base(ops.flip(x, axis=2))]))  # noqa: E731
    return plain(trunk, chain(pool, dense), layer="joined", cam=True)


@shape
def attention_pooling() -> Case:
    """Weights over places out of a second branch of the same map."""
    last, score, dense = conv(), layers.Conv2D(1, 1, name="score"), layers.Dense(4)

    def head(x: Any) -> Any:
        weights = ops.softmax(ops.reshape(score(x), (-1, SIDE * SIDE, 1)), axis=1)
        return dense(ops.sum(weights * ops.reshape(x, (-1, SIDE * SIDE, 6)), axis=1))

    return plain(last, head, choice=ModelChoice(layer="last"))


@shape
def class_maps_then_mean() -> Case:
    """SqueezeNet's and Network-in-Network's ending: a map per class, averaged."""
    first, classes, pool = conv(), layers.Conv2D(4, 1, name="classes"), GAP()
    return plain(chain(first, classes), pool, layers.Activation("softmax"), layer="classes")


@shape
def convolution_as_dense_layer() -> Case:
    """MobileNet's ending."""
    last, pool, dense, flat = conv(), GAP(keepdims=True), layers.Conv2D(4, 1), layers.Reshape((4,))
    return plain(last, chain(pool, dense, flat), layers.Softmax(), layer="last", cam=True)


@shape
def answers_of_four_axes() -> Case:
    last, pool, dense, flat = conv(), GAP(keepdims=True), layers.Conv2D(4, 1), layers.Flatten()
    case = plain(last, chain(pool, dense), chain(ops.softmax, layers.Reshape((4,))), layer="last", cam=True)
    return Case(case.model, last, chain(pool, dense, flat), layer="last", cam=True)


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
