"""What a method of perturbations gets: an image as the network takes it, and the network to ask about changed copies.

A method makes its copies batch by batch, so that memory stays the same whatever their number.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import numpy.typing as npt

from saliency_worker.saliency.errors import SettingsError
from saliency_worker.saliency.metrics import probabilities
from saliency_worker.saliency.network_input import NetworkInput

Array = npt.NDArray[np.float32]
Scores = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Probe:
    """An image, the classes to explain, and the network.

    row: float32 (H, W, C), the network's input of the image; to be changed in copies only. input: what the network takes.
    targets: the T classes that are explained. batch: most rows of a question; all but the last one of a method should
    have as many, for a pass costs the same with fewer. ask: rows (n, H, W, C) to logits (n, classes). rule: how
    probabilities follow from logits. told: is called with how many copies of a method were asked about, of how many.
    """

    row: Array
    input: NetworkInput
    targets: tuple[int, ...]
    batch: int
    ask: Callable[[Array], Array]
    rule: str = "softmax"
    told: Callable[[int, int], None] | None = None
    _differing: list[bool] = field(default_factory=list, repr=False, compare=False)

    @property
    def sides(self) -> tuple[int, int]:
        """Height and width in pixels."""
        height, width = self.row.shape[:2]
        return height, width

    def colour(self, level: int) -> Array:
        """A grey level 0..255 as the network's input (C,)."""
        return self.input.rows(np.full(3, level, np.uint8))

    def logits(self, rows: Array) -> Scores:
        """Logits of the targets, (n, T)."""
        return np.asarray(self._asked(rows)[:, list(self.targets)], np.float64)

    def probabilities(self, rows: Array) -> Scores:
        """Probabilities of the targets, (n, T)."""
        return np.asarray(probabilities(self._asked(rows), self.rule)[:, list(self.targets)])

    @property
    def changed(self) -> bool:
        """Whether any copy that was asked about differs from the image. Of a black picture behind masks of black none does,
        and what such a method gives is its own draw."""
        return any(self._differing)

    def _asked(self, rows: Array) -> Array:
        if not self.changed:
            least = 1e-5 * max(1.0, float(np.abs(self.row).max()))
            self._differing.append(bool((np.abs(rows - self.row) > least).any()))
        return self.ask(rows)

    @cached_property
    def own_logits(self) -> Scores:
        """Logits of the unchanged image, (T,)."""
        return np.asarray(self.logits(self.row[None])[0])

    @cached_property
    def own_probabilities(self) -> Scores:
        """Probabilities of the unchanged image, (T,)."""
        return np.asarray(self.probabilities(self.row[None])[0])

    def parts(self, count: int) -> Iterator[range]:
        """``range(count)`` in parts of at most a batch; whoever watches is told after each."""
        for start in range(0, count, self.batch):
            part = range(start, min(count, start + self.batch))
            yield part
            if self.told is not None:
                self.told(part.stop, count)


def in_pixels(share: float, sides: tuple[int, int]) -> int:
    """A share of the shorter side as whole pixels, one at least."""
    return max(1, round(share * min(sides)))


def places(sides: tuple[int, int], side: int, stride: int) -> list[tuple[int, int]]:
    """Top left corners of squares that together cover the whole picture, ``stride`` apart; the last touch its border.

    Raises SettingsError for a square larger than the picture, or one that lies further from the next than its side.
    """
    if side > min(sides):
        raise SettingsError(
            f"A patch of {side} pixels is larger than the picture of {sides[0]}x{sides[1]}: choose a smaller one."
        )
    if stride > side:
        raise SettingsError(
            f"Patches of {side} pixels that are {stride} apart leave gaps: choose a smaller stride or larger patches."
        )
    along = [[*range(0, length - side, stride), length - side] for length in sides]
    return [(top, left) for top in along[0] for left in along[1]]


def patched(
    probe: Probe,
    side: int,
    stride: int,
    fill: Callable[[int, int, int], Array],
    measure: Callable[[Array], Scores],
) -> npt.NDArray[np.float64]:
    """A map (T, H, W): of each pixel the mean of ``measure`` over the squares that cover it.

    fill: number and corner of a square to what stands in it, (side, side, C) or (C,). measure: rows (n, H, W, C) with one
    square each to (n, T).
    """
    found = places(probe.sides, side, stride)
    if len(found) < 2:
        raise SettingsError(
            f"A patch of {side} pixels hides the whole picture of {probe.sides[0]}x{probe.sides[1]}: choose a smaller one."
        )
    totals = np.zeros((len(probe.targets), *probe.sides))
    covered = np.zeros(probe.sides)
    rows = np.repeat(probe.row[None], min(probe.batch, len(found)), axis=0)
    for part in probe.parts(len(found)):
        for row, number in zip(rows, part, strict=False):
            top, left = found[number]
            row[top : top + side, left : left + side] = fill(number, top, left)
        for row, number, values in zip(rows, part, measure(rows[: len(part)]), strict=False):
            top, left = found[number]
            square = slice(top, top + side), slice(left, left + side)
            totals[:, *square] += values[:, None, None]
            covered[square] += 1
            row[square] = probe.row[square]  # cheaper than a fresh copy of the image
    return np.asarray(totals / covered)


def blended(probe: Probe, shown: Array, behind: Array) -> Array:
    """Copies (n, H, W, C) of the image where ``shown`` (n, H, W) is 1, of ``behind`` (H, W, C) or (C,) where it is 0."""
    difference = probe.row - behind
    rows = np.empty((len(shown), *probe.row.shape), np.float32)
    for channel in range(rows.shape[-1]):  # one multiplication over all channels is five times slower
        np.multiply(shown, difference[..., channel], out=rows[..., channel])
        rows[..., channel] += behind[..., channel]
    return rows


def interpolation(cells: int, length: int) -> npt.NDArray[np.float64]:
    """Matrix (length, cells) that enlarges linearly with half-pixel centres, the border continued."""
    position = np.clip((np.arange(length) + 0.5) * cells / length - 0.5, 0, cells - 1)
    low = np.floor(position).astype(np.intp)
    matrix = np.zeros((length, cells))
    matrix[np.arange(length), low] = 1 - (position - low)
    matrix[np.arange(length), np.minimum(low + 1, cells - 1)] += position - low
    return matrix
