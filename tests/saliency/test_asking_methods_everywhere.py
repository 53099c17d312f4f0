"""Perturbation and activation methods on own models as people build them, and on every classifier of the catalogue."""

import gc

import numpy as np
import pytest

from saliency_worker import catalog
from saliency_worker.saliency.classifiers import Classifier, of_model
from saliency_worker.saliency.errors import ModelError
from saliency_worker.saliency.explain import Explainer
from saliency_worker.saliency.settings import Settings
from tests.saliency.test_backpropagation_networks import lively
from tests.saliency.test_catalogue_networks import FEATURE_MAPS
from tests.saliency.test_own_models import PICTURE, SHA256
from tests.saliency.zoo import ZOO

pytestmark = pytest.mark.tensorflow
KEYS = tuple(key for key in catalog.BASES if catalog.METHODS[key].family in ("perturbation", "activation"))
FEW = {
    **{
        "rise_masks": 16,
        "lime_samples": 16,
        "lime_segments": 9,
        "multiscale_finest": 4,
        "multiscale_scales": 1,
    },
    **{"multiscale_fillings": 2, "occlusion_size": 0.4, "occlusion_stride": 0.3},
    **{"discrepancy_size": 0.4, "discrepancy_stride": 0.3},
}


def assert_maps_are_made(classifier: Classifier, keys: tuple[str, ...] = KEYS) -> None:
    own = {name: value for name, value in FEW.items() if name.partition("_")[0] in keys}
    settings = Settings((*keys, "rise.comp-edges"), edges="sobel", metrics=False, raw=True, parameters=own)
    (found,) = Explainer(classifier, settings).explain([(SHA256, PICTURE)])
    for key, made in found.maps.items():
        assert made.scalar.shape == classifier.input.shape[:2], key
        assert np.isfinite(made.raw).all(), key
        assert np.isfinite(made.scalar).all() and made.scalar.min() >= 0 and made.scalar.max() <= 1, key
    # A network that is sure beyond 1e-7 whatever is hidden has no evidence for any region: there multiscale is empty.
    for key in set(keys) & {"occlusion", "discrepancy", "rise", "lime"}:
        assert np.ptp(found.maps[key].raw) > 0, key


@pytest.mark.parametrize(
    "name",
    ["transfer_by_sequential", "one_channel", "not_square", "whole_numbers_in", "residual"],
)
def test_every_method_explains_own_models(name: str) -> None:
    case = ZOO[name]()
    assert_maps_are_made(of_model(case.model, case.choice))


@pytest.mark.parametrize(
    ("level", "keys"),
    [(0, ("rise", "lime", "multiscale", "scorecam")), (128, ("occlusion", "lime", "multiscale"))],
)
def test_a_picture_of_one_colour_has_empty_maps_where_hiding_changes_nothing(
    small: Classifier, level: int, keys: tuple[str, ...]
) -> None:
    """Else they would show the draw of the masks, or the last bits, as what the network looks at."""
    other = "occlusion" if not level else "rise"
    own = {name: value for name, value in FEW.items() if name.partition("_")[0] in (*keys, other)}
    engine = Explainer(small, Settings((*keys, other), edges="sobel", raw=True, parameters=own))
    (found,) = engine.explain([(SHA256, np.full((40, 40, 3), level, np.uint8))])
    assert {key: made.metrics["empty"] for key, made in found.maps.items()} == {
        **dict.fromkeys(keys, True),
        other: False,
    }


def test_a_network_explained_at_tokens_has_all_but_ablationcam_which_says_why() -> None:
    case = ZOO["transformer_by_its_tokens"]()
    classifier = of_model(case.model, case.choice)
    assert_maps_are_made(classifier, tuple(key for key in KEYS if key != "ablationcam"))
    with pytest.raises(ModelError, match="tokens") as refused:
        Explainer(classifier, Settings(("ablationcam",)))
    assert "\n" not in str(refused.value)


@pytest.mark.slow
@pytest.mark.timeout(3000)
@pytest.mark.parametrize("name", sorted(FEATURE_MAPS))
def test_every_method_explains_every_classifier_of_the_catalogue(name: str) -> None:
    # Score-CAM asks once per channel: that is what it costs.
    assert_maps_are_made(lively(name))
    gc.collect()


@pytest.mark.slow
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("name", sorted(FEATURE_MAPS))
def test_every_method_but_scorecam_explains_every_classifier_of_the_catalogue(name: str) -> None:
    """About sixty passes instead of one per channel; what Score-CAM takes, activations and a probe, others take here."""
    assert_maps_are_made(lively(name), tuple(key for key in KEYS if key != "scorecam"))
    gc.collect()
