"""The frozen design of a study as plain data: everything an assignment depends on."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from math import lcm

from survey_site.design.latin_square import Square

Id = int | str

SMALLEST_POOL, LARGEST_POOL = 2, 12


class DesignError(ValueError):
    """The design cannot be carried out; the message says what to change."""


@dataclass(frozen=True, slots=True)
class Design:
    """All that an assignment depends on.

    columns: table columns, each with the conditions (variants: classifier × base) that it pools.
    pools: partition of the matching stimuli, all of one size. rating: stimuli of the rating task.
    matching_trials, rating_trials: trials of one participant, best a multiple of the number of columns.
    rating_levels: answers of the rating scale, among which an instructed rating is drawn.
    Practice and attention checks use reserve stimuli that occur nowhere else; a `check_pools` trial shows
    an original in place of its map, a `check_ratings` trial asks for a named rating.
    """

    seed: str
    columns: tuple[tuple[Id, ...], ...]
    rating_levels: int
    pools: tuple[tuple[Id, ...], ...] = ()
    rating: tuple[Id, ...] = ()
    matching_trials: int = 0
    rating_trials: int = 0
    practice_pools: tuple[tuple[Id, ...], ...] = ()
    practice_ratings: tuple[Id, ...] = ()
    check_pools: tuple[tuple[Id, ...], ...] = ()
    check_ratings: tuple[Id, ...] = ()

    def __post_init__(self) -> None:
        _refuse_conditions(self)
        _refuse_pools(self)
        _refuse_trials(self)

    @property
    def pool_size(self) -> int:
        """Candidates of a matching trial; 0 without a matching task."""
        return len(self.pools[0]) if self.pools else 0

    @property
    def matching_square(self) -> Square:
        return Square(len(self.columns), len(self.pools), self.matching_trials)

    @property
    def rating_square(self) -> Square:
        return Square(len(self.columns), len(self.rating), self.rating_trials)

    @property
    def period(self) -> int:
        """Tickets after which every (item, column) cell of both tasks holds one common count."""
        return lcm(self.matching_square.period, self.rating_square.period)


def _refuse_conditions(design: Design) -> None:
    if not design.columns:
        raise DesignError("The design has no table column; tick at least one condition.")
    if not all(design.columns):
        empty = next(index for index, column in enumerate(design.columns) if not column)
        raise DesignError(f"Table column {empty + 1} has no condition; add one or remove the column.")
    if repeated := _repeated(condition for column in design.columns for condition in column):
        raise DesignError(
            f"Condition {repeated[0]} is listed twice; a condition belongs to one table column."
        )


def _refuse_pools(design: Design) -> None:
    sizes = {len(pool) for pool in (*design.pools, *design.practice_pools, *design.check_pools)}
    if len(sizes) > 1:
        raise DesignError(f"Pools have the sizes {sorted(sizes)}; all pools of a study need one size.")
    if sizes and not SMALLEST_POOL <= (size := sizes.pop()) <= LARGEST_POOL:
        raise DesignError(f"Pools have {size} images; choose a size of {SMALLEST_POOL} to {LARGEST_POOL}.")
    pooled = [stimulus for pool in design.pools for stimulus in pool]
    reserve = [stimulus for pool in (*design.practice_pools, *design.check_pools) for stimulus in pool]
    if repeated := _repeated([*pooled, *reserve]):
        raise DesignError(
            f"{len(repeated)} images lie in more than one pool, {repeated[0]} first; pools must be disjoint."
        )
    rating_reserve = [*design.practice_ratings, *design.check_ratings]
    if repeated := _repeated([*design.rating, *rating_reserve]):
        raise DesignError(f"Image {repeated[0]} would be rated twice; list each rating image once.")
    if shared := (set(reserve) & set(design.rating)) | (set(rating_reserve) & set(pooled)):
        raise DesignError(
            f"{len(shared)} images serve both as reserve (practice, checks) and in scored trials; "
            f"replace {sorted(map(str, shared))[0]} by an image used nowhere else."
        )


def _refuse_trials(design: Design) -> None:
    for trials, items, task, unit in (
        (design.matching_trials, len(design.pools), "matching", "pools"),
        (design.rating_trials, len(design.rating), "rating", "images"),
    ):
        if trials < 0:
            raise DesignError(f"The number of {task} trials is {trials}; it cannot be negative.")
        if trials > items:
            raise DesignError(
                f"{trials} {task} trials per participant need {trials} {unit}, there are {items}: "
                f"add {trials - items} or ask for at most {items} trials."
            )
    if not design.matching_trials + design.rating_trials:
        raise DesignError("The design has no trial; ask for matching or rating trials per column.")


def _repeated(ids: Iterable[Id]) -> list[Id]:
    return [identifier for identifier, count in Counter(ids).items() if count > 1]
