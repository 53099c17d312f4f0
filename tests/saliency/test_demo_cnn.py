"""The bundled demo classifier: its shape, its files, and what it says of pictures a person knows."""

import json
from collections.abc import Callable

import keras
import numpy as np
import pytest
import skimage.data
from sklearn.datasets import load_sample_image

from fixtures.training.demo_cnn_groups import read_groups
from saliency_worker import catalog
from saliency_worker.saliency.bundled import bundled
from saliency_worker.saliency.demo_cnn import INPUT_SIZE, LAYER, build_demo_cnn
from saliency_worker.saliency.images import crop

pytestmark = pytest.mark.tensorflow


@pytest.fixture(scope="module")
def names() -> list[str]:
    return json.loads(bundled("demo_cnn.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def model(names: list[str]) -> keras.Model:
    network = build_demo_cnn(len(names))
    network.load_weights(bundled("demo_cnn.weights.h5"))
    return network


def test_the_catalogue_names_its_size_and_its_last_layer() -> None:
    spec = catalog.classifier("demo-cnn")
    assert (spec.input_size, spec.layer, spec.preprocessing, spec.head) == (INPUT_SIZE, LAYER, "tf", "gap")


def test_its_outputs_are_the_groups_of_the_committed_mapping(names: list[str]) -> None:
    assert names == list(read_groups())


def test_its_head_is_global_average_pooling_and_one_dense_layer(model: keras.Model) -> None:
    pixels = np.random.default_rng(0).uniform(-1, 1, (2, INPUT_SIZE, INPUT_SIZE, 3)).astype(np.float32)
    features = np.asarray(keras.Model(model.input, model.get_layer(LAYER).output)(pixels))
    assert features.shape == (2, 14, 14, 512)
    assert features.min() >= 0
    kernel, bias = model.get_layer("predictions").get_weights()
    logits = features.mean((1, 2)) @ kernel + bias
    naive = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    np.testing.assert_allclose(np.asarray(model(pixels)), naive, rtol=1e-3, atol=1e-5)


def test_it_gives_logits_where_no_activation_is_asked(names: list[str]) -> None:
    network = build_demo_cnn(len(names), classifier_activation=None)
    assert network.get_layer("predictions").activation is keras.activations.linear


def test_its_file_is_small_and_its_weights_are_float32_in_memory(model: keras.Model) -> None:
    assert bundled("demo_cnn.weights.h5").stat().st_size < 4_000_000
    assert {str(weight.dtype) for weight in model.get_weights()} == {"float32"}
    assert all(np.isfinite(weight).all() for weight in model.get_weights())


@pytest.fixture(scope="module")
def says(model: keras.Model, names: list[str]) -> Callable[[np.ndarray], dict[str, float]]:
    def answer(picture: np.ndarray) -> dict[str, float]:
        pixels = crop(picture, INPUT_SIZE)[None].astype(np.float32) / 127.5 - 1
        return dict(zip(names, np.asarray(model(pixels, training=False))[0].tolist(), strict=True))

    return answer


@pytest.mark.parametrize(
    ("picture", "group"),
    [("chelsea", "cat"), ("coffee", "food, drink or tableware")],
)
def test_it_names_pictures_that_a_person_knows(
    says: Callable[[np.ndarray], dict[str, float]], picture: str, group: str
) -> None:
    answer = says(getattr(skimage.data, picture)())
    assert max(answer, key=answer.__getitem__) == group


def test_it_sees_a_building_in_the_temple(says: Callable[[np.ndarray], dict[str, float]]) -> None:
    answer = says(load_sample_image("china.jpg"))
    assert answer["building or structure"] > 0.5
