"""From a draft's choices and its images to the design that the protocol seals."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from survey_site.seeded import permutation
from survey_site.studies.pools import Candidate, Pool, PoolError, missing_images, partition
from survey_site.studies.spec import Spec
from survey_site.trials.design import Design, Id


@dataclass(frozen=True, slots=True)
class Layout:
    """The design and its pools with their similarities."""

    design: Design
    pools: tuple[Pool, ...]

    @property
    def stimuli(self) -> frozenset[Id]:
        """Every image that participants may meet, reserve included: what has to be precomputed and served."""
        design = self.design
        grouped = (*design.pools, *design.practice_pools, *design.check_pools)
        singles = (*design.rating, *design.practice_ratings, *design.check_ratings)
        return frozenset(stimulus for pool in grouped for stimulus in pool) | frozenset(singles)


def groups(trials: int, items: int, columns: int, participants: int) -> int:
    """G: how many sets of T items to use, where `items` are at hand.

    More items make the result less a matter of these images. As many as possible, such that the
    participants still fill whole squares (K·G | N); where K ∤ N, such that every cell is met (K·G ≤ N).
    """
    at_most = min(items // trials, participants // columns) if trials else 0
    whole = [g for g in range(1, at_most + 1) if participants % (columns * g) == 0]
    return max(whole, default=max(at_most, 1))


def pool_count(spec: Spec, labels: Sequence[str]) -> int:
    """How many pools to make from images of these classes, reserve set aside; T at the least."""
    trials = spec.matching_trials
    if not trials:
        return 0
    if spec.strategy == "fixed":
        return len(spec.fixed_pools)
    room = (len(labels) - spec.reserve_images) // spec.pool_size
    while room > trials and missing_images(labels, strategy=spec.strategy, size=spec.pool_size, count=room):
        room -= 1
    return trials * groups(trials, room, len(spec.columns), spec.participants)


def rating_count(spec: Spec, pooled: int, available: int) -> int:
    """How many images to rate: those of the pools, topped up to one set of T where they do not suffice.

    Without a matching task every image outside the reserve may serve.
    """
    trials = spec.rating_trials
    if not trials:
        return 0
    spare = available - pooled - spec.reserve_images
    extra = max(min(trials - pooled, spare), 0) if pooled else spare
    return trials * groups(trials, pooled + extra, len(spec.columns), spec.participants)


def missing(spec: Spec, labels: Sequence[str]) -> int:
    """The fewest images to add before this design can be laid out; 0 if it can."""
    trials = spec.matching_trials
    total = max(spec.images_needed - len(labels), 0)
    if not trials or spec.strategy == "fixed":
        return total
    return max(total, missing_images(labels, strategy=spec.strategy, size=spec.pool_size, count=trials))


def shortage(spec: Spec, available: int, short: int) -> tuple[str, str]:
    """What the images are needed for, and what to change."""
    parts = []
    if spec.matching_trials:
        parts.append(
            f"{spec.pool_size * spec.matching_trials} for matching ({spec.pool_size} per pool × "
            f"{spec.matching_per_column} trials × {len(spec.columns)} columns)"
        )
    if spec.rating_trials:
        shared = ", shared with matching" if spec.matching_trials else ""
        parts.append(f"{spec.rating_trials} for rating{shared}")
    if spec.reserve_images:
        parts.append(f"{spec.reserve_images} in reserve for practice and attention checks")
    kind = {"one_per_class": ", of new or small classes", "same_class": ", in classes near to a full pool"}
    return (
        f"The design needs {spec.images_needed} images ({'; '.join(parts)}), there are {available}.",
        f"Add {short}{kind.get(spec.strategy, '')}, or choose smaller pools, fewer trials or fewer columns.",
    )


def lay_out(spec: Spec, candidates: Sequence[Candidate]) -> Layout:
    """Pools, rating images and reserve. Raises PoolError or DesignError, whose text says what to change."""
    if short := missing(spec, [candidate.label for candidate in candidates]):
        raise PoolError(" ".join(shortage(spec, len(candidates), short)), short)
    count = pool_count(spec, [candidate.label for candidate in candidates])
    pools: tuple[Pool, ...] = ()
    if spec.matching_trials:
        pools = partition(
            candidates,
            strategy=spec.strategy,
            size=spec.pool_size,
            count=max(count, spec.matching_trials),
            seed=spec.seed,
            fixed=spec.fixed_pools,
        )
    pooled = [stimulus for pool in pools for stimulus in pool.stimuli]
    rating, left = _rating(spec, pooled, candidates)
    take = iter(left)
    design = Design(
        seed=spec.seed,
        columns=tuple(column.conditions for column in spec.columns),
        pools=tuple(pool.stimuli for pool in pools),
        rating=rating,
        matching_trials=spec.matching_trials,
        rating_trials=spec.rating_trials,
        practice_pools=_reserve_pools(take, spec.practice_pools, spec.pool_size),
        check_pools=_reserve_pools(take, spec.matching_checks, spec.pool_size),
        practice_ratings=tuple(next(take) for _ in range(spec.practice_ratings)),
        check_ratings=tuple(next(take) for _ in range(spec.rating_checks)),
    )
    return Layout(design, pools)


def _rating(spec: Spec, pooled: list[Id], candidates: Sequence[Candidate]) -> tuple[tuple[Id, ...], list[Id]]:
    """Rating images, those of the pools first, and what is left for the reserve, in seeded order."""
    taken = set(pooled)
    others = [candidate.id for candidate in candidates if candidate.id not in taken]
    others = [others[index] for index in permutation(len(others), spec.seed, "reserve")]
    number = rating_count(spec, len(pooled), len(candidates))
    usable = [*(pooled[index] for index in permutation(len(pooled), spec.seed, "rating")), *others]
    return tuple(usable[:number]), others[max(number - len(pooled), 0) :]


def _reserve_pools(take: Iterator[Id], number: int, size: int) -> tuple[tuple[Id, ...], ...]:
    return tuple(tuple(next(take) for _ in range(size)) for _ in range(number))
