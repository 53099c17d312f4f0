"""From a draft's choices and its images to the design that the protocol seals."""

from collections.abc import Sequence
from dataclasses import dataclass

from survey_site.design.design import Design, DesignError, Id
from survey_site.design.pools import Candidate, Pool, PoolError, missing_images, partition
from survey_site.design.seeded import permutation
from survey_site.design.spec import Spec


@dataclass(frozen=True, slots=True)
class Reserve:
    """How the reserve images serve practice and attention checks."""

    practice_pools: tuple[tuple[Id, ...], ...] = ()
    practice_ratings: tuple[Id, ...] = ()
    check_pools: tuple[tuple[Id, ...], ...] = ()
    check_ratings: tuple[Id, ...] = ()


@dataclass(frozen=True, slots=True)
class Layout:
    """What the freeze stores: pools with their similarities, the images to rate, and the reserve's use."""

    pools: tuple[Pool, ...]
    rating: tuple[Id, ...]
    reserve: Reserve

    def design(self, spec: Spec) -> Design:
        return Design(
            seed=spec.seed,
            columns=tuple(column.conditions for column in spec.columns),
            rating_levels=spec.rules.rating_levels,
            pools=tuple(pool.stimuli for pool in self.pools),
            rating=self.rating,
            matching_trials=spec.matching_trials,
            rating_trials=spec.rating_trials,
            practice_pools=self.reserve.practice_pools,
            practice_ratings=self.reserve.practice_ratings,
            check_pools=self.reserve.check_pools,
            check_ratings=self.reserve.check_ratings,
        )


def lay_out(spec: Spec, candidates: Sequence[Candidate], reserve: Sequence[Id]) -> Layout:
    """Pools and rating images from the main images, practice and checks from the reserve.

    Raises PoolError or DesignError, whose text says what to change.
    """
    return Layout(*main_stimuli(spec, candidates), deal_reserve(spec, reserve))


def main_stimuli(spec: Spec, candidates: Sequence[Candidate]) -> tuple[tuple[Pool, ...], tuple[Id, ...]]:
    """The pools and the images to rate. Raises PoolError with the number of images missing."""
    labels = [candidate.label for candidate in candidates]
    if short := missing(spec, labels):
        raise PoolError(" ".join(shortage(spec, len(candidates), short)), short)
    pools: tuple[Pool, ...] = ()
    if spec.matching_trials:
        pools = partition(
            candidates,
            strategy=spec.strategy,
            size=spec.pool_size,
            count=pool_count(spec, labels),
            seed=spec.seed,
            fixed=spec.fixed_pools,
        )
    pooled = {stimulus for pool in pools for stimulus in pool.stimuli}
    shuffled = [candidates[i].id for i in permutation(len(candidates), spec.seed, "rating")]
    # Images of the pools first: fewer maps to compute, and their matching and rating can be compared.
    shuffled.sort(key=lambda stimulus: stimulus not in pooled)
    return pools, tuple(shuffled[: rating_count(spec, len(candidates))])


def deal_reserve(spec: Spec, reserve: Sequence[Id]) -> Reserve:
    """Deals the reserve images out in their order. Raises DesignError with the number missing."""
    if (short := spec.reserve_images - len(reserve)) > 0:
        raise DesignError(
            f"Practice and attention checks need {spec.reserve_images} reserve images, there are "
            f"{len(reserve)}: mark {short} more as reserve, or ask for fewer."
        )
    take = iter(reserve)

    def pools(number: int) -> tuple[tuple[Id, ...], ...]:
        return tuple(tuple(next(take) for _ in range(spec.pool_size)) for _ in range(number))

    practice_pools, check_pools = pools(spec.practice_pools), pools(spec.matching_checks)
    check_ratings = tuple(next(take) for _ in range(spec.rating_checks))
    practised = [stimulus for pool in practice_pools for stimulus in pool]
    practised += [next(take) for _ in range(spec.practice_ratings - len(practised))]
    return Reserve(practice_pools, tuple(practised[: spec.practice_ratings]), check_pools, check_ratings)


def groups(trials: int, items: int, columns: int, participants: int) -> int:
    """G: how many sets of T items to use, where `items` are at hand.

    More items make the result less a matter of these images. As many as possible, such that the
    participants still fill whole squares (K·G | N); where K ∤ N, such that every cell is met (K·G ≤ N).
    """
    at_most = min(items // trials, participants // columns)
    whole = [g for g in range(1, at_most + 1) if participants % (columns * g) == 0]
    return max(whole, default=max(at_most, 1))


def pool_count(spec: Spec, labels: Sequence[str]) -> int:
    """How many pools to make from images of these classes; T at the least, all the fixed ones."""
    trials = spec.matching_trials
    if not trials or spec.strategy == "fixed":
        return len(spec.fixed_pools) if trials else 0
    room = len(labels) // spec.pool_size
    while room > trials and missing_images(labels, strategy=spec.strategy, size=spec.pool_size, count=room):
        room -= 1
    return trials * groups(trials, room, len(spec.columns), spec.participants)


def rating_count(spec: Spec, available: int) -> int:
    """How many images to rate."""
    trials = spec.rating_trials
    return trials * groups(trials, available, len(spec.columns), spec.participants) if trials else 0


def missing(spec: Spec, labels: Sequence[str]) -> int:
    """The fewest main images to add before this design can be laid out; 0 if it can."""
    total = max(spec.main_images - len(labels), 0)
    if not spec.matching_trials or spec.strategy == "fixed":
        return total
    pools = missing_images(labels, strategy=spec.strategy, size=spec.pool_size, count=spec.matching_trials)
    return max(total, pools)


def shortage(spec: Spec, available: int, short: int) -> tuple[str, str]:
    """What the main images are needed for, and what to change."""
    parts = []
    if spec.matching_trials:
        parts.append(
            f"{spec.pool_size * spec.matching_trials} for matching ({spec.pool_size} per pool × "
            f"{spec.matching_per_column} trials × {len(spec.columns)} columns)"
        )
    if spec.rating_trials:
        shared = ", the same ones as for matching where possible" if spec.matching_trials else ""
        parts.append(f"{spec.rating_trials} for rating{shared}")
    kind = {"one_per_class": ", of new or small classes", "same_class": ", in classes near to a full pool"}
    return (
        f"The design needs {spec.main_images} images ({'; '.join(parts)}), there are {available}.",
        f"Add {short}{kind.get(spec.strategy, '')}, or choose smaller pools, fewer trials or fewer columns.",
    )
