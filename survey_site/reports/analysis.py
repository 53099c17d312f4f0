"""The whole report: point estimates with intervals, tests and quality merged in. NumPy and SciPy live here.

Only the Celery queue `reports` and the management commands import this module; the web process never does.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from math import isclose
from typing import Any, cast

from survey_site.protocols import masking
from survey_site.protocols.models import Protocol
from survey_site.reports import task_analyses
from survey_site.reports.analysis_rows import map_rows, participant_rows, trial_columns
from survey_site.reports.cached_report import data_version
from survey_site.reports.look_taking import take_closing
from survey_site.reports.machine_metrics import gallery, machine_rows
from survey_site.reports.machine_types import Gallery
from survey_site.reports.one_moment import one_moment
from survey_site.reports.point_report import point_report, tasks_of
from survey_site.reports.population import Population, protocol_of
from survey_site.reports.report_types import ReportColumn, StudyFlow, StudyReport, VariantCells
from survey_site.reports.stopped import corrected, stopping_of, uncorrected
from survey_site.statistics import quality
from survey_site.statistics.column_types import EstimatedColumn
from survey_site.statistics.comparison_types import PairFamily
from survey_site.statistics.data import APART, Trials, from_columns
from survey_site.statistics.figure_data import FigureData
from survey_site.statistics.multiverse import scored
from survey_site.statistics.outcome import Outcome
from survey_site.statistics.plan import AnalysisPlan, QualityRules
from survey_site.statistics.report_types import ParticipantFlow, StatisticsReport
from survey_site.statistics.table import brief, build_report, in_order
from survey_site.statistics.task_analysis import TaskAnalysis
from survey_site.studies.models import Study
from survey_site.tasks import registry
from survey_site.tasks.contract import outcomes

Progress = Callable[[float, str], None]
HIDDEN = "(hidden while masked)"  # in the place of the reference's name
HIDDEN_REFERENCE = "not shown while masked: it would tell which column is the reference"
HIDDEN_PAIRS: PairFamily = {
    "rows": [], "letters": {}, "ranks": {}, "critical": None, "caution": None,
    "reason": "not shown while the study runs under its sealed stopping rule, whose looks alone compare columns",
}  # fmt: skip
NO_GALLERY: Gallery = {"outcome": "", "minimum": 0, "best": [], "worst": []}


@dataclass(frozen=True)
class Analysis:
    """The report's JSON, and for the figures the trials behind its headline numbers, and what the tasks draw."""

    report: StudyReport
    trials: Trials
    figures: Mapping[str, FigureData] = field(default_factory=dict)
    version: str = ""


class Disagreement(RuntimeError):
    """The database and the statistics count the same answers differently."""


def _silent(fraction: float, label: str) -> None:
    """No progress wanted."""


def analyse(
    study: Study,
    population: Population | None = None,
    version: int | None = None,
    progress: Progress = _silent,
) -> Analysis:
    """Computes everything. Without a protocol there is nothing to analyse: the point report comes back as it is.

    All is read as it is at one moment: answers that come in meanwhile belong to the next report. The headline leaves out
    who is excluded in the database. The protocol's rules are judged beside it (`after_rules`), so that nothing disappears
    from Table 1 without a researcher's decision.
    """
    population = population or Population()
    protocol = protocol_of(study, version)
    if protocol is None:
        nothing = from_columns({"participant": [], "task": [], "column": [], "stimulus": []})
        return Analysis(point_report(study, population, version), nothing)
    progress(0.0, "reading")
    take_closing(study, protocol)  # it writes, and the look belongs to what is read
    with one_moment():
        seen = data_version(protocol, population)
        protocol = protocol_of(study, protocol.version) or protocol
        report = point_report(study, population, protocol.version)
        tasks, letters = [one.task for one in tasks_of(study, protocol)], masking.column_letters(study)
        columns = trial_columns(protocol, population, letters)
        people, maps = (
            participant_rows(protocol, population),
            (None if letters else map_rows(protocol) or None),
        )
        machine = machine_rows(study)
        shown = NO_GALLERY if letters else gallery(protocol, population, tasks)
        stopping = None
        if population.is_primary:
            count = report["population"]["participants"]
            stopping = stopping_of(protocol, plan_of(protocol), masked=bool(letters), participants=count)
    asked, analyses = outcomes(tasks), task_analyses.of(tasks)
    plan = masked_plan(plan_of(protocol), letters) if letters else plan_of(protocol)
    trials = in_order(from_columns(columns))
    del columns

    def under(rules: AnalysisPlan, start: float, share: float) -> StatisticsReport:
        return build_report(
            trials, rules, outcomes=asked, analyses=analyses, participants=people, maps=maps,
            progress=lambda f, label: progress(start + share * f, label),
        )  # fmt: skip

    head = replace(plan, rules=QualityRules.off())
    found = strict = under(head, 0.1, 0.6)
    if quality.exclusions(trials.select(~trials.exclusion.isin(APART)), plan.rules, asked):
        strict = under(plan, 0.7, 0.25)
    if population.is_primary:
        corrected(found, stopping)
    elif plan_of(protocol).stopping:
        uncorrected(found)
    if letters:
        _without_reference(found)
    if letters and plan_of(protocol).stopping:
        found["pairs"] = {outcome.key: HIDDEN_PAIRS for outcome in asked}
    merged = merge(report, found, strict, plan, asked) | {
        "stopping": stopping,
        "machine": machine,
        "gallery": shown,
    }
    kept = scored(quality.analysed(trials, head), head)
    return Analysis(merged, kept, task_figures(kept, merged["columns"], asked, analyses), seen)


