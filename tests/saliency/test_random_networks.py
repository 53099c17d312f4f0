"""Small networks drawn at random, of what people nest, join, normalise and end in: right or refused, never wrong."""

from collections import Counter
from collections.abc import Callable
from typing import Any

import keras
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from keras import layers, ops

from saliency_worker.saliency.errors import ModelError
from saliency_worker.saliency.model_choice import ModelChoice
from tests.saliency.tape import Case, assert_maps_are_right
from tests.saliency.zoo import chain, stir, two

pytestmark = pytest.mark.tensorflow
Function = Callable[[Any], Any]
DRAWN: Counter[str] = Counter()
EXAMPLES = 30

NORMS: dict[str, Callable[[], Function]] = {
    "none": lambda: lambda x: x,
    "batch": layers.BatchNormalization,
    "batch over rows": lambda: layers.BatchNormalization(axis=1),
    "layer": layers.LayerNormalization,
    "rescaling": lambda: layers.Rescaling(0.7, offset=0.2),
    "scaled": lambda: lambda x: x * 0.5 + 0.1,
}
ACTIVATIONS: dict[str, Callable[[], Function]] = {
    "relu layer": layers.ReLU,
    "relu op": lambda: ops.relu,
    "silu op": lambda: ops.silu,
    "leaky": lambda: layers.LeakyReLU(negative_slope=0.2),
    "linear": lambda: lambda x: x,
}
CONVOLUTIONS: dict[str, Callable[[], Function]] = {
    "plain": lambda: layers.Conv2D(5, 3, padding="same"),
    "strided": lambda: layers.Conv2D(5, 3, 2, "same", use_bias=False),
    "depthwise": lambda: layers.DepthwiseConv2D(3, padding="same", depth_multiplier=2),
    "separable": lambda: layers.SeparableConv2D(6, 3, padding="same"),
    "one by one": lambda: layers.Conv2D(6, 1, activation="relu"),
}


@st.composite
def blocks(draw: st.DrawFn) -> Function:
    """A convolution, a norm, an activation; perhaps with a way round it, perhaps inside a model of its own."""
    convolve = CONVOLUTIONS[draw(st.sampled_from(sorted(CONVOLUTIONS)))]()
    norm = NORMS[draw(st.sampled_from(sorted(NORMS)))]()
    squash = ACTIVATIONS[draw(st.sampled_from(sorted(ACTIVATIONS)))]()
    shape = draw(st.sampled_from(["straight", "straight", "residual", "branches", "excited"]))
    inner = chain(convolve, _still(norm), squash)
    if shape == "residual":
        again, add = layers.Conv2D(5, 3, padding="same"), layers.Add()
        widen = layers.Conv2D(5, 1)
        return chain(inner, widen, lambda x: add([x, again(x)]))
    if shape == "branches":
        other, join = layers.Conv2D(3, 3, padding="same"), layers.Concatenate()
        narrow = layers.Conv2D(4, 1)
        return chain(inner, lambda x: join([narrow(x), other(x)]))
    if shape == "excited":
        pool, gate = layers.GlobalAveragePooling2D(keepdims=True), layers.Conv2D(6, 1, activation="sigmoid")
        widen = layers.Conv2D(6, 1)
        return chain(inner, widen, lambda x: x * gate(pool(x)))
    return inner


def _still(norm: Function) -> Function:
    if isinstance(norm, layers.BatchNormalization):
        return lambda x: norm(x, training=False)
    return norm


@st.composite
def heads(draw: st.DrawFn) -> Function:
    kind = draw(
        st.sampled_from(
            ["gap", "gap", "flat", "maximum", "both", "attention", "hidden", "normed", "convolved"]
        )
    )
    DRAWN[kind] += 1
    classes = draw(st.integers(2, 4))
    dense, pool, most = layers.Dense(classes), layers.GlobalAveragePooling2D(), layers.GlobalMaxPooling2D()
    if kind == "flat":
        return chain(layers.AveragePooling2D(2), layers.Flatten(), dense)
    if kind == "maximum":
        return chain(most, dense)
    if kind == "both":
        join = layers.Concatenate()
        return lambda x: dense(join([pool(x), most(x)]))
    if kind == "attention":
        score = layers.Conv2D(1, 1)
        return lambda x: dense(ops.sum(x * layers.Softmax(axis=(1, 2))(score(x)), axis=(1, 2)))
    if kind == "hidden":
        return chain(pool, layers.Dense(5, "tanh"), dense)
    if kind == "normed":
        return chain(
            pool,
            _still(layers.BatchNormalization()),
            layers.Dropout(0.3),
            lambda x: ops.multiply(x, 1.7),
            dense,
        )
    if kind == "convolved":
        return chain(layers.Conv2D(classes, 1), pool)
    return chain(pool, dense)


ENDS: dict[str, Function] = {
    "softmax op": lambda x: ops.softmax(x),
    "softmax layer": lambda x: layers.Softmax()(x),
    "activation": lambda x: layers.Activation("softmax")(x),
    "sigmoid": lambda x: ops.sigmoid(x),
    "temperature": lambda x: ops.softmax(x),
    "linear": lambda x: x,
}


@st.composite
def networks(draw: st.DrawFn) -> Case:
    keras.utils.set_random_seed(draw(st.integers(0, 999)))
    side = draw(st.sampled_from([(12, 12), (12, 16)]))
    size = (*side, draw(st.sampled_from([3, 3, 1])))
    parts = [draw(blocks()) for _ in range(draw(st.integers(1, 3)))]
    nested = draw(st.integers(0, 2))
    head = draw(heads())
    end = draw(st.sampled_from(sorted(ENDS)))
    if end == "temperature":
        plain_head, head = head, lambda x: plain_head(x) / 3.0
    trunk = chain(*parts)
    image = keras.Input(size)
    x = image
    for place, part in enumerate(parts):
        if place < nested:
            inside = keras.Input(x.shape[1:])
            x = keras.Model(inside, part(inside), name=f"part{place}")(x)
        else:
            x = part(x)
    marked = layers.Activation("linear", name="marked")
    model = keras.Model(image, ENDS[end](head(marked(x))), name="drawn")
    stir(model)
    DRAWN[end] += 1
    DRAWN[f"{nested} nested"] += 1
    single = model.output_shape[-1] == 1
    choice = ModelChoice(layer="marked", preprocessing=draw(st.sampled_from(["unit", "tf"])))
    return Case(model, trunk, chain(head, two) if single else head, choice=choice)


@settings(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize=True,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)
@given(networks())
def each_is_right_or_refused(case: Case) -> None:
    try:
        assert_maps_are_right(case)
    except ModelError as refused:
        DRAWN["refused"] += 1
        assert "\n" not in str(refused)
        return
    DRAWN["right"] += 1


def test_random_networks_are_explained_rightly_or_refused_and_most_are_explained() -> None:
    DRAWN.clear()
    each_is_right_or_refused()
    print(
        f"\n{DRAWN['right']} random networks explained as by the tape, {DRAWN['refused']} refused: {dict(DRAWN)}"
    )
    assert DRAWN["right"] >= 0.8 * EXAMPLES
