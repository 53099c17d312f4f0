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


WRONG = {
    "a number as text": (
        {"parameters": {"rise_masks": "50"}},
        "rise_masks is '50': it must be a number from 1",
    ),
    "nothing in place of a number": (
        {"parameters": {"rise_masks": None}},
        "rise_masks is None: it must be a number",
    ),
    "yes in place of a number": (
        {"parameters": {"rise_masks": True}},
        "rise_masks is True: it must be a number",
    ),
    "a list": ({"parameters": {"rise_masks": [3]}}, r"rise_masks is \[3\]: it must be a number"),
    "parameters without names": (
        {"parameters": "rise_masks"},
        "parameters are 'rise_masks': give numbers by the name",
    ),
    "samples as text": ({"samples": "5"}, "samples is '5': it must be a number from 1 to 1000"),
    "half a sample": ({"samples": 2.5}, r"samples is 2\.5: it must be a whole number"),
    "no samples": ({"samples": None}, "samples is None: it must be a number"),
    "noise that is no number": ({"noise": float("nan")}, "noise is nan: it must be from 0 to 1"),
    "a weight as text": ({"k": "0.2"}, r"k is '0\.2': it must be a number from 0 to 0\.5"),
    "no weight": ({"k": None}, "k is None: it must be a number"),
    "half a row": ({"batch": 2.5}, r"batch is 2\.5: it must be a whole number"),
    "half a seed": ({"seed": 1.5}, r"seed is 1\.5: it must be a whole number"),
    "a seed below 0": ({"seed": -1}, "seed is -1: it must be from 0"),
    "half a class": ({"target_class": 1.5}, r"target_class is 1\.5: it must be a whole number"),
    "a rank as text": ({"ranks": ("0",)}, "ranks is '0': it must be a number"),
    "half a step": ({"steps": 2.5}, r"steps is 2\.5: it must be a whole number"),
    "one measure without a tuple": ({"measures": "curves"}, "measures are 'curves': give a tuple"),
    "one method without a tuple": ({"methods": "rise"}, "methods are 'rise': give a tuple of names"),
    "a method that is no name": ({"methods": (5,)}, r"methods are \(5,\): give a tuple of names"),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_is_no_number_or_no_name_is_refused_in_one_line(case: str) -> None:
    given, told = WRONG[case]
    with pytest.raises(SettingsError, match=told) as refused:
        Settings(**{"methods": ("rise",), **given})
    assert "\n" not in str(refused.value)


def test_a_formula_gets_whole_numbers_as_such_whoever_gave_them() -> None:
    chosen = Settings(
        ("rise",), parameters={"rise_masks": np.float32(5), "rise_kept": 1 / np.float32(2)}
    ).chosen("rise")
    assert [type(value) for value in chosen.values()] == [int, int, float]
    assert chosen == {"rise_masks": 5, "rise_cells": 7, "rise_kept": 0.5}


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
