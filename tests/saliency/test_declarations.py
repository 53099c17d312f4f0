"""Which declarations stand, and in which words the others are refused."""

import re
from dataclasses import replace
from pathlib import Path

import pytest

from saliency_worker import catalog
from saliency_worker.declarations import BadDeclaration, MethodSpec, Need, Parameter, gathered

OWN = tuple(catalog.METHODS.values())
GRADCAM = catalog.METHODS["gradcam"]
MINE = replace(GRADCAM, key="mine", title="Mine")


def test_the_catalogue_is_made_of_its_declarations() -> None:
    assert gathered(OWN, "") == catalog.METHODS
    assert (*catalog.BASES, *catalog.CONTROLS) == tuple(catalog.METHODS)
    assert catalog.GRADIENT_BASES == ("gradcam", "gradcampp", "smoothgradcampp")


def test_every_method_has_a_file_of_its_name_and_a_row_in_the_documentation() -> None:
    documented = (Path(__file__).parents[2] / "docs" / "methods.md").read_text("utf-8")
    for key, spec in catalog.METHODS.items():
        assert spec.formula.endswith(f".{key}:{key}")
        assert f"methods/{key}.py" in documented, key


@pytest.mark.parametrize(
    ("spec", "says"),
    [
        (replace(MINE, key="my-map"), "needs another key"),
        (replace(MINE, key="everything"), "needs another key"),
        (replace(MINE, key="m" * 31), "needs another key"),
        (replace(MINE, title="t" * 41), "at most 40 characters"),
        (replace(MINE, citation=""), "and a citation"),
        (replace(MINE, needs=()), "cannot need nothing together"),
        (replace(MINE, needs=(Need.ACTIVATIONS, Need.IMAGE)), "cannot need activations, image together"),
        (replace(MINE, needs=(Need.NOISY_MAPS,)), 'cannot be of ""'),
        (replace(MINE, needs=(Need.NOISY_MAPS,), of="smoothgradcampp"), 'cannot be of "smoothgradcampp"'),
        (replace(MINE, of="gradcam"), 'cannot be of "gradcam"'),
        (replace(MINE, needs=(Need.IMAGE,)), "set control=True"),
        (replace(MINE, needs=(Need.IMAGE,), control=True, random_weights=True), "takes no tensors"),
        (replace(MINE, parameters=(Parameter("p", 3, 0, 1, ""),)), "outside its range"),
        (replace(MINE, parameters=(Parameter("p", 0, 0, 1, ""),) * 2), "parameters of different names"),
        (replace(MINE, formula="gradcam"), "cannot be in the full set"),
        (replace(MINE, formula="gradcam", in_full_set=False), "has no formula"),
        (
            replace(MINE, formula="saliency_worker.saliency.methods.gradcam:other"),
            'defines no function "other"',
        ),
    ],
)
def test_a_declaration_that_cannot_work_is_refused_in_words(spec: MethodSpec, says: str) -> None:
    with pytest.raises(BadDeclaration, match=re.escape(says)):
        gathered((*OWN, spec), "")


def test_a_formula_of_ours_that_no_method_declares_is_refused() -> None:
    without = tuple(spec for spec in OWN if spec.key != "cam")
    with pytest.raises(BadDeclaration, match=r"cam\.py is the formula of no method"):
        gathered(without, "")


def test_two_methods_of_one_key_are_refused() -> None:
    with pytest.raises(BadDeclaration, match='two methods have the key "gradcam"'):
        gathered((*OWN, GRADCAM), "")


def test_parameters_follow_from_what_is_asked_for() -> None:
    assert list(catalog.parameters(["smoothgradcampp.add-edges"])) == ["samples", "noise"]
    assert catalog.parameters(["gradcam", "edges", "cam.mul-edges"]) == {}


def test_methods_that_need_the_dense_layers_weights_suit_one_head_only() -> None:
    assert catalog.suits("cam.add-edges", "gap") and not catalog.suits("cam.add-edges", "dense")
    assert catalog.suits("smoothgradcampp", "dense")
