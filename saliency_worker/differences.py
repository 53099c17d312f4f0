"""How far a map computed again is from the stored one: by bytes, else by values within a tolerance. Pure."""

import io
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from PIL import Image

ARRAY_TOLERANCE = 1e-5
PICTURE_TOLERANCE = 1
# What can explain a difference; the rest of the provenance follows from these.
CAUSES = (
    "weights_sha256",
    "edge_weights_sha256",
    "edge_model",
    "layer",
    "class_index",
    "noise_seed",
    "device",
)
SHOWN = 12  # characters of a hash


@dataclass(frozen=True)
class MapDifference:
    """Largest distance of an array's values, and of a picture's levels; infinite where the shapes differ."""

    array: float
    levels: float

    @property
    def tolerable(self) -> bool:
        return self.array <= ARRAY_TOLERANCE and self.levels <= PICTURE_TOLERANCE

    def __str__(self) -> str:
        return (
            f"recomputed, the array differs by up to {self.array:.2g}, the picture by {self.levels:g} levels"
        )


def distance(a: np.ndarray, b: np.ndarray) -> float:
    """The largest absolute difference; infinite where the shapes differ."""
    if a.shape != b.shape:
        return float("inf")
    return float(np.abs(a.astype(np.float64) - b.astype(np.float64)).max())


def pixels(data: bytes) -> np.ndarray:
    """uint8 RGB of a stored picture. Raises OSError for bytes that are none."""
    with Image.open(io.BytesIO(data)) as image:
        return np.asarray(image.convert("RGB"))


def values(data: bytes) -> np.ndarray:
    """The array of stored `.npy` bytes. Raises ValueError for bytes that are none."""
    found: np.ndarray = np.load(io.BytesIO(data), allow_pickle=False)
    return found


def causes(stored: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """What differs between two provenances, in words: weights, class, device, versions of libraries."""
    pairs = [(name, stored.get(name), now.get(name)) for name in CAUSES]
    before, after = stored.get("versions") or {}, now.get("versions") or {}
    pairs += [(name, before.get(name), after.get(name)) for name in sorted({*before, *after})]
    return [f"{name} was {_short(was)}, is {_short(new)}" for name, was, new in pairs if was != new]


def _short(value: Any) -> str:
    return f"{str(value)[:SHOWN]}…" if len(str(value)) > 32 else str(value)
