"""The sanity check: the network forgets layer after layer, and the maps are compared with those of before."""

from collections.abc import Callable
from dataclasses import replace

import keras
import numpy as np
import pytest
from scipy.stats import spearmanr

from saliency_worker.saliency.classifiers import Classifier
from saliency_worker.saliency.explain import Explainer
from saliency_worker.saliency.random_weights import flat_layers
from saliency_worker.saliency.sanity import Sanity, blocks, cascade
from saliency_worker.saliency.settings import Settings
from tests.saliency.conftest import classifier_of, small_network

pytestmark = pytest.mark.tensorflow
KEYS = ("gradcam", "gradcam.add-edges", "original")


def changed(network: Classifier, other: Classifier) -> list[str]:
    pairs = zip(flat_layers(network.model), flat_layers(other.model), strict=True)
    return [
        a.name
        for a, b in pairs
        if any(not np.array_equal(v, w) for v, w in zip(a.get_weights(), b.get_weights(), strict=True))
    ]


def test_the_network_forgets_from_the_last_layer_on_a_norm_together_with_its_convolution(
    small: Classifier,
) -> None:
    kept = [w.copy() for w in small.model.get_weights()]
    stages = [(name, changed(small, network)) for name, network in cascade(small, 3, 10)]
    assert stages == [
        ("scores", ["scores"]),
        ("last", ["last", "scores"]),
        ("first", ["first", "norm", "last", "scores"]),
    ]
    assert all(np.array_equal(a, b) for a, b in zip(kept, small.model.get_weights(), strict=True))


def test_of_a_deep_network_the_stages_are_spread_from_the_last_layer_to_all() -> None:
    inner = [keras.layers.Conv2D(2, 3, padding="same", name=f"c{n}") for n in range(9)]
    layers = [
        keras.Input((8, 8, 3)),
        *inner,
        keras.layers.GlobalAveragePooling2D(),
        keras.layers.Dense(2, name="end"),
    ]
    deep = classifier_of(keras.Sequential(layers), layer="c8")
    names = [name for name, _ in cascade(deep, 0, 4)]
    assert names == ["end", "c6", "c3", "c0"]
    assert [name for name, _ in cascade(deep, 0, 1)] == ["end"]


def test_what_scales_the_picture_is_not_knowledge_and_the_same_seed_forgets_alike() -> None:
    network = small_network(before=keras.layers.Normalization(mean=[1, 2, 3], variance=[4, 5, 6]))
    names = [[layer.name for layer in group] for group in blocks(flat_layers(network))]
    assert names == [["first", "norm"], ["last"], ["scores"]]
    first, again, other = (
        [list(network.model.get_weights()) for _, network in cascade(classifier_of(network), seed, 9)][-1]
        for seed in (1, 1, 2)
    )
    assert all(np.array_equal(a, b) for a, b in zip(first, again, strict=True))
    assert any(not np.array_equal(a, b) for a, b in zip(first, other, strict=True))


def test_each_map_gets_its_rank_correlations_with_the_maps_of_the_forgetful_networks(
    small: Classifier, pictures: Callable[[int], list[tuple[str, np.ndarray]]]
) -> None:
    settings = Settings(KEYS, edges="sobel", seed=5)
    bare = replace(settings, metrics=False)
    sanity = Sanity(small, lambda network: Explainer(network, bare), settings)
    given = pictures(3)
    found = list(sanity.checked(Explainer(small, settings).explain(given)))
    assert [each.image_sha256 for each in found] == [sha256 for sha256, _ in given]
    stages = []
    for name, network in cascade(small, 5, 10):
        targets = [(sha256, rgb, each.class_index) for (sha256, rgb), each in zip(given, found, strict=True)]
        stages.append((name, list(Explainer(network, bare).explain(targets))))
    for at, explanation in enumerate(found):
        assert [r for _, r in explanation.maps["original"].metrics["sanity_layers"]] == pytest.approx(
            [1, 1, 1]
        )
        for key in KEYS:
            metrics, scalar = explanation.maps[key].metrics, explanation.maps[key].scalar
            values = []
            for (name, others), (stored_name, value) in zip(stages, metrics["sanity_layers"], strict=True):
                other = others[at].maps[key].scalar
                expected = (
                    spearmanr(scalar.ravel(), other.ravel()).statistic
                    if np.ptp(other) and np.ptp(scalar)
                    else None
                )
                assert stored_name == name
                assert value == (None if expected is None else pytest.approx(expected, abs=1e-6))
                values += [] if expected is None else [expected]
            assert metrics["sanity"] == (pytest.approx(np.mean(values)) if values else None)
