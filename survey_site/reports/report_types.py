"""The shape of what the reports hand to the API, the desk, templates, commands, figures and files. No NumPy.

Units as in `statistics.column_types`: percent 0..100, share 0..1, mean rating 0..6, intervals in the unit of their
estimate; `None`: not estimable, for the reason beside it.
"""

from collections.abc import Mapping
from typing import Any, NotRequired, TypedDict, cast

from survey_site.reports.machine_types import Gallery, MachineRow
from survey_site.statistics.column_types import (
    Bounds,
    BriefColumn,
    ComparedColumn,
    ComparisonFamily,
    EstimatedPart,
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
from survey_site.statistics.plan import AnalysisPlan
from survey_site.statistics.report_types import (
    AgreementRow,
    HumanMachine,
    MultiverseSummary,
    OrderEffects,
    ParticipantFlow,
    QualitySummary,
    Section,
)
from survey_site.statistics.stopping_types import StoppingReport


class OutcomeCell(TypedDict):
    """One outcome of a column or variant, beside what its task adds for its own rows.

    correct, percent: of a share; sum, mean: of a mean, on the outcome's scale. ci_reason: why there is no interval, or
    none yet. Below it what the statistics add; equal_weight_mean and vs_reference to whole columns.
    """

    n: int
    text: str | None
    timeouts: int
    other_missing: int
    correct: NotRequired[int]
    percent: NotRequired[float | None]
    sum: NotRequired[float]
    mean: NotRequired[float | None]
    ci: Bounds | None
    ci_reason: str | None
    ci_df: NotRequired[int | None]
    participants: NotRequired[int]
    items: NotRequired[int]
    participant_mean: NotRequired[float | None]
    equal_weight_mean: NotRequired[float | None]
    vs_reference: NotRequired[ComparedColumn | None]


class ReportedOutcome(OutcomeFacts):
    """What Table 1 shows of each column. interval_places: decimals of the bounds. caption: a sentence above the table."""

    interval_places: int
    caption: str


class VariantHead(TypedDict):
    """One classifier × base × method of a column. method: the full key; combination: without the base. family: the title
    of the method's, "" where nobody declares it, as of maps made elsewhere."""

    family: str
    classifier: str
    base: str
    method: str
    combination: str


class VariantCells(VariantHead):
    """A variant; beside these keys one `OutcomeCell` for each outcome, which `cell_of` reads."""


class ColumnHead(TypedDict):
    """A column of Table 1. family: of all its variants, "" where they have several. paper: the published values by outcome.
    control, bases: once the statistics are merged in."""

    column: str
    family: str
    reference: bool
    variants: list[VariantCells]
    paper: dict[str, str] | None
    control: NotRequired[bool]
    bases: NotRequired[list[EstimatedPart]]


class ReportColumn(ColumnHead):
    """A column; beside these keys one `OutcomeCell` for each outcome, which `cell_of` reads."""


def cell_of(part: ReportColumn | VariantCells, outcome: str) -> OutcomeCell:
    """The cell of an outcome, by its key. The JSON has it beside the part's own keys, which types cannot say."""
    return cast(Mapping[str, OutcomeCell], part)[outcome]


class ReportedFact(TypedDict):
    """What a page's head says of the study's tasks, such as the size of the pools; the report has it under `key` too."""

    key: str
    label: str
    value: str | int | float


class AnalysedPopulation(TypedDict):
    """How many participants are in the estimates, how many of these are simulated, and who counts beside the primary
    analysis."""

    participants: int
    simulated: int
    primary: bool
    bots: bool
    unfinished: bool
    excluded: bool


class PooledVersion(TypedDict):
    """A seal of the study. pooled: whether its answers are in the table. why: so, or not. sealed_at: ISO 8601, or `None`.

    participants: persons who count under it, whether or not it is pooled. reason: of an amendment, else empty.
    """

    version: int
    protocol_hash: str
    measurement_hash: str
    pilot: bool
    pooled: bool
    why: str
    reason: str
    sealed_at: str | None
    participants: int


class PointReport(TypedDict):
    """What every report has: the study, its protocol (`None` before the first) and Table 1.

    protocol_hash, protocol_version: of the newest seal in the table. versions: the seals that the table pools, newest
    first; other_versions: those that it leaves out; versions_note: both in a sentence, with the reasons. masked: whether
    columns are letters. banner: says of a reconstruction that it is one, whether people were simulated, and whether columns
    are masked. Beside these keys the tasks' facts, labelled or not, by their own.
    """

    study: str
    title: str
    origin: str
    banner: str | None
    masked: bool
    protocol_hash: str | None
    measurement_hash: str | None
    protocol_version: int | None
    versions: list[PooledVersion]
    other_versions: list[PooledVersion]
    versions_note: str
    facts: list[ReportedFact]
    outcomes: list[ReportedOutcome]
    population: AnalysedPopulation
    columns: list[ReportColumn]


class StudyFlow(ParticipantFlow):
    """excluded: by a decision, before `analysed`. excluded_by_rules, after_rules: were the declared rules applied."""

    excluded_by_rules: dict[str, int]
    after_rules: int


class Caption(TypedDict):
    """A figure's title, and what a reader must know to read it. `wide`: it needs the whole width of a page."""

    title: str
    legend: str
    wide: bool


class StudyReport(PointReport, total=False):
    """The report's JSON. The keys below are all there once the statistics are computed, none before.

    plan: as `AnalysisPlan.to_mapping`. stopping: `None` without a sealed rule, and for other populations. after_rules:
    Table 1 under the declared rules. figures, captions: names, and the words of each, in the stored report only.
    """

    plan: dict[str, Any]
    before_exclusion: list[BriefColumn]
    comparisons: dict[OutcomeName, ComparisonFamily]
    pairs: dict[OutcomeName, PairFamily]
    equivalence: dict[OutcomeName, EquivalenceFamily]
    scatter: dict[OutcomeName, ScatterParts]
    models: dict[OutcomeName, OddsRatios]
    crossed_models: dict[OutcomeName, CrossedModel]
    flow: StudyFlow
    quality: QualitySummary
    agreement: list[AgreementRow]
    order: dict[OutcomeName, OrderEffects]
    sections: list[Section]
    multiverse: MultiverseSummary
    human_machine: list[HumanMachine] | None
    stopping: StoppingReport | None
    notes: list[str]
    software: dict[str, str]
    after_rules: list[BriefColumn]
    machine: list[MachineRow]
    gallery: Gallery
    figures: list[str]
    captions: dict[str, Caption]


def level_of(report: PointReport) -> float:
    """Of the report's intervals, as its plan sealed it; the default's where no statistics are computed."""
    return float(cast(StudyReport, report).get("plan", {}).get("level", AnalysisPlan.level))


class RecruitedPerson(TypedDict):
    """A participant for the flow; `kind` as in `Participant.Kind`."""

    kind: str
    consented: bool
    finished: bool
    surplus: bool
    withdrawn: bool
    screened_out: bool
    dropped: bool


class ChartBar(TypedDict):
    """A bar in the coordinates of the SVG."""

    x: float
    y: float
    w: float
    h: float


class CompletionChart(TypedDict, total=False):
    """Completions over time, as an SVG of `w` × `h`: bars, and the points of the rising line; empty without any."""

    bars: list[ChartBar]
    line: str
    busiest: int
    total: int
    w: int
    h: int
