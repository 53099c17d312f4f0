"""What cannot be gone back through is refused in one line that names operation and method, never approximated."""

import re
from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf

from saliency_worker.saliency.activations import Network, view
from saliency_worker.saliency.blocked import Unreached, connected, refuse_blocked, refuse_stopped
from saliency_worker.saliency.classifiers import load, of_model
from saliency_worker.saliency.errors import ModelError, SettingsError
from saliency_worker.saliency.explain import Explainer
from saliency_worker.saliency.formulas import plan
from saliency_worker.saliency.model_choice import ModelChoice
from saliency_worker.saliency.settings import Settings
from saliency_worker.saliency.view import View

pytestmark = pytest.mark.tensorflow


class Rounded(keras.layers.Layer):
    def call(self, rows: tf.Tensor) -> tf.Tensor:
        return tf.round(rows)


class Doubled(keras.layers.Layer):
    def call(self, rows: tf.Tensor) -> tf.Tensor:
        return rows * 2


class Standardised(keras.layers.Conv2D):
    """Weight standardisation, as people write it."""

    def call(self, rows: tf.Tensor) -> tf.Tensor:
        kernel = self.kernel - tf.reduce_mean(self.kernel, axis=(0, 1, 2))
        return tf.nn.relu(tf.nn.conv2d(rows, kernel, 1, "SAME"))


def own_relu(rows: tf.Tensor) -> tf.Tensor:
    return tf.nn.relu(rows - 1)


own_relu.__name__ = "relu"


def refuse_without_gradient(found: View, since: int) -> None:
    refuse_stopped(found, since)
    refuse_blocked(found, since)


def network(inside: Callable[[keras.KerasTensor], keras.KerasTensor]) -> keras.Model:
    """Two convolutions with something between them."""
    image = keras.Input((12, 12, 3))
    x = inside(keras.layers.Conv2D(4, 3, padding="same", activation="relu", name="early")(image))
    x = keras.layers.Conv2D(4, 3, padding="same", activation="relu", name="map")(x)
    x = keras.layers.GlobalAveragePooling2D()(x)
    return keras.Model(image, keras.layers.Dense(3, name="scores")(x), name="net")


def attend(x: keras.KerasTensor) -> keras.KerasTensor:
    tokens = keras.layers.Reshape((144, 4))(x)
    return keras.layers.Reshape((12, 12, 4))(keras.layers.MultiHeadAttention(1, 4)(tokens, tokens))


