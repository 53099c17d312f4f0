"""Table 1 and everything around it, as JSON-able data: the one entrance of this package.

``build_report`` is called by the Celery task of the queue ``reports`` and by ``manage.py report``; nothing here
may be imported by the web process (SciPy, statsmodels). Rows are sorted first, so the result depends neither on
their order nor on the clock: same trials, plan and library versions, same bytes.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, ParamSpec, TypeVar

import numpy as np

from survey_site.statistics import quality, sections
from survey_site.statistics.column_types import BriefColumn, EstimatedColumn, EstimatedOutcome, EstimatedPart
from survey_site.statistics.data import Trials, condition_parts, from_rows
from survey_site.statistics.estimates import cell, equal_weight_mean
from survey_site.statistics.factor import Factor
from survey_site.statistics.multiverse import scored
from survey_site.statistics.notes import notes, versions
from survey_site.statistics.outcome import Outcome
from survey_site.statistics.plan import AnalysisPlan
from survey_site.statistics.report_types import ComputedReport, StatisticsReport
from survey_site.statistics.task_analysis import PLAIN, TaskAnalysis

Progress = Callable[[float, str], None]
Row = Mapping[str, Any]
Outcomes = Sequence[Outcome]
Analyses = Mapping[str, TaskAnalysis]
P = ParamSpec("P")
T = TypeVar("T")
STEPS = (
    "columns", "before_exclusion", "comparisons", "pairs", "equivalence", "scatter", "models", "crossed_models", "flow",
    "quality", "agreement", "order", "sections", "multiverse", "human_machine",
)  # fmt: skip
BRIEF = ("n", "participants", "text", "ci", "ci_reason")


def _silent(fraction: float, label: str) -> None:
    """No progress wanted."""


def build(rows: Iterable[Row], plan: AnalysisPlan, **options: Any) -> StatisticsReport:
    """``build_report`` from rows named as in ``responses.csv``."""
    return build_report(from_rows(rows), plan, **options)


def build_report(
    trials: Trials,
    plan: AnalysisPlan,
    *,
    outcomes: Outcomes,
    analyses: Analyses | None = None,
    study: str = "",
    protocol_hash: str = "",
    participants: Iterable[Row] | None = None,
    maps: Iterable[Row] | None = None,
    progress: Progress = _silent,
) -> StatisticsReport:
    """The whole report. ``trials`` holds every presented trial, excluded ones included.

    ``outcomes``: of the study's tasks, in their order; ``analyses``: by task, what it adds to the report of its own.
    ``participants`` (rows of ``participants.csv``) completes the flow, ``maps`` (machine metrics per map) gives
    the correlation of people and machines. ``progress`` is called with a fraction 0..1 and what comes next.
    What the data cannot give is ``None`` beside a ``reason``. Raises ``ValueError`` for a task without an outcome and
    for a score off its outcome's scale.
    """
    own = analyses or {}
    unscored = in_order(_on_the_scale(trials, outcomes))
    trials = scored(unscored, plan)
    excluded = quality.all_exclusions(trials, plan, outcomes)
    kept = quality.analysed(trials, plan, excluded)
    names = column_order(quality.eligible(trials, plan), plan)

    def step(name: str, make: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        progress(STEPS.index(name) / len(STEPS), name)
        return make(*args, **kwargs)

    columns = step("columns", table, kept, plan, names, outcomes, own)
    report: ComputedReport = {
        "study": study,
        "protocol_hash": protocol_hash,
        "plan": plan.to_mapping(),
        "outcomes": [outcome.facts() for outcome in outcomes],
        "columns": columns,
        "before_exclusion": step("before_exclusion", _before_exclusion, trials, plan, names, outcomes),
        "comparisons": step("comparisons", sections.compared, kept, plan, names, outcomes),
        "pairs": step("pairs", sections.paired_off, kept, plan, names, outcomes),
        "equivalence": step("equivalence", sections.equivalence_of, kept, plan, names, outcomes),
        "scatter": step("scatter", sections.scatter_of, kept, outcomes),
        "models": step("models", sections.odds_models, kept, plan, names, outcomes),
        "crossed_models": step("crossed_models", sections.crossed_models_of, kept, plan, names, outcomes),
        "flow": step("flow", quality.flow, trials, excluded, participants),
        "quality": step("quality", quality.summary, trials, plan, outcomes),
        "agreement": step("agreement", sections.agreement_of, kept, plan, outcomes, own),
        "order": step("order", sections.order_of, kept, plan, outcomes),
        "sections": step("sections", sections.sections_of, kept, plan, columns, outcomes, own),
        "multiverse": step("multiverse", sections.multiverse_of, unscored, plan, names, outcomes, own),
        "human_machine": step("human_machine", sections.correlations, kept, maps, plan, outcomes),
    }
    progress(1.0, "done")
    _attach(report, outcomes)
    of_tasks = [
        note
        for outcome in outcomes
        for note in own.get(outcome.task, PLAIN).notes(kept.of_task(outcome.task), plan, columns)
    ]
    return {**report, "notes": notes(report, plan, outcomes, of_tasks), "versions": versions()}


def in_order(trials: Trials) -> Trials:
    """The trials by participant, task and position; those that are in this order are not copied."""
    keys = (
        trials.column.codes,
        trials.item.codes,
        trials.position,
        trials.task.codes,
        trials.participant.codes,
    )
    order = np.lexsort(keys)
    return trials if (order[:-1] < order[1:]).all() else trials.select(order)


def _on_the_scale(trials: Trials, outcomes: Outcomes) -> Trials:
    if unknown := sorted(set(trials.task.present()) - {outcome.task for outcome in outcomes}):
        raise ValueError(f"column task: no outcome is given for {', '.join(unknown)}")
    for outcome in outcomes:
        own = trials.task.equals(outcome.task)
        for score in (trials.value, trials.second_value) if outcome.kind == "share" else (trials.value,):
            known = score[own & ~np.isnan(score)]
            if ((known < outcome.low) | (known > outcome.high)).any():
                raise ValueError(
                    f"scores of the task {outcome.task} must lie between {outcome.low:g} and {outcome.high:g}"
                )
            if outcome.levels and (known % 1 > 0).any():
                raise ValueError(f"a score of the task {outcome.task} is a whole number")
    return trials


def column_order(trials: Trials, plan: AnalysisPlan) -> list[str]:
    """Columns of the plan, then those met in the data, sorted."""
    return [*plan.columns, *(c for c in trials.column.present() if c not in plan.columns)]


def table(
    trials: Trials, plan: AnalysisPlan, names: list[str], outcomes: Outcomes, analyses: Analyses
) -> list[EstimatedColumn]:
    """Table 1: one entry per column, split by base CAM and by variant (classifier × base × method)."""
    of_tasks = {outcome.task: trials.of_task(outcome.task) for outcome in outcomes}
    rows: list[EstimatedColumn] = []
    for name in names:
        shown = {task: own.select(own.column.equals(name)) for task, own in of_tasks.items()}
        row: EstimatedColumn = {
            "column": name,
            "reference": name == plan.reference,
            "control": name in plan.controls,
            "bases": [
                {"base": base, **part}
                for base, part in _parts(shown, plan, outcomes, analyses, lambda t: t.base)
            ],
            "variants": [
                {"classifier": classifier, "base": base, "method": method, **part}
                for name_of, part in _parts(shown, plan, outcomes, analyses, lambda t: t.condition)
                for _, classifier, base, method in [condition_parts(name_of)]
            ],
        }
        for outcome in outcomes:
            own = shown[outcome.task]
            whole = analyses.get(outcome.task, PLAIN).column(own, plan)
            row[outcome.key] = _cell(own, plan, outcome, analyses) | whole
            parts = [(part[outcome.key][outcome.value], part[outcome.key]["n"]) for part in row["bases"]]
            row[outcome.key]["equal_weight_mean"] = equal_weight_mean(parts)
        rows.append(row)
    return rows


def _cell(trials: Trials, plan: AnalysisPlan, outcome: Outcome, analyses: Analyses) -> EstimatedOutcome:
    return cell(trials, outcome, plan.level) | analyses.get(outcome.task, PLAIN).estimate(trials, plan)


def _parts(
    shown: Mapping[str, Trials],
    plan: AnalysisPlan,
    outcomes: Outcomes,
    analyses: Analyses,
    factor: Callable[[Trials], Factor],
) -> list[tuple[str, EstimatedPart]]:
    """The column split by a factor: label and estimates of each part that occurs."""
    rows: list[tuple[str, EstimatedPart]] = []
    for label in sorted({label for own in shown.values() for label in factor(own).present()}):
        part: EstimatedPart = {}
        for outcome in outcomes:
            own = shown[outcome.task]
            part[outcome.key] = _cell(own.select(factor(own).equals(label)), plan, outcome, analyses)
        rows.append((label, part))
    return rows


def _before_exclusion(
    trials: Trials, plan: AnalysisPlan, names: list[str], outcomes: Outcomes
) -> list[BriefColumn]:
    """Estimates before any exclusion, for the comparison with those after."""
    eligible = quality.eligible(trials, plan)
    rows: list[BriefColumn] = []
    for name in names:
        own = eligible.select(eligible.column.equals(name))
        cells = {o.key: cell(own.of_task(o.task), o, plan.level) for o in outcomes}
        rows.append(brief(name, cells, outcomes))
    return rows


def brief(name: str, part: EstimatedPart, outcomes: Outcomes) -> BriefColumn:
    """A column under other exclusions, as it stands beside Table 1."""
    return {
        "column": name,
        **{o.key: {key: part[o.key][key] for key in (o.total, o.value, *BRIEF)} for o in outcomes},
    }


def _attach(report: ComputedReport, outcomes: Outcomes) -> None:
    """Set each column's comparison beside its estimates."""
    for column in report["columns"]:
        for outcome in outcomes:
            rows = report["comparisons"][outcome.key]["rows"]
            column[outcome.key]["vs_reference"] = next(
                (r for r in rows if r["column"] == column["column"]), None
            )
