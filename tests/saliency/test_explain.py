"""The whole engine on a small network: order, bytes, counts, degenerate images."""

import json
from collections.abc import Callable, Iterator

import keras
import numpy as np
import pytest
import tensorflow as tf

from saliency_worker.catalog import EVERYTHING, FULL_SET, GRADIENT_BASES
from saliency_worker.saliency.classifiers import Classifier
from saliency_worker.saliency.errors import ImageError, SaliencyError, SettingsError
from saliency_worker.saliency.explain import Explainer, Explanation
from saliency_worker.saliency.images import crop
from saliency_worker.saliency.network_input import PREPROCESSING, preprocess
from saliency_worker.saliency.settings import Settings
from tests.saliency.conftest import classifier_of, small_network

pytestmark = pytest.mark.tensorflow
Pictures = Callable[[int], list[tuple[str, np.ndarray]]]


def explainer(classifier: Classifier, **options: object) -> Explainer:
    return Explainer(classifier, Settings(**{"methods": FULL_SET, "edges": "sobel", "samples": 4, **options}))


def same_bytes(first: Explanation, second: Explanation) -> bool:
    assert first.maps.keys() == second.maps.keys()
    return all(
        one.array_sha256 == two.array_sha256
        and one.png == two.png
        and one.metrics == two.metrics
        and one.provenance == two.provenance
        for one, two in zip(first.maps.values(), second.maps.values(), strict=True)
    )


def test_it_makes_every_map_of_the_catalogue(small: Classifier, pictures: Pictures) -> None:
    (explanation,) = explainer(small, methods=EVERYTHING).explain(pictures(1))
    assert tuple(explanation.maps) == EVERYTHING
    for key, result in explanation.maps.items():
        assert (result.scalar.shape, result.scalar.dtype) == ((32, 32), np.float32), key
        assert result.scalar.min() == 0
        assert result.scalar.max() == 1
        assert result.display.shape == (32, 32, 3)
        assert result.metrics is not None
        json.dumps([result.provenance, result.metrics, explanation.metrics_original])
    assert explanation.features.shape == (12,)
    assert len({result.array_sha256 for result in explanation.maps.values()}) > 38


def test_the_same_input_gives_the_same_bytes_twice_alone_or_in_company(
    small: Classifier, pictures: Pictures
) -> None:
    engine = explainer(small)
    together = list(engine.explain(pictures(4)))
    assert all(map(same_bytes, together, engine.explain(pictures(4))))
    for index in (0, 3):
        (alone,) = explainer(small).explain(pictures(4)[index : index + 1])
        assert same_bytes(alone, together[index])


def test_another_seed_changes_the_smooth_maps_and_nothing_else(small: Classifier, pictures: Pictures) -> None:
    first, second = (next(explainer(small, seed=seed).explain(pictures(1))) for seed in (0, 1))
    changed = {key for key in FULL_SET if first.maps[key].array_sha256 != second.maps[key].array_sha256}
    assert changed == {key for key in FULL_SET if key.startswith("smooth")}


def test_results_do_not_depend_on_the_batch_size_beyond_rounding(
    small: Classifier, pictures: Pictures
) -> None:
    whole = list(explainer(small, batch=64).explain(pictures(3)))
    for one, two in zip(whole, explainer(small, batch=2).explain(pictures(3)), strict=True):
        for key in FULL_SET:
            np.testing.assert_allclose(one.maps[key].scalar, two.maps[key].scalar, atol=1e-5)


def test_forward_passes_are_one_per_row_and_no_more(pictures: Pictures) -> None:
    passed = []

    class Count(keras.layers.Layer):
        def call(self, rows: tf.Tensor) -> tf.Tensor:
            counted = tf.numpy_function(lambda n: passed.append(int(n)), [tf.shape(rows)[0]], [])
            with tf.control_dependencies([counted]):
                return tf.identity(rows)

        def compute_output_shape(self, shape: tuple[int, ...]) -> tuple[int, ...]:
            return shape

    classifier = classifier_of(small_network(before=Count()))
    engine = explainer(classifier, samples=25)
    passed.clear()
    assert len(list(engine.explain(pictures(3)))) == 3
    assert sum(passed) == 3 * (1 + 25 + 18)
    engine = explainer(classifier, methods=GRADIENT_BASES, samples=25, metrics=False)
    passed.clear()
    assert len(list(engine.explain(pictures(3)))) == 3
    assert sum(passed) == 3 * (1 + 25)


