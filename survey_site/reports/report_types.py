"""The shape of what the reports hand to the API, the desk, templates, commands, figures and files. No NumPy.

Units as in `statistics.column_types`: percent 0..100, share 0..1, mean rating 0..6, intervals in the unit of their
estimate; `None`: not estimable, for the reason beside it.
"""

from typing import Any, NotRequired, TypedDict

from survey_site.statistics.column_types import (
    BasePart,
    Bounds,
    BriefColumn,
    ComparedColumn,
    ComparisonFamily,
    LiftOverChance,
    OutcomeName,
    PublishedPair,
)
from survey_site.statistics.report_types import (
    AgreementSummary,
    FaithBeyondEdges,
    HumanMachine,
    MultiverseSummary,
    OddsModels,
    OrderEffects,
    OrderSummary,
    ParticipantFlow,
    QualitySummary,
)


class AnswerShare(TypedDict):
    """A share of the answers in percent, and as it is printed. `ci`: once the statistics are merged in."""

    correct: NotRequired[int]
    n: NotRequired[int]
    percent: float | None
    text: str | None
    ci: NotRequired[Bounds | None]


# `class` is no name that Python allows for a field.
_ClassShare = TypedDict("_ClassShare", {"class": AnswerShare})


class OutcomeCell(TypedDict):
    """One outcome of a column or variant. `ci_reason`: why there is no interval, or none yet.

    Below it what the statistics add; `equal_weight_mean` and `vs_reference` to whole columns.
    """

    n: int
    text: str | None
    timeouts: int
    other_missing: int
    ci: Bounds | None
    ci_reason: str | None
    ci_df: NotRequired[int | None]
    participants: NotRequired[int]
    items: NotRequired[int]
    participant_mean: NotRequired[float | None]
    equal_weight_mean: NotRequired[float | None]
    vs_reference: NotRequired[ComparedColumn | None]


class FaithCell(_ClassShare, OutcomeCell):
    """Human Faith %. `correct` follows the headline; `image` and `class` are both readings.

    chance: once the statistics are merged in, of whole columns.
    """

    correct: int
    percent: float | None
    image: AnswerShare
    cant_tell: int
    timeouts_as_wrong: AnswerShare
    chance: NotRequired[LiftOverChance]


class IndexCell(OutcomeCell):
    """Interpretability Index, 0..6; the last two once the statistics are merged in."""

    sum: int
    mean: float | None
    sd: NotRequired[float | None]
    distribution: NotRequired[dict[str, int]]


class VariantCells(TypedDict):
    """One classifier × base × method of a column. method: the full key; combination: without the base."""

    classifier: str
    base: str
    method: str
    combination: str
    faith: FaithCell
    index: IndexCell


class ReportColumn(TypedDict):
    """A column of Table 1. paper: the published values. control, bases: once the statistics are merged in."""

    column: str
    reference: bool
    faith: FaithCell
    index: IndexCell
    variants: list[VariantCells]
    paper: NotRequired[PublishedPair | None]
    control: NotRequired[bool]
    bases: NotRequired[list[BasePart]]


class AnalysedPopulation(TypedDict):
    """How many participants are in the estimates, and who counts beside the primary analysis."""

    participants: int
    primary: bool
    bots: bool
    unfinished: bool
    excluded: bool


class PointReport(TypedDict):
    """What every report has: the study, its protocol (`None` before the first) and Table 1.

    banner: says of a reconstruction what it is. headline: `image` or `class`.
    """

    study: str
    title: str
    origin: str
    banner: str | None
    protocol_hash: str | None
    protocol_version: int | None
    pool_size: int
    headline: str
    population: AnalysedPopulation
    columns: list[ReportColumn]


class StudyFlow(ParticipantFlow):
    """excluded: by a decision, before `analysed`. excluded_by_rules, after_rules: were the declared rules applied."""

    excluded_by_rules: dict[str, int]
    after_rules: int


class MachineRow(TypedDict):
    """Machine metrics of `n` maps of one classifier × base × version; the last three are shares 0..1."""

    classifier: str
    method: str
    base: str
    version: str
    n: int
    right_percent: float | None
    higher_than_original_percent: float | None
    higher_than_base_percent: float | None
    confidence: float | None
    drop: float | None
    kept_share: float | None


class GalleryMap(TypedDict):
    """A map with the mean of its `n` ratings; picture: row id, `None` where none is stored."""

    stimulus: str
    classifier: str
    method: str
    mean: float
    n: int
    picture: int | None


class Gallery(TypedDict):
    """The maps people judged best and worst."""

    best: list[GalleryMap]
    worst: list[GalleryMap]


class StudyReport(PointReport, total=False):
    """The report's JSON. The keys below are all there once the statistics are computed, none before.

    plan: as `AnalysisPlan.to_mapping`. after_rules: Table 1 under the declared rules. figures: names, in the stored
    report only.
    """

    plan: dict[str, Any]
    before_exclusion: list[BriefColumn]
    comparisons: dict[OutcomeName, ComparisonFamily]
    beyond_edges: list[FaithBeyondEdges] | None
    models: OddsModels
    flow: StudyFlow
    quality: QualitySummary
    agreement: AgreementSummary
    order: OrderSummary
    multiverse: MultiverseSummary
    human_machine: list[HumanMachine] | None
    notes: list[str]
    versions: dict[str, str]
    after_rules: list[BriefColumn]
    machine: list[MachineRow]
    gallery: Gallery
    figures: list[str]


class TitledOrderEffects(OrderEffects):
    """The order effects of one outcome under the words a page prints above them."""

    title: str


class MachineLine(TypedDict):
    """A classifier and base with one value per version; `None` where nothing was computed."""

    classifier: str
    base: str
    cells: list[float | None]


class MachineTable(TypedDict):
    """One measure in the layout of the paper's Tables 2 and 3; `versions` head the cells of the lines."""

    versions: list[str]
    lines: list[MachineLine]


class RecruitedPerson(TypedDict):
    """A participant for the flow; `kind` as in `Participant.Kind`."""

    kind: str
    consented: bool
    finished: bool
    surplus: bool
    withdrawn: bool


class MapMetrics(TypedDict):
    """Machine metrics of a map under the names of the statistics, as stored: shares 0..1, or true and false."""

    map_sha256: str
    column: str
    right_class: Any
    confidence: Any
    confidence_drop: Any
    confidence_gain: Any


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
