"""Networks that branch and join, and the heads that they end in."""

from typing import Any

from keras import layers, ops

from saliency_worker.saliency.model_choice import ModelChoice
from tests.saliency.tape import Case
from tests.saliency.zoo.shapes import GAP, SIDE, backbone, chain, conv, plain, shape


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
