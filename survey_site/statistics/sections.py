"""The sections of the report beside Table 1, each from the analysed trials and the plan."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from survey_site.statistics import (
    agreement,
    comparisons,
    crossed_models,
    equivalence,
    mixed_models,
    multiverse,
    order,
    pairs,
)
from survey_site.statistics.column_types import ComparisonFamily, EstimatedColumn, OutcomeName
from survey_site.statistics.comparison_types import (
    CrossedModel,
    EquivalenceFamily,
    OddsRatios,
    PairFamily,
    ScatterParts,
)
from survey_site.statistics.correlation import human_machine
from survey_site.statistics.data import Trials
from survey_site.statistics.estimates import samples_by_column
from survey_site.statistics.outcome import Outcome
from survey_site.statistics.plan import TOGETHER, AnalysisPlan
from survey_site.statistics.report_types import (
    AgreementRow,
    HumanMachine,
    MultiverseSummary,
    OrderEffects,
    Section,
)
from survey_site.statistics.task_analysis import PLAIN, TaskAnalysis
from survey_site.statistics.uncertainty import Sample, difference
from survey_site.statistics.variance_parts import variance_parts

CROSSED_ROWS_MAX = 20_000  # tens of seconds
# Both grow with the square of the columns and faster: seconds up to here, many minutes at 200.
MODEL_COLUMNS_MAX, PAIR_COLUMNS_MAX = 40, 60
TWICE = "left out: an answer counts in two columns at once, which this model would take for two answers"
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
    """Each column against the reference, Holm over the families of the plan; a reason where the reference has no answers."""
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
    if plan.families == TOGETHER:
        comparisons.correct([row for family in out.values() for row in family["rows"]], plan.level)
    return out


def paired_off(
    trials: Trials, plan: AnalysisPlan, names: list[str], outcomes: Outcomes
) -> dict[OutcomeName, PairFamily]:
    """Every column against every other, controls among them."""
    return {o.key: _pairs(samples_by_column(trials.of_task(o.task), names), plan, o) for o in outcomes}


def _pairs(samples: dict[str, Sample], plan: AnalysisPlan, outcome: Outcome) -> PairFamily:
    filled = {name: sample for name, sample in samples.items() if len(sample)}
    if reason := _too_many(filled, PAIR_COLUMNS_MAX):
        return {"rows": [], "letters": {}, "ranks": {}, "critical": None, "caution": None, "reason": reason}
    return pairs.all_pairs(samples, outcome, plan.level, plan.seed)


def _too_many(samples: Mapping[str, Sample], most: int) -> str:
    return f"left out above {most} columns; there are {len(samples)}" if len(samples) > most else ""


def equivalence_of(
    trials: Trials, plan: AnalysisPlan, names: list[str], outcomes: Outcomes
) -> dict[OutcomeName, EquivalenceFamily]:
    """Equivalence and non-inferiority where the plan sealed a margin, of outcomes that the study has."""
    known = {outcome.key: outcome for outcome in outcomes}
    return {
        key: _against_margin(trials, plan, names, known[key], margin)
        if key in known
        else _no_equivalence(
            plan, margin, f"the analysis plan has a margin for {key!r}, no outcome of this study"
        )
        for key, margin in plan.margins.items()
    }


def _against_margin(
    trials: Trials, plan: AnalysisPlan, names: list[str], outcome: Outcome, margin: float
) -> EquivalenceFamily:
    samples = _samples(trials, plan, names, outcome)
    reference = samples.get(plan.reference)
    if reference is None or not len(reference):
        return _no_equivalence(
            plan, margin, f"not estimable: the reference {plan.reference!r} has no answers"
        )
    contrasts = [
        (name, difference(sample, reference, plan.level))
        for name, sample in samples.items()
        if name != plan.reference
    ]
    width = outcome.high - outcome.low
    return equivalence.family(contrasts, margin / outcome.factor, plan.level, width)


def _no_equivalence(plan: AnalysisPlan, margin: float, reason: str) -> EquivalenceFamily:
    return {"margin": margin, "interval_level": 2 * plan.level - 1, "rows": [], "reason": reason}


def scatter_of(trials: Trials, outcomes: Outcomes) -> dict[OutcomeName, ScatterParts]:
    """Where the scatter of the answers comes from."""
    return {outcome.key: variance_parts(trials.of_task(outcome.task)) for outcome in outcomes}


def odds_models(
    trials: Trials, plan: AnalysisPlan, names: list[str], outcomes: Outcomes
) -> dict[OutcomeName, OddsRatios]:
    """The model-based companions of the tests."""
    return {o.key: _odds(_samples(trials, plan, names, o), plan, o) for o in outcomes}


def crossed_models_of(
    trials: Trials, plan: AnalysisPlan, names: list[str], outcomes: Outcomes
) -> dict[OutcomeName, CrossedModel]:
    """Mixed models with crossed participants and images, of shares and of whole scores."""
    rows_max = min(plan.model_rows_max, CROSSED_ROWS_MAX)
    return {
        o.key: _crossed(trials.of_task(o.task), plan, names, o, rows_max)
        for o in outcomes
        if o.kind == "share" or o.whole
    }


def _crossed(
    trials: Trials, plan: AnalysisPlan, names: list[str], outcome: Outcome, rows_max: int
) -> CrossedModel:
    samples = _samples(trials, plan, names, outcome)
    reason = TWICE if trials.further.any() else _too_many(samples, MODEL_COLUMNS_MAX)
    if reason:
        return {"rows": [], "participant_sd": None, "item_sd": None, "note": "", "reason": reason}
    return crossed_models.fit(samples, plan.reference, plan.level, rows_max, plan.seed)


def _odds(samples: dict[str, Sample], plan: AnalysisPlan, outcome: Outcome) -> OddsRatios:
    if plan.reference not in samples:
        return {"reason": f"not estimable: no column {plan.reference!r}", "rows": []}
    if reason := _too_many(samples, MODEL_COLUMNS_MAX):
        return {"reason": reason, "rows": []}
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
