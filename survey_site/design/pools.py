"""Pools: the candidate images of the matching trials, partitioned once, when the protocol is frozen.

Plain data in, plain data out. Every strategy gives `count` disjoint pools of `size` images and is
reproducible from the seed; where the images do not suffice the error names how many are missing.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import combinations
from math import sqrt
from operator import mul
from typing import Literal

from survey_site.design.design import LARGEST_POOL, SMALLEST_POOL, Id
from survey_site.design.seeded import permutation

Strategy = Literal["random", "one_per_class", "same_class", "similar", "fixed"]

# Similar pools compare every image with every pool's anchor in plain Python; beyond this many, a seeded draw.
MOST_COMPARED = 1000

_KIND = {"one_per_class": " of different classes", "same_class": " of one class each"}
_WHICH = {
    "one_per_class": " of new or small classes",
    "same_class": " to the classes nearest to a full pool",
}


class PoolError(ValueError):
    """The images do not give the pools asked for; `missing` more images would (None: not a matter of number)."""

    def __init__(self, message: str, missing: int | None = None) -> None:
        super().__init__(message)
        self.missing = missing


@dataclass(frozen=True, slots=True)
class Candidate:
    """One stimulus that may enter a pool: its class, and the classifier's feature vector where known.

    right: whether all classifiers of the study predict its class; None where some do, or nobody knows.
    """

    id: Id
    label: str = ""
    features: tuple[float, ...] | None = None
    right: bool | None = None


@dataclass(frozen=True, slots=True)
class Pool:
    """Disjoint set of candidate images; `similarity` is the mean cosine over its pairs, −1..1, or unknown."""

    stimuli: tuple[Id, ...]
    similarity: float | None = None


def partition(
    candidates: Sequence[Candidate],
    *,
    strategy: Strategy,
    size: int,
    count: int,
    seed: str,
    fixed: Sequence[Sequence[Id]] = (),
) -> tuple[Pool, ...]:
    """`count` disjoint pools of `size` images each.

    random: any images together. one_per_class: the images of a pool are of different classes, so that the
    class tells the answer. same_class: all of one class, the hard case. similar: each pool gathers images
    near one another in feature space. fixed: the researcher's pools, all of them and unchanged.
    Raises PoolError with the number of images missing.
    """
    if not SMALLEST_POOL <= size <= LARGEST_POOL:
        raise PoolError(f"Pools of {size} images; choose a size of {SMALLEST_POOL} to {LARGEST_POOL}.")
    repeated = [identifier for identifier, times in Counter(c.id for c in candidates).items() if times > 1]
    if repeated:
        raise PoolError(f"Image {repeated[0]} is listed twice; list each image once.")
    order = permutation(len(candidates), seed, "pools")
    shuffled = [candidates[index] for index in order]
    if strategy == "fixed":
        groups = _fixed(candidates, size, count, fixed)
    else:
        labels = [candidate.label for candidate in candidates]
        if missing := missing_images(labels, strategy=strategy, size=size, count=count):
            raise PoolError(
                f"{count} pools of {size} images{_KIND.get(strategy, '')} need more than these {len(candidates)}: "
                f"add {missing}{_WHICH.get(strategy, '')}, or choose smaller pools, fewer trials or another strategy.",
                missing,
            )
        groups = _STRATEGIES[strategy](shuffled, size, count)
    return tuple(Pool(tuple(c.id for c in group), similarity(group)) for group in groups)


def similarity(images: Sequence[Candidate]) -> float | None:
    """Mean cosine over all pairs: how alike targets and distractors are. None if features are missing."""
    vectors = [_unit(image) for image in images if image.features is not None]
    if len(vectors) < len(images) or len(vectors) < 2:
        return None
    pairs = [_dot(one, two) for one, two in combinations(vectors, 2)]
    return sum(pairs) / len(pairs)


def missing_images(labels: Sequence[str], *, strategy: Strategy, size: int, count: int) -> int:
    """The fewest images to add so that `strategy` gives `count` pools; 0 if it does already."""
    short = max(size * count - len(labels), 0)
    per_class = Counter(labels)
    if strategy == "one_per_class":
        # A class fills at most one place of each pool; images of new classes fill the rest.
        return max(size * count - sum(min(number, count) for number in per_class.values()), 0)
    if strategy == "same_class":
        pools = count - sum(number // size for number in per_class.values())
        costs = sorted(size - number % size for number in per_class.values() if number % size)
        return sum((costs + [size] * max(pools, 0))[: max(pools, 0)])
    return short


def _random(shuffled: list[Candidate], size: int, count: int) -> list[list[Candidate]]:
    return [shuffled[start * size : (start + 1) * size] for start in range(count)]


def _one_per_class(shuffled: list[Candidate], size: int, count: int) -> list[list[Candidate]]:
    by_class: defaultdict[str, list[Candidate]] = defaultdict(list)
    room = size * count
    for image in shuffled:
        if room and len(by_class[image.label]) < count:
            by_class[image.label].append(image)
            room -= 1
    # Dealt class after class, no two images of a class (at most `count`) fall into one pool.
    dealt = [image for images in by_class.values() for image in images]
    return [dealt[pool::count] for pool in range(count)]


def _same_class(shuffled: list[Candidate], size: int, count: int) -> list[list[Candidate]]:
    by_class: defaultdict[str, list[Candidate]] = defaultdict(list)
    for image in shuffled:
        by_class[image.label].append(image)
    pools: list[list[Candidate]] = []
    # One pool per class and round, so that as many classes as possible take part.
    while len(pools) < count:
        for images in by_class.values():
            if len(images) >= size and len(pools) < count:
                pools.append([images.pop() for _ in range(size)])
    return pools


def _similar(shuffled: list[Candidate], size: int, count: int) -> list[list[Candidate]]:
    """Microaggregation (MDAV, Domingo-Ferrer & Mateo-Sanz 2002): the image farthest from the mean of what is
    left takes its nearest neighbours, so that outliers choose first and the last pools are not leftovers.
    Where there are more images than needed, the most similar pools are kept.
    """
    if unknown := [image.id for image in shuffled if image.features is None]:
        raise PoolError(
            f"{len(unknown)} images have no feature vector, {unknown[0]} first: run the precomputation first."
        )
    if len({len(image.features or ()) for image in shuffled}) > 1:
        raise PoolError("Feature vectors differ in length: use those of one classifier for all images.")
    left = {image.id: (image, _unit(image)) for image in shuffled[: max(MOST_COMPARED, size * count)]}
    total = [sum(column) for column in zip(*(vector for _, vector in left.values()), strict=True)]
    pools: list[list[Candidate]] = []
    while len(left) >= size:
        centre = total  # cosines to the sum order images as cosines to the mean do
        _, anchor = min(left.values(), key=lambda entry: _dot(entry[1], centre))
        nearest = sorted(left.values(), key=lambda entry: -_dot(entry[1], anchor))[:size]
        for image, vector in nearest:
            del left[image.id]
            total = [one - two for one, two in zip(total, vector, strict=True)]
        pools.append([image for image, _ in nearest])
    return sorted(pools, key=lambda pool: -(similarity(pool) or 0.0))[:count]


def _fixed(
    candidates: Sequence[Candidate], size: int, count: int, fixed: Sequence[Sequence[Id]]
) -> list[list[Candidate]]:
    known = {candidate.id: candidate for candidate in candidates}
    if len(fixed) < count:
        missing = (count - len(fixed)) * size
        raise PoolError(
            f"{len(fixed)} fixed pools are given, the design needs {count}: add {count - len(fixed)} pools "
            f"({missing} images).",
            missing,
        )
    for index, pool in enumerate(fixed, 1):
        if len(pool) != size:
            raise PoolError(f"Fixed pool {index} has {len(pool)} images instead of {size}.")
        if unknown := [identifier for identifier in pool if identifier not in known]:
            raise PoolError(f"Fixed pool {index} names {unknown[0]}, which is no image of this study.")
    listed = Counter(identifier for pool in fixed for identifier in pool)
    if repeated := [identifier for identifier, times in listed.items() if times > 1]:
        raise PoolError(f"Image {repeated[0]} is in two fixed pools; pools must be disjoint.")
    return [[known[identifier] for identifier in pool] for pool in fixed]


def _unit(image: Candidate) -> tuple[float, ...]:
    vector = image.features or ()
    length = sqrt(_dot(vector, vector))
    if not length:
        raise PoolError(f"The feature vector of image {image.id} is zero; precompute it again.")
    return tuple(value / length for value in vector)


def _dot(one: Sequence[float], two: Sequence[float]) -> float:
    return float(sum(map(mul, one, two)))


_STRATEGIES: dict[str, Callable[[list[Candidate], int, int], list[list[Candidate]]]] = {
    "random": _random,
    "one_per_class": _one_per_class,
    "same_class": _same_class,
    "similar": _similar,
}
