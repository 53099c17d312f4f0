"""What a run computes; wrong values are refused here, before anything is loaded."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from numbers import Real
from typing import Any

from saliency_worker.catalog import COLOUR_MAPS, EDGE_MODELS, UnknownName, parameters, split_key
from saliency_worker.declarations import SHARED_PARAMETERS, SIGNED, MethodSpec, Parameter
from saliency_worker.measures import ASKED
from saliency_worker.saliency.errors import SettingsError
from saliency_worker.saliency.explanation import RULES


@dataclass(frozen=True)
class Settings:
    """What to compute. Raises SettingsError or UnknownName for a value out of range.

    methods: keys of the catalogue. samples, noise: n and sigma (of the input range 0..1) of the noisy copies.
    parameters: values of the methods' own parameters as ``<key>_<name>``; the others have their defaults.
    k: weight of the features in the addition, 0..0.5. percentile: pixels below it are black in the
    explanation map; keep: ``percentile``, or ``rank`` for exactly that share. target_class: the class to
    explain instead of the top-1. ranks: which of the network's choices are explained, 0 its first, in rising order
    from 0; beyond 0 there are no metrics. seed: of the run, mixed with the image's hash. raw: also the h x w maps.
    batch: rows per pass; by default chosen for the device. signed: what becomes of maps that have a sign, one of SIGNED;
    "" for what each method declares. measures: what is measured beside the explanation maps and costs further
    passes, of ``measures.ASKED``; steps: of the curves of deletion and insertion; sanity_networks: how many forgetful
    networks the sanity check asks at most. asked: rows per pass of methods that ask again; by default as ``batch``.
    """

    methods: tuple[str, ...]
    edges: str = "hed"
    samples: int = 25
    noise: float = 0.15
    k: float = 0.25
    percentile: float = 20.0
    colour_map: str = "jet"
    metrics: bool = True
    target_class: int | None = None
    ranks: tuple[int, ...] = (0,)
    seed: int | None = None
    raw: bool = False
    batch: int | None = None
    keep: str = "percentile"
    parameters: Mapping[str, float] = field(default_factory=dict)
    signed: str = ""
    measures: tuple[str, ...] = ()
    steps: int = 32
    sanity_networks: int = 16
    asked: int | None = None

    def __post_init__(self) -> None:
        for name, several in (("methods", self.methods), ("measures", self.measures)):
            if isinstance(several, str) or not all(isinstance(each, str) for each in several):
                raise SettingsError(f"{name} are {several!r}: give a tuple of names.")
        if not isinstance(self.parameters, Mapping):
            raise SettingsError(
                f"parameters are {self.parameters!r}: give numbers by the name of a parameter."
            )
        for key in self.methods:
            split_key(key)
        if not self.methods or len(set(self.methods)) != len(self.methods):
            raise SettingsError("Name each method once, and at least one.")
        for kind, name, known in (
            ("edge model", self.edges, EDGE_MODELS),
            ("colour map", self.colour_map, COLOUR_MAPS),
            ("rule", self.keep, RULES),
            ("rule for signed maps", self.signed, ("", *SIGNED)),
        ):
            if name not in known:
                raise UnknownName(kind, str(name), known)
        for name in self.measures:
            if name not in ASKED:
                raise UnknownName("measure", name, ASKED)
        if self.measures and not self.metrics:
            raise SettingsError(
                f"Without metrics there is no {' and no '.join(self.measures)}: leave them out."
            )
        for rank in self.ranks:
            _check("ranks", rank, 0, 10**6, whole=True)
        if self.ranks[:1] != (0,) or list(self.ranks) != sorted(set(self.ranks)):
            raise SettingsError(f"ranks are {self.ranks}: name each once, in rising order from 0.")
        if self.ranks != (0,) and self.target_class is not None:
            raise SettingsError("Choose a class to explain, or ranks of the network's own choices; not both.")
        for name in set(self.parameters) - set(self._own()):
            raise SettingsError(f"{name} is no parameter of {', '.join(self.methods)}.")
        for name, low, high in (("k", 0, 0.5), ("percentile", 0, 100)):
            _check(name, getattr(self, name), low, high)
        for name, low, high in (
            ("seed", 0, 2**63 - 1),
            ("target_class", 0, 10**6),
            ("batch", 1, 4096),
            ("asked", 1, 4096),
            ("steps", 1, 1000),
            ("sanity_networks", 1, 1000),
        ):
            if getattr(self, name) is not None or name in ("steps", "sanity_networks"):
                _check(name, getattr(self, name), low, high, whole=True)
        given = {p.name: (p, getattr(self, p.name)) for p in _SHARED}
        given |= {
            name: (p, self.parameters[name]) for name, p in self._own().items() if name in self.parameters
        }
        for name, (parameter, value) in given.items():
            _check(name, value, parameter.low, parameter.high, whole=parameter.whole)

    def chosen(self, key: str) -> dict[str, float]:
        """The values of the parameters that a method's formula and passes take, by the name of their setting."""
        found = {
            name: getattr(self, name)
            if parameter in _SHARED
            else self.parameters.get(name, parameter.default)
            for name, parameter in parameters([key]).items()
        }
        kinds = {name: int if parameter.whole else float for name, parameter in parameters([key]).items()}
        return {name: kinds[name](value) for name, value in found.items()}

    def sign_rule(self, spec: MethodSpec) -> str:
        """What becomes of the method's map where it has a sign; "" where it has none."""
        return spec.signed and (self.signed or spec.signed)

    def _own(self) -> dict[str, Parameter]:
        return {name: found for name, found in parameters(self.methods).items() if found not in _SHARED}


def _check(name: str, value: Any, low: float, high: float, *, whole: bool = False) -> None:
    """Raises SettingsError for what is no number, or none of the range."""
    is_number = isinstance(value, Real) and not isinstance(value, bool)
    if not is_number:
        raise SettingsError(f"{name} is {value!r}: it must be a number from {low} to {high}.")
    if not low <= value <= high:
        raise SettingsError(f"{name} is {value}: it must be from {low} to {high}.")
    if whole and value != int(value):
        raise SettingsError(f"{name} is {value}: it must be a whole number.")


_SHARED = tuple(dict.fromkeys(parameter for options in SHARED_PARAMETERS.values() for parameter in options))
