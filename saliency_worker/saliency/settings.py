"""What a run computes; wrong values are refused here, before anything is loaded."""

from dataclasses import dataclass

from saliency_worker.catalog import COLOUR_MAPS, EDGE_MODELS, UnknownName, split_key
from saliency_worker.saliency.errors import SettingsError
from saliency_worker.saliency.explanation import RULES


@dataclass(frozen=True)
class Settings:
    """What to compute. Raises SettingsError or UnknownName for a value out of range.

    methods: keys of the catalogue. samples, noise: n and sigma (of the input range 0..1) of Smooth Grad-CAM++.
    k: weight of the features in the addition, 0..0.5. percentile: pixels below it are black in the
    explanation map; keep: ``percentile``, or ``rank`` for exactly that share. target_class: the class to
    explain instead of the top-1. seed: of the run, mixed with the image's hash. raw: also the h x w maps.
    batch: rows per pass; by default chosen for the device.
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
    seed: int | None = None
    raw: bool = False
    batch: int | None = None
    keep: str = "percentile"

    def __post_init__(self) -> None:
        for key in self.methods:
            split_key(key)
        if not self.methods or len(set(self.methods)) != len(self.methods):
            raise SettingsError("Name each method once, and at least one.")
        for kind, name, known in (
            ("edge model", self.edges, EDGE_MODELS),
            ("colour map", self.colour_map, COLOUR_MAPS),
            ("rule", self.keep, RULES),
        ):
            if name not in known:
                raise UnknownName(kind, name, known)
        limits = (
            ("samples", self.samples, 1, 1000),
            ("noise", self.noise, 0, 10),
            ("k", self.k, 0, 0.5),
            ("percentile", self.percentile, 0, 100),
            ("seed", self.seed, 0, 2**63 - 1),
            ("target_class", self.target_class, 0, 10**6),
            ("batch", self.batch, 1, 4096),
        )
        for name, value, low, high in limits:
            if value is not None and not low <= value <= high:
                raise SettingsError(f"{name} is {value}: it must be from {low} to {high}.")
