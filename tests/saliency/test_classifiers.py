"""Where weights come from, what does not fit, how pictures become the network's input."""

import json
from pathlib import Path

import keras
import numpy as np
import pytest

from saliency_worker.catalog import UnknownName, classifier
from saliency_worker.saliency import catalogue_networks
from saliency_worker.saliency.catalogue_networks import imagenet_names
from saliency_worker.saliency.classifiers import load
from saliency_worker.saliency.errors import ModelError, WeightsError
from saliency_worker.saliency.images import crop, decode
from saliency_worker.saliency.network_input import preprocess
from tests.saliency.conftest import small_network

pytestmark = pytest.mark.tensorflow
RGB = np.random.default_rng(0).integers(0, 256, (1, 6, 6, 3), dtype=np.uint8)


@pytest.fixture(autouse=True)
def nothing_from_outside(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No folder of weights, no download: what Keras would fetch fails at once."""
    monkeypatch.delenv("SALIENCY_WEIGHTS_DIR", raising=False)
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))

    def refuse(*_: object, **__: object) -> None:
        raise OSError("no network in tests")

    monkeypatch.setattr(catalogue_networks, "build", _without_download(catalogue_networks.build, refuse))


def _without_download(build, refuse):
    def guarded(spec, alpha=1.0, weights=None, classes=None):
        return refuse() if weights == "imagenet" else build(spec, alpha, weights, classes)

    return guarded


@pytest.mark.parametrize(
    ("mode", "module"),
    [
        ("caffe", keras.applications.vgg16),
        ("caffe", keras.applications.resnet),
        ("tf", keras.applications.mobilenet_v2),
        ("torch", keras.applications.densenet),
        ("raw", keras.applications.efficientnet),
    ],
)
def test_preprocessing_is_that_of_keras(mode: str, module: object) -> None:
    expected = module.preprocess_input(RGB.astype(np.float32))
    np.testing.assert_allclose(preprocess(RGB, mode), expected, atol=1e-4)


def test_unit_preprocessing_is_zero_to_one() -> None:
    np.testing.assert_allclose(preprocess(RGB, "unit"), RGB / 255, atol=1e-6)


def test_without_weights_one_error_names_all_three_places() -> None:
    with pytest.raises(WeightsError) as caught:
        load("MobileNetV2")
    message = str(caught.value)
    for place in ("--weights", "SALIENCY_WEIGHTS_DIR", "download", "MobileNetV2.weights.h5"):
        assert place in message
    assert "\n" not in message
    assert not caught.value.permanent


def test_an_explicit_file_must_exist(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match="No weights at"):
        load("MobileNetV2", weights=tmp_path / "lost.weights.h5")


@pytest.mark.parametrize("content", [b"", b"no HDF5", b"\x89HDF\r\n\x1a\n" + bytes(100)])
def test_a_file_that_is_no_weights_file_is_refused(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "some.weights.h5"
    file.write_bytes(content)
    with pytest.raises(WeightsError, match="does not hold the weights of MobileNet:"):
        load("MobileNet", weights=file)


def test_weights_of_another_shape_are_refused_in_one_line(
    tmp_path: Path, recwarn: pytest.WarningsRecorder
) -> None:
    file = tmp_path / "MobileNet.weights.h5"
    small_network().save_weights(file)
    with pytest.raises(WeightsError, match=r"MobileNet\.weights\.h5 does not hold the weights of MobileNet"):
        load("mobilenet", weights_dir=tmp_path)
    assert not [warning for warning in recwarn if issubclass(warning.category, UserWarning)]


def test_an_explicit_file_comes_before_the_folder_and_the_folder_before_the_download(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = classifier("MobileNet")
    for name in ("mobilenet_v1_1.0_224.weights.h5", "MobileNet.weights.h5", "other.h5"):
        (tmp_path / name).touch()
    monkeypatch.setattr(
        catalogue_networks,
        "_load_file",
        lambda spec, file: catalogue_networks.CatalogueNetwork(spec, None, (), file.name, ""),
    )
    found = load("MobileNet", weights=tmp_path / "other.h5", weights_dir=tmp_path)
    assert found.weights_file == "other.h5"
    assert load("MobileNet", weights_dir=tmp_path).weights_file == "MobileNet.weights.h5"
    monkeypatch.setenv("SALIENCY_WEIGHTS_DIR", str(tmp_path))
    assert load("MobileNet").weights_file == "MobileNet.weights.h5"
    assert spec.weights_files[0] == "MobileNet.weights.h5"


@pytest.mark.parametrize(
    ("name", "alpha", "size"),
    [
        ("mobilenet_v1_0.75_192.weights.h5", 0.75, 192),
        ("mobilenet_7_5_160_tf.h5", 0.75, 160),
        ("mobilenet_1_0_224_tf.h5", 1.0, 224),
        ("mobilenet_v2_1.0_224.weights.h5", 1.0, 224),
        ("mobilenet_v2_weights_tf_dim_ordering_tf_kernels_1.4_224.h5", 1.4, 224),
        ("MobileNet.weights.h5", 1.0, 224),
    ],
)
def test_width_and_size_are_read_off_the_file_name(name: str, alpha: float, size: int) -> None:
    assert catalogue_networks._variant(classifier("MobileNet"), Path(name)) == (alpha, size)


@pytest.mark.parametrize(("builder", "alpha"), [("MobileNet", 0.25), ("MobileNetV2", 0.75)])
def test_width_is_read_off_the_weights_where_the_name_says_nothing(
    builder: str, alpha: float, tmp_path: Path
) -> None:
    file = tmp_path / f"{builder}.weights.h5"
    getattr(keras.applications, builder)(weights=None, alpha=alpha).save_weights(file)
    loaded = load(builder, weights=file)
    assert loaded.spec.title.endswith(str(alpha))
    assert loaded.spec.input_size == 224


@pytest.mark.real_data
@pytest.mark.parametrize(("name", "size"), [("MobileNetV2", 224), ("MobileNet", 192)])
def test_the_real_networks_name_the_goldfish(name: str, size: int, shared: Path) -> None:
    loaded = load(name, weights_dir=shared / "weights")
    assert loaded.spec.input_size == size
    picture = decode((shared / "images" / "n01443537_goldfish.JPEG").read_bytes())
    scores = np.asarray(loaded.model(preprocess(crop(picture, size)[None], "tf")))[0]
    assert loaded.class_name(int(scores.argmax())) == "goldfish"
    assert scores.max() > 0.5


def test_the_names_of_imagenet_are_in_order() -> None:
    names = imagenet_names()
    assert len(names) == 1000
    assert (names[0], names[1], names[999]) == ("tench", "goldfish", "toilet_tissue")


def test_efficientnet_from_a_file_equals_efficientnet_from_a_download() -> None:
    """Keras inserts a scaling by 1/sqrt(std) only when it downloads; from a file the stem takes it in."""
    layers = keras.layers
    rows = np.random.default_rng(1).normal(size=(2, 8, 8, 3)).astype(np.float32)
    image = keras.Input((8, 8, 3))
    stem = layers.Conv2D(4, 3, use_bias=False, name="stem_conv")
    from_file = keras.Model(image, stem(image))
    downloaded = np.asarray(stem(rows / np.sqrt([0.229, 0.224, 0.225]).astype(np.float32)))
    catalogue_networks._restore_input_scaling(from_file)
    np.testing.assert_allclose(np.asarray(from_file(rows)), downloaded, atol=1e-5)


def saved(model: keras.Model, folder: Path) -> Path:
    model.save(folder / "mine.keras")
    return folder / "mine.keras"


def test_a_saved_model_brings_layer_preprocessing_and_class_names(tmp_path: Path) -> None:
    path = saved(small_network(), tmp_path)
    (tmp_path / "mine.json").write_text(json.dumps(["ant", "bee"]), encoding="utf-8")
    loaded = load(f"{path}@first_relu:unit")
    assert (loaded.spec.layer, loaded.spec.preprocessing, loaded.spec.input_size) == (
        "first_relu",
        "unit",
        32,
    )
    assert (loaded.class_name(1), loaded.class_name(4)) == ("bee", "class 4")
    assert len(loaded.weights_sha256) == 64


def test_the_last_feature_map_is_the_default_layer(tmp_path: Path) -> None:
    assert load(str(saved(small_network(), tmp_path))).spec.layer == "last"


def test_a_sequential_model_is_read_as_it_stands(tmp_path: Path) -> None:
    layers = keras.layers
    model = keras.Sequential(
        [
            keras.Input((16, 16, 3)),
            layers.Conv2D(4, 3, name="only"),
            layers.Flatten(name="flatten"),
            layers.Dense(3, name="dense"),
        ]
    )
    loaded = load(str(saved(model, tmp_path)))
    rows = np.random.default_rng(2).normal(size=(2, 16, 16, 3)).astype(np.float32)
    np.testing.assert_allclose(loaded.model(rows), model(rows), rtol=1e-5)
    assert [step.name for step in loaded.scores.graph.steps] == ["only", "flatten", "dense"]
    (logits,) = loaded.scores.graph.run([loaded.scores.logits], {loaded.scores.graph.input: rows})
    np.testing.assert_allclose(logits, model(rows), rtol=1e-5)


def test_a_network_inside_a_network_is_explained_at_its_own_last_map(tmp_path: Path) -> None:
    layers = keras.layers
    inner_image = keras.Input((16, 16, 3))
    convolved = layers.Conv2D(4, 3, activation="relu", name="last")(inner_image)
    inner = keras.Model(inner_image, convolved, name="backbone")
    image = keras.Input((16, 16, 3))
    model = keras.Model(image, layers.Dense(3)(layers.GlobalAveragePooling2D()(inner(image))))
    assert load(str(saved(model, tmp_path))).spec.layer == "backbone/last"


def test_a_model_without_convolution_is_refused(tmp_path: Path) -> None:
    image = keras.Input((8, 8, 3))
    path = saved(keras.Model(image, keras.layers.Dense(3)(keras.layers.Flatten()(image))), tmp_path)
    with pytest.raises(ModelError, match="no convolution"):
        load(str(path))


def test_a_model_with_several_inputs_is_refused(tmp_path: Path) -> None:
    images = [keras.Input((8, 8, 3)), keras.Input((8, 8, 3))]
    both = keras.layers.Concatenate()([keras.layers.Conv2D(2, 3)(image) for image in images])
    scores = keras.layers.Dense(3)(keras.layers.GlobalAveragePooling2D()(both))
    with pytest.raises(ModelError, match="2 inputs"):
        load(str(saved(keras.Model(images, scores), tmp_path)))


@pytest.mark.parametrize(
    ("shape", "message"),
    [((8, 8, 4), "4 channels"), ((3, 8, 8), "channels first"), ((None, None, 3), "say which, as in .*size=")],
)
def test_a_model_for_other_pictures_is_refused(
    tmp_path: Path, shape: tuple[int | None, ...], message: str
) -> None:
    image = keras.Input(shape)
    scores = keras.layers.Dense(3)(
        keras.layers.GlobalAveragePooling2D()(keras.layers.Conv2D(2, 3, padding="same")(image))
    )
    with pytest.raises(ModelError, match=message):
        load(str(saved(keras.Model(image, scores), tmp_path)))


def test_a_lost_or_torn_saved_model_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="No model at"):
        load(str(tmp_path / "lost.keras"))
    (tmp_path / "torn.keras").write_bytes(b"PK\x03\x04 torn")
    with pytest.raises(ModelError, match=r"torn\.keras is no loadable Keras model"):
        load(str(tmp_path / "torn.keras"))


def test_unknown_names_are_refused_with_the_nearest(tmp_path: Path) -> None:
    with pytest.raises(UnknownName, match="MobileNetV2"):
        load("MobilNetV2")
    with pytest.raises(UnknownName, match="torch"):
        load(f"{saved(small_network(), tmp_path)}@last:tourch")
