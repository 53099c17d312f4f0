"""What a classifier and a saliency method say of themselves, and the checks that declared methods stand.

Standard library only; formulas are looked at, never imported. Modules with declarations of methods from outside
import this module, not the catalogue: the catalogue imports them.
"""

import ast
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

from saliency_worker.needs import ASKED, ASKING, FROM_THE_INPUT, PICTURES, TENSORS
from saliency_worker.needs import Need as Need

LONGEST_KEY, LONGEST_TITLE = 30, 40  # what a condition and the name of a Table-1 column hold
FORMULAS = "saliency_worker.saliency.methods"
VARIABLE = "SALIENCY_METHODS"
FAMILIES: Mapping[str, str] = {
    "cam": "Class activation maps",
    "backpropagation": "Backpropagation",
    "perturbation": "Perturbation",
    "activation": "Activation maps since",
}
"""Of methods, with their titles; a control belongs to none."""
SIGNED = ("absolute", "positive", "diverging")
_TAKEN = (
    "all",
    "everything",
    "families",
    "logits",
    "features",
)  # words of the command line, results of the network


class BadDeclaration(ValueError):
    """The declared methods do not stand; one line that names the method and says what to change."""

    def __init__(self, message: str) -> None:
        super().__init__(" ".join(message.split()))


@dataclass(frozen=True)
class ClassifierSpec:
    """One classifier of the catalogue.

    builder: a name in keras.applications, or ``demo-cnn``. input_size: side of the square input in pixels.
    preprocessing: ``caffe`` (BGR minus the ImageNet mean), ``tf`` (-1..1), ``torch`` (standardised RGB),
    ``raw`` (0..255, the network scales itself) or ``unit`` (0..1). layer: the last convolutional layer, after
    its activation. head: ``gap`` (global average pooling and one dense layer) or ``dense`` (anything else).
    last_block_after: the layer whose descendants up to ``layer`` are the last block (``randomcam``).
    weights_files: glob patterns under which the weights are looked for in a folder.
    """

    name: str
    title: str
    builder: str
    input_size: int
    preprocessing: str
    layer: str
    head: str
    last_block_after: str
    weights_files: tuple[str, ...]


@dataclass(frozen=True)
class Parameter:
    """A number that a formula takes by name: default, range (both ends included) and meaning, for help texts."""

    name: str
    default: float
    low: float
    high: float
    meaning: str

    @property
    def whole(self) -> bool:
        return isinstance(self.default, int)


_COPIES = (
    Parameter("samples", 25, 1, 1000, "noisy copies of an image"),
    Parameter("noise", 0.15, 0, 1, "their sigma as a share of the input range"),
)
SHARED_PARAMETERS: Mapping[Need, tuple[Parameter, ...]] = {
    Need.NOISY_MAPS: _COPIES,
    Need.NOISY_ROWS: _COPIES,
}
"""Of the passes that methods share, hence the same for all methods of a run that need them."""


@dataclass(frozen=True)
class MethodSpec:
    """One saliency method.

    key: lower-case letters and digits. citation: paper and number of the equation. needs: the formula's arguments in
    their order; maps of tensors are (N, h, w) or (N, H, W), of NOISY_MAPS (h, w), of one image that asks the network
    (h, w) or (H, W), of pictures (H, W) or (H, W, 3) in 0..1.
    formula: ``package.module:function``. parameters: the formula's arguments by name; elsewhere they are called
    ``<key>_<name>``. of: see NOISY_MAPS. random_weights: the tensors come from the network whose head and last block
    were drawn anew. control: stands in no combination of Feature CAM. in_full_set: a base of Table 1. family: of
    FAMILIES. signed: what becomes of a map that has a sign, "" where it has none (or where its formula says): its size
    counts (``absolute``), what speaks for the class (``positive``), or both, in colours that part at zero (``diverging``).
    not_for: classifiers of the catalogue that hold an operation for which the method has no rule.
    """

    key: str
    title: str
    citation: str
    needs: tuple[Need, ...]
    formula: str
    parameters: tuple[Parameter, ...] = ()
    of: str = ""
    random_weights: bool = False
    control: bool = False
    in_full_set: bool = False
    family: str = "cam"
    signed: str = ""
    not_for: tuple[str, ...] = ()

    @property
    def of_tensors(self) -> bool:
        """Whether it is computed in the network's graph."""
        return set(self.needs) <= TENSORS

    @property
    def of_pictures(self) -> bool:
        """Whether it needs no network."""
        return set(self.needs) <= PICTURES

    @property
    def asks(self) -> bool:
        """Whether it asks the network again, image by image, for inputs of its own making."""
        return not ASKING.isdisjoint(self.needs)

    @property
    def is_outside(self) -> bool:
        """Whether the formula is no part of this program, so that no version number of ours covers it."""
        return not self.formula.startswith(f"{FORMULAS}.")

    def options(self) -> dict[str, Parameter]:
        """The method's own parameters under the names they have outside of its declaration."""
        return {f"{self.key}_{parameter.name}": parameter for parameter in self.parameters}


