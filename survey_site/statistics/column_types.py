"""The shape of Table 1's columns, and of their comparisons with the reference. Standard library.

Units, where a type does not say otherwise: percent 0..100, share 0..1, mean score on the outcome's scale, times in
milliseconds. An interval is `[low, high]` in the unit of its estimate. `None`: not estimable, for the reason that
stands beside it. Keys that depend on the study are those of its outcomes, such as `faith`.
"""

from typing import Any, NotRequired, TypedDict

OutcomeName = str
"""The key of an `Outcome`."""
Bounds = list[float]

EstimatedOutcome = dict[str, Any]
"""One outcome of a column or of a part of it: a `BriefOutcome`, and

items, timeouts: counts. ci_df: of Student's t. participant_mean: of the participants' own values. sd: of a mean. Of
whole columns: equal_weight_mean, where the parts' counts differ by more than a tenth, and vs_reference, a
`ComparedColumn` or None. Further keys are the task's own.
"""
EstimatedPart = dict[str, Any]
"""Some of a column's trials: what they are (`base`, or `classifier`, `base` and `method`), and by the key of each
outcome its `EstimatedOutcome`.
"""
EstimatedColumn = dict[str, Any]
"""A column of Table 1: column, reference, control (compared with, never tested), bases and variants (`EstimatedPart`),
and by the key of each outcome its `EstimatedOutcome`.
"""
BriefColumn = dict[str, Any]
"""A column under other exclusions than Table 1's: `column`, and by the key of each outcome a `BriefOutcome`."""
BasePart = EstimatedPart


class AnsweredShare(TypedDict):
    """Right answers of those that count, in percent. `text`: what is printed, rounded half up."""

    correct: int
    n: int
    percent: float | None
    text: str | None
    ci: Bounds | None


class ChanceTest(TypedDict):
    """One-sided p of doing no better than guessing; without one, `p_reason` says why.

    sign_flip_p, sign_flip_exact: beside the two-way test; exact: all patterns of signs were enumerated.
    """

    test: str
    p: float | None
    p_reason: str | None
    sign_flip_p: NotRequired[float]
    sign_flip_exact: NotRequired[bool]


class SignalDetection(TypedDict):
    """d′ and criterion of judgements that something is right; with a `reason` there are no intervals, or neither.

    criterion: below 0 leans to “right”. df: of Student's t.
    """

    d_prime: float | None
    d_prime_ci: Bounds | None
    criterion: float | None
    criterion_ci: Bounds | None
    df: int | None
    reason: str | None


class LiftOverChance(TypedDict, total=False):
    """A share against guessing; with a `reason` there is nothing else.

    pool_size: a number, or `mixed`. chance_corrected_share: 0 at guessing, 1 when all are right. d_prime: where each pool,
    all of one size, holds one right answer.
    """

    pool_size: int | str
    chance_percent: float
    chance_corrected_share: float | None
    chance_corrected_ci: Bounds | None
    d_prime: float | None
    d_prime_ci: Bounds | None
    reason: str | None
    test: str
    p: float | None
    p_reason: str | None
    sign_flip_p: float
    sign_flip_exact: bool


class ComparedColumn(TypedDict):
    """A column against the reference. `difference`: share −1..1 or scale points; `paired_delta`: −1..1.

    detectable: the smallest true difference that such a study finds with 80 % power, before Holm's correction.

    p, p_holm_by_test: by the test's name. p_holm, significant: of the family's `primary_test`. Without answers in either
    column only `reason`, `p` and what Holm's correction adds are there. Of shares alone: odds_ratio_plus_half; of means
    alone: cliffs_delta (−1..1), ratio_from_one (of the same answers on a scale that begins with 1), wilcoxon_p.
    """

    column: str
    reason: str | None
    p: dict[str, float | None]
    difference: NotRequired[float | None]
    difference_ci: NotRequired[Bounds | None]
    ratio: NotRequired[float | None]
    ratio_ci: NotRequired[Bounds | None]
    ratio_reason: NotRequired[str | None]
    paired_participants: NotRequired[int]
    dropped_participants: NotRequired[int]
    t: NotRequired[float | None]
    df: NotRequired[int | None]
    detectable: NotRequired[float | None]
    paired_delta: NotRequired[float | None]
    paired_delta_ci: NotRequired[Bounds | None]
    sign_flip_exact: NotRequired[bool | None]
    sign_flip_reason: NotRequired[str | None]
    odds_ratio_plus_half: NotRequired[float | None]
    odds_ratio_ci: NotRequired[Bounds | None]
    cliffs_delta: NotRequired[float | None]
    cliffs_delta_ci: NotRequired[Bounds | None]
    ratio_from_one: NotRequired[float | None]
    ratio_from_one_ci: NotRequired[Bounds | None]
    wilcoxon_p: NotRequired[float | None]
    p_holm: NotRequired[float | None]
    significant: NotRequired[bool | None]
    p_holm_by_test: NotRequired[dict[str, float | None]]


class TestedFamily(TypedDict):
    """All comparisons of one outcome, which Holm's correction takes together.

    label: the confirmatory test in words; caution: what a reader must know where it rests on few images.
    """

    reference: str
    primary_test: str
    label: str
    caution: str | None
    rows: list[ComparedColumn]


class ComparisonFamily(TypedDict):
    """A `TestedFamily`, or the `reason` why there is none and no row."""

    reference: str
    rows: list[ComparedColumn]
    reason: str | None
    primary_test: NotRequired[str]
    label: NotRequired[str]
    caution: NotRequired[str | None]


class BriefOutcome(TypedDict):
    """What every estimate of an outcome has: n answers, and the value as it is printed.

    A share has `correct` and `percent`, a mean `sum` and `mean`.
    """

    n: int
    participants: int
    text: str | None
    ci: Bounds | None
    ci_reason: str | None
    correct: NotRequired[int]
    percent: NotRequired[float | None]
    sum: NotRequired[float]
    mean: NotRequired[float | None]


class PublishedPair(TypedDict):
    """A column of the paper's Table 1, as printed."""

    faith: str
    index: str
