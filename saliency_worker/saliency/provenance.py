"""Provenance of a map: every input that decides its bytes, and a hash over all of them."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from saliency_worker.catalog import method, split_key
from saliency_worker.declarations import ClassifierSpec, MethodSpec
from saliency_worker.needs import Need
from saliency_worker.saliency.settings import Settings

ENGINE = "1"  # raise it with every change of the code that changes the bytes of a map


@cache
def versions() -> dict[str, str]:
    """Versions of the libraries whose code decides the bytes of a map."""
    names = {
        "tensorflow": ("tensorflow", "tensorflow-cpu"),
        "keras": ("keras",),
        "numpy": ("numpy",),
        "opencv": ("opencv-python-headless", "opencv-python"),
    }
    return {"engine": ENGINE, **{name: _version(packages) for name, packages in names.items()}}


def _version(packages: tuple[str, ...]) -> str:
    for package in packages:
        try:
            return version(package)
        except PackageNotFoundError:
            continue
    return "unknown"


def array_sha256(array: npt.NDArray[np.float32]) -> str:
    """SHA-256 of the values of a float32 array, little-endian, row by row; the shape is not part of it."""
    return hashlib.sha256(np.ascontiguousarray(array, dtype="<f4").data).hexdigest()


def bytes_sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def canonical_hash(inputs: dict[str, Any]) -> str:
    """SHA-256 of the inputs as JSON with sorted keys and no spaces."""
    return bytes_sha256(json.dumps(inputs, sort_keys=True, separators=(",", ":")).encode())


@cache
def formula_sha256(formula: str) -> str:
    """SHA-256 of the file of a formula from outside of this program, of which ``ENGINE`` says nothing."""
    found = find_spec(formula.partition(":")[0])
    return bytes_sha256(Path(found.origin).read_bytes()) if found and found.origin else ""


@dataclass(frozen=True)
class Run:
    """What all maps of a run share. ``rows``, ``masks``: batch sizes of the two passes. own: what Classifier.facts says
    beyond ``spec``. asked: batch size of methods that ask the network again."""

    spec: ClassifierSpec
    weights_sha256: str
    edge_weights_sha256: str
    settings: Settings
    rows: int
    masks: int
    device: str
    own: Mapping[str, Any] = field(default_factory=dict)
    asked: int | None = None

    @property
    def _asks(self) -> bool:
        return any(method(key).asks for key in self.settings.methods)

    @property
    def network(self) -> dict[str, Any]:
        """Layer, input and scores of the network."""
        spec = self.spec
        own = {"layer": spec.layer, "input_size": spec.input_size, "preprocessing": spec.preprocessing}
        return {**own, **self.own}

    @property
    def rule(self) -> str:
        """How probabilities follow from logits."""
        return str(self.own.get("scores", "softmax"))

    def shared(self) -> dict[str, Any]:
        """What all maps of the run have in common beyond its settings; maps that differ in it don't belong together."""
        return {
            "weights_sha256": self.weights_sha256,
            **self.network,
            "edge_weights_sha256": self.edge_weights_sha256 or None,
            "rows": {"explain": self.rows, "classify": self.masks}
            | ({"asked": self.asked} if self._asks else {}),
            "device": self.device,
            "versions": versions(),
        }

    def inputs(
        self, image_sha256: str, noise_seed: int, class_index: int, key: str, rank: int = 0
    ) -> dict[str, Any]:
        """Every input that decides the map of ``key`` and its metrics; what the key does not use is left out.

        rank: of the class among the network's choices; told beyond the first, whose maps alone have metrics.
        """
        spec, combination = method(key), split_key(key)[1]
        settings, metrics = self.settings, self.settings.metrics and not rank
        record: dict[str, Any] = {
            "image_sha256": image_sha256,
            "classifier": self.spec.name,
            "weights_sha256": self.weights_sha256,
            **self.network,
            "class_index": class_index,
            "method": key,
            "parameters": self._parameters(spec, combination, metrics),
            "edge_model": None,
            "edge_weights_sha256": None,
            "noise_seed": noise_seed if _draws(spec) or _breaks_ties(settings) else None,
            "batch": {"rows": self.rows, "masks": self.masks if metrics else None},
            "device": self.device,
            "versions": versions(),
        }
        if combination or Need.EDGES in spec.needs:
            record["edge_model"] = settings.edges
            record["edge_weights_sha256"] = self.edge_weights_sha256 or None
        if spec.asks or (metrics and "curves" in settings.measures):
            record["batch"]["asked"] = self.asked
        if Need.SUPERPIXELS in spec.needs:
            record["versions"] = versions() | {"scikit-image": _version(("scikit-image",))}
        if spec.is_outside:
            record["formula_sha256"] = formula_sha256(spec.formula)
        if rank:
            record["rank"] = rank
        return record

    def _parameters(self, spec: MethodSpec, combination: str, metrics: bool) -> dict[str, Any]:
        settings = self.settings
        chosen: dict[str, Any] = {**settings.chosen(spec.key)}
        if spec.random_weights:
            chosen["random_seed"] = settings.seed or 0
        if spec.signed:
            chosen["signed"] = settings.sign_rule(spec)
        if combination.startswith("add"):
            chosen["k"] = settings.k
        if metrics:
            chosen |= {"percentile": settings.percentile, "keep": settings.keep}
            chosen |= {"steps": settings.steps} if "curves" in settings.measures else {}
            chosen |= {"sanity_networks": settings.sanity_networks} if "sanity" in settings.measures else {}
        return chosen


def _breaks_ties(settings: Settings) -> bool:
    """Whether metrics draw an order of equal pixels."""
    return settings.keep == "rank" or "curves" in settings.measures


def _draws(spec: MethodSpec) -> bool:
    """Whether something of the method is drawn at random for each image."""
    return not {Need.NOISY_MAPS, Need.NOISY_ROWS, Need.SEED}.isdisjoint(spec.needs)


def provenance(inputs: dict[str, Any], colour_map: str, array: str, png: str) -> dict[str, Any]:
    """The record of a map: its inputs, their ``parameters_hash``, and what came out.

    The colour map is no input of the map: PNGs hang below it, one per colour map.
    """
    return {
        **inputs,
        "parameters_hash": canonical_hash(inputs),
        "colour_map": colour_map,
        "array_sha256": array,
        "png_sha256": png,
    }
