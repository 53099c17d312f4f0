"""A small multiverse: Table 1 under each defensible choice of exclusion, scoring and statistic.

The headline is the plan's; this table shows how much it depends on the plan.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np

from survey_site.statistics.answer_scale import CANT_TELL
from survey_site.statistics.column_types import OutcomeName
from survey_site.statistics.data import APART, MATCHING, RATING, Trials
from survey_site.statistics.estimates import participant_means, samples_by_column
from survey_site.statistics.plan import AnalysisPlan, QualityRules
from survey_site.statistics.quality import REASONS, analysed, eligible, rule_violations
from survey_site.statistics.report_types import MultiverseChoice, MultiverseSpread
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


def _median(sample: Sample) -> float | None:
    return float(np.median(sample.y)) if len(sample) else None


STATISTICS: dict[str, Statistic] = {
    "pooled": _pooled,
    "mean of participants": _by_participant,
    "mean of images": _by_item,
}


def exclusion_choices(trials: Trials, plan: AnalysisPlan) -> Iterator[tuple[str, Trials]]:
    """The analysed trials under no rule, each rule alone, all rules, and known to be seen; one at a time."""
    violations = rule_violations(trials.select(~trials.exclusion.isin(APART)), plan.rules)
    everyone = set().union(*violations.values())
    yield "no exclusion", eligible(trials, plan)
    yield "as stored", analysed(trials, plan)
    if plan.rules != QualityRules.off():
        for reason in REASONS:
            yield f"only {reason}", analysed(trials, plan, violations[reason])
        yield "all rules", analysed(trials, plan, everyone)
    yield "only trials known to be seen", analysed(trials, replace(plan, seen_unknown_counts=False), everyone)


def scorings(trials: Trials) -> Iterator[tuple[str, Trials]]:
    """Matching answers under each way to count them."""
    matching = trials.of_task(MATCHING)
    cant_tell = matching.choice.equals(CANT_TELL)
    yield "source image", matching
    yield "class", matching.with_values(matching.class_value)
    yield "timeouts as wrong", matching.with_values(np.where(matching.timeout, 0.0, matching.value))
    yield "can't tell left out", matching.with_values(np.where(cant_tell, np.nan, matching.value))


def multiverse(trials: Trials, plan: AnalysisPlan, columns: list[str]) -> list[MultiverseChoice]:
    """One row per choice: the estimate of every column (percent for faith) and the number of answers."""
    rows: list[MultiverseChoice] = []
    for exclusion, kept in exclusion_choices(trials, plan):
        for scoring, matching in scorings(kept):
            samples = samples_by_column(matching, columns)
            rows += [_row("faith", exclusion, scoring, name, samples) for name in STATISTICS]
        samples = samples_by_column(kept.of_task(RATING), columns)
        rows += [_row("index", exclusion, "rating", name, samples) for name in (*STATISTICS, "median")]
    return rows


def _row(
    outcome: OutcomeName, exclusion: str, scoring: str, name: str, samples: dict[str, Sample]
) -> MultiverseChoice:
    statistic, factor = (STATISTICS | {"median": _median})[name], 100 if outcome == "faith" else 1
    values = {column: statistic(sample) for column, sample in samples.items()}
    return {
        "outcome": outcome, "exclusion": exclusion, "scoring": scoring, "statistic": name,
        "n": sum(len(sample) for sample in samples.values()),
        "values": {column: None if v is None else factor * v for column, v in values.items()},
    }  # fmt: skip


def spread(rows: list[MultiverseChoice], columns: list[str]) -> MultiverseSpread:
    """Smallest and largest estimate of each column over all choices, by outcome."""
    out: MultiverseSpread = {"faith": {}, "index": {}}
    for outcome, by_column in out.items():
        for column in columns:
            own = [r["values"][column] for r in rows if r["outcome"] == outcome]
            seen = [value for value in own if value is not None]
            by_column[column] = [min(seen), max(seen)] if seen else None
    return out
