"""The shape of Table 1's columns, and of their comparisons with the reference. Standard library.

Units, where a type does not say otherwise: percent 0..100, share 0..1, mean rating on the plan's scale (0..6), times
in milliseconds. An interval is `[low, high]` in the unit of its estimate. `None`: not estimable, for the reason that
stands beside it.
"""

from typing import Literal, NotRequired, TypedDict

OutcomeName = Literal["faith", "index"]
OUTCOMES: tuple[OutcomeName, ...] = ("faith", "index")
Bounds = list[float]


class FaithShare(TypedDict):
    """Right answers of those that count, in percent. `text`: what is printed, rounded half up."""

    correct: int
    n: int
    percent: float | None
    text: str | None
    ci: Bounds | None


class ChanceTest(TypedDict):
    """One-sided p of doing no better than guessing; `exact`, of a sign-flip: all patterns were enumerated."""

    test: str
    p: float
    exact: NotRequired[bool]


class LiftOverChance(TypedDict, total=False):
    """Faith against guessing; with a `reason` there is nothing else.

    pool_size: a number, or `mixed`. kappa: 0 at guessing, 1 when all are right. d_prime: for one pool size only.
    """

    pool_size: int | str
    chance_percent: float
    kappa: float | None
    d_prime: float | None
    reason: str | None
    test: str
    p: float
    exact: bool


class ComparedColumn(TypedDict):
    """A column against the reference. `difference`: share −1..1 or scale points; `paired_delta`: −1..1.

    p, p_holm_by_test: by the test's name. p_holm: of the `primary_test`, over the family. Without answers in either
    column only `reason`, `p` and what Holm's correction adds are there. Of faith alone: odds_ratio_plus_half; of the
    index alone: cliffs_delta (−1..1), ratio_on_1_to_7 (of the same answers on a scale that begins with 1), wilcoxon_p.
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
    df: NotRequired[int | None]
    paired_delta: NotRequired[float | None]
    sign_flip_exact: NotRequired[bool | None]
    odds_ratio_plus_half: NotRequired[float]
    cliffs_delta: NotRequired[float]
    ratio_on_1_to_7: NotRequired[float]
    wilcoxon_p: NotRequired[float | None]
    primary_test: NotRequired[str]
    p_holm: NotRequired[float | None]
    significant: NotRequired[bool | None]
    p_holm_by_test: NotRequired[dict[str, float | None]]


class TestedFamily(TypedDict):
    """All comparisons of one outcome, which Holm's correction takes together. `label`: the test in words."""

    reference: str
    primary_test: str
    label: str
    rows: list[ComparedColumn]


class ComparisonFamily(TypedDict):
    """A `TestedFamily`, or the `reason` why there is none and no row."""

    reference: str
    rows: list[ComparedColumn]
    reason: str | None
    primary_test: NotRequired[str]
    label: NotRequired[str]


# `class` is no name that Python allows for a field.
_ClassAgreement = TypedDict("_ClassAgreement", {"class": FaithShare})


class BriefOutcome(TypedDict):
    """What every estimate of an outcome has beside its value: n answers, and the value as it is printed."""

    n: int
    participants: int
    text: str | None
    ci: Bounds | None
    ci_reason: str | None


class OutcomeEstimate(BriefOutcome):
    """One outcome of a column or of a part of it. `participant_mean`: of the participants' own values.

    The last two are given of whole columns: equal_weight_mean where the parts' counts differ by more than a tenth.
    """

    items: int
    ci_df: int | None
    participant_mean: float | None
    timeouts: int
    equal_weight_mean: NotRequired[float | None]
    vs_reference: NotRequired[ComparedColumn | None]


class FaithEstimate(_ClassAgreement, OutcomeEstimate):
    """Human Faith; means in percent. class: an image of the right class counts.

    timeouts_as_wrong: timeouts count, as wrong. chance: of whole columns.
    """

    correct: int
    percent: float | None
    cant_tell: int
    timeouts_as_wrong: FaithShare
    chance: NotRequired[LiftOverChance]


class IndexEstimate(OutcomeEstimate):
    """Interpretability Index: `mean`, `participant_mean` and `sd` of the ratings. distribution: how many of each."""

    mean: float | None
    sum: int
    sd: float | None
    distribution: dict[str, int]


class EstimatedPart(TypedDict):
    """Both outcomes of some of a column's trials."""

    faith: FaithEstimate
    index: IndexEstimate


class BasePart(EstimatedPart):
    """The trials of one base CAM."""

    base: str


class VariantPart(EstimatedPart):
    """The trials of one classifier × base × method."""

    classifier: str
    base: str
    method: str


class PublishedPair(TypedDict):
    """A column of the paper's Table 1, as printed."""

    faith: str
    index: str


class EstimatedColumn(EstimatedPart):
    """A column of Table 1. `control`: compared with, never tested."""

    column: str
    reference: bool
    control: bool
    bases: list[BasePart]
    variants: list[VariantPart]
    published: PublishedPair | None


class BriefFaith(BriefOutcome):
    """Human Faith in percent."""

    correct: NotRequired[int]
    percent: float | None


class BriefIndex(BriefOutcome):
    """The mean rating."""

    mean: float | None


class BriefColumn(TypedDict):
    """A column under other exclusions than Table 1's."""

    column: str
    faith: BriefFaith
    index: BriefIndex
