import hashlib
from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np
import pytest

from saliency_worker.declarations import ClassifierSpec
from saliency_worker.saliency.classifiers import Classifier

SHARED = Path(__file__).parents[3] / "shared"


@pytest.fixture(scope="session")
def shared() -> Path:
    """Folder of real weights and pictures."""
    folder = next((f for f in (SHARED, SHARED.parents[1] / "shared") if (f / "weights").is_dir()), None)
    if folder is None:
        pytest.skip("../shared is absent: it holds real weights and pictures")
    return folder


def small_network(classes: int = 5, dense: bool = False, before: keras.Layer | None = None) -> keras.Model:
    """A network of two convolutions on 32 x 32 pixels with seeded weights and batch norms that do something."""
    keras.utils.set_random_seed(3)
    layers = keras.layers
    image = keras.Input((32, 32, 3))
    x = before(image) if before else image
    x = layers.Conv2D(8, 3, 2, "same", use_bias=False, name="first")(x)
    x = layers.ReLU(name="first_relu")(layers.BatchNormalization(name="norm")(x))
    x = layers.Conv2D(12, 3, 2, "same", activation="relu", name="last")(x)
    if dense:
        x = layers.Dense(16, activation="tanh", name="hidden")(layers.Flatten()(x))
    else:
        x = layers.GlobalAveragePooling2D()(x)
    model = keras.Model(image, layers.Dense(classes, activation="softmax", name="scores")(x), name="small")
    generator = np.random.default_rng(5)
    for weight in model.get_layer("norm").weights:
        weight.assign(generator.uniform(0.5, 1.5, weight.shape))
    return model


def classifier_of(model: keras.Model, layer: str = "last", mode: str = "tf") -> Classifier:
    side = int(model.inputs[0].shape[1])
    spec = ClassifierSpec("small", "small", "small", side, mode, layer, "", "first_relu", ())
    return Classifier(spec, model, ("ant", "bee", "cat", "dog", "emu"), "small.keras", "0" * 64)


@pytest.fixture(scope="session")
def small() -> Classifier:
    return classifier_of(small_network())


@pytest.fixture(scope="session")
def small_dense() -> Classifier:
    return classifier_of(small_network(dense=True))


@pytest.fixture
def pictures() -> Callable[[int], list[tuple[str, np.ndarray]]]:
    """``pictures(n)``: hash and pixels of n images of different sizes; the first ones are always the same."""

    def make(count: int) -> list[tuple[str, np.ndarray]]:
        generator = np.random.default_rng(0)
        images = [generator.integers(0, 256, (40 + n, 50, 3), dtype=np.uint8) for n in range(count)]
        return [(hashlib.sha256(image.tobytes()).hexdigest(), image) for image in images]

    return make
