"""What goes back through a network: hand-sized numbers, a second computation as matrices, sums, symmetries, passes."""

from collections.abc import Callable

import keras
import numpy as np
import pytest
import tensorflow as tf

from saliency_worker import catalog
from saliency_worker.declarations import ClassifierSpec
from saliency_worker.saliency.activations import Network
from saliency_worker.saliency.answers import Asker
from saliency_worker.saliency.classifiers import Classifier
from saliency_worker.saliency.errors import SettingsError
from saliency_worker.saliency.explain import Explainer
from saliency_worker.saliency.formulas import plan
from saliency_worker.saliency.methods.ig import ig
from saliency_worker.saliency.network_input import NetworkInput
from saliency_worker.saliency.settings import Settings
from tests.saliency import matrices
from tests.saliency.conftest import classifier_of, small_network

pytestmark = pytest.mark.tensorflow
Pictures = Callable[[int], list[tuple[str, np.ndarray]]]
KEYS = tuple(key for key, spec in catalog.METHODS.items() if spec.family == "backpropagation")
IN_GRAPH = tuple(key for key in KEYS if catalog.METHODS[key].of_tensors)


def maps_of(
    classifier: Classifier,
    rows: np.ndarray,
    target: int,
    methods: tuple[str, ...] = IN_GRAPH,
    **parameters: float,
) -> dict[str, np.ndarray]:
    """The maps of one row, (h, w) or (H, W), float64."""
    network = Network(classifier, plan(Settings(methods, parameters=parameters)).through, 1, 1)
    zero = np.zeros(1, np.int32)
    found = network.explain(rows, zero + target, zero, zero)
    return {key: np.asarray(found[key][0], np.float64) for key in methods}


def test_numbers_that_can_be_checked_by_hand() -> None:
    layers = keras.layers
    image = keras.Input((2, 2, 1))
    x = layers.Conv2D(2, 1, activation="relu", name="map")(image)
    model = keras.Model(image, layers.Dense(2, name="scores")(layers.GlobalAveragePooling2D()(x)))
    model.get_layer("map").set_weights([np.array([[[[1.0, -1.0]]]]), np.array([-0.1, 0.0])])
    model.get_layer("scores").set_weights([np.array([[4.0, 1.0], [5.0, 0.0]]), np.zeros(2)])
    spec = ClassifierSpec("hand", "hand", "hand", 2, "unit", "map", "gap", "", ())
    chosen = Classifier(spec, model, (), "", "", NetworkInput(2, 2, 1, mode="unit"))
    # Pixels 1, 0.2, 0, 0; behind the rectifier 0.9, 0.1, 0, 0; Y = 4 * 0.25 = 1, and 0 for a black picture.
    row = np.array([1, 0.2, 0, 0], np.float32).reshape(1, 2, 2, 1)
    found = maps_of(chosen, row, 0, excitationbp_places=2, cexcitationbp_places=2)
    active = (1, 1, 0, 0)
    # The dual of class 0 has negative weights alone, so that nothing wins for it.
    expected = {
        **{"gradient": active, "guidedbp": active, "deconvnet": (0.25,) * 4},
        **dict.fromkeys(("lrp", "deeplift", "excitationbp", "cexcitationbp"), (0.9, 0.1, 0, 0)),
    }
    for key, values in expected.items():
        np.testing.assert_allclose(found[key].ravel(), values, atol=1e-6, err_msg=key)


