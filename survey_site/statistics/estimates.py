"""Point estimates of a column: shares of answers and mean scores (statistics.md, section 1)."""

from dataclasses import dataclass

import numpy as np

from survey_site.statistics.column_types import AnsweredShare, EstimatedOutcome
from survey_site.statistics.data import Trials
from survey_site.statistics.factor import FloatArray
from survey_site.statistics.outcome import Outcome
from survey_site.statistics.point import mean_text, percent_text, quotient, whole_if_it_is
from survey_site.statistics.uncertainty import Interval, Sample, clusters, mean_interval, proportion_interval


@dataclass(frozen=True)
class Estimate:
    """A share (0..1) or a mean score with its counts. ``value`` is ``None`` without answers.

    ``participant_mean``: unweighted mean of the participants' own means; equal to ``value`` when all have
    the same number of trials. ``total`` is the sum of the scores, of a share the number of right answers.
    """

    total: float
    n: int
    participants: int
    items: int
    value: float | None
    participant_mean: float | None
    interval: Interval


def sample_of(trials: Trials) -> Sample:
    """Answered trials as values with their two clusters."""
    answered = trials.answered()
    return Sample(answered.value, answered.participant.codes, answered.item.codes)


def samples_by_column(trials: Trials, columns: list[str]) -> dict[str, Sample]:
    """The sample of each column, empty where it has no answers."""
    known = ~np.isnan(trials.value)
    out = {}
    for column in columns:
        mask = known & trials.column.equals(column)
        out[column] = Sample(trials.value[mask], trials.participant.codes[mask], trials.item.codes[mask])
    return out


def _estimate(sample: Sample, interval: Interval) -> Estimate:
    total, n = whole_if_it_is(float(sample.y.sum())), len(sample)
    means = participant_means(sample)
    return Estimate(
        total=total,
        n=n,
        participants=clusters(sample.participant),
        items=clusters(sample.item),
        value=quotient(total, n),
        participant_mean=float(means.mean()) if n else None,
        interval=interval,
    )


def participant_means(sample: Sample) -> FloatArray:
    """Mean of each participant who has answers, in the order of their codes."""
    if not len(sample):
        return np.empty(0)
    counts = np.bincount(sample.participant)
    return np.bincount(sample.participant, sample.y)[counts > 0] / counts[counts > 0]


def estimate(sample: Sample, outcome: Outcome, level: float = 0.95) -> Estimate:
    """A share of answers with its two-way Wilson interval, or a mean score with its interval within the scale."""
    if outcome.kind == "share":
        return _estimate(sample, proportion_interval(sample, level))
    return _estimate(sample, mean_interval(sample, level, (outcome.low, outcome.high)))


def cell(trials: Trials, outcome: Outcome, level: float = 0.95) -> EstimatedOutcome:
    """One outcome of a column (or variant) with what the table prints; all in the printed unit."""
    sample = sample_of(trials)
    found = estimate(sample, outcome, level)
    value = {outcome.total: found.total, "n": found.n, outcome.value: printed(found, outcome)}
    spread = {"sd": float(sample.y.std(ddof=1)) if found.n > 1 else None} if outcome.kind == "mean" else {}
    participants = found.participant_mean
    return {
        **value,
        "participants": found.participants,
        "items": found.items,
        "text": text_of(found, outcome),
        "ci": found.interval.pair(outcome.factor),
        "ci_df": found.interval.df,
        "ci_reason": found.interval.reason,
        "participant_mean": None if participants is None else outcome.factor * participants,
        "timeouts": int(trials.timeout.sum()),
        **spread,
    }


def share(trials: Trials, level: float = 0.95) -> AnsweredShare:
    """The share of scores of 1, as it may stand beside an outcome's estimate under another way to count."""
    found = _estimate(sample := sample_of(trials), proportion_interval(sample, level))
    return {
        "correct": int(found.total),
        "n": found.n,
        "percent": 100 * found.total / found.n if found.n else None,
        "text": percent_text(int(found.total), found.n),
        "ci": found.interval.pair(100),
    }


def printed(found: Estimate, outcome: Outcome) -> float | None:
    """The estimate in the printed unit. From the total, so that a share of whole counts is the nearest number."""
    return quotient(outcome.factor * found.total, found.n)


def text_of(found: Estimate, outcome: Outcome) -> str | None:
    """The estimate as the table prints it."""
    if outcome.kind == "share":
        return percent_text(int(found.total), found.n, outcome.places)
    return mean_text(found.total, found.n, outcome.places)


def equal_weight_mean(values: list[tuple[float | None, int]], tolerance: float = 0.1) -> float | None:
    """Mean of variants with equal weight, where their counts differ by more than ``tolerance``; else ``None``.

    ``values`` holds (estimate, count) per variant. Nothing to add for a single variant or an empty one.
    """
    counts = [n for _, n in values]
    if len(values) < 2 or min(counts) == 0 or max(counts) <= (1 + tolerance) * min(counts):
        return None
    return float(np.mean([v for v, _ in values if v is not None]))
