"""What cannot be gone back through is refused in one line that names operation and method, never approximated."""

from collections.abc import Callable

import keras
import numpy as np
import pytest
import tensorflow as tf

from saliency_worker.saliency.classifiers import of_model
from saliency_worker.saliency.errors import ModelError, SettingsError
from saliency_worker.saliency.explain import Explainer
from saliency_worker.saliency.settings import Settings

pytestmark = pytest.mark.tensorflow


class Rounded(keras.layers.Layer):
    def call(self, rows: tf.Tensor) -> tf.Tensor:
        return tf.round(rows)


class Doubled(keras.layers.Layer):
    def call(self, rows: tf.Tensor) -> tf.Tensor:
        return rows * 2


def network(inside: Callable[[keras.KerasTensor], keras.KerasTensor]) -> keras.Model:
    """Two convolutions with something between them."""
    image = keras.Input((12, 12, 3))
    x = inside(keras.layers.Conv2D(4, 3, padding="same", activation="relu")(image))
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
    "a layer of one's own": (Doubled(name="own"), ("lrp", "deeplift"), '"own"'),
}


@pytest.mark.parametrize("case", CASES)
def test_an_operation_without_a_rule_is_refused_by_name(case: str) -> None:
    inside, methods, named = CASES[case]
    classifier = of_model(network(inside))
    for method in methods:
        with pytest.raises(ModelError, match=f"{method} has no rule for") as caught:
            Explainer(classifier, Settings((method,), edges="sobel"))
        assert named in str(caught.value) and f"leave {method} out" in str(caught.value)
        assert "\n" not in str(caught.value)
    # The plain gradient has the chain rule for each of them.
    Explainer(classifier, Settings(("gradient",), edges="sobel", metrics=False))


def test_an_operation_without_derivative_is_refused_in_one_line() -> None:
    classifier = of_model(network(Rounded()))
    for method in ("gradient", "ig", "smoothgrad"):
        with pytest.raises(ModelError, match="No gradient reaches the picture of net"):
            Explainer(classifier, Settings((method,), edges="sobel"))
    with pytest.raises(ModelError, match=r'"rounded.*" \(Rounded\)'):
        Explainer(classifier, Settings(("guidedbp",), edges="sobel"))


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
