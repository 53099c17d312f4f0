"""Types of what stands beside the tests against the reference: models, all pairs, equivalence, scatter. Standard library.

Units as in `column_types`.
"""

from typing import NotRequired, TypedDict

from survey_site.statistics.column_types import Bounds


class OddsRatio(TypedDict):
    """Odds of a column against the reference's."""

    column: str
    odds_ratio: float
    ci: Bounds
    p: float


class OddsRatios(TypedDict):
    """One model's odds ratios; no row where a `reason` says why it is left out."""

    reason: str | None
    rows: list[OddsRatio]


class CrossedModel(TypedDict):
    """A mixed model with crossed participants and images: odds ratios, deviations on the log-odds scale.

    note: what was done where not every answer was fitted.
    """

    rows: list[OddsRatio]
    participant_sd: float | None
    item_sd: float | None
    log_likelihood: NotRequired[float]
    note: str
    reason: str | None


class ComparedPair(TypedDict):
    """Two columns, the better first. Interval and p hold for all pairs at once; `apart`: they can be told apart."""

    better: str
    worse: str
    difference: float | None
    ci: Bounds | None
    p: float | None
    apart: bool
    reason: str | None


class PairFamily(TypedDict):
    """All pairs of columns of one outcome; with a `reason` there are none.

    letters: columns that share one cannot be told apart. ranks: lowest and highest, 1 is best. critical: of the largest t.
    """

    rows: list[ComparedPair]
    letters: dict[str, str]
    ranks: dict[str, list[int]]
    critical: float | None
    caution: str | None
    reason: str | None


class EquivalenceRow(TypedDict):
    """A column against the reference and a sealed margin; p corrected by Holm over the columns.

    ci: at 1 − 2α, in the unit of `difference`; within ± the margin where equivalence holds before the correction.
    """

    column: str
    difference: float | None
    ci: Bounds | None
    equivalence_p_holm: float | None
    equivalent: bool | None
    non_inferiority_p_holm: float | None
    not_inferior: bool | None
    reason: str | None


class EquivalenceFamily(TypedDict):
    """Two one-sided tests of every column; margin: in the unit of the differences. interval_level: 1 − 2α.

    caution: what a reader must know of all rows.
    """

    margin: float
    interval_level: float
    rows: list[EquivalenceRow]
    reason: NotRequired[str]
    caution: NotRequired[str]


class ScatterParts(TypedDict):
    """Variances in squared units of the score; `None` where the design repeats nothing that would tell them."""

    participant: float | None
    item: float | None
    item_by_column: float | None
    residual: float | None
    reason: str | None
