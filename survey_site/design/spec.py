"""What a researcher chose for a study, as plain data, and the numbers that follow from it alone."""

from dataclasses import dataclass

from survey_site.design.design import Id
from survey_site.design.pools import Strategy


@dataclass(frozen=True, slots=True)
class ColumnSpec:
    """A column of Table 1 and the conditions (variants) that it pools."""

    name: str
    conditions: tuple[Id, ...]


@dataclass(frozen=True, slots=True)
class Rules:
    """What a design must know of other rooms, and is handed, since it imports none of them.

    rating_levels: answers of the rating scale. two_way_items, two_way_trials: the fewest pools, and trials of a
    participant per column, with which comparisons take the images as a sample too.
    """

    rating_levels: int
    two_way_items: int
    two_way_trials: int


@dataclass(frozen=True, slots=True)
class Spec:
    """The design choices of a draft; trials are per column and participant."""

    columns: tuple[ColumnSpec, ...]
    participants: int
    seed: str
    rules: Rules
    pool_size: int = 4
    strategy: Strategy = "random"
    matching_per_column: int = 1
    rating_per_column: int = 4
    practice_trials: int = 1
    attention_checks: int = 0
    fixed_pools: tuple[tuple[Id, ...], ...] = ()
    headline: str = "image"

    @property
    def matching_trials(self) -> int:
        return self.matching_per_column * len(self.columns)

    @property
    def rating_trials(self) -> int:
        return self.rating_per_column * len(self.columns)

    @property
    def matching_checks(self) -> int:
        """Half of the checks, rounded down, match an original; the others are instructed ratings."""
        if not self.rating_trials:
            return self.attention_checks
        return self.attention_checks // 2 if self.matching_trials else 0

    @property
    def rating_checks(self) -> int:
        return self.attention_checks - self.matching_checks

    @property
    def practice_pools(self) -> int:
        return self.practice_trials if self.matching_trials else 0

    @property
    def practice_ratings(self) -> int:
        return self.practice_trials if self.rating_trials else 0

    @property
    def reserve_images(self) -> int:
        """Reserve images for practice and checks; the images of practice pools are rated in practice too."""
        pooled = self.pool_size * self.practice_pools
        loose = max(self.practice_ratings - pooled, 0)
        return pooled + loose + self.pool_size * self.matching_checks + self.rating_checks

    @property
    def main_images(self) -> int:
        """The fewest images for the counted trials; rating may use the images of the pools."""
        pools = max(self.matching_trials, len(self.fixed_pools) if self.strategy == "fixed" else 0)
        return max(self.pool_size * pools if self.matching_trials else 0, self.rating_trials)

    @property
    def conditions(self) -> int:
        return sum(len(column.conditions) for column in self.columns)
