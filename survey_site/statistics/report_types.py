"""The shape of the report's statistics, as `build_report` gives them. Standard library: the web may import it.

Units as in `column_types`, where the columns of Table 1 and their comparisons are.
"""

from typing import Any, NotRequired, TypedDict

from survey_site.statistics.column_types import (
    Bounds,
    BriefColumn,
    ComparisonFamily,
    EstimatedColumn,
    OutcomeName,
)
from survey_site.statistics.comparison_types import (
    CrossedModel,
    EquivalenceFamily,
    OddsRatios,
    PairFamily,
    ScatterParts,
)
from survey_site.statistics.outcome import OutcomeFacts


class Section(TypedDict):
    """A table of a task's own, as it is printed: the first cell of a row heads it; no heading where there is no table.

    data: the numbers behind it.
    """

    key: str
    task: str
    title: str
    lead: str
    headings: list[str]
    rows: list[list[str]]
    data: Any


class RecruitedFlow(TypedDict):
    """The steps that only a list of participants tells; `None` where there are trials alone.

    apart: bots, previews, withdrawn, surplus. left: by the step that they did not come to, how many persons and why;
    the step before less those who left is the step.
    """

    started: int | None
    consented: int | None
    finished: int | None
    apart: dict[str, int]
    left: dict[str, dict[str, int]]


class ParticipantFlow(RecruitedFlow):
    """How many participants came to each step. excluded: by reason."""

    with_answers: int
    excluded: dict[str, int]
    analysed: int


class QualitySummary(TypedDict):
    """Counts of trials; `rules`: participants against each rule; `thresholds`: as in `QualityRules`.

    signs: participants who show each sign, declared as a rule or not.
    """

    rules: dict[str, int]
    signs: dict[str, int]
    thresholds: dict[str, float | bool | tuple[str, ...] | None]
    trials: int
    flagged_trials: int
    rt_known: int
    rt_median_ms: float | None
    missing: int
    timeouts: int
    checks_passed: int
    checks_failed: int
    checks_unknown: int
    seen_unknown: int


class AlphaAgreement(TypedDict):
    """Krippendorff's α, at most 1; `per_column`: of each column alone.

    units: things judged (an image under a method) with two answers or more, on which α rests, of `units_all`.
    """

    metric: str
    alpha: float | None
    ci: Bounds | None
    ci_note: str
    per_column: dict[str, float | None]
    units: int
    units_all: int
    reason: str | None


class VarianceParts(TypedDict):
    """Variances in squared scale points."""

    target: float
    rater: float
    residual: float


class IntraclassCorrelation(TypedDict):
    """ICC(2,1) and ICC(2,k), shares 0..1; `k`: harmonic mean of the scores per target."""

    icc_2_1: float | None
    icc_2_k: float | None
    k: NotRequired[float]
    variance: NotRequired[VarianceParts]
    reason: str | None


class AgreementRow(TypedDict):
    """One measure of the agreement of participants. measure: such as `ordinal_alpha`, `icc_2_1`."""

    outcome: OutcomeName
    measure: str
    title: str
    value: float | None
    ci: Bounds | None
    remark: str
    per_column: NotRequired[dict[str, float | None]]
    variance: NotRequired[VarianceParts]


class OrderSlope(TypedDict):
    """Change per trial position, in the `unit`; with a `reason` the slope is `None` and stands alone."""

    slope: float | None
    unit: NotRequired[str]
    ci: NotRequired[Bounds]
    p: NotRequired[float]
    reason: str | None


class OrderHalves(TypedDict):
    """A column in the first and the second half of the positions: shares 0..1 or mean scores."""

    column: str
    first: float | None
    second: float | None
    difference: float | None
    ci: Bounds | None
    p: float | None
    reason: str | None
    p_holm: float | None


class CellRange(TypedDict):
    """Trials in the emptiest and the fullest cell."""

    min: int
    max: int


class DesignBalance(TypedDict):
    """How evenly items and positions met the columns; `None` without trials, or without positions."""

    item_by_column: CellRange | None
    position_by_column: CellRange | None


class OrderEffects(TypedDict):
    """Effects of the order on one outcome."""

    slope: OrderSlope
    halves: list[OrderHalves]
    balance: DesignBalance


class AnswerPositions(TypedDict, total=False):
    """How often each place of the pool was chosen, and held the target; with a `reason` there is no p."""

    chosen: list[int]
    target: list[int]
    p_chosen: float | None
    reason: str | None


class MultiverseChoice(TypedDict):
    """Table 1 under one choice; `values`: percent or mean score by column, `n`: answers of all columns."""

    outcome: OutcomeName
    exclusion: str
    scoring: str
    statistic: str
    n: int
    values: dict[str, float | None]


MultiverseSpread = dict[OutcomeName, dict[str, Bounds | None]]


class MultiverseSummary(TypedDict):
    """Every choice; `spread`: smallest and largest estimate of each column, by outcome."""

    rows: list[MultiverseChoice]
    spread: MultiverseSpread


class RankCorrelation(TypedDict):
    """Spearman's ρ, −1..1, over `n` maps of so many `images`; interval and p respect that maps share images."""

    rho: float | None
    ci: NotRequired[Bounds | None]
    p: NotRequired[float | None]
    n: int
    images: int
    reason: str | None


class HumanMachine(RankCorrelation):
    """An outcome against a machine metric; `within_rho`: with each column's means taken out."""

    human: OutcomeName
    machine: str
    within_rho: float | None
    within_p: float | None


class ComputedReport(TypedDict):
    """The report before the sentences under it. `plan`: as `AnalysisPlan.to_mapping`.

    outcomes: what the columns have under the key of each. before_exclusion: all eligible trials. human_machine: `None`
    without machine metrics. sections: the tasks' own tables.
    """

    study: str
    protocol_hash: str
    plan: dict[str, Any]
    outcomes: list[OutcomeFacts]
    columns: list[EstimatedColumn]
    before_exclusion: list[BriefColumn]
    comparisons: dict[OutcomeName, ComparisonFamily]
    pairs: dict[OutcomeName, PairFamily]
    equivalence: dict[OutcomeName, EquivalenceFamily]
    scatter: dict[OutcomeName, ScatterParts]
    models: dict[OutcomeName, OddsRatios]
    crossed_models: dict[OutcomeName, CrossedModel]
    flow: ParticipantFlow
    quality: QualitySummary
    agreement: list[AgreementRow]
    order: dict[OutcomeName, OrderEffects]
    sections: list[Section]
    multiverse: MultiverseSummary
    human_machine: list[HumanMachine] | None


class StatisticsReport(ComputedReport):
    """What `build_report` returns: with the notes that must stand under the table, and the libraries' versions."""

    notes: list[str]
    versions: dict[str, str]


class SequentialPower(TypedDict):
    """What a stopping rule makes of the simulated studies. ended: share of them, 0..1, that end at each of the `looks`.

    participants: on average. reached: share that reaches the boundary. column: the primary one; `None`: all.
    """

    looks: list[int]
    ended: list[float]
    participants: float
    reached: float
    column: str | None


class PowerResult(TypedDict):
    """Share of simulated studies, 0..1, in which a column beats the reference after Holm; `all`: in which all do.

    error: Monte Carlo standard error at one half. items: pools or images. trials: per participant and column.
    """

    participants: int
    trials: int
    items: int
    test: str
    power: dict[str, float]
    all: float
    repetitions: int
    error: float