@pytest.mark.parametrize("target", [0, 2])
def test_maps_are_those_of_a_second_computation_with_matrices(target: int) -> None:
    model = matrices.network()
    layers, chosen = matrices.layers_of(model), matrices.classifier(model)
    row = np.random.default_rng(3).uniform(-1, 1, (1, 6, 6, 3)).astype(np.float32)
    x, black = row.astype(np.float64).ravel(), -np.ones(108)
    found = maps_of(chosen, row, target, excitationbp_places=6, cexcitationbp_places=6)

    def close(key: str, expected: np.ndarray) -> None:
        np.testing.assert_allclose(found[key], expected, atol=2e-5 * np.abs(expected).max(), err_msg=key)

    for rule in ("gradient", "guidedbp", "deconvnet"):
        close(rule, np.abs(matrices.gradient_like(layers, x, target, rule)).reshape(6, 6, 3).max(axis=-1))
    close("lrp", matrices.relevance(layers, x, target, composite=True).reshape(6, 6, 3).sum(axis=-1))
    close("deeplift", matrices.lifted(layers, x, black, target).reshape(6, 6, 3).sum(axis=-1))
    # Six rows: the output of the first layer.
    top = np.eye(3)[target]
    close("excitationbp", matrices.excitation(layers, x, top, 1).reshape(6, 6, 4).sum(axis=-1))
    dual = [*layers[:-1], matrices.Layer(-layers[-1].weights, layers[-1].bias)]
    down = [matrices.excitation(each, x, top, 4) for each in (layers, dual)]
    contrast = down[0] / max(down[0].sum(), 1e-30) - down[1] / max(down[1].sum(), 1e-30)
    close("cexcitationbp", matrices.excitation(layers[:-1], x, contrast, 1).reshape(6, 6, 4).sum(axis=-1))
    plain = maps_of(chosen, row, target, ("lrp",), lrp_composite=0, lrp_epsilon=0)["lrp"]
    expected = matrices.relevance(layers, x, target, composite=False).reshape(6, 6, 3).sum(axis=-1)
    np.testing.assert_allclose(plain, expected, atol=1e-4 * np.abs(expected).max())


def test_sums_are_the_logit_its_rise_and_one(small: Classifier, pictures: Pictures) -> None:
    methods = ("ig", "lrp", "deeplift", "excitationbp")
    (found,) = Explainer(small, Settings(methods, edges="sobel", raw=True, metrics=False)).explain(
        pictures(1)
    )
    dense = small.model.get_layer("scores")
    row, black = (
        small.input.rows(small.input.picture(each))
        for each in (pictures(1)[0][1], np.zeros((9, 9, 3), np.uint8))
    )
    pooled = keras.Model(small.model.inputs[0], dense.input)(np.stack([row, black]))
    score, dark = np.asarray(pooled @ dense.kernel + dense.bias)[:, found.class_index]
    total = {key: float(result.raw.sum(dtype=np.float64)) for key, result in found.maps.items()}
    assert total["ig"] == pytest.approx(score - dark, rel=0.01)
    assert total["deeplift"] == pytest.approx(score - dark, rel=1e-4)
    assert total["lrp"] == pytest.approx(score, rel=1e-3)
    assert total["excitationbp"] == pytest.approx(1, rel=1e-4)
    assert found.maps["excitationbp"].raw.min() >= 0


def test_integrated_gradients_cut_their_steps_until_the_sum_is_right(
    small: Classifier, pictures: Pictures
) -> None:
    totals = {}
    for steps, gap in ((2, 1.0), (2, 0.01), (54, 1.0)):
        settings = Settings(
            ("ig",), edges="sobel", raw=True, metrics=False, parameters={"ig_steps": steps, "ig_gap": gap}
        )
        (found,) = Explainer(small, settings).explain(pictures(1))
        totals[steps, gap] = found.maps["ig"].raw
    rough, cut, fine = totals.values()
    assert np.abs(rough - fine).max() > 5 * np.abs(cut - fine).max()


def test_integrated_gradients_that_never_sum_up_are_refused() -> None:
    """A rise between two of the steps is missed by all of them."""
    row, black = np.ones((2, 2, 1), np.float32), np.zeros((2, 2, 1), np.float32)
    asked: list[int] = []

    def gradients(rows: np.ndarray) -> np.ndarray:
        asked.append(len(rows))
        return np.ones_like(rows)

    at = Asker(8, (2, 2, 1), gradients, np.asarray)
    with pytest.raises(SettingsError, match=r"in 54 steps, and no more than 0\.05 is allowed") as told:
        ig(row, black, 5.0, at, steps=2, gap=0.01)
    assert sum(asked) == 54 and "\n" not in str(told.value)
    for difference, gap in ((4.01, 0.01), (5.0, 0.21)):
        np.testing.assert_array_equal(ig(row, black, difference, at, steps=2, gap=gap), np.ones((2, 2)))


