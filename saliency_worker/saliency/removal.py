"""Deletion and insertion: how soon the class goes as its pixels go, and comes as they come (Petsiuk et al. 2018)."""

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from saliency_worker.saliency.errors import SettingsError
from saliency_worker.saliency.probe import Array, Probe, blended

AREAS = ("deletion", "insertion")
_BLUR = 5 / 224  # deviation as a share of the shorter side; the kernel reaches as far to each side


@dataclass(frozen=True)
class Removal:
    """The class's probability, ``steps + 1`` values each, as pixels go black (deletion) or sharp (insertion), the most
    salient first."""

    deletion: tuple[float, ...]
    insertion: tuple[float, ...]

    @property
    def areas(self) -> dict[str, float]:
        """The areas under both curves over the share of pixels, 0..1: of deletion a small one is good, of insertion a large
        one."""
        return dict(zip(AREAS, map(area, (self.deletion, self.insertion)), strict=True))


class Remover:
    """What the maps of one image share: the picture, blurred and black, and what the network says to these."""

    def __init__(self, probe: Probe, steps: int) -> None:
        """steps: how many times as many pixels go. The first of the probe's classes is looked at."""
        pixels = probe.sides[0] * probe.sides[1]
        if steps > pixels:
            raise SettingsError(f"{pixels} pixels cannot go in {steps} steps: choose fewer steps.")
        self._probe, self._steps = probe, steps
        self._black = probe.colour(0)
        self._blurred = blurred(probe.row)
        ends = np.stack([probe.row, np.broadcast_to(self._black, probe.row.shape), self._blurred])
        said = [probe.probabilities(ends[part.start : part.stop])[:, 0] for part in probe.parts(len(ends))]
        self._own, self._of_black, self._of_blurred = map(float, np.concatenate(said))

    def __call__(self, scalar: Array, seed: int) -> Removal:
        """Both curves of a map (H, W); of equal pixels the order is drawn from the seed."""
        place = places_by_saliency(scalar, seed)
        cuts = np.rint(np.linspace(0, place.size, self._steps + 1)).astype(np.intp)[1:-1]
        gone, come = [], []
        for part in self._probe.parts(len(cuts)):
            left = np.stack([place >= cuts[at] for at in part]).astype(np.float32)
            gone += list(self._probe.probabilities(blended(self._probe, left, self._black))[:, 0])
            come += list(self._probe.probabilities(blended(self._probe, 1 - left, self._blurred))[:, 0])
        return Removal(
            (self._own, *map(float, gone), self._of_black), (self._of_blurred, *map(float, come), self._own)
        )


def places_by_saliency(scalar: Array, seed: int) -> npt.NDArray[np.intp]:
    """Of each pixel (H, W) its place in the order from the most to the least salient, ties drawn from the seed."""
    flat = scalar.ravel()
    order = np.lexsort((np.random.default_rng(seed).permutation(flat.size), -flat))
    place = np.empty(flat.size, np.intp)
    place[order] = np.arange(flat.size)
    return place.reshape(scalar.shape)


def blurred(row: Array) -> Array:
    """A picture (H, W, C) in which nothing is to be recognised: Gaussian of 5 of 224 pixels in a window of 11."""
    deviation = max(_BLUR * min(row.shape[:2]), 0.5)
    window = 2 * max(1, round(deviation)) + 1
    soft = cv2.GaussianBlur(row, (window, window), deviation, borderType=cv2.BORDER_REFLECT_101)
    return np.asarray(soft, np.float32).reshape(row.shape)


def area(values: tuple[float, ...]) -> float:
    """The area under a curve of equally spaced values over 0..1, by trapezia."""
    return float(np.trapezoid(values, dx=1 / (len(values) - 1)))
