"""A small multiverse: Table 1 under each defensible choice of exclusion, scoring and statistic.

The headline is the plan's; this table shows how much it depends on the plan.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace

from survey_site.statistics.data import APART, Trials
from survey_site.statistics.estimates import participant_means, samples_by_column
from survey_site.statistics.outcome import Outcome
from survey_site.statistics.plan import AnalysisPlan, QualityRules
from survey_site.statistics.quality import analysed, eligible, rule_violations
from survey_site.statistics.report_types import MultiverseChoice, MultiverseSpread
from survey_site.statistics.task_analysis import PLAIN, TaskAnalysis
from survey_site.statistics.uncertainty import Sample

Statistic = Callable[[Sample], float | None]


def _pooled(sample: Sample) -> float | None:
    return float(sample.y.mean()) if len(sample) else None


def _by_participant(sample: Sample) -> float | None:
    return float(participant_means(sample).mean()) if len(sample) else None


def _by_item(sample: Sample) -> float | None:
    return (
        float(participant_means(Sample(sample.y, sample.item, sample.participant)).mean())
        if len(sample)
        else None
    )


# Means alone: a median of the same answers is another quantity, and its distance from them says nothing of the choices.
STATISTICS: dict[str, Statistic] = {
    "pooled": _pooled,
    "mean of participants": _by_participant,
    "mean of images": _by_item,
}


def exclusion_choices(
    trials: Trials, plan: AnalysisPlan, outcomes: Sequence[Outcome]
) -> Iterator[tuple[str, Trials]]:
    """The analysed trials under no rule, each rule alone, all rules, and known to be seen; one at a time."""
    violations = rule_violations(trials.select(~trials.exclusion.isin(APART)), plan.rules, outcomes)
    everyone = set().union(*violations.values())
    yield "no exclusion", eligible(trials, plan)
    yield "as stored", analysed(trials, plan)
    if plan.rules != QualityRules.off():
        for reason in violations:
            yield f"only {reason}", analysed(trials, plan, violations[reason])
        yield "all rules", analysed(trials, plan, everyone)
    yield "only trials known to be seen", analysed(trials, replace(plan, seen_unknown_counts=False), everyone)


def scored(trials: Trials, plan: AnalysisPlan) -> Trials:
    """The trials with the second score in place of the first where the plan lets it count."""
    second = trials.task.isin(plan.second_scores)
    return trials.by_second_score(second) if second.any() else trials


def multiverse(
    trials: Trials,
    plan: AnalysisPlan,
    columns: list[str],
    outcomes: Sequence[Outcome],
    analyses: Mapping[str, TaskAnalysis],
) -> list[MultiverseChoice]:
    """One row per choice: the estimate of every column in the printed unit and the number of answers."""
    rows: list[MultiverseChoice] = []
    for exclusion, kept in exclusion_choices(trials, plan, outcomes):
        for outcome in outcomes:
            own, scorings = kept.of_task(outcome.task), analyses.get(outcome.task, PLAIN).scorings
            ways = scorings(own) if scorings else [(outcome.task, scored(own, plan))]
            for scoring, counted in ways:
                samples = samples_by_column(counted, columns)
                for name, statistic in STATISTICS.items():
                    rows.append(_row(outcome, exclusion, scoring, name, statistic, samples))
    return rows


def _row(
    outcome: Outcome,
    exclusion: str,
    scoring: str,
    name: str,
    statistic: Statistic,
    samples: dict[str, Sample],
) -> MultiverseChoice:
    values = {column: statistic(sample) for column, sample in samples.items()}
    return {
        "outcome": outcome.key, "exclusion": exclusion, "scoring": scoring, "statistic": name,
        "n": sum(len(sample) for sample in samples.values()),
        "values": {column: None if v is None else outcome.factor * v for column, v in values.items()},
    }  # fmt: skip


def spread(rows: list[MultiverseChoice], columns: list[str], outcomes: Sequence[Outcome]) -> MultiverseSpread:
    """Smallest and largest estimate of each column over all choices, by outcome."""
    out: MultiverseSpread = {outcome.key: {} for outcome in outcomes}
    for outcome, by_column in out.items():
        for column in columns:
            own = [r["values"][column] for r in rows if r["outcome"] == outcome]
            seen = [value for value in own if value is not None]
            by_column[column] = [min(seen), max(seen)] if seen else None
    return out