def task_figures(
    trials: Trials,
    columns: Sequence[Mapping[str, Any]],
    asked: Sequence[Outcome],
    analyses: Mapping[str, TaskAnalysis],
) -> dict[str, FigureData]:
    """What the tasks draw, by name."""
    figures: dict[str, FigureData] = {}
    for outcome in asked:
        own = trials.of_task(outcome.task)
        figures |= analyses[outcome.task].figures(own, [dict(column) for column in columns])
    return figures


def plan_of(protocol: Protocol) -> AnalysisPlan:
    """The frozen plan, with the rules of exclusion."""
    content = protocol.content
    return AnalysisPlan.from_protocol(content, registry.second_scores(content.get("tasks", {})))


def _without_reference(found: StatisticsReport) -> None:
    """Says of all comparisons with the reference that they wait for its name, not that it had no answers."""
    for family in found["comparisons"].values():
        family["reason"] = HIDDEN_REFERENCE
    for margin in found["equivalence"].values():
        margin["reason"] = HIDDEN_REFERENCE


def masked_plan(plan: AnalysisPlan, letters: Mapping[str, str]) -> AnalysisPlan:
    """The plan for columns that are letters: no reference and no control, which would name a column."""
    columns = masking.in_order(letters)
    return replace(
        plan, columns=tuple(columns), reference=HIDDEN, controls=(), edges_control=None, stopping=None
    )


def merge(
    report: StudyReport,
    found: StatisticsReport,
    strict: StatisticsReport,
    plan: AnalysisPlan,
    asked: Sequence[Outcome],
) -> StudyReport:
    """The point report with the statistics beside its numbers. Raises Disagreement if the two disagree.

    `found` leaves out who is excluded in the database, `strict` who breaks a rule of the plan too.
    """
    by_name = {column["column"]: column for column in found["columns"]}
    return report | {
        "columns": [_merged(column, by_name.get(column["column"]), asked) for column in report["columns"]],
        "plan": plan.to_mapping(),
        "before_exclusion": found["before_exclusion"],
        "comparisons": found["comparisons"],
        "pairs": found["pairs"],
        "equivalence": found["equivalence"],
        "scatter": found["scatter"],
        "models": found["models"],
        "crossed_models": found["crossed_models"],
        "flow": _flow(found["flow"], strict["flow"]),
        "quality": strict["quality"],
        "agreement": found["agreement"],
        "order": found["order"],
        "sections": found["sections"],
        "multiverse": strict["multiverse"],
        "human_machine": found["human_machine"],
        "notes": found["notes"],
        "software": found["versions"],
        "after_rules": [brief(column["column"], column, asked) for column in strict["columns"]],
    }


def _flow(head: ParticipantFlow, strict: ParticipantFlow) -> StudyFlow:
    """Who left by a decision stands before `analysed`, whom the declared rules would leave out behind it."""
    rules = Counter(strict["excluded"]) - Counter(head["excluded"])
    return {**head, "excluded_by_rules": dict(rules), "after_rules": strict["analysed"]}


def _merged(
    column: ReportColumn, statistics: EstimatedColumn | None, asked: Sequence[Outcome]
) -> ReportColumn:
    if statistics is None:
        return column
    variants = {(v["classifier"], v["base"], v["method"]): v for v in statistics["variants"]}
    own = [
        _variant(v, variants.get((v["classifier"], v["base"], v["combination"])), asked)
        for v in column["variants"]
    ]
    merged = {
        **column,
        **_cells(column, statistics, asked, column["column"]),
        "control": statistics["control"],
        "bases": statistics["bases"],
        "variants": own,
    }
    return cast(ReportColumn, merged)


def _variant(
    point: VariantCells, statistics: Mapping[str, Any] | None, asked: Sequence[Outcome]
) -> VariantCells:
    if statistics is None:
        return point
    return cast(VariantCells, {**point, **_cells(point, statistics, asked, point["method"])})


def _cells(
    point: Mapping[str, Any], statistics: Mapping[str, Any], asked: Sequence[Outcome], where: str
) -> dict[str, Any]:
    """By the outcome's key what was counted with what was computed. Raises Disagreement if the two disagree."""
    for outcome in asked:
        for name in ("n", outcome.total):
            _same_count(where, name, point[outcome.key][name], statistics[outcome.key][name])
    return {o.key: _joined(point[o.key], statistics[o.key]) for o in asked}


def _joined(point: Mapping[str, Any], statistics: Mapping[str, Any]) -> dict[str, Any]:
    """What was counted stands; the intervals are the statistics', those of a task's own shares within too."""
    within = {
        key: {**value, **statistics[key]}
        for key, value in point.items()
        if isinstance(value, dict) and isinstance(statistics.get(key), dict)
    }
    return {**statistics, **point, **within, "ci": statistics["ci"], "ci_reason": statistics["ci_reason"]}


def _same_count(where: str, name: str, counted: float, computed: float) -> None:
    if not isclose(counted, computed, rel_tol=1e-9, abs_tol=1e-9):
        raise Disagreement(f"{where}: the database counts {name} = {counted}, the statistics {computed}")