def test_a_mirrored_picture_has_mirrored_maps() -> None:
    model = matrices.network()
    for name in ("first", "second"):
        layer = model.get_layer(name)
        layer.kernel.assign((np.asarray(layer.kernel) + np.asarray(layer.kernel)[:, ::-1]) / 2)
    hidden = model.get_layer("hidden")
    kernel = np.asarray(hidden.kernel).reshape(2, 2, 5, 6)
    hidden.kernel.assign(((kernel + kernel[:, ::-1]) / 2).reshape(20, 6))
    chosen = matrices.classifier(model)
    row = np.random.default_rng(5).uniform(-1, 1, (1, 6, 6, 3)).astype(np.float32)
    plain, mirrored = (maps_of(chosen, each, 1) for each in (row, row[:, :, ::-1]))
    for key in IN_GRAPH:
        assert plain[key].any(), key
        if key in (
            "deconvnet",
            "deeplift",
        ):  # of equal values in a pooling window the first wins, on either side
            continue
        np.testing.assert_allclose(
            mirrored[key], plain[key][:, ::-1], atol=1e-5 * np.abs(plain[key]).max(), err_msg=key
        )


def test_methods_share_the_pass_of_the_picture_and_make_no_other(pictures: Pictures) -> None:
    passed: list[int] = []

    class Count(keras.layers.Layer):
        def call(self, rows: tf.Tensor) -> tf.Tensor:
            counted = tf.numpy_function(lambda n: passed.append(int(n)), [tf.shape(rows)[0]], [])
            with tf.control_dependencies([counted]):
                return tf.identity(rows)

        def compute_output_shape(self, shape: tuple[int, ...]) -> tuple[int, ...]:
            return shape

    classifier = classifier_of(small_network(before=Count()))

    def count(*methods: str, **options: object) -> int:
        engine = Explainer(classifier, Settings(methods, edges="sobel", metrics=False, **options))
        passed.clear()
        assert len(list(engine.explain(pictures(2)))) == 2
        return sum(passed)

    of_the_picture = tuple(key for key in IN_GRAPH if key != "deeplift")
    assert count("gradcam", *of_the_picture) == 2
    assert count("gradcam", *IN_GRAPH) == 2 * 2  # DeepLIFT passes a black picture too
    assert count("smoothgradcampp", "smoothgrad", "gradient", "lrp", samples=25) == 2 * (1 + 25 + 25 + 1)
    loose = {"ig_steps": 50, "ig_gap": 1.0}
    assert count("ig", parameters=loose) == 2 * (1 + 50) + 1  # and once the black picture


def test_a_method_is_the_same_alone_and_in_company(small: Classifier, pictures: Pictures) -> None:
    options = {"edges": "sobel", "samples": 5, "metrics": False}
    (together,) = Explainer(small, Settings((*KEYS, "smoothgradcampp"), **options)).explain(pictures(1))
    for key in ("lrp", "ig", "smoothgrad"):
        alone = list(Explainer(small, Settings((key,), **options)).explain(pictures(2)))
        np.testing.assert_allclose(alone[0].maps[key].scalar, together.maps[key].scalar, atol=1e-5)
        again = next(Explainer(small, Settings((key,), **options)).explain(pictures(1)))
        assert again.maps[key].array_sha256 == alone[0].maps[key].array_sha256


@pytest.mark.parametrize("level", [0, 255])
def test_a_flat_picture_is_explained_like_any_other(small: Classifier, level: int) -> None:
    settings = Settings(KEYS, edges="sobel", samples=2, parameters={"ig_steps": 3, "ig_gap": 1.0})
    flat = np.full((40, 40, 3), level, np.uint8)
    (found,) = Explainer(small, settings).explain([("0" * 64, flat)])
    for key, result in found.maps.items():
        assert np.isfinite(result.scalar).all(), key
    if not level:  # no way from a black picture to itself
        assert not found.maps["ig"].scalar.any()
        assert not found.maps["deeplift"].scalar.any()