def gathered(own: Sequence[MethodSpec], modules: str) -> dict[str, MethodSpec]:
    """All methods by key: our own, then the DECLARATIONS of the comma-separated modules. Raises BadDeclaration."""
    methods: dict[str, MethodSpec] = {}
    names = [name.strip() for name in modules.split(",") if name.strip()]
    for spec in (*own, *(spec for name in dict.fromkeys(names) for spec in _declared(name))):
        if spec.key in methods:
            raise BadDeclaration(
                f'two methods have the key "{spec.key}" ({methods[spec.key].formula}, {spec.formula}): rename one'
            )
        methods[spec.key] = spec
    for spec in methods.values():
        if problems := [*_problems(spec, methods), *_formula_problems(spec)]:
            raise BadDeclaration(f'the method "{spec.key}" {problems[0]}')
    if files := _undeclared(methods.values()):
        raise BadDeclaration(
            f"{files[0]} is the formula of no method: declare it in saliency_worker/families"
        )
    return methods


def _declared(module: str) -> Sequence[MethodSpec]:
    try:
        found = getattr(import_module(module), "DECLARATIONS", None)
    except Exception as error:  # whatever a foreign module raises while it is imported
        raise BadDeclaration(
            f"{VARIABLE}: {module} cannot be imported ({type(error).__name__}: {error})"
        ) from error
    if (
        not isinstance(found, Sequence)
        or not found
        or not all(isinstance(spec, MethodSpec) for spec in found)
    ):
        raise BadDeclaration(
            f"{VARIABLE}: {module} declares no method: give it DECLARATIONS, a tuple of MethodSpec"
        )
    return found


def _problems(spec: MethodSpec, methods: Mapping[str, MethodSpec]) -> Iterator[str]:
    if not re.fullmatch(r"[a-z][a-z0-9]*", spec.key) or len(spec.key) > LONGEST_KEY or spec.key in _TAKEN:
        yield f"needs another key: lower-case letters and digits, at most {LONGEST_KEY}, none of {', '.join(_TAKEN)}"
    if not 0 < len(spec.title) <= LONGEST_TITLE or not spec.citation:
        yield f"needs a title of at most {LONGEST_TITLE} characters and a citation"
    if not spec.needs or not any(set(spec.needs) <= each for each in _together(spec)):
        yield f"cannot need {', '.join(spec.needs) or 'nothing'} together: tensors, noisy maps alone, what asks, or pictures"
    of = methods.get(spec.of)
    fits = of is not None and of.of_tensors and not of.random_weights and FROM_THE_INPUT.isdisjoint(of.needs)
    if (Need.NOISY_MAPS in spec.needs) != bool(spec.of) or (spec.of and not fits):
        yield f'cannot be of "{spec.of}": a method of noisy maps, and no other, is of a method that needs tensors'
    if spec.family not in FAMILIES or spec.signed not in ("", *SIGNED):
        yield f"needs a family of {', '.join(FAMILIES)}, and as signed nothing or one of {', '.join(SIGNED)}"
    if spec.of_pictures and not spec.control:
        yield "needs no network, so it is a control: set control=True"
    if spec.random_weights and not spec.of_tensors:
        yield "cannot be of random weights: it takes no tensors"
    if spec.in_full_set and spec.is_outside:
        yield 'cannot be in the full set: "all" means the maps of the paper'
    names = [parameter.name for parameter in spec.parameters]
    if len(set(names)) < len(names) or not all(name.isidentifier() for name in names):
        yield "needs parameters of different names, each an identifier"
    for parameter in spec.parameters:
        if not parameter.low <= parameter.default <= parameter.high:
            yield f"has a parameter {parameter.name} whose default is outside its range"


def _together(spec: MethodSpec) -> tuple[frozenset[Need], ...]:
    """What a formula may need together."""
    return (TENSORS, frozenset({Need.NOISY_MAPS}), PICTURES, *((ASKED,) if spec.asks else ()))


def _formula_problems(spec: MethodSpec) -> Iterator[str]:
    """Whether the formula's file defines the function. Read, not imported: the site must not load TensorFlow."""
    module, _, name = spec.formula.partition(":")
    try:
        found = find_spec(module) if module and name else None
    except ImportError:
        found = None
    if found is None or not found.origin or not Path(found.origin).is_file():
        yield f'has no formula: there is no module "{module}"; write package.module:function'
        return
    try:
        body = ast.parse(Path(found.origin).read_bytes()).body
    except (SyntaxError, ValueError) as error:
        yield f"has no formula: {module} is no Python ({error})"
        return
    if not any(isinstance(node, ast.FunctionDef) and node.name == name for node in body):
        yield f'has no formula: {module} defines no function "{name}"'


def _undeclared(methods: Iterable[MethodSpec]) -> list[Path]:
    declared = {"__init__", *(spec.formula.partition(":")[0].rpartition(".")[2] for spec in methods)}
    files = sorted((Path(__file__).parent / "saliency" / "methods").glob("*.py"))
    return [file for file in files if file.stem not in declared]
