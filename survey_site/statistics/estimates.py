"""Point estimates of a column: Human Faith % and Interpretability Index (statistics.md, section 1)."""

from dataclasses import dataclass

import numpy as np

from survey_site.statistics.answer_scale import CANT_TELL, HIGHEST, LOWEST
from survey_site.statistics.column_types import FaithEstimate, FaithShare, IndexEstimate
from survey_site.statistics.data import FloatArray, Trials
from survey_site.statistics.point import mean_text, percent_text, quotient
from survey_site.statistics.uncertainty import Interval, Sample, clusters, mean_interval, proportion_interval


@dataclass(frozen=True)
class Estimate:
    """A share (0..1) or a mean rating with its counts. ``value`` is ``None`` without answers.

    ``participant_mean``: unweighted mean of the participants' own means; equal to ``value`` when all have
    the same number of trials. ``total`` is the number of right answers or the sum of ratings.
    """

    total: int
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
    total, n = int(sample.y.sum()), len(sample)
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


def faith(sample: Sample, level: float = 0.95) -> Estimate:
    """Share of right answers; "can't tell" is wrong, a timeout is missing."""
    return _estimate(sample, proportion_interval(sample, level))


def index(sample: Sample, level: float = 0.95, bounds: tuple[float, float] = (LOWEST, HIGHEST)) -> Estimate:
    """Mean rating."""
    return _estimate(sample, mean_interval(sample, level, bounds))


def faith_json(trials: Trials, level: float = 0.95) -> FaithEstimate:
    """Faith of one column (or variant) with what the table prints; the interval in percent.

    Beside it: timeouts as wrong, agreement of the class, and the counts of "can't tell" and timeouts.
    """
    estimate = faith(sample_of(trials), level)
    late = trials.with_values(np.where(trials.timeout, 0.0, trials.value))
    return {
        "correct": estimate.total,
        "n": estimate.n,
        "participants": estimate.participants,
        "items": estimate.items,
        "percent": _percent(estimate),
        "text": percent_text(estimate.total, estimate.n),
        "ci": estimate.interval.pair(100),
        "ci_df": estimate.interval.df,
        "ci_reason": estimate.interval.reason,
        "participant_mean": None if estimate.participant_mean is None else 100 * estimate.participant_mean,
        "cant_tell": int(trials.choice.equals(CANT_TELL).sum()),
        "timeouts": int(trials.timeout.sum()),
        "timeouts_as_wrong": _share(faith(sample_of(late), level)),
        "class": _share(faith(sample_of(trials.with_values(trials.class_value)), level)),
    }


def _share(estimate: Estimate) -> FaithShare:
    return {
        "correct": estimate.total,
        "n": estimate.n,
        "percent": _percent(estimate),
        "text": percent_text(estimate.total, estimate.n),
        "ci": estimate.interval.pair(100),
    }


def _percent(estimate: Estimate) -> float | None:
    return 100 * estimate.total / estimate.n if estimate.n else None


def index_json(
    trials: Trials, level: float = 0.95, bounds: tuple[float, float] = (LOWEST, HIGHEST)
) -> IndexEstimate:
    """Index of one column (or variant) with what the table prints, and the distribution of ratings."""
    sample = sample_of(trials)
    estimate = index(sample, level, bounds)
    levels = np.arange(int(bounds[0]), int(bounds[1]) + 1)
    return {
        "mean": estimate.value,
        "text": mean_text(estimate.total, estimate.n),
        "sum": estimate.total,
        "n": estimate.n,
        "participants": estimate.participants,
        "items": estimate.items,
        "ci": estimate.interval.pair(),
        "ci_df": estimate.interval.df,
        "ci_reason": estimate.interval.reason,
        "participant_mean": estimate.participant_mean,
        "sd": float(sample.y.std(ddof=1)) if estimate.n > 1 else None,
        "timeouts": int(trials.timeout.sum()),
        "distribution": {str(k): int((sample.y == k).sum()) for k in levels},
    }


def equal_weight_mean(values: list[tuple[float | None, int]], tolerance: float = 0.1) -> float | None:
    """Mean of variants with equal weight, where their counts differ by more than ``tolerance``; else ``None``.

    ``values`` holds (estimate, count) per variant. Nothing to add for a single variant or an empty one.
    """
    counts = [n for _, n in values]
    if len(values) < 2 or min(counts) == 0 or max(counts) <= (1 + tolerance) * min(counts):
        return None
    return float(np.mean([v for v, _ in values if v is not None]))
