"""The two views of a network: logits, gradients through the head, errors."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from saliency_worker.saliency.activations import Network, view
from saliency_worker.saliency.classifiers import Classifier
from saliency_worker.saliency.errors import DeviceError, ModelError
from saliency_worker.saliency.formulas import plan
from saliency_worker.saliency.methods.gradcam import gradcam
from saliency_worker.saliency.methods.gradcampp import gradcampp
from saliency_worker.saliency.settings import Settings
from tests.saliency.conftest import classifier_of, small_network
from tests.saliency.plain_keras import feature_layer, logits_of

pytestmark = pytest.mark.tensorflow
ROWS = np.random.default_rng(1).normal(size=(4, 32, 32, 3)).astype(np.float32)
EACH = np.arange(4, dtype=np.int32)


def network_of(classifier: Classifier, *keys: str, images: int = 1) -> Network:
    """The network of these methods, batches of four rows."""
    wanted = plan(Settings(keys))
    return Network(classifier, wanted.passes, 4, 4, images, wanted.on_copies)


def test_logits_are_the_scores_before_the_softmax() -> None:
    model = small_network()
    logits = np.asarray(keras.Model(model.inputs[0], logits_of(model))(ROWS))
    np.testing.assert_allclose(tf.nn.softmax(logits), model(ROWS), rtol=1e-5)
    dense = model.get_layer("scores")
    pooled = keras.Model(model.inputs[0], dense.input)(ROWS)
    np.testing.assert_allclose(logits, pooled @ dense.kernel + dense.bias, rtol=1e-5)


def test_the_model_itself_is_not_changed() -> None:
    model = small_network()
    before = np.asarray(model(ROWS))
    network_of(classifier_of(model), "gradcam")
    assert model.layers[-1].activation is keras.activations.softmax
    assert np.array_equal(np.asarray(model(ROWS)), before)


@pytest.mark.parametrize("ending", ["softmax layer", "activation layer", "linear", "sigmoid"])
def test_logits_are_found_whatever_the_ending(ending: str) -> None:
    model = small_network()
    pooled = model.get_layer("scores").input
    activation = {"linear": None, "sigmoid": "sigmoid"}.get(ending)
    scores = keras.layers.Dense(5, activation=activation, name="end")(pooled)
    if ending == "softmax layer":
        scores = keras.layers.Softmax()(scores)
    if ending == "activation layer":
        scores = keras.layers.Activation("softmax")(scores)
    ended = keras.Model(model.inputs[0], scores)
    logits = np.asarray(keras.Model(ended.inputs[0], logits_of(ended))(ROWS))
    dense = ended.get_layer("end")
    expected = np.asarray(keras.Model(model.inputs[0], pooled)(ROWS)) @ np.asarray(dense.kernel) + dense.bias
    np.testing.assert_allclose(logits, expected, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("dense", [False, True])
def test_the_gradient_through_the_head_is_the_gradient_of_the_whole_network(dense: bool) -> None:
    model = small_network(dense=dense)
    whole = keras.Model(model.inputs[0], [model.get_layer("last").output, logits_of(model)])
    with tf.GradientTape() as tape:
        activations, logits = whole(tf.constant(ROWS))
        score = tf.reduce_sum(logits[:, 3])
    gradients = tape.gradient(score, activations)
    network = network_of(classifier_of(model), "gradcam", "gradcampp", "smoothgradcampp", images=4)
    maps = network.explain(ROWS, np.full(4, 3, np.int32), EACH, EACH)
    np.testing.assert_allclose(maps["logits"], logits, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(maps["features"], np.asarray(activations).mean(axis=(1, 2)), rtol=1e-4)
    for name, formula in (("gradcam", gradcam), ("gradcampp", gradcampp)):
        expected = np.asarray(formula(activations, gradients))
        assert expected.any()
        np.testing.assert_allclose(maps[name], expected, rtol=1e-3, atol=1e-5 * expected.max())


def test_cam_is_grad_cam_times_the_number_of_pixels_where_both_are_positive(small: Classifier) -> None:
    network = network_of(small, "gradcam", "cam", images=4)
    maps = network.explain(ROWS, np.full(4, 2, np.int32), EACH, EACH)
    assert maps["gradcam"].any()
    np.testing.assert_allclose(np.maximum(maps["cam"], 0) / 64, maps["gradcam"], rtol=1e-4, atol=1e-6)


def test_copies_are_explained_for_the_top_class_of_their_image(small: Classifier) -> None:
    network = network_of(small, "gradcam", "smoothgradcampp", images=4)
    top = int(network.classify(ROWS)[1].argmax())
    follow = network.explain(ROWS, np.full(4, -1, np.int32), np.full(4, 1, np.int32), np.array([1], np.int32))
    fixed = network.explain(ROWS, np.full(4, top, np.int32), EACH, EACH)
    assert np.array_equal(follow["gradcampp"], fixed["gradcampp"])
    np.testing.assert_allclose(follow["gradcam"][0], fixed["gradcam"][1], rtol=1e-4, atol=1e-7)


def test_too_little_memory_is_named_and_may_be_tried_again(
    small: Classifier, monkeypatch: pytest.MonkeyPatch
) -> None:
    network = network_of(small, "gradcam")

    def exhausted(*_: object) -> None:
        raise tf.errors.ResourceExhaustedError(None, None, "OOM when allocating tensor")

    monkeypatch.setattr(network, "_classify", exhausted)
    with pytest.raises(DeviceError, match="4 rows: choose a smaller batch") as caught:
        network.classify(ROWS)
    assert not caught.value.permanent


def test_cam_is_refused_for_another_head(small_dense: Classifier) -> None:
    with pytest.raises(ModelError, match="global average pooling and one dense layer"):
        network_of(small_dense, "cam")


@pytest.mark.parametrize(
    ("layer", "message"), [("lost", "last feature maps are"), ("scores", "not a feature map")]
)
def test_it_names_the_layers_to_choose_from(layer: str, message: str) -> None:
    with pytest.raises(ModelError, match=message):
        view(classifier_of(small_network(), layer=layer))


def test_a_layer_beside_the_path_to_the_output_is_refused() -> None:
    layers = keras.layers
    image = keras.Input((8, 8, 3))
    left = layers.Conv2D(2, 3, name="left")(image)
    both = layers.Concatenate()([left, layers.Conv2D(2, 3)(image)])
    model = keras.Model(image, layers.Dense(2)(layers.GlobalAveragePooling2D()(both)))
    with pytest.raises(ModelError, match="alone"):
        view(classifier_of(model, layer="left"))


def test_numbers_of_unnamed_layers_may_differ() -> None:
    image = keras.Input((8, 8, 3))
    first = keras.layers.ReLU(name="activation_3")(image)
    model = keras.Model(image, keras.layers.ReLU(name="activation_4")(first))
    assert feature_layer(model, "activation_187").name == "activation_4"
    assert feature_layer(model, "activation_3").name == "activation_3"


@pytest.mark.parametrize("units", [1, None])
def test_it_refuses_a_network_without_class_scores(units: int | None) -> None:
    image = keras.Input((8, 8, 3))
    x = keras.layers.Conv2D(2, 3, name="last")(image)
    output = keras.layers.Dense(units)(keras.layers.GlobalAveragePooling2D()(x)) if units else x
    with pytest.raises(ModelError, match="one vector of class scores"):
        logits_of(keras.Model(image, output))


def test_it_refuses_an_ending_without_logits() -> None:
    image = keras.Input((8, 8, 3))
    pooled = keras.layers.GlobalAveragePooling2D()(image)
    with pytest.raises(ModelError, match="logits are needed"):
        logits_of(keras.Model(image, keras.layers.Dense(3, activation="tanh")(pooled)))
    with pytest.raises(ModelError, match="logits are needed"):
        logits_of(keras.Model(image, pooled))
