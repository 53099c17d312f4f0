"""The trained matcher learns what tells, on other images than it judges."""

import numpy as np
import pytest
from scipy import optimize

from saliency_worker.observers import trained
from saliency_worker.observers.trained import Example, cross_fitted, fit


def example(rng: np.random.Generator, pool: int, *, tells: bool = True, m: int = 4) -> Example:
    """Three features, of which the second is higher for the source; the third never varies."""
    features = np.column_stack([rng.normal(size=m), rng.normal(size=m), np.zeros(m)])
    right = int(rng.integers(m))
    if tells:
        features[right, 1] += 3
    return Example(features, right, pool)


def examples(seed: int, number: int = 120, **options: bool) -> list[Example]:
    rng = np.random.default_rng(seed)
    return [example(rng, pool, **options) for pool in range(number)]


def share_right(found: list[np.ndarray], asked: list[Example]) -> float:
    return float(np.mean([scores.argmax() == one.right for scores, one in zip(found, asked, strict=True)]))


def test_it_finds_the_feature_that_tells():
    weights = fit(examples(1))
    assert weights[1] > 5 * abs(weights[0])
    assert weights[2] == 0


def test_the_weights_are_those_of_a_general_optimiser():
    asked = examples(2, 60)
    scale = np.concatenate([one.features - one.features.mean(0) for one in asked]).std(0)
    scale[scale < 1e-9] = 1

    def loss(weights: np.ndarray) -> float:
        total = 0.0
        for one in asked:
            logits = one.features / scale @ weights
            total += logits[one.right] - np.log(np.exp(logits).sum())
        return float(-total / len(asked) + trained.RIDGE * (weights @ weights))

    best = optimize.minimize(loss, np.zeros(3), method="BFGS").x / scale
    np.testing.assert_allclose(fit(asked), best, atol=1e-3)


def test_it_judges_images_that_it_did_not_learn_from():
    told, untold = examples(3), examples(4, tells=False)
    assert share_right(cross_fitted(told, 1), told) > 0.85
    # Fitted on the images it judges, it would do better than guessing here.
    assert share_right(cross_fitted(untold, 1), untold) < 0.40


def test_the_maps_of_one_pool_stand_in_one_fold():
    asked = examples(5, 40)
    spoilt = [Example(one.features, (one.right + 1) % 4, one.pool) if one.pool == 7 else one for one in asked]
    # The weights by which pool 7 is judged do not depend on pool 7.
    np.testing.assert_array_equal(cross_fitted(asked, 1)[7], cross_fitted(spoilt, 1)[7])


def test_the_same_seed_gives_the_same_scores():
    asked = examples(6, 20)
    for one, two in zip(cross_fitted(asked, 9), cross_fitted(asked, 9), strict=True):
        np.testing.assert_array_equal(one, two)


def test_one_pool_is_too_few_to_learn_from():
    with pytest.raises(ValueError, match="two pools or more"):
        cross_fitted(examples(7, 1), 1)


def test_features_are_correlations_of_every_view_with_every_other_at_the_same_scale():
    rng = np.random.default_rng(8)
    shown = rng.integers(0, 256, (64, 64, 3), np.uint8)
    photos = [shown, rng.integers(0, 256, (64, 64, 3), np.uint8)]
    found = trained.features(trained.map_channels(shown), [trained.photo_channels(photo) for photo in photos])
    assert found.shape == (2, 60)
    assert np.abs(found).max() <= 1 + 1e-5
    assert found[0, 0] == pytest.approx(1, abs=1e-5)  # its own brightness
    assert found[1, 0] < 0.7
