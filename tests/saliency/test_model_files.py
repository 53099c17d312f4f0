"""Every kind of file that a model comes in gives the maps of the model that was saved."""

import sys
from dataclasses import replace
from pathlib import Path

import keras
import numpy as np
import pytest

from saliency_worker.saliency.classifiers import layers_of, load
from saliency_worker.saliency.errors import ModelError, WeightsError
from tests.saliency.tape import assert_maps_are_right
from tests.saliency.zoo import ZOO

pytestmark = pytest.mark.tensorflow
SHAPES = (
    "transfer_by_sequential",
    "residual",
    "relu_as_an_operation",
    "many_labels",
    "vgg_with_flatten_and_two_dense",
)


@pytest.mark.parametrize("suffix", [".keras", ".h5", ".hdf5"])
@pytest.mark.parametrize("name", SHAPES)
@pytest.mark.filterwarnings("ignore")  # Keras advises against .h5
def test_a_file_gives_the_maps_of_the_model(name: str, suffix: str, tmp_path: Path) -> None:
    case = ZOO[name]()
    case.model.save(tmp_path / f"net{suffix}")
    if suffix != ".keras" and name == "relu_as_an_operation":  # Keras writes it and cannot read it
        with pytest.raises(ModelError, match=r"an operation of keras\.ops.*save the model as \.keras"):
            load(str(tmp_path / f"net{suffix}"))
        return
    classifier = load(str(tmp_path / f"net{suffix}"))
    assert classifier.spec.layer == case.layer
    assert_maps_are_right(case, classifier)


@pytest.mark.parametrize(
    "name", ["transfer_by_sequential", "residual", "many_labels", "linear_scores", "not_square"]
)
def test_a_saved_model_gives_the_maps_of_its_graph(name: str, tmp_path: Path) -> None:
    case = ZOO[name]()
    case.model.export(tmp_path / "net", verbose=False)
    listed, default = layers_of(str(tmp_path / "net"))
    assert default in {each.name for each in listed}
    part = case.layer.split("/")[-1]
    assert default.endswith((f"{part}_1/Relu", f"{part}/Relu"))
    for layer in ("", default):
        classifier = load(f"{tmp_path / 'net'}@{layer}")
        assert_maps_are_right(replace(case, cam=False), classifier)


def test_a_saved_model_that_cannot_be_cut_says_so_in_one_line(tmp_path: Path) -> None:
    ZOO["one_of_two_outputs"]().model.export(tmp_path / "two", verbose=False)
    ZOO["half_precision"]().model.export(tmp_path / "half", verbose=False)
    (tmp_path / "none").mkdir()
    for name, message in (("two", "2 outputs"), ("half", "only float32"), ("none", "without saved_model.pb")):
        with pytest.raises(ModelError, match=message) as caught:
            load(str(tmp_path / name))
        assert "\n" not in str(caught.value)
    with pytest.raises(ModelError, match='no one map "lost"'):
        ZOO["residual"]().model.export(tmp_path / "net", verbose=False)
        load(f"{tmp_path / 'net'}@lost")


def test_weights_of_other_classes_go_with_a_name_of_the_catalogue(tmp_path: Path) -> None:
    keras.utils.set_random_seed(2)
    trained = keras.applications.MobileNetV2(weights=None, classes=7, alpha=0.35, input_shape=(224, 224, 3))
    file = tmp_path / "mobilenet_v2_0.35_224.weights.h5"
    trained.save_weights(file)
    loaded = load("MobileNetV2", weights=file)
    assert loaded.scores.classes == 7
    assert loaded.class_names == ()
    rows = np.random.default_rng(0).uniform(-1, 1, (1, 224, 224, 3)).astype(np.float32)
    np.testing.assert_allclose(loaded.model(rows), trained(rows), rtol=1e-5)


def test_a_file_that_has_its_weights_inside_takes_no_others(tmp_path: Path) -> None:
    ZOO["sequential"]().model.save(tmp_path / "net.keras")
    with pytest.raises(WeightsError, match="weights inside"):
        load(str(tmp_path / "net.keras"), weights=tmp_path / "more.weights.h5")


OWN_CODE = """
import keras

@keras.saving.register_keras_serializable("lab")
class Doubled(keras.layers.Layer):
    def call(self, x):
        return 2 * x
"""


def test_a_layer_of_ones_own_comes_from_a_module_that_the_operator_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "lab_layers.py").write_text(OWN_CODE, encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    import lab_layers

    case = ZOO["sequential"]()
    image = keras.Input((20, 20, 3))
    keras.Model(image, case.model(lab_layers.Doubled()(image))).save(tmp_path / "net.keras")
    keras.saving.get_custom_objects().pop("lab>Doubled")
    del sys.modules["lab_layers"]
    with pytest.raises(ModelError, match=r"built of .*Doubled.*SALIENCY_MODEL_CODE"):
        load(str(tmp_path / "net.keras"))
    monkeypatch.setenv("SALIENCY_MODEL_CODE", "lab_layers")
    assert "doubled" in {step.name for step in load(str(tmp_path / "net.keras")).scores.graph.steps}
    monkeypatch.setenv("SALIENCY_MODEL_CODE", "no_such_lab")
    with pytest.raises(ModelError, match="SALIENCY_MODEL_CODE names no_such_lab"):
        load(str(tmp_path / "net.keras"))
