import numpy as np
import pytest

from saliency_worker.saliency.classifiers import Classifier
from saliency_worker.saliency.random_weights import forgotten_layers, randomised

pytestmark = pytest.mark.tensorflow


def test_head_and_last_block_forget_and_the_rest_remembers(small: Classifier) -> None:
    forgetful = randomised(small, seed=1)
    for before, after in zip(small.model.layers, forgetful.model.layers, strict=True):
        for old, new in zip(before.get_weights(), after.get_weights(), strict=True):
            same = np.array_equal(old, new)
            assert same == (before.name not in ("last", "scores") or not new.any()), before.name


def test_the_original_is_untouched_and_the_seed_decides(small: Classifier) -> None:
    before = [weight.copy() for weight in small.model.get_weights()]
    first, again, other = (randomised(small, seed) for seed in (1, 1, 2))
    assert all(map(np.array_equal, before, small.model.get_weights()))
    assert all(map(np.array_equal, first.model.get_weights(), again.model.get_weights()))
    assert not all(map(np.array_equal, first.model.get_weights(), other.model.get_weights()))


def test_without_a_named_block_the_last_convolution_forgets(small: Classifier) -> None:
    assert [layer.name for layer in forgotten_layers(small.model, "")] == ["last", "scores"]


def test_kernels_are_he_normal(small: Classifier) -> None:
    kernel = randomised(small, seed=3).model.get_layer("last").get_weights()[0]
    assert kernel.std() == pytest.approx(np.sqrt(2 / (3 * 3 * 8)), rel=0.1)
