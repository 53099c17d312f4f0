"""Own models through the whole engine: their own probabilities, their inputs, and the check at load that refuses."""

import hashlib
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import cv2
import keras
import numpy as np
import pytest
from keras import layers, ops

from saliency_worker.catalog import EVERYTHING
from saliency_worker.saliency import activations
from saliency_worker.saliency.classifiers import Classifier, of_model
from saliency_worker.saliency.errors import ModelError
from saliency_worker.saliency.explain import Explainer
from saliency_worker.saliency.model_choice import ModelChoice, parse
from saliency_worker.saliency.results import Explanation
from saliency_worker.saliency.settings import Settings
from tests.saliency.zoo import GAP, SIDE, ZOO, chain, conv, plain

pytestmark = pytest.mark.tensorflow
PICTURE = np.random.default_rng(3).integers(0, 256, (5, 8, 3), dtype=np.uint8).repeat(9, 0).repeat(8, 1)
SHA256 = hashlib.sha256(PICTURE.tobytes()).hexdigest()


def explained(classifier: Classifier, *methods: str, **options: Any) -> Explanation:
    settings = Settings(methods or ("gradcam",), edges="sobel", samples=2, **options)
    (found,) = Explainer(classifier, settings).explain([(SHA256, PICTURE)])
    return found


def own(name: str) -> tuple[Classifier, np.ndarray]:
    """The classifier of a case, and what its model itself says to the picture."""
    case = ZOO[name]()
    # In 0..255 these small networks are so sure that every probability is 0 or 1.
    classifier = of_model(case.model, replace(case.choice, preprocessing="unit"))
    rows = classifier.input.rows(classifier.input.picture(PICTURE)[None])
    return classifier, np.asarray(case.model(rows.astype(case.model.inputs[0].dtype), training=False))[0]


def test_confidences_of_many_labels_are_the_networks_own_and_sum_to_nothing() -> None:
    classifier, said = own("many_labels")
    for target in range(5):
        found = explained(classifier, target_class=target)
        assert found.confidence == pytest.approx(said[target], rel=1e-4)
    assert found.metrics_original["class_index"] == int(said.argmax())
    assert found.metrics_original["confidence"] == pytest.approx(said.max(), rel=1e-4)
    assert found.maps["gradcam"].provenance["scores"] == "sigmoid"


def test_both_classes_of_one_output_can_be_explained() -> None:
    classifier, (said,) = own("one_output_for_two_classes")
    first, second = (explained(classifier, "cam", raw=True, target_class=target) for target in (0, 1))
    assert second.confidence == pytest.approx(said, rel=1e-4)
    assert first.confidence == pytest.approx(1 - said, rel=1e-4)
    np.testing.assert_allclose(first.maps["cam"].raw, -second.maps["cam"].raw, rtol=1e-5)


@pytest.mark.parametrize(
    "name", ["softmax_as_an_operation", "behind_a_temperature", "log_probabilities", "half_precision"]
)
def test_a_softmax_anywhere_gives_the_networks_own_confidence(name: str) -> None:
    classifier, said = own(name)
    probabilities = np.exp(said) if name == "log_probabilities" else said
    rel = 1e-2 if name == "half_precision" else 1e-4
    assert explained(classifier).confidence == pytest.approx(probabilities.max(), rel=rel)


@pytest.mark.parametrize("name", ["transfer_by_sequential", "one_channel", "not_square", "whole_numbers_in"])
def test_every_map_of_the_catalogue_is_made_of_an_own_model(name: str) -> None:
    case = ZOO[name]()
    classifier = of_model(case.model, case.choice)
    methods = EVERYTHING if case.cam else [key for key in EVERYTHING if key.split(".")[0] != "cam"]
    found = explained(classifier, *methods)
    for key, result in found.maps.items():
        assert result.scalar.shape == classifier.input.shape[:2], key
        assert result.display.shape == (*classifier.input.shape[:2], 3), key
    if classifier.input.channels == 1:  # people see what the network saw
        assert (found.original == cv2.cvtColor(found.original, cv2.COLOR_RGB2GRAY)[..., None]).all()


def test_crop_and_squash_are_different_pictures_and_different_provenance() -> None:
    case = ZOO["linear_scores"]()
    found = {fit: explained(of_model(case.model, ModelChoice(fit=fit))) for fit in ("crop", "squash")}
    squashed = cv2.resize(PICTURE, (SIDE, SIDE), interpolation=cv2.INTER_AREA)
    assert np.array_equal(found["squash"].original, squashed)
    assert not np.array_equal(found["crop"].original, squashed)
    hashes = {each.maps["gradcam"].provenance["parameters_hash"] for each in found.values()}
    assert len(hashes) == 2
    assert found["squash"].maps["gradcam"].provenance["fit"] == "squash"


def test_own_mean_and_deviation_are_those_of_the_equation() -> None:
    case = ZOO["own_mean_and_deviation"]()
    given = of_model(case.model, case.choice).input
    seen = given.picture(PICTURE)
    expected = (seen / 255 - [0.4, 0.5, 0.6]) / [0.2, 0.3, 0.25]
    np.testing.assert_allclose(given.rows(seen), expected, rtol=1e-4, atol=1e-5)
    assert given.facts()["mean"] == [0.4, 0.5, 0.6]


