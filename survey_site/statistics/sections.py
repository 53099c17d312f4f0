"""The sections of the report beside Table 1, each from the analysed trials and the plan."""

from collections.abc import Iterable, Mapping
from typing import Any

from survey_site.statistics import agreement, comparisons, mixed_models, multiverse, order
from survey_site.statistics.column_types import OUTCOMES, ComparisonFamily, OutcomeName
from survey_site.statistics.correlation import human_machine
from survey_site.statistics.data import MATCHING, RATING, Trials
from survey_site.statistics.estimates import samples_by_column
from survey_site.statistics.plan import AnalysisPlan
from survey_site.statistics.report_types import (
    AgreementSummary,
    FaithBeyondEdges,
    HumanMachine,
    MultiverseSummary,
    OddsModels,
    OddsRatios,
    OrderEffects,
    OrderSummary,
)
from survey_site.statistics.uncertainty import Sample, difference, ratio


def _samples(trials: Trials, plan: AnalysisPlan, names: list[str], task: str) -> dict[str, Sample]:
    """Samples of the columns in the Holm family: no control, and only columns that have the task at all."""
    wanted = [n for n in names if n not in plan.controls]
    samples = samples_by_column(trials.of_task(task), wanted)
    return {n: s for n, s in samples.items() if len(s) or n == plan.reference}


def compared(trials: Trials, plan: AnalysisPlan, names: list[str]) -> dict[OutcomeName, ComparisonFamily]:
    """Each column against the reference; a reason where the reference has no answers."""
    out: dict[OutcomeName, ComparisonFamily] = {}
    for outcome, task in zip(OUTCOMES, (MATCHING, RATING), strict=True):
        samples = _samples(trials, plan, names, task)
        if not len(samples.get(plan.reference, ())):
            reason = f"not estimable: the reference column {plan.reference!r} has no answers"
            out[outcome] = {"reference": plan.reference, "rows": [], "reason": reason}
            continue
        tested = comparisons.family(
            samples, plan.reference, ratings=task == RATING, level=plan.level,
            resamples=plan.resamples, seed=plan.seed,
        )  # fmt: skip
        out[outcome] = {**tested, "reason": None}
    return out


def beyond_edges(trials: Trials, plan: AnalysisPlan, names: list[str]) -> list[FaithBeyondEdges] | None:
    """Faith minus the faith of edges alone: what the saliency adds to a drawing of the photo."""
    if plan.edges_control not in names:
        return None
    samples = samples_by_column(trials.of_task(MATCHING), names)
    edges = samples[plan.edges_control]
    rows: list[FaithBeyondEdges] = []
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
                "p_holm": None,
            }
        )
    tested = [row["p"] if row["column"] not in plan.controls else None for row in rows]
    for row, p in zip(rows, comparisons.holm(tested), strict=True):
        row["p_holm"] = p
    return rows


def odds_models(trials: Trials, plan: AnalysisPlan, names: list[str]) -> OddsModels:
    """The model-based companions of the tests."""
    faith, index = (_samples(trials, plan, names, task) for task in (MATCHING, RATING))
    empty: OddsRatios = {"reason": f"not estimable: no column {plan.reference!r}", "rows": []}
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


def agreement_of(trials: Trials, plan: AnalysisPlan) -> AgreementSummary:
    """Whether participants agree, task by task."""
    rating = trials.of_task(RATING)
    return {
        "rating_alpha": agreement.rating_alpha(rating, plan.level),
        "matching_alpha": agreement.matching_alpha(trials.of_task(MATCHING), plan.level),
        "rating_icc": agreement.rating_icc(rating),
    }


def order_of(trials: Trials, plan: AnalysisPlan) -> OrderSummary:
    """Effects of the order, and the balance of the design."""
    matching, rating = trials.of_task(MATCHING), trials.of_task(RATING)
    return {
        "faith": _order_effects(matching, plan),
        "index": _order_effects(rating, plan),
        "answer_positions": order.answer_positions(matching),
    }


def _order_effects(trials: Trials, plan: AnalysisPlan) -> OrderEffects:
    return {
        "slope": order.pooled_slope(trials, plan.model_rows_max, plan.level),
        "halves": order.halves(trials, plan.level),
        "balance": order.balance(trials),
    }


def correlations(
    trials: Trials, maps: Iterable[Mapping[str, Any]] | None, plan: AnalysisPlan
) -> list[HumanMachine] | None:
    """People against machine metrics; `None` without these."""
    return None if maps is None else human_machine(trials, maps, plan.level)


def multiverse_of(trials: Trials, plan: AnalysisPlan, names: list[str]) -> MultiverseSummary:
    """Table 1 under every choice; `trials` are all of them, scored by the image."""
    rows = multiverse.multiverse(trials, plan, names)
    return {"rows": rows, "spread": multiverse.spread(rows, names)}