CASES = {
    "a layer norm": (
        keras.layers.LayerNormalization(name="norm"),
        ("lrp", "deeplift", "excitationbp"),
        '"norm"',
    ),
    "attention": (attend, ("lrp", "deeplift", "cexcitationbp"), "multi_head_attention"),
    "silu": (
        keras.layers.Activation("silu", name="soft"),
        ("guidedbp", "deconvnet", "guidedgradcam"),
        '"soft" (silu)',
    ),
    "a leaky rectifier": (
        keras.layers.ReLU(negative_slope=0.1, name="leaky"),
        ("guidedbp",),
        '"leaky" (leaky_relu)',
    ),
    "a leaky rectifier with a ceiling": (
        lambda x: keras.activations.relu(x, negative_slope=0.1, max_value=2.0),
        ("guidedbp", "deconvnet"),
        "(leaky_relu)",
    ),
    "a product of values": (
        lambda x: keras.layers.Multiply(name="both")([x, x + 1]),
        ("lrp", "excitationbp"),
        '"both"',
    ),
    "a layer of one's own": (
        Doubled(name="own"),
        ("lrp", "deeplift", "guidedbp", "deconvnet", "guidedgradcam"),
        '"own" (Doubled)',
    ),
    "a rectifier by another name": (
        lambda x: keras.ops.maximum(x, 0.0),
        ("guidedbp", "deconvnet", "lrp", "deeplift"),
        "(maximum)",
    ),
    "a function called relu": (
        keras.layers.Activation(own_relu, name="own"),
        ("guidedbp", "lrp", "deeplift", "excitationbp"),
        '"own" (Activation)',
    ),
    "a convolution of one's own": (
        Standardised(4, 3, padding="same", name="own"),
        ("lrp", "deeplift", "cexcitationbp", "deconvnet"),
        '"own" (Standardised)',
    ),
    "a product over the channels": (
        keras.layers.EinsumDense("nhwc,cd->nhwd", (None, 12, 4), name="mix"),
        ("lrp", "deeplift", "excitationbp"),
        '"mix" (einsum_dense)',
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_an_operation_without_a_rule_is_refused_by_name(case: str) -> None:
    inside, methods, named = CASES[case]
    classifier = of_model(network(inside))
    for method in methods:
        with pytest.raises(ModelError, match=f"{method} has no rule for") as caught:
            Network(classifier, plan(Settings((method,))).through, 1, 1)
        assert named in str(caught.value) and f"leave {method} out" in str(caught.value)
        assert "\n" not in str(caught.value)
    # The plain gradient has the chain rule for each of them.
    Network(classifier, plan(Settings(("gradient",))).through, 1, 1)


DEAD = {
    "a layer that rounds": (Rounded(name="rounded"), '"rounded" (Rounded)'),
    "a rounding": (keras.ops.round, '"round" (Round)'),
    "a sign, whose gradient is zeros": (keras.ops.sign, '"sign" (Sign)'),
    "a hard threshold": (lambda x: keras.ops.where(x > 0.1, 1.0, 0.0), '"greater" (Greater)'),
    "an argmax": (
        lambda x: keras.ops.one_hot(keras.ops.argmax(x, axis=-1), 4),
        '"argmax" (Argmax)',
    ),
    "whole numbers inside": (
        lambda x: keras.ops.cast(keras.ops.cast(10 * x, "int32"), "float32"),
        '"cast" (Cast)',
    ),
    "a gradient that is stopped": (keras.ops.stop_gradient, '"stop_gradient" (StopGradient)'),
}


@pytest.mark.parametrize("case", DEAD)
def test_an_operation_without_derivative_is_refused_by_name(case: str) -> None:
    inside, named = DEAD[case]
    found = view(of_model(network(inside)))
    with pytest.raises(ModelError, match="No gradient reaches the picture of net") as caught:
        refuse_without_gradient(found, found.scores.graph.input)
    assert named in str(caught.value) and "\n" not in str(caught.value)
    # What it stands before is explained as ever.
    refuse_without_gradient(found, found.chosen.value)


@pytest.mark.parametrize("case", DEAD)
def test_behind_the_explained_layer_it_is_refused_by_name_too(case: str) -> None:
    inside, named = DEAD[case]
    found = view(of_model(network(inside), ModelChoice(layer="early")))
    with pytest.raises(ModelError, match='No gradient reaches "early"') as caught:
        refuse_without_gradient(found, found.chosen.value)
    assert named in str(caught.value) and "name a later layer" in str(caught.value)


class Parts(keras.layers.Layer):
    """Complex numbers, as between a Fourier transform and its inverse."""

    def call(self, rows: tf.Tensor) -> tf.Tensor:
        return tf.complex(rows, rows)

    def compute_output_spec(self, rows: keras.KerasTensor) -> keras.KerasTensor:
        return keras.KerasTensor(rows.shape, "complex64")


class Real(keras.layers.Layer):
    def call(self, rows: tf.Tensor) -> tf.Tensor:
        return tf.math.real(rows)

    def compute_output_spec(self, rows: keras.KerasTensor) -> keras.KerasTensor:
        return keras.KerasTensor(rows.shape, "float32")


OPEN = {
    "a rectifier that chooses by a mask": lambda x: keras.ops.where(x < 0, 0.0, x),
    "what only large numbers pass": lambda x: keras.ops.clip(x, 1000.0, 2000.0),
    "complex numbers": lambda x: Real(dtype="complex64")(Parts()(x)),
}


@pytest.mark.parametrize("case", OPEN)
def test_an_operation_with_a_derivative_somewhere_is_not_refused(case: str) -> None:
    found = view(of_model(network(OPEN[case])))
    refuse_without_gradient(found, found.scores.graph.input)


def test_a_picture_of_whole_numbers_hinders_gradients_and_no_walk() -> None:
    image = keras.Input((12, 12, 3), dtype="uint8")
    inner = network(keras.layers.ReLU())
    found = view(of_model(keras.Model(image, inner(keras.layers.Rescaling(1 / 255)(image)), name="net")))
    refuse_blocked(found, found.scores.graph.input)
    with pytest.raises(Unreached, match="it takes whole numbers"):
        connected(None, found, found.scores.graph.input)


@pytest.mark.parametrize("case", ["a rounding", "a sign, whose gradient is zeros"])
def test_whoever_asks_for_such_a_map_is_told_before_any_picture(case: str) -> None:
    inside, named = DEAD[case]
    model = network(inside)
    classifier, early = of_model(model), of_model(model, ModelChoice(layer="early"))
    for method, chosen in (("gradient", classifier), ("ig", classifier), ("gradcam", early)):
        with pytest.raises(ModelError, match="No gradient reaches") as caught:
            Explainer(chosen, Settings((method,), metrics=False))
        assert named in str(caught.value)
    with pytest.raises(ModelError, match=re.escape(f"guidedbp has no rule for {named.lower()}")):
        Explainer(classifier, Settings(("guidedbp",), metrics=False))
    # Scores are asked for as ever.
    Explainer(early, Settings(("occlusion", "eigencam"), metrics=False))


def test_where_another_way_is_open_a_rounding_is_no_hindrance_and_a_stopped_gradient_is() -> None:
    both = view(of_model(network(lambda x: x + keras.ops.round(x))))
    refuse_without_gradient(both, both.scores.graph.input)
    hidden = of_model(network(lambda x: x + keras.ops.stop_gradient(2 * x)))
    for method in ("gradient", "smoothgrad"):
        with pytest.raises(ModelError, match=r'"stop_gradient" \(StopGradient\) hides a way'):
            Explainer(hidden, Settings((method,), metrics=False))


def test_a_network_that_is_silent_by_its_weights_is_not_refused() -> None:
    model = network(keras.layers.ReLU())
    scores = model.get_layer("scores")
    scores.set_weights([np.zeros_like(each) for each in scores.get_weights()])
    Explainer(of_model(model), Settings(("gradient", "gradcam", "ig"), edges="sobel", metrics=False))


def test_rectifiers_inside_a_saved_graph_are_not_passed_as_if_there_were_none(tmp_path: Path) -> None:
    network(keras.layers.ReLU()).export(tmp_path / "net", verbose=False)
    classifier = load(str(tmp_path / "net"))
    for method in ("guidedbp", "deconvnet", "guidedgradcam"):
        with pytest.raises(ModelError, match=f"{method} has no rule for .*GraphPart"):
            Network(classifier, plan(Settings((method,))).through, 1, 1)


def test_a_layer_that_gives_back_its_input_needs_no_rule() -> None:
    class Same(keras.layers.Layer):
        def call(self, rows: tf.Tensor) -> tf.Tensor:
            return tf.identity(rows)

    picture = np.random.default_rng(0).integers(0, 256, (12, 12, 3), dtype=np.uint8)
    model = network(Same())
    plain = keras.Model(model.inputs[0], model.outputs[0])
    settings = Settings(("lrp",), edges="sobel", metrics=False, raw=True)
    (found,) = Explainer(of_model(plain), settings).explain([("0" * 64, picture)])
    assert found.maps["lrp"].raw.any()


@pytest.mark.parametrize(
    ("method", "parameters"),
    [("ig", {"ig_steps": 0}), ("lrp", {"lrp_epsilon": -1}), ("excitationbp", {"excitationbp_places": 0})],
)
def test_a_parameter_out_of_range_is_refused(method: str, parameters: dict[str, float]) -> None:
    with pytest.raises(SettingsError, match="it must be from"):
        Settings((method,), parameters=parameters)
    with pytest.raises(SettingsError, match="samples is 0"):
        Settings(("smoothgrad",), samples=0)
