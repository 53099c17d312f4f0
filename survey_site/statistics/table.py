"""Table 1 and everything around it, as JSON-able data: the one entrance of this package.

``build_report`` is called by the Celery task of the queue ``reports`` and by ``manage.py report``; nothing here
may be imported by the web process (SciPy, statsmodels). Rows are sorted first, so the result depends neither on
their order nor on the clock: same trials, plan and library versions, same bytes.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, ParamSpec, TypeVar

import numpy as np

from survey_site.statistics import chance, quality, sections
from survey_site.statistics.column_types import (
    OUTCOMES,
    BriefColumn,
    EstimatedColumn,
    EstimatedPart,
    FaithEstimate,
    IndexEstimate,
)
from survey_site.statistics.data import MATCHING, RATING, Factor, Trials, from_rows
from survey_site.statistics.estimates import equal_weight_mean, faith_json, index_json
from survey_site.statistics.notes import notes, versions
from survey_site.statistics.plan import AnalysisPlan
from survey_site.statistics.published import published_column
from survey_site.statistics.report_types import ComputedReport, StatisticsReport

Progress = Callable[[float, str], None]
Row = Mapping[str, Any]
P = ParamSpec("P")
T = TypeVar("T")
STEPS = (
    "columns", "before_exclusion", "comparisons", "beyond_edges", "models", "flow", "quality", "agreement", "order",
    "multiverse", "human_machine",
)  # fmt: skip


def _silent(fraction: float, label: str) -> None:
    """No progress wanted."""


def build(rows: Iterable[Row], plan: AnalysisPlan, **options: Any) -> StatisticsReport:
    """``build_report`` from rows named as in ``responses.csv``."""
    return build_report(from_rows(rows), plan, **options)


def build_report(
    trials: Trials,
    plan: AnalysisPlan,
    *,
    study: str = "",
    protocol_hash: str = "",
    participants: Iterable[Row] | None = None,
    maps: Iterable[Row] | None = None,
    progress: Progress = _silent,
) -> StatisticsReport:
    """The whole report. ``trials`` holds every presented trial, excluded ones included.

    ``participants`` (rows of ``participants.csv``) completes the flow, ``maps`` (machine metrics per map) gives
    the correlation of people and machines. ``progress`` is called with a fraction 0..1 and what comes next.
    What the data cannot give is ``None`` beside a ``reason``. Raises ``ValueError`` for a rating off the plan's scale.
    """
    unscored = _sorted(_on_the_scale(trials, plan))
    trials = _headline(unscored, plan)
    excluded = quality.all_exclusions(trials, plan)
    kept = quality.analysed(trials, plan, excluded)
    names = column_order(quality.eligible(trials, plan), plan)

    def step(name: str, make: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        progress(STEPS.index(name) / len(STEPS), name)
        return make(*args, **kwargs)

    report: ComputedReport = {
        "study": study,
        "protocol_hash": protocol_hash,
        "plan": plan.to_mapping(),
        "columns": step("columns", table, kept, plan, names),
        "before_exclusion": step("before_exclusion", _before_exclusion, trials, plan, names),
        "comparisons": step("comparisons", sections.compared, kept, plan, names),
        "beyond_edges": step("beyond_edges", sections.beyond_edges, kept, plan, names),
        "models": step("models", sections.odds_models, kept, plan, names),
        "flow": step("flow", quality.flow, trials, excluded, participants),
        "quality": step("quality", quality.summary, trials, plan),
        "agreement": step("agreement", sections.agreement_of, kept, plan),
        "order": step("order", sections.order_of, kept, plan),
        "multiverse": step("multiverse", sections.multiverse_of, unscored, plan, names),
        "human_machine": step("human_machine", sections.correlations, kept, maps, plan),
    }
    progress(1.0, "done")
    _attach(report)
    return {**report, "notes": notes(report, plan), "versions": versions()}


def _sorted(trials: Trials) -> Trials:
    keys = (
        trials.column.codes,
        trials.item.codes,
        trials.position,
        trials.task.codes,
        trials.participant.codes,
    )
    return trials.select(np.lexsort(keys))


def _on_the_scale(trials: Trials, plan: AnalysisPlan) -> Trials:
    ratings = trials.of_task(RATING).answered().value
    if len(ratings) and not (plan.rating_min <= ratings.min() and ratings.max() <= plan.rating_max):
        raise ValueError(
            f"ratings must lie between {plan.rating_min} and {plan.rating_max}, as the plan says"
        )
    return trials


def _headline(trials: Trials, plan: AnalysisPlan) -> Trials:
    """Score matching answers as the plan says."""
    if plan.headline == "correct":
        return trials
    return trials.with_values(np.where(trials.task.equals(MATCHING), trials.class_value, trials.value))


def column_order(trials: Trials, plan: AnalysisPlan) -> list[str]:
    """Columns of the plan, then those met in the data, sorted."""
    return [*plan.columns, *(c for c in trials.column.present() if c not in plan.columns)]


def table(trials: Trials, plan: AnalysisPlan, names: list[str]) -> list[EstimatedColumn]:
    """Table 1: one entry per column, split by base CAM and by variant (classifier × base × method)."""
    matching, rating = trials.of_task(MATCHING), trials.of_task(RATING)
    rows: list[EstimatedColumn] = []
    for name in names:
        m, r = matching.select(matching.column.equals(name)), rating.select(rating.column.equals(name))
        published = published_column(name)
        row: EstimatedColumn = {
            "column": name,
            "reference": name == plan.reference,
            "control": name in plan.controls,
            "faith": _faith(m, plan) | {"chance": chance.against_chance(m, plan.resamples, plan.seed)},
            "index": _index(r, plan),
            "bases": [{"base": base, **part} for base, part in _parts(m, r, plan, lambda t: t.base)],
            "variants": [
                {"classifier": classifier, "base": base, "method": method, **part}
                for name_of, part in _parts(m, r, plan, lambda t: t.condition)
                for _, classifier, base, method in [name_of.split("\t")]
            ],
            "published": {"faith": published.faith, "index": published.mean_rating} if published else None,
        }
        faith, index = row["faith"], row["index"]
        faith["equal_weight_mean"] = equal_weight_mean(
            [(part["faith"]["percent"], part["faith"]["n"]) for part in row["bases"]]
        )
        index["equal_weight_mean"] = equal_weight_mean(
            [(part["index"]["mean"], part["index"]["n"]) for part in row["bases"]]
        )
        rows.append(row)
    return rows


def _faith(trials: Trials, plan: AnalysisPlan) -> FaithEstimate:
    return faith_json(trials, plan.level)


def _index(trials: Trials, plan: AnalysisPlan) -> IndexEstimate:
    return index_json(trials, plan.level, (plan.rating_min, plan.rating_max))


def _parts(
    matching: Trials, rating: Trials, plan: AnalysisPlan, factor: Callable[[Trials], Factor]
) -> list[tuple[str, EstimatedPart]]:
    """The column split by a factor: label and estimates of each part that occurs."""
    rows: list[tuple[str, EstimatedPart]] = []
    for label in sorted({*factor(matching).present(), *factor(rating).present()}):
        m, r = matching.select(factor(matching).equals(label)), rating.select(factor(rating).equals(label))
        rows.append((label, {"faith": _faith(m, plan), "index": _index(r, plan)}))
    return rows


def _before_exclusion(trials: Trials, plan: AnalysisPlan, names: list[str]) -> list[BriefColumn]:
    """Estimates before any exclusion, for the comparison with those after."""
    eligible = quality.eligible(trials, plan)
    rows: list[BriefColumn] = []
    for name in names:
        own = eligible.select(eligible.column.equals(name))
        faith, index = _faith(own.of_task(MATCHING), plan), _index(own.of_task(RATING), plan)
        row = brief(name, {"faith": faith, "index": index})
        row["faith"] = {"correct": faith["correct"], **row["faith"]}
        rows.append(row)
    return rows


def brief(name: str, part: EstimatedPart) -> BriefColumn:
    """A column under other exclusions, as it stands beside Table 1."""
    faith, index = part["faith"], part["index"]
    return {
        "column": name,
        "faith": {
            "n": faith["n"],
            "participants": faith["participants"],
            "percent": faith["percent"],
            "text": faith["text"],
            "ci": faith["ci"],
            "ci_reason": faith["ci_reason"],
        },
        "index": {
            "mean": index["mean"],
            "n": index["n"],
            "participants": index["participants"],
            "text": index["text"],
            "ci": index["ci"],
            "ci_reason": index["ci_reason"],
        },
    }


def _attach(report: ComputedReport) -> None:
    """Set each column's comparison beside its estimates."""
    for column in report["columns"]:
        for outcome in OUTCOMES:
            rows = report["comparisons"][outcome]["rows"]
            column[outcome]["vs_reference"] = next((r for r in rows if r["column"] == column["column"]), None)
