"""The whole report: point estimates with intervals, tests and quality merged in. NumPy and SciPy live here.

Only the Celery queue `reports` and the management commands import this module; the web process never does.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from survey_site.protocols.models import Protocol
from survey_site.reports.analysis_rows import map_rows, participant_rows, trial_columns
from survey_site.reports.machine_metrics import gallery, machine_rows
from survey_site.reports.point_report import point_report
from survey_site.reports.population import Population, protocol_of
from survey_site.statistics import quality
from survey_site.statistics.data import APART, Trials, from_columns
from survey_site.statistics.plan import AnalysisPlan, QualityRules
from survey_site.statistics.table import build_report
from survey_site.studies.models import Study

Progress = Callable[[float, str], None]
MERGED = ("faith", "index")
ATTEMPTS = 4


@dataclass(frozen=True)
class Analysis:
    """The report's JSON, and the trials behind its headline numbers for the figures."""

    report: dict[str, Any]
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
    facts: dict[str, Any] = {
        "participants": participant_rows(protocol, population),
        "maps": map_rows(protocol) or None,
    }
    head = replace(plan, rules=QualityRules.off())
    found = build_report(trials, head, progress=lambda f, label: progress(0.1 + 0.6 * f, label), **facts)
    strict = found
    if quality.exclusions(trials.select(~trials.exclusion.isin(APART)), plan.rules):
        strict = build_report(
            trials, plan, progress=lambda f, label: progress(0.7 + 0.25 * f, label), **facts
        )
    merged = merge(report, found) | {
        "after_rules": [_brief(column) for column in strict["columns"]],
        "quality": strict["quality"],
        "flow": _flow(found["flow"], strict["flow"]),
        "multiverse": strict["multiverse"],
        "plan": plan.to_mapping(),
        "machine": machine_rows(study),
        "gallery": gallery(protocol, population),
    }
    return Analysis(merged, quality.analysed(trials, head))


def _flow(head: dict[str, Any], strict: dict[str, Any]) -> dict[str, Any]:
    """Who left by a decision stands before `analysed`, whom the declared rules would leave out behind it."""
    rules = Counter(strict["excluded"]) - Counter(head["excluded"])
    return head | {"excluded_by_rules": dict(rules), "after_rules": strict["analysed"]}


def plan_of(protocol: Protocol) -> AnalysisPlan:
    """The frozen plan, with the rules of exclusion."""
    return AnalysisPlan.from_protocol(protocol.document)


def merge(report: dict[str, Any], found: dict[str, Any]) -> dict[str, Any]:
    """The point report with the statistics beside its numbers. Raises DataMoved if the two disagree."""
    by_name = {column["column"]: column for column in found["columns"]}
    columns = [_merged(column, by_name.get(column["column"])) for column in report["columns"]]
    rest = {name: value for name, value in found.items() if name not in ("columns", "study", "protocol_hash")}
    return report | {"columns": columns} | rest


def _merged(column: dict[str, Any], statistics: dict[str, Any] | None) -> dict[str, Any]:
    if statistics is None:
        return column
    both = {name: _cell(column[name], statistics[name], column["column"]) for name in MERGED}
    variants = {(v["classifier"], v["base"], v["method"]): v for v in statistics["variants"]}
    own = [
        _variant(v, variants.get((v["classifier"], v["base"], v["combination"]))) for v in column["variants"]
    ]
    extra = {"control": statistics["control"], "bases": statistics["bases"]}
    return column | both | extra | {"variants": own}


def _variant(point: dict[str, Any], statistics: dict[str, Any] | None) -> dict[str, Any]:
    if statistics is None:
        return point
    return point | {name: _cell(point[name], statistics[name], point["method"]) for name in MERGED}


def _cell(point: dict[str, Any], statistics: dict[str, Any], where: str) -> dict[str, Any]:
    for name in ("n", "correct", "sum"):
        if point.get(name) != statistics.get(name):
            raise DataMoved(
                f"{where}: the database counts {name} = {point.get(name)}, the statistics {statistics.get(name)}; "
                "answers arrived in between, run the report again"
            )
    both = statistics | point
    both |= {name: statistics[name] for name in ("ci", "ci_reason")}
    for name in ("class", "timeouts_as_wrong"):
        if name in point:
            both[name] = point[name] | statistics[name]
    return both


def _brief(column: dict[str, Any]) -> dict[str, Any]:
    names = ("n", "participants", "percent", "mean", "text", "ci", "ci_reason")
    cells = {m: {name: column[m][name] for name in names if name in column[m]} for m in MERGED}
    return {"column": column["column"]} | cells
