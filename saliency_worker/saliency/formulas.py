"""From the methods asked for to what their formulas need of the passes through a network, each thing once."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from typing import Any

from saliency_worker.catalog import explains_class, sources, split_key
from saliency_worker.declarations import MethodSpec
from saliency_worker.needs import FROM_THE_INPUT, Need
from saliency_worker.saliency.errors import FormulaError, SaliencyError
from saliency_worker.saliency.settings import Settings


@dataclass(frozen=True)
class Formula:
    """A declared method with its function; ``function`` has the parameters of the run bound."""

    spec: MethodSpec
    function: Callable[..., Any]

    def __call__(self, arrays: Mapping[Need, Any], *shapes: tuple[int | None, ...]) -> Any:
        """The map of these arrays, of one of the shapes. Raises FormulaError, which names the method."""
        try:
            found = self.function(*(arrays[need] for need in self.spec.needs))
            shape = tuple(found.shape)
        except SaliencyError:
            raise  # it says what is wrong with network, parameters or picture
        except Exception as error:  # a formula from outside may raise anything
            reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
            raise FormulaError(f'The formula of the method "{self.spec.key}" fails: {reason}') from error
        if not any(_fits(shape, wanted) for wanted in shapes):
            wanted = " or ".join(map(str, shapes))
            raise FormulaError(
                f'The formula of the method "{self.spec.key}" gives {shape} instead of {wanted}.'
            )
        return found


def _fits(shape: tuple[int | None, ...], wanted: tuple[int | None, ...]) -> bool:
    """Whether the shapes agree as far as both are known: inside a graph a size may be None."""
    return len(shape) == len(wanted) and all(
        a == b or None in (a, b) for a, b in zip(shape, wanted, strict=True)
    )


@dataclass(frozen=True)
class Plan:
    """The formulas of a run by the place where they are computed, in the order of the methods asked for.

    passes: maps of tensors, inside the network's graph. through: those among them that go through the whole network and
    not its head alone. noisy: of the maps of noisy copies. random: like passes, in the network of random weights. asking:
    of one image, which ask the network again. pictures: of image and edges, without a network. asked: the keys of the run;
    ``passes`` may hold more, of which noisy copies are wanted. edges: whether the edge map is needed.
    """

    asked: tuple[str, ...]
    passes: dict[str, Formula]
    through: dict[str, Formula]
    noisy: dict[str, Formula]
    random: dict[str, Formula]
    asking: dict[str, Formula]
    pictures: dict[str, Formula]
    edges: bool

    @property
    def on_copies(self) -> frozenset[str]:
        """The methods of ``passes`` that are computed for the noisy copies too."""
        return frozenset(formula.spec.of for formula in self.noisy.values())

    def of_rank(self, formulas: Iterable[str], rank: int) -> list[str]:
        """The methods of these that the run asks for, at this rank."""
        return [key for key in formulas if key in self.asked and (not rank or explains_class(key))]

    @property
    def asking_needs(self) -> frozenset[Need]:
        """What the methods that ask need."""
        return frozenset(need for formula in self.asking.values() for need in formula.spec.needs)


def plan(settings: Settings) -> Plan:
    """The plan of a run. Raises FormulaError where a formula cannot be imported."""
    keys = [split_key(key) for key in settings.methods]
    asked = tuple(dict.fromkeys(base for base, _ in keys))
    needed = [spec for key in asked for spec in sources(key)]
    formulas = {spec.key: _formula(spec, settings) for spec in needed}
    return Plan(
        asked=asked,
        passes=_those(formulas, lambda spec: _in_graph(spec) and FROM_THE_INPUT.isdisjoint(spec.needs)),
        through=_those(formulas, lambda spec: _in_graph(spec) and not FROM_THE_INPUT.isdisjoint(spec.needs)),
        noisy=_those(formulas, lambda spec: Need.NOISY_MAPS in spec.needs),
        random=_those(formulas, lambda spec: spec.random_weights),
        asking=_those(formulas, lambda spec: spec.asks),
        pictures=_those(formulas, lambda spec: spec.of_pictures),
        edges=any(combination for _, combination in keys) or any(Need.EDGES in spec.needs for spec in needed),
    )


def _in_graph(spec: MethodSpec) -> bool:
    return spec.of_tensors and not spec.random_weights


def _those(formulas: Mapping[str, Formula], chosen: Callable[[MethodSpec], bool]) -> dict[str, Formula]:
    return {key: formula for key, formula in formulas.items() if chosen(formula.spec)}


def _formula(spec: MethodSpec, settings: Settings) -> Formula:
    module, _, name = spec.formula.partition(":")
    try:
        function = getattr(import_module(module), name)
    except Exception as error:
        raise FormulaError(f'The formula of the method "{spec.key}" cannot be imported: {error}') from error
    chosen = settings.chosen(spec.key)
    values = {parameter.name: chosen[option] for option, parameter in spec.options().items()}
    return Formula(spec, partial(function, **values) if values else function)
