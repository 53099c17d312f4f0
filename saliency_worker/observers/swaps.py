"""A search for pools in which observers fail: images change places between pools as long as that takes hits away. Pure.

A hit is an observer that finds the source of one map. Whether it does depends on the pool alone: it fails where any
candidate scores higher than the source. These comparisons are bits of one number for each pair of images, so that a pool
is judged by a few bitwise ORs.
"""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

TRIES_PER_IMAGE = 400  # exchanges tried: more found little on 600 pictures (docs/methods.md)
Beaten = list[list[int]]
"""By source and candidate a number whose bit b is 1 where the candidate beats the source in comparison b."""


@dataclass(frozen=True, slots=True)
class SwapSearch:
    """What a search found. hits: of `judged` maps × observers, before and after. pools: places of images."""

    pools: list[list[int]]
    judged: int
    hits_before: int
    hits_after: int
    swaps: int
    tries: int


@dataclass(slots=True)
class BeatenBits:
    """Collects comparisons: one score matrix after the other, (n, n) by source and candidate."""

    images: int
    bits: int = 0
    packed: list[npt.NDArray[np.uint8]] = field(default_factory=list)
    _byte: npt.NDArray[np.uint8] | None = None

    def add(self, scores: npt.NDArray[np.float32]) -> None:
        """The source of row i is image i. What is no higher, within rounding, does not beat it."""
        own = scores.diagonal()[:, None]
        if self._byte is None:
            self._byte = np.zeros((self.images, self.images), np.uint8)
        self._byte |= (scores > own).astype(np.uint8) << np.uint8(self.bits % 8)
        self.bits += 1
        if self.bits % 8 == 0:
            self.packed.append(self._byte)
            self._byte = None

    def beaten(self) -> Beaten:
        """The comparisons as whole numbers."""
        layers = [*self.packed, *([] if self._byte is None else [self._byte])]
        if not layers:
            return [[0] * self.images for _ in range(self.images)]
        stacked = np.ascontiguousarray(np.stack(layers, axis=-1))
        return [[int.from_bytes(cell.tobytes(), "little") for cell in row] for row in stacked]


def hits_of(pool: Sequence[int], beaten: Beaten, bits: int) -> int:
    """How many comparisons the sources of a pool survive: hits of observers, over all images of the pool as sources."""
    found = 0
    for source in pool:
        row, lost = beaten[source], 0
        for candidate in pool:
            lost |= row[candidate]
        found += bits - lost.bit_count()
    return found


def search(
    pools: Sequence[Sequence[int]],
    beaten: Beaten,
    bits: int,
    *,
    seed: str,
    allowed: Callable[[Sequence[int]], bool] = lambda pool: True,
    tries: int | None = None,
    progress: Callable[[float], None] = lambda fraction: None,
) -> SwapSearch:
    """Exchanges two images of two pools where that takes hits away, over and over. allowed: whether a pool may be so.

    The same seed gives the same pools. A search like this finds a good answer, never the proof of a best one.
    """
    chance = random.Random(seed)  # noqa: S311 a search, no secret
    made = [list(pool) for pool in pools]
    images = sum(map(len, made))
    own = [hits_of(pool, beaten, bits) for pool in made]
    before, swaps = sum(own), 0
    limit = TRIES_PER_IMAGE * images if tries is None else tries
    if len(made) < 2:
        limit = 0
    for step in range(limit):
        if step % 4096 == 0:
            progress(step / limit)
        one, two = chance.sample(range(len(made)), 2)
        at, to = chance.randrange(len(made[one])), chance.randrange(len(made[two]))
        first, second = list(made[one]), list(made[two])
        first[at], second[to] = second[to], first[at]
        if not (allowed(first) and allowed(second)):
            continue
        hits = hits_of(first, beaten, bits), hits_of(second, beaten, bits)
        if sum(hits) < own[one] + own[two]:
            made[one], made[two] = first, second
            own[one], own[two] = hits
            swaps += 1
    return SwapSearch(made, images * bits, before, sum(own), swaps, limit)
