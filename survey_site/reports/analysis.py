"""The whole report: point estimates with intervals, tests and quality merged in. NumPy and SciPy live here.

Only the Celery queue `reports` and the management commands import this module; the web process never does.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace

from survey_site.protocols.models import Protocol
from survey_site.reports.analysis_rows import map_rows, participant_rows, trial_columns
from survey_site.reports.machine_metrics import gallery, machine_rows
from survey_site.reports.point_report import point_report
from survey_site.reports.population import Population, protocol_of
from survey_site.reports.report_types import (
    FaithCell,
    IndexCell,
    ReportColumn,
    StudyFlow,
    StudyReport,
    VariantCells,
)
from survey_site.statistics import quality
from survey_site.statistics.column_types import (
    EstimatedColumn,
    FaithEstimate,
    IndexEstimate,
    VariantPart,
)
from survey_site.statistics.data import APART, Trials, from_columns
from survey_site.statistics.plan import AnalysisPlan, QualityRules
from survey_site.statistics.report_types import ParticipantFlow, StatisticsReport
from survey_site.statistics.table import brief, build_report
from survey_site.studies.models import Study

Progress = Callable[[float, str], None]
ATTEMPTS = 4


@dataclass(frozen=True)
class Analysis:
    """The report's JSON, and the trials behind its headline numbers for the figures."""

    report: StudyReport
    trials: Trials


class DataMoved(RuntimeError):
    """Answers arrived between the reading of the sums and of the rows."""


def _silent(fraction: float, label: str) -> None:
    """No progress wanted."""


def analyse(
    study: Study,
    population: Population | None = None,
    version: int | None = None,
    progress: Progress = _silent,
) -> Analysis:
    """`analyse_once`, again where answers arrived while it read. Raises DataMoved after four attempts."""
    for _ in range(ATTEMPTS - 1):
        try:
            return analyse_once(study, population, version, progress)
        except DataMoved:
            continue
    return analyse_once(study, population, version, progress)


def analyse_once(
    study: Study,
    population: Population | None = None,
    version: int | None = None,
    progress: Progress = _silent,
) -> Analysis:
    """Computes everything. Without a protocol there is nothing to analyse: the point report comes back as it is.

    The headline leaves out who is excluded in the database. The protocol's rules are judged beside it
    (`after_rules`), so that nothing disappears from Table 1 without a researcher's decision.
    """
    population = population or Population()
    report = point_report(study, population, version)
    protocol = protocol_of(study, version)
    if protocol is None:
        return Analysis(report, from_columns({"participant": [], "task": [], "column": [], "stimulus": []}))
    progress(0.0, "reading")
    plan = plan_of(protocol)
    trials = from_columns(trial_columns(protocol, population))
    people, maps = participant_rows(protocol, population), map_rows(protocol) or None

    def under(rules: AnalysisPlan, start: float, share: float) -> StatisticsReport:
        return build_report(
            trials, rules, participants=people, maps=maps, progress=lambda f, label: progress(start + share * f, label)
        )  # fmt: skip

    head = replace(plan, rules=QualityRules.off())
    found = strict = under(head, 0.1, 0.6)
    if quality.exclusions(trials.select(~trials.exclusion.isin(APART)), plan.rules):
        strict = under(plan, 0.7, 0.25)
    merged = merge(report, found, strict, plan) | {
        "machine": machine_rows(study),
        "gallery": gallery(protocol, population),
    }
    return Analysis(merged, quality.analysed(trials, head))


def plan_of(protocol: Protocol) -> AnalysisPlan:
    """The frozen plan, with the rules of exclusion."""
    return AnalysisPlan.from_protocol(protocol.document)


def merge(
    report: StudyReport, found: StatisticsReport, strict: StatisticsReport, plan: AnalysisPlan
) -> StudyReport:
    """The point report with the statistics beside its numbers. Raises DataMoved if the two disagree.

    `found` leaves out who is excluded in the database, `strict` who breaks a rule of the plan too.
    """
    by_name = {column["column"]: column for column in found["columns"]}
    return report | {
        "columns": [_merged(column, by_name.get(column["column"])) for column in report["columns"]],
        "plan": plan.to_mapping(),
        "before_exclusion": found["before_exclusion"],
        "comparisons": found["comparisons"],
        "beyond_edges": found["beyond_edges"],
        "models": found["models"],
        "flow": _flow(found["flow"], strict["flow"]),
        "quality": strict["quality"],
        "agreement": found["agreement"],
        "order": found["order"],
        "multiverse": strict["multiverse"],
        "human_machine": found["human_machine"],
        "notes": found["notes"],
        "versions": found["versions"],
        "after_rules": [brief(column["column"], column) for column in strict["columns"]],
    }


def _flow(head: ParticipantFlow, strict: ParticipantFlow) -> StudyFlow:
    """Who left by a decision stands before `analysed`, whom the declared rules would leave out behind it."""
    rules = Counter(strict["excluded"]) - Counter(head["excluded"])
    return {**head, "excluded_by_rules": dict(rules), "after_rules": strict["analysed"]}


def _merged(column: ReportColumn, statistics: EstimatedColumn | None) -> ReportColumn:
    if statistics is None:
        return column
    variants = {(v["classifier"], v["base"], v["method"]): v for v in statistics["variants"]}
    own = [
        _variant(v, variants.get((v["classifier"], v["base"], v["combination"]))) for v in column["variants"]
    ]
    return column | {
        "faith": _faith_cell(column["faith"], statistics["faith"], column["column"]),
        "index": _index_cell(column["index"], statistics["index"], column["column"]),
        "control": statistics["control"],
        "bases": statistics["bases"],
        "variants": own,
    }


def _variant(point: VariantCells, statistics: VariantPart | None) -> VariantCells:
    if statistics is None:
        return point
    return point | {
        "faith": _faith_cell(point["faith"], statistics["faith"], point["method"]),
        "index": _index_cell(point["index"], statistics["index"], point["method"]),
    }


def _faith_cell(point: FaithCell, statistics: FaithEstimate, where: str) -> FaithCell:
    _same_count(where, "n", point["n"], statistics["n"])
    _same_count(where, "correct", point["correct"], statistics["correct"])
    return {
        **statistics,
        **point,
        "ci": statistics["ci"],
        "ci_reason": statistics["ci_reason"],
        "class": {**point["class"], **statistics["class"]},
        "timeouts_as_wrong": {**point["timeouts_as_wrong"], **statistics["timeouts_as_wrong"]},
    }


def _index_cell(point: IndexCell, statistics: IndexEstimate, where: str) -> IndexCell:
    _same_count(where, "n", point["n"], statistics["n"])
    _same_count(where, "sum", point["sum"], statistics["sum"])
    return {**statistics, **point, "ci": statistics["ci"], "ci_reason": statistics["ci_reason"]}


def _same_count(where: str, name: str, counted: int, computed: int) -> None:
    if counted != computed:
        raise DataMoved(
            f"{where}: the database counts {name} = {counted}, the statistics {computed}; "
            "answers arrived in between, run the report again"
        )