def test_a_text_says_layer_options_and_nothing_more(tmp_path: Any) -> None:
    choice = parse(
        "me@home/net.keras@a/b_1:tf:size=20x30:mean=0.1:std=0.5/0.5/0.5:fit=squash:tokens=4:output=x"
    )
    assert (str(choice.path), choice.layer, choice.preprocessing) == ("me@home/net.keras", "a/b_1", "tf")
    assert (choice.size, choice.mean, choice.std) == ((20, 30), (0.1,), (0.5, 0.5, 0.5))
    assert (choice.fit, choice.tokens, choice.output) == ("squash", (4, 4), "x")
    assert parse("net.h5@:tf").layer == ""
    assert parse("mobilenetv2@block_16_project:fit=squash").name == "MobileNetV2"
    (tmp_path / "a@b").mkdir()
    assert parse(f"{tmp_path / 'a@b'}@conv:unit").layer == "conv"


def test_the_model_is_left_as_it_was() -> None:
    case = ZOO["class_of_its_own"]()
    counts = [len(layer._inbound_nodes) for layer in case.model._flatten_layers()]
    before = [np.copy(each) for each in case.model.get_weights()]
    explained(of_model(case.model, case.choice), "gradcam", "cam")
    assert [len(layer._inbound_nodes) for layer in case.model._flatten_layers()] == counts
    assert all(map(np.array_equal, before, case.model.get_weights()))


class Coin(keras.layers.Layer):
    """Another result at every call, at inference too."""

    def call(self, x: Any) -> Any:
        return x * keras.random.uniform((1,), 0.5, 2.0)


def refused(build: Callable[[], keras.Model], *methods: str, choice: ModelChoice | None = None) -> str:
    with pytest.raises(ModelError) as caught:
        explained(of_model(build(), choice), *methods)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_a_network_that_never_says_the_same_twice_is_refused() -> None:
    last, coin, pool, dense = conv(), Coin(name="coin"), GAP(), layers.Dense(4)
    said = refused(lambda: plain(chain(last, coin), chain(pool, dense)).model)
    assert "draw at random" in said or "differ by" in said


def test_a_graph_that_was_folded_wrongly_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    honest = activations.freeze

    def wrong(function: Any, *inputs: Any) -> Any:
        return honest(lambda *given: {k: v * 1.001 for k, v in function(*given).items()}, *inputs)

    monkeypatch.setattr(activations, "freeze", wrong)
    assert "its own scores" in refused(lambda: ZOO["linear_scores"]().model)


def test_a_graph_that_was_folded_wrongly_is_refused_though_the_network_is_sure(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    honest = activations.freeze

    def wrong(function: Any, *inputs: Any) -> Any:
        return honest(
            lambda *given: {k: v * (1.001 if k == "logits" else 1) for k, v in function(*given).items()},
            *inputs,
        )

    def sure() -> keras.Model:
        last, pool, dense = conv(), GAP(), layers.Dense(4)
        return plain(last, chain(pool, dense, lambda x: x * 1e4)).model

    monkeypatch.setattr(activations, "freeze", wrong)
    assert "the logits of a picture and those in our graph" in refused(
        sure, choice=ModelChoice(preprocessing="unit")
    ).replace("noise", "a picture")


def test_a_head_that_does_not_give_the_logits_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    honest = activations.View.tail
    monkeypatch.setattr(activations.View, "tail", lambda self, pooled: honest(self, pooled) * 1.001)
    assert "the logits of a picture and those at the explained layer" in refused(
        lambda: ZOO["linear_scores"]().model
    )


def test_weights_of_cam_that_do_not_give_the_logit_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    honest = activations.cut

    def wrong(*given: Any) -> Any:
        view = honest(*given)
        return replace(view, cam_weights=(view.cam_weights[0] * 1.1, view.cam_weights[1]))

    monkeypatch.setattr(activations, "cut", wrong)
    assert "as mean of CAM" in refused(lambda: ZOO["linear_scores"]().model, "cam")


@pytest.mark.parametrize(
    ("end", "message"),
    [
        (lambda x: layers.Softmax()(ops.softmax(x)), "squashed twice"),
        (lambda x: layers.Softmax(axis=0)(x), "over axis 0"),
        (lambda x: ops.tanh(x), "logits are needed"),
        (lambda x: ops.softmax(x) * 100, "logits are needed"),
        (lambda x: layers.Average()([ops.softmax(x), ops.softmax(x * 2)]), "logits are needed"),
        (lambda x: ops.exp(x) / ops.sum(ops.exp(x), axis=-1, keepdims=True), "logits are needed"),
        (lambda x: ops.argmax(x, axis=-1), "logits are needed"),
    ],
)
def test_endings_without_logits_are_refused(end: Callable[[Any], Any], message: str) -> None:
    last, pool, dense = conv(), GAP(), layers.Dense(4)
    assert message in refused(lambda: plain(last, chain(pool, dense), end).model)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (layers.CenterCrop(10, 10), "cuts the picture"),
        (layers.Permute((2, 1, 3)), "turns the picture"),
        (lambda x: ops.flip(x, axis=1), "mirrors the picture"),
    ],
)
def test_a_map_that_would_not_lie_on_the_picture_is_refused(
    change: Callable[[Any], Any], message: str
) -> None:
    last, pool, dense = conv(), GAP(), layers.Dense(4)
    assert message in refused(lambda: plain(chain(change, last), chain(pool, dense)).model)


def test_what_a_researcher_should_know_of_a_layer_is_said() -> None:
    tiny = of_model(plain(conv(strides=8), chain(GAP(), layers.Dense(3))).model)
    assert "3x3 places" in tiny.notices[0]
    case = ZOO["transformer_by_its_tokens"]()
    assert "attention mixes the places" in of_model(case.model, case.choice).notices[0]
    assert of_model(ZOO["residual"]().model).notices == ()
