"""An uploaded `.keras` is a network of Keras's own parts and nothing else, or it is not taken."""

import io
import json
import zipfile
from collections.abc import Callable
from typing import Any

import pytest

from survey_site.stimuli.model_archives import BadModel, judge, problems_of_config

pytestmark = pytest.mark.tensorflow


def saved(model: Any, **options: Any) -> bytes:
    import tempfile
    from pathlib import Path

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "net.keras"
        model.save(path, **options)
        return path.read_bytes()


def small() -> Any:
    import keras

    keras.utils.set_random_seed(0)
    layers = keras.layers
    picture = keras.Input((32, 32, 3))
    x = layers.RandomFlip()(picture)
    x = layers.Rescaling(1 / 255)(x)
    x = layers.Conv2D(6, 3, kernel_regularizer="l2", kernel_constraint="max_norm", activation="swish")(x)
    x = keras.ops.relu(x * 2.0 + 1)
    inner = keras.Sequential([layers.Conv2D(5, 3), layers.BatchNormalization(), layers.LeakyReLU()])
    x = layers.GlobalAveragePooling2D()(inner(x))
    x = layers.Dropout(0.1)(layers.Dense(3, activation=keras.activations.gelu)(x))
    model = keras.Model(picture, keras.ops.softmax(x))
    model.compile("adam", keras.losses.CategoricalCrossentropy(), metrics=["accuracy", keras.metrics.AUC()])
    return model


def members(data: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def packed(files: dict[str, bytes], how: int = zipfile.ZIP_STORED) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", how) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return out.getvalue()


def judged(data: bytes, name: str = "net.keras", most_mb: int = 8) -> None:
    judge(name, io.BytesIO(data), len(data), most_mb)


def test_networks_built_the_usual_ways_are_taken() -> None:
    import keras

    judged(saved(small()))
    base = keras.applications.MobileNetV2(
        weights=None, include_top=False, input_shape=(96, 96, 3), alpha=0.35, pooling="avg"
    )
    judged(saved(keras.Sequential([keras.layers.Input((96, 96, 3)), base, keras.layers.Dense(5, "softmax")])))


@pytest.mark.parametrize(
    "builder", ["EfficientNetB0", "DenseNet121", "NASNetMobile", "MobileNetV3Small", "ConvNeXtTiny"]
)
def test_every_family_of_the_catalogue_names_only_parts_of_keras(builder: str) -> None:
    import keras

    model = getattr(keras.applications, builder)(weights=None, input_shape=(224, 224, 3))
    config = json.loads(json.dumps(keras.saving.serialize_keras_object(model)))
    assert list(problems_of_config(config)) == []


def with_lambda() -> bytes:
    import keras

    model = keras.Sequential([keras.layers.Input((8, 8, 3)), keras.layers.Lambda(lambda x: x * 2)])
    return saved(model)


def with_own_layer() -> bytes:
    import keras

    @keras.saving.register_keras_serializable("mine")
    class Twice(keras.layers.Layer):
        def call(self, x: Any) -> Any:
            return x * 2

    return saved(keras.Sequential([keras.layers.Input((8, 8, 3)), Twice()]))


def _config(change: Callable[[dict[str, Any]], Any]) -> Callable[[], bytes]:
    def made() -> bytes:
        files = members(saved(small()))
        config = json.loads(files["config.json"])
        change(config)
        return packed(files | {"config.json": json.dumps(config).encode()})

    return made


def _function(name: str, module: str) -> Callable[[dict[str, Any]], Any]:
    entry = {"class_name": "function", "config": name, "module": module, "registered_name": name}
    return lambda config: config["config"].update(initializer=entry)


@pytest.mark.parametrize(
    ("made", "told"),
    [
        (with_lambda, "Lambda, which is code"),
        (with_own_layer, "Twice, which is not Keras's own"),
        (_config(_function("system", "os")), r"os\.function, which is not Keras's own"),
        (_config(_function("get_file", "keras.utils")), "get_file, which is code"),
        (_config(_function("load_model", "keras.models")), "load_model, which is code"),
        (
            _config(
                lambda c: c["config"]["layers"].append({"class_name": "TFSMLayer", "module": "keras.layers"})
            ),
            "TFSM",
        ),
        (_config(lambda c: c["config"].update(x={"class_name": ["a"], "module": "keras"})), "no class"),
        (_config(lambda c: c["config"].update(x={"class_name": "Evil", "module": None})), "Evil"),
        (
            _config(lambda c: c["config"].update(x={"class_name": "f", "module": "keras.src.utils.x"})),
            "keras.src.utils",
        ),
        (_config(lambda c: c["config"].update(x={"class_name": "__lambda__", "config": {}})), "__lambda__"),
    ],
)
def test_what_is_code_is_refused_by_name(made: Callable[[], bytes], told: str) -> None:
    with pytest.raises(BadModel, match=told) as caught:
        judged(made())
    assert "\n" not in str(caught.value)


def test_other_files_and_other_kinds_are_refused() -> None:
    files = members(saved(small()))
    for data, name, told in (
        (packed(files), "net.h5", "no .keras file; save the network"),
        (b"\x89HDF\r\n\x1a\n" + bytes(2000), "net.keras", "no .keras file"),
        (b"", "net.keras", "no .keras file"),
        (
            packed({k: v for k, v in files.items() if k != "config.json"}),
            "net.keras",
            "config.json is missing",
        ),
        (packed(files | {"assets/x.py": b"print()"}), "net.keras", "assets/x.py"),
        (packed(files | {"../x": b""}), "net.keras", "no .keras file"),
        (packed(files | {"config.json": b"["}), "net.keras", "no JSON"),
        (packed(files | {"config.json": b"[" * 100_000}), "net.keras", "no JSON"),
        (packed(files | {"config.json": b"[]"}), "net.keras", "no configuration"),
    ):
        with pytest.raises(BadModel, match=told):
            judged(data, name)


def test_size_and_unpacked_size_are_bounded() -> None:
    files = members(saved(small()))
    with pytest.raises(BadModel, match="more than 1"):
        judged(packed(files | {"model.weights.h5": bytes(1_100_000)}), most_mb=1)
    bomb = packed(files | {"model.weights.h5": bytes(50_000_000)}, zipfile.ZIP_DEFLATED)
    assert len(bomb) < 200_000
    with pytest.raises(BadModel, match=r"no \.keras file"):
        judged(bomb, most_mb=1)
    with pytest.raises(BadModel, match=r"no \.keras file: .*almost nothing"):
        judged(bomb, most_mb=100)
    with pytest.raises(BadModel, match="no configuration"):
        judged(packed(files | {"config.json": b" " * 9_000_000 + b"{}"}), most_mb=100)
