"""The whole engine on a small saved model."""

import hashlib
import json

import keras
import numpy as np
import pytest

from saliency_worker.catalog import ALL_KEYS, FULL_SET
from saliency_worker.saliency.errors import SettingsError
from saliency_worker.saliency.explain import Explainer, Explanation, Settings

pytestmark = pytest.mark.tensorflow


@pytest.fixture(scope="session")
def small_model(tmp_path_factory: pytest.TempPathFactory) -> str:
    keras.utils.set_random_seed(3)
    layers = keras.layers
    model = keras.Sequential(
        [
            keras.Input((32, 32, 3)),
            layers.Conv2D(8, 3, 2, "same", use_bias=False),
            layers.BatchNormalization(),
            layers.ReLU(),
            layers.Conv2D(12, 3, 2, "same", activation="relu", name="last"),
            layers.GlobalAveragePooling2D(),
            layers.Dense(5, activation="softmax"),
        ]
    )
    path = tmp_path_factory.mktemp("models") / "small.keras"
    model.save(path)
    return f"{path}@last:tf"


def pictures(count: int) -> list[tuple[str, np.ndarray]]:
    generator = np.random.default_rng(0)
    images = [generator.integers(0, 256, (40 + n, 50, 3), dtype=np.uint8) for n in range(count)]
    return [(hashlib.sha256(image.tobytes()).hexdigest(), image) for image in images]


def explain(model: str, count: int = 1, **options: object) -> list[Explanation]:
    settings = Settings(**{"methods": FULL_SET, "edges": "sobel", "samples": 4, **options})
    return list(Explainer.load(model, settings).explain(pictures(count)))


def test_it_makes_every_map_of_the_catalogue(small_model: str) -> None:
    (explanation,) = explain(small_model, methods=ALL_KEYS)
    assert tuple(explanation.maps) == ALL_KEYS
    for key, result in explanation.maps.items():
        assert result.scalar.shape == (32, 32), key
        assert result.scalar.dtype == np.float32
        assert result.scalar.min() >= 0
        assert result.scalar.max() in (0.0, 1.0)
        assert result.display.shape == (32, 32, 3)
        assert result.png.startswith(b"\x89PNG")
        assert result.metrics is not None
        json.dumps(result.provenance)
        json.dumps(result.metrics)
    assert explanation.features.shape == (12,)
    json.dumps(explanation.metrics_original)


def test_the_same_input_gives_the_same_bytes_alone_or_in_company(small_model: str) -> None:
    together = explain(small_model, count=5)
    again = explain(small_model, count=5)
    alone = explain(small_model, count=1)[0]
    for first, second in zip(together, again, strict=True):
        assert {k: m.array_sha256 for k, m in first.maps.items()} == {
            k: m.array_sha256 for k, m in second.maps.items()
        }
    for key, result in alone.maps.items():
        assert together[0].maps[key].png == result.png
        assert together[0].maps[key].metrics == result.metrics
        assert together[0].maps[key].provenance == result.provenance


def test_it_yields_images_in_order_and_lazily(small_model: str) -> None:
    taken = []

    def endless():
        index = 0
        while True:
            taken.append(index)
            yield pictures(1)[0]
            index += 1

    settings = Settings(methods=("gradcam",), edges="sobel")
    stream = Explainer.load(small_model, settings).explain(endless())
    for _ in range(3):
        next(stream)
    stream.close()
    assert len(taken) < 60


def test_it_explains_the_class_asked_for(small_model: str) -> None:
    explanation = explain(small_model, target_class=3)[0]
    assert explanation.class_index == 3
    with pytest.raises(SettingsError, match="Class 5 does not exist"):
        explain(small_model, target_class=5)


def test_it_gives_maps_without_metrics_and_raw_maps(small_model: str) -> None:
    explanation = explain(small_model, methods=("gradcampp",), metrics=False, raw=True)[0]
    assert explanation.maps["gradcampp"].metrics is None
    raw = explanation.maps["gradcampp"].raw
    assert raw is not None
    assert raw.shape == (8, 8)
