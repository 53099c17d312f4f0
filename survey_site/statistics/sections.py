"""The sections of the report beside Table 1, each from the analysed trials and the plan."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from survey_site.statistics import agreement, comparisons, mixed_models, multiverse, order
from survey_site.statistics.column_types import ComparisonFamily, EstimatedColumn, OutcomeName
from survey_site.statistics.correlation import human_machine
from survey_site.statistics.data import Trials
from survey_site.statistics.estimates import samples_by_column
from survey_site.statistics.outcome import Outcome
from survey_site.statistics.plan import AnalysisPlan
from survey_site.statistics.report_types import (
    AgreementRow,
    HumanMachine,
    MultiverseSummary,
    OddsRatios,
    OrderEffects,
    Section,
)
from survey_site.statistics.task_analysis import PLAIN, TaskAnalysis
from survey_site.statistics.uncertainty import Sample

Outcomes = Sequence[Outcome]
Analyses = Mapping[str, TaskAnalysis]


def _samples(trials: Trials, plan: AnalysisPlan, names: list[str], outcome: Outcome) -> dict[str, Sample]:
    """Samples of the columns in the Holm family: no control, and only columns that have the task at all."""
    wanted = [n for n in names if n not in plan.controls]
    samples = samples_by_column(trials.of_task(outcome.task), wanted)
    return {n: s for n, s in samples.items() if len(s) or n == plan.reference}


def compared(
    trials: Trials, plan: AnalysisPlan, names: list[str], outcomes: Outcomes
) -> dict[OutcomeName, ComparisonFamily]:
    """Each column against the reference; a reason where the reference has no answers."""
    out: dict[OutcomeName, ComparisonFamily] = {}
    for outcome in outcomes:
        samples = _samples(trials, plan, names, outcome)
        if not len(samples.get(plan.reference, ())):
            reason = f"not estimable: the reference column {plan.reference!r} has no answers"
            out[outcome.key] = {"reference": plan.reference, "rows": [], "reason": reason}
            continue
        tested = comparisons.family(
            samples, plan.reference, outcome, level=plan.level, resamples=plan.resamples, seed=plan.seed
        )
        out[outcome.key] = {**tested, "reason": None}
    return out


def odds_models(
    trials: Trials, plan: AnalysisPlan, names: list[str], outcomes: Outcomes
) -> dict[OutcomeName, OddsRatios]:
    """The model-based companions of the tests."""
    return {o.key: _odds(_samples(trials, plan, names, o), plan, o) for o in outcomes}


def _odds(samples: dict[str, Sample], plan: AnalysisPlan, outcome: Outcome) -> OddsRatios:
    if plan.reference not in samples:
        return {"reason": f"not estimable: no column {plan.reference!r}", "rows": []}
    if outcome.kind == "share":
        return mixed_models.gee_odds_ratios(samples, plan.reference, plan.level, plan.model_rows_max)
    if not outcome.whole:
        return {"reason": "left out: the scores are no ordered levels", "rows": []}
    return mixed_models.ordinal_odds_ratios(samples, plan.reference, plan.level, plan.model_rows_max)


def agreement_of(
    trials: Trials, plan: AnalysisPlan, outcomes: Outcomes, analyses: Analyses
) -> list[AgreementRow]:
    """Whether participants agree, outcome by outcome."""
    rows: list[AgreementRow] = []
    for outcome in outcomes:
        own, special = trials.of_task(outcome.task), analyses.get(outcome.task, PLAIN).agreement
        rows += special(own, plan) if special else agreement.agreement_rows(own, outcome, plan.level)
    return rows


def order_of(trials: Trials, plan: AnalysisPlan, outcomes: Outcomes) -> dict[OutcomeName, OrderEffects]:
    """Effects of the order, and the balance of the design."""
    return {outcome.key: _order_effects(trials.of_task(outcome.task), plan, outcome) for outcome in outcomes}


def _order_effects(trials: Trials, plan: AnalysisPlan, outcome: Outcome) -> OrderEffects:
    return {
        "slope": order.pooled_slope(trials, outcome.kind, plan.model_rows_max, plan.level),
        "halves": order.halves(trials, plan.level, outcome.high - outcome.low),
        "balance": order.balance(trials),
    }


def sections_of(
    trials: Trials, plan: AnalysisPlan, columns: list[EstimatedColumn], outcomes: Outcomes, analyses: Analyses
) -> list[Section]:
    """The tasks' own tables, in the order of the tasks."""
    tasks = [outcome.task for outcome in outcomes]
    return [
        section
        for task in tasks
        for section in analyses.get(task, PLAIN).sections(trials.of_task(task), plan, columns)
    ]


def correlations(
    trials: Trials, maps: Iterable[Mapping[str, Any]] | None, plan: AnalysisPlan, outcomes: Outcomes
) -> list[HumanMachine] | None:
    """People against machine metrics; `None` without these."""
    return None if maps is None else human_machine(trials, maps, outcomes, plan.level)


def multiverse_of(
    trials: Trials, plan: AnalysisPlan, names: list[str], outcomes: Outcomes, analyses: Analyses
) -> MultiverseSummary:
    """Table 1 under every choice; `trials` are all of them, with both scores as they are stored."""
    rows = multiverse.multiverse(trials, plan, names, outcomes, analyses)
    return {"rows": rows, "spread": multiverse.spread(rows, names, outcomes)}
