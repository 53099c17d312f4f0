"""Table 1 and everything around it, as JSON-able data: the one entrance of this package.

``build_report`` is called by the Celery task of the queue ``reports`` and by ``manage.py report``; nothing here
may be imported by the web process (SciPy, statsmodels). Rows are sorted first, so the result depends neither on
their order nor on the clock: same trials, plan and library versions, same bytes.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np

from survey_site.statistics import agreement, chance, comparisons, mixed_models, multiverse, order, quality
from survey_site.statistics.correlation import human_machine
from survey_site.statistics.data import MATCHING, RATING, Factor, Trials, from_rows
from survey_site.statistics.estimates import equal_weight_mean, faith_json, index_json, samples_by_column
from survey_site.statistics.notes import notes, versions
from survey_site.statistics.plan import AnalysisPlan
from survey_site.statistics.published import published_column
from survey_site.statistics.uncertainty import Sample, difference, ratio

Progress = Callable[[float, str], None]
Row = Mapping[str, Any]


def _silent(fraction: float, label: str) -> None:
    """No progress wanted."""


def build(rows: Iterable[Row], plan: AnalysisPlan, **options: Any) -> dict[str, Any]:
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
) -> dict[str, Any]:
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
    report: dict[str, Any] = {"study": study, "protocol_hash": protocol_hash, "plan": plan.to_mapping()}
    steps: list[tuple[str, Callable[[], Any]]] = [
        ("columns", lambda: table(kept, plan, names)),
        ("before_exclusion", lambda: _brief(quality.eligible(trials, plan), plan, names)),
        ("comparisons", lambda: _comparisons(kept, plan, names)),
        ("beyond_edges", lambda: _beyond_edges(kept, plan, names)),
        ("models", lambda: _models(kept, plan, names)),
        ("flow", lambda: quality.flow(trials, excluded, participants)),
        ("quality", lambda: quality.summary(trials, plan)),
        ("agreement", lambda: _agreement(kept, plan)),
        ("order", lambda: _order(kept, plan)),
        ("multiverse", lambda: _multiverse(unscored, plan, names)),
        ("human_machine", lambda: None if maps is None else human_machine(kept, maps, plan.level)),
    ]
    for k, (name, step) in enumerate(steps):
        progress(k / len(steps), name)
        report[name] = step()
    progress(1.0, "done")
    _attach(report)
    return report | {"notes": notes(report, plan), "versions": versions()}


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


def table(trials: Trials, plan: AnalysisPlan, names: list[str]) -> list[dict[str, Any]]:
    """Table 1: one entry per column, split by base CAM and by variant (classifier × base × method)."""
    matching, rating = trials.of_task(MATCHING), trials.of_task(RATING)
    rows = []
    for name in names:
        m, r = matching.select(matching.column.equals(name)), rating.select(rating.column.equals(name))
        published = published_column(name)
        row: dict[str, Any] = {
            "column": name,
            "reference": name == plan.reference,
            "control": name in plan.controls,
            "faith": _faith(m, plan) | {"chance": chance.against_chance(m, plan.resamples, plan.seed)},
            "index": _index(r, plan),
            "bases": [{"base": base} | part for base, part in _parts(m, r, plan, lambda t: t.base)],
            "variants": [
                dict(zip(("classifier", "base", "method"), name_of.split("\t")[1:], strict=True)) | part
                for name_of, part in _parts(m, r, plan, lambda t: t.condition)
            ],
            "published": {"faith": published.faith, "index": published.mean_rating} if published else None,
        }
        for outcome in ("faith", "index"):
            row[outcome]["equal_weight_mean"] = _equal_weight(row["bases"], outcome)
        rows.append(row)
    return rows


def _faith(trials: Trials, plan: AnalysisPlan) -> dict[str, Any]:
    return faith_json(trials, plan.level)


def _index(trials: Trials, plan: AnalysisPlan) -> dict[str, Any]:
    return index_json(trials, plan.level, (plan.rating_min, plan.rating_max))


def _parts(
    matching: Trials, rating: Trials, plan: AnalysisPlan, factor: Callable[[Trials], Factor]
) -> list[tuple[str, dict[str, Any]]]:
    """The column split by a factor: label and estimates of each part that occurs."""
    rows = []
    for label in sorted({*factor(matching).present(), *factor(rating).present()}):
        m, r = matching.select(factor(matching).equals(label)), rating.select(factor(rating).equals(label))
        rows.append((label, {"faith": _faith(m, plan), "index": _index(r, plan)}))
    return rows


def _equal_weight(variants: list[dict[str, Any]], outcome: str) -> float | None:
    key = "percent" if outcome == "faith" else "mean"
    return equal_weight_mean([(v[outcome][key], v[outcome]["n"]) for v in variants])


def _brief(trials: Trials, plan: AnalysisPlan, names: list[str]) -> list[dict[str, Any]]:
    """Estimates before any exclusion, for the comparison with those after."""
    rows = []
    for name in names:
        own = trials.select(trials.column.equals(name))
        faith, index = _faith(own.of_task(MATCHING), plan), _index(own.of_task(RATING), plan)
        rows.append(
            {
                "column": name,
                "faith": {
                    k: faith[k]
                    for k in ("correct", "n", "participants", "percent", "text", "ci", "ci_reason")
                },
                "index": {k: index[k] for k in ("mean", "n", "participants", "text", "ci", "ci_reason")},
            }
        )
    return rows


def _samples(trials: Trials, plan: AnalysisPlan, names: list[str], task: str) -> dict[str, Sample]:
    """Samples of the columns in the Holm family: no control, and only columns that have the task at all."""
    wanted = [n for n in names if n not in plan.controls]
    samples = samples_by_column(trials.of_task(task), wanted)
    return {n: s for n, s in samples.items() if len(s) or n == plan.reference}


def _comparisons(trials: Trials, plan: AnalysisPlan, names: list[str]) -> dict[str, Any]:
    out: dict[str, Any] = {}
    for outcome, task in (("faith", MATCHING), ("index", RATING)):
        samples = _samples(trials, plan, names, task)
        if not len(samples.get(plan.reference, ())):
            reason = f"not estimable: the reference column {plan.reference!r} has no answers"
            out[outcome] = {"reference": plan.reference, "rows": [], "reason": reason}
            continue
        out[outcome] = comparisons.family(
            samples, plan.reference, ratings=task == RATING, level=plan.level,
            resamples=plan.resamples, seed=plan.seed,
        ) | {"reason": None}  # fmt: skip
    return out


def _beyond_edges(trials: Trials, plan: AnalysisPlan, names: list[str]) -> list[dict[str, Any]] | None:
    """Faith minus the faith of edges alone: what the saliency adds to a drawing of the photo."""
    if plan.edges_control not in names:
        return None
    samples = samples_by_column(trials.of_task(MATCHING), names)
    edges = samples[plan.edges_control]
    rows: list[dict[str, Any]] = []
    for name in names:
        if name == plan.edges_control:
            continue
        gain, times = difference(samples[name], edges, plan.level), ratio(samples[name], edges, plan.level)
        rows.append(
            {
                "column": name,
                "difference_percent": None if gain.value is None else 100 * gain.value,
                "ci": gain.interval.pair(100),
                "p": comparisons.t_test(gain),
                "ratio": times.value,
                "ratio_ci": times.interval.pair(),
                "reason": gain.interval.reason,
            }
        )
    tested = [row["p"] if row["column"] not in plan.controls else None for row in rows]
    for row, p in zip(rows, comparisons.holm(tested), strict=True):
        row["p_holm"] = p
    return rows


def _models(trials: Trials, plan: AnalysisPlan, names: list[str]) -> dict[str, Any]:
    faith, index = (_samples(trials, plan, names, task) for task in (MATCHING, RATING))
    empty = {"reason": f"not estimable: no column {plan.reference!r}", "rows": []}
    if plan.reference not in faith:
        return {"faith_odds_ratios": empty, "index_odds_ratios": empty}
    return {
        "faith_odds_ratios": mixed_models.gee_odds_ratios(
            faith, plan.reference, plan.level, plan.model_rows_max
        ),
        "index_odds_ratios": mixed_models.ordinal_odds_ratios(
            index, plan.reference, plan.level, plan.model_rows_max
        ),
    }


def _agreement(trials: Trials, plan: AnalysisPlan) -> dict[str, Any]:
    rating = trials.of_task(RATING)
    return {
        "rating_alpha": agreement.rating_alpha(rating, plan.level),
        "matching_alpha": agreement.matching_alpha(trials.of_task(MATCHING), plan.level),
        "rating_icc": agreement.rating_icc(rating),
    }


def _order(trials: Trials, plan: AnalysisPlan) -> dict[str, Any]:
    out: dict[str, Any] = {}
    for outcome, task in (("faith", MATCHING), ("index", RATING)):
        own = trials.of_task(task)
        out[outcome] = {
            "slope": order.pooled_slope(own, plan.model_rows_max, plan.level),
            "halves": order.halves(own, plan.level),
            "balance": order.balance(own),
        }
    return out | {"answer_positions": order.answer_positions(trials.of_task(MATCHING))}


def _multiverse(trials: Trials, plan: AnalysisPlan, names: list[str]) -> dict[str, Any]:
    rows = multiverse.multiverse(trials, plan, names)
    return {"rows": rows, "spread": multiverse.spread(rows, names)}


def _attach(report: dict[str, Any]) -> None:
    """Set each column's comparison beside its estimates."""
    for column in report["columns"]:
        for outcome in ("faith", "index"):
            rows = report["comparisons"][outcome]["rows"]
            column[outcome]["vs_reference"] = next((r for r in rows if r["column"] == column["column"]), None)