def test_maps_and_metrics_equal_a_plain_second_computation(small: Classifier, pictures: Pictures) -> None:
    sha256, picture = pictures(1)[0]
    settings = {"methods": ("gradcam", "gradcam.add-blend21"), "raw": True}
    (explanation,) = explainer(small, **settings).explain([(sha256, picture)])
    original = crop(picture, 32)
    network = keras.Model(
        small.model.inputs[0], [small.model.get_layer("last").output, small.model.outputs[0]]
    )
    activations, scores = network(tf.constant(preprocess(original[None], "tf")))
    assert explanation.class_index == int(np.argmax(scores))
    assert explanation.confidence == pytest.approx(float(np.max(scores)), rel=1e-5)
    np.testing.assert_allclose(explanation.features, np.mean(activations[0], axis=(0, 1)), rtol=1e-5)
    # Of a head without hidden layers the gradient of the logit is a row of the dense layer over h w.
    weights = small.model.get_layer("scores").get_weights()[0][:, explanation.class_index] / 64
    expected = np.maximum(np.asarray(activations[0]) @ weights, 0)
    np.testing.assert_allclose(explanation.maps["gradcam"].raw, expected, rtol=1e-3, atol=1e-6)

    scalar = explanation.maps["gradcam.add-blend21"].scalar
    mask = scalar >= np.percentile(scalar.astype(np.float64), 20) - 1e-9
    masked = np.where(mask[..., None], original, 0).astype(np.uint8)
    prediction = np.asarray(small.model(preprocess(masked[None], "tf")))[0]
    metrics = explanation.maps["gradcam.add-blend21"].metrics
    assert metrics is not None
    assert metrics["class_index"] == int(prediction.argmax())
    assert metrics["confidence"] == pytest.approx(float(prediction.max()), rel=1e-4)
    assert metrics["target_confidence"] == pytest.approx(float(prediction[explanation.class_index]), rel=1e-4)
    assert metrics["kept_share"] == pytest.approx(mask.mean())


def test_smooth_without_noise_is_grad_cam_plus_plus(small: Classifier, pictures: Pictures) -> None:
    methods = ("gradcampp", "smoothgradcampp")
    (explanation,) = explainer(small, methods=methods, noise=0.0).explain(pictures(1))
    scalars = [explanation.maps[key].scalar for key in methods]
    np.testing.assert_allclose(scalars[0], scalars[1], atol=1e-5)


@pytest.mark.parametrize("mode", ["tf", "raw", "unit", "torch", "caffe"])
def test_noise_has_the_same_size_in_the_picture_whatever_the_preprocessing(
    mode: str, pictures: Pictures
) -> None:
    engine = explainer(classifier_of(small_network(), mode=mode), samples=40)
    rows = engine._prepare(pictures(1)[0]).rows
    scale, _ = PREPROCESSING[mode]
    added = (rows[1:] - rows[0]) / scale
    np.testing.assert_allclose(added.std(axis=(0, 1, 2)), 0.15, rtol=0.02)


def test_it_yields_images_in_order_and_reads_them_lazily(small: Classifier, pictures: Pictures) -> None:
    taken = []

    def endless() -> Iterator[tuple[str, np.ndarray]]:
        while True:
            taken.append(f"{len(taken):064d}")
            yield taken[-1], pictures(1)[0][1]

    stream = explainer(small, methods=("gradcam",)).explain(endless())
    assert [next(stream).image_sha256 for _ in range(3)] == [f"{index:064d}" for index in range(3)]
    stream.close()
    assert len(taken) < 30


def test_it_explains_the_class_asked_for(small: Classifier, pictures: Pictures) -> None:
    (explanation,) = explainer(small, target_class=3).explain(pictures(1))
    assert (explanation.class_index, explanation.class_name) == (3, "dog")
    assert explanation.confidence == explanation.metrics_original["target_confidence"]
    assert explanation.maps["gradcam"].provenance["class_index"] == 3
    with pytest.raises(SettingsError, match="Class 5 does not exist"):
        explainer(small, target_class=5)


