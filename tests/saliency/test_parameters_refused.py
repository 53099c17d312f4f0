"""Parameters under which a method would silently do something else are refused in one line that says what to choose."""

import numpy as np
import pytest

from saliency_worker import catalog
from saliency_worker.saliency.classifiers import Classifier
from saliency_worker.saliency.errors import SaliencyError, SettingsError
from saliency_worker.saliency.explain import Explainer
from saliency_worker.saliency.settings import Settings

PICTURE = np.random.default_rng(0).integers(0, 256, (48, 40, 3), dtype=np.uint8)
OWN = [(key, p) for key, spec in catalog.METHODS.items() for p in spec.parameters]


def name(key: str, parameter: str) -> str:
    return f"{key}_{parameter}"


@pytest.mark.parametrize(("key", "parameter"), OWN, ids=lambda value: getattr(value, "name", value))
def test_every_parameter_is_kept_to_its_range(key: str, parameter: object) -> None:
    own = name(key, parameter.name)
    for value in (parameter.low - 1, parameter.high + 1, float("nan"), float("inf"), -float("inf")):
        with pytest.raises(SettingsError, match=f"{own} is .*: it must be from"):
            Settings((key,), parameters={own: value})
    Settings((key,), parameters={own: parameter.low})
    Settings((key,), parameters={own: parameter.high})


@pytest.mark.parametrize(
    "key_and_parameter", [(k, p) for k, p in OWN if p.whole], ids=lambda value: f"{value[0]}_{value[1].name}"
)
def test_half_a_step_is_no_number_of_steps(key_and_parameter: tuple) -> None:
    key, parameter = key_and_parameter
    own = name(key, parameter.name)
    with pytest.raises(SettingsError, match=f"{own} is .*5: it must be a whole number"):
        Settings((key,), parameters={own: parameter.low + 0.5})
    Settings((key,), parameters={own: float(parameter.low)})


@pytest.mark.tensorflow
@pytest.mark.parametrize(
    ("key", "parameters", "told"),
    [
        ("rise", {"cells": 33}, "33 cells a side is finer than the picture of 32x32: choose fewer"),
        ("multiscale", {"finest": 4, "scales": 3}, "4 superpixels cannot be halved for 3 scales"),
        ("occlusion", {"size": 1, "stride": 0.5}, "hides the whole picture of 32x32: choose a smaller"),
        ("discrepancy", {"size": 1, "stride": 1}, "hides the whole picture"),
        ("occlusion", {"size": 0.1, "stride": 0.5}, "leave gaps: choose a smaller stride"),
    ],
)
def test_what_does_not_fit_the_picture_is_refused(
    small: Classifier, key: str, parameters: dict[str, float], told: str
) -> None:
    own = {name(key, parameter): value for parameter, value in parameters.items()}
    settings = Settings((key, f"{key}.add-edges"), edges="sobel", metrics=False, parameters=own)
    with pytest.raises(SaliencyError, match=told) as refused:
        list(Explainer(small, settings).explain([("0" * 64, PICTURE)]))
    assert "\n" not in str(refused.value) and refused.value.permanent


@pytest.mark.tensorflow
def test_more_steps_than_pixels_are_refused(small: Classifier) -> None:
    from saliency_worker.saliency.probe import Probe
    from saliency_worker.saliency.removal import Remover

    few = Probe(
        np.zeros((4, 5, 3), np.float32),
        small.input,
        (0,),
        8,
        lambda rows: np.zeros((len(rows), 5), np.float32),
    )
    with pytest.raises(SettingsError, match="20 pixels cannot go in 21 steps"):
        Remover(few, 21)
    Remover(few, 20)