@pytest.mark.parametrize("dense", [False, True])
def test_the_maps_of_a_further_choice_are_those_of_its_class_given(dense: bool, pictures: Pictures) -> None:
    network = classifier_of(small_network(dense=dense))
    methods = tuple(key for key in EVERYTHING if key != "cam" and not key.startswith("cam."))
    # More copies than a batch holds: the later ones follow the choices of an image that went through before them.
    options = {"methods": methods, "samples": 25, "raw": True}
    (_, found) = explainer(network, ranks=(0, 1, 3), **options).explain(pictures(2))
    image = pictures(2)[1]
    scores = network.model(preprocess(crop(image[1], 32)[None], "tf"))[0]
    order = [int(each) for each in np.argsort(-np.asarray(scores))]
    classes = {rank: each.class_index for rank, each in found.by_rank.items()}
    assert classes == {rank: order[rank] for rank in (0, 1, 3)}
    for rank, explained in found.further.items():
        (given,) = explainer(network, target_class=order[rank], **options).explain([image])
        assert explained.class_name == given.class_name
        assert explained.maps.keys() == set(methods) - {"original", "edges"}
        for key, result in explained.maps.items():
            np.testing.assert_allclose(result.raw, given.maps[key].raw, rtol=1e-5, atol=1e-7)
            np.testing.assert_allclose(result.scalar, given.maps[key].scalar, atol=1e-6)


def test_the_predicted_class_is_explained_alike_whatever_else_is(
    small: Classifier, pictures: Pictures
) -> None:
    alone = explainer(small, methods=EVERYTHING).explain(pictures(2))
    beside = explainer(small, methods=EVERYTHING, ranks=(0, 2)).explain(pictures(2))
    for one, two in zip(alone, beside, strict=True):
        assert not one.further
        for key, result in one.maps.items():
            other = two.maps[key]
            np.testing.assert_allclose(result.scalar, other.scalar, atol=1e-6)
            assert result.provenance["parameters_hash"] == other.provenance["parameters_hash"]
            assert other.metrics is not None


def test_a_further_choice_has_its_class_and_rank_in_its_provenance_and_no_metrics(
    small: Classifier, pictures: Pictures
) -> None:
    methods = ("gradcam", "gradcam.add-edges", "original")
    (found,) = explainer(small, methods=methods, ranks=(0, 1)).explain(pictures(1))
    second = found.further[1]
    for result in second.maps.values():
        assert (result.provenance["class_index"], result.provenance["rank"]) == (second.class_index, 1)
        assert result.metrics is None
        assert "percentile" not in result.provenance["parameters"]
        assert "rank" not in found.maps[result.key].provenance


def test_more_choices_than_classes_and_ranks_beside_a_class_are_refused(small: Classifier) -> None:
    with pytest.raises(SettingsError, match="6 likeliest classes are asked for, but small tells 5") as caught:
        explainer(small, ranks=(0, 5))
    assert caught.value.permanent
    for wrong in ((), (1,), (0, 2, 1), (0, 1, 1)):
        with pytest.raises(SettingsError, match="rising order from 0"):
            explainer(small, ranks=wrong)
    with pytest.raises(SettingsError, match="not both"):
        explainer(small, ranks=(0, 1), target_class=2)


def test_the_rank_rule_keeps_exactly_eighty_percent(small: Classifier, pictures: Pictures) -> None:
    (explanation,) = explainer(small, keep="rank").explain(pictures(1))
    kept = {result.metrics["kept_share"] for result in explanation.maps.values() if result.metrics}
    assert kept == {(1024 - 205) / 1024}


def test_without_metrics_there_are_none_and_raw_maps_come_on_demand(
    small: Classifier, pictures: Pictures
) -> None:
    engine = explainer(small, methods=("gradcampp.add-edges",), metrics=False, raw=True)
    (explanation,) = engine.explain(pictures(1))
    result = explanation.maps["gradcampp.add-edges"]
    assert result.metrics is None
    assert result.raw is not None
    assert result.raw.shape == (8, 8)


@pytest.mark.parametrize("level", [0, 255])
def test_a_flat_image_is_explained_like_any_other(small: Classifier, level: int) -> None:
    flat = np.full((40, 40, 3), level, np.uint8)
    (explanation,) = explainer(small, methods=EVERYTHING).explain([("0" * 64, flat)])
    assert not explanation.edges.any()
    assert not explanation.maps["edges"].scalar.any()
    assert not explanation.maps["gradcam.mul-edges"].scalar.any()
    for result in explanation.maps.values():
        assert np.isfinite(result.scalar).all()


def test_an_array_that_is_no_image_is_refused(small: Classifier) -> None:
    with pytest.raises(ImageError, match="Expected uint8 RGB"):
        list(explainer(small).explain([("0" * 64, np.zeros((40, 40)))]))


def test_weights_that_are_not_finite_are_named(pictures: Pictures) -> None:
    model = small_network()
    model.get_layer("last").kernel.assign(np.full((3, 3, 8, 12), np.nan))
    with pytest.raises(SaliencyError, match="not finite"):
        list(explainer(classifier_of(model)).explain(pictures(1)))


def test_no_image_gives_no_explanation(small: Classifier) -> None:
    assert list(explainer(small).explain([])) == []
