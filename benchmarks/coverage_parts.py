"""Simulated studies with a known truth, and the intervals that the report's are compared with."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import special

from survey_site.statistics.agreement import alpha_of_counts
from survey_site.statistics.power import Plan, Spread, column_centres, layout, simulate
from survey_site.statistics.uncertainty import Sample

Floats = NDArray[np.float64]
PAIR = tuple[float, float]
Scale = tuple[float, float] | None
SCALE = (0, 6)


@dataclass(frozen=True)
class Scenario:
    """P participants, t trials each in a column, items = 6·t, share (or mean of a scale) and spreads."""

    participants: int
    trials: int
    values: tuple[float, ...]
    participant: float = 0.7
    item: float = 0.7
    interaction: float = 0.0
    scale: Scale = None
    columns: int = 6

    def plan(self) -> Plan:
        """The study: the asked columns first, the rest of the six like the last."""
        values = [*self.values, *[self.values[-1]] * (self.columns - len(self.values))]
        spread = Spread(self.participant, self.item, self.interaction)
        effects = {f"c{k}": v for k, v in enumerate(values)}
        return Plan(effects, self.participants, self.trials, scale=self.scale, spread=spread)


def studies(scenario: Scenario, repetitions: int, seed: int) -> Iterator[list[Sample]]:
    """The samples of the asked columns in each simulated study."""
    plan = scenario.plan()
    cells, centres, rng = layout(plan), column_centres(plan), np.random.default_rng(seed)
    masks = [cells[2] == k for k in range(len(scenario.values))]
    for _ in range(repetitions):
        y = simulate(plan, rng, centres, cells)
        yield [Sample(y[m], cells[0][m], cells[1][m]) for m in masks]


def _sums(sample: Sample) -> tuple[Floats, Floats]:
    """Sum and number of trials of each participant."""
    n = np.bincount(sample.participant).astype(float)
    sums: Floats = np.bincount(sample.participant, sample.y).astype(float)
    return sums[n > 0], n[n > 0]


def _percentiles(draws: Floats, level: float = 0.95) -> PAIR:
    low, high = np.quantile(draws, [0.5 - level / 2, 0.5 + level / 2])
    return float(low), float(high)


def participant_draws(samples: list[Sample], resamples: int, rng: np.random.Generator) -> list[Floats]:
    """Means of each sample under one common resampling of participants."""
    people = len(_sums(samples[0])[0])
    weights = rng.multinomial(people, np.full(people, 1 / people), resamples).astype(float)
    return [weights @ s / (weights @ n) for s, n in map(_sums, samples)]


def percentile(sample: Sample, resamples: int, rng: np.random.Generator) -> PAIR:
    """Participant percentile bootstrap."""
    return _percentiles(participant_draws([sample], resamples, rng)[0])


def bca(sample: Sample, resamples: int, rng: np.random.Generator) -> PAIR | None:
    """Participant BCa bootstrap (Efron 1987); ``None`` for degenerate data."""
    s, n = _sums(sample)
    draws, estimate = participant_draws([sample], resamples, rng)[0], s.sum() / n.sum()
    below = ((draws < estimate).sum() + 0.5 * (draws == estimate).sum()) / len(draws)
    left_out = (s.sum() - s) / (n.sum() - n)
    d = left_out.mean() - left_out
    if not 0 < below < 1 or not d.any():
        return None
    z0, a = special.ndtri(below), float((d**3).sum() / (6 * (d**2).sum() ** 1.5))
    z = z0 + special.ndtri([0.025, 0.975])
    low, high = np.quantile(draws, special.ndtr(z0 + z / (1 - a * z)))
    return float(low), float(high)


def pigeonhole(sample: Sample, resamples: int, rng: np.random.Generator) -> PAIR:
    """Two-way bootstrap: participants and items resampled, weights multiplied (Owen 2007)."""
    p = np.unique(sample.participant, return_inverse=True)[1]
    i = np.unique(sample.item, return_inverse=True)[1]
    people, items = int(p.max()) + 1, int(i.max()) + 1
    w = rng.multinomial(people, np.full(people, 1 / people), resamples)[:, p] * rng.multinomial(
        items, np.full(items, 1 / items), resamples
    )[:, i].astype(float)
    total = w.sum(1)
    return _percentiles((w @ sample.y)[total > 0] / total[total > 0])


def ratio_bootstrap(a: Sample, b: Sample, resamples: int, rng: np.random.Generator) -> PAIR:
    """Participant percentile bootstrap of the ratio of two means."""
    top, bottom = participant_draws([a, b], resamples, rng)
    return _percentiles(top[bottom > 0] / bottom[bottom > 0])


@dataclass(frozen=True)
class Scores:
    """Answers to image × method units: codes of unit and participant, and the value, (N,) each."""

    unit: NDArray[np.int64]
    participant: NDArray[np.int64]
    value: Floats


def scored_studies(
    participants: int, means: tuple[float, ...], trials: int, repetitions: int, seed: int
) -> Iterator[Scores]:
    """Studies of other participants on the *same* images: α and its interval are conditional on these."""
    plan = Plan({f"c{k}": m for k, m in enumerate(means)}, participants, trials, scale=SCALE)
    person, item, column = layout(plan)
    rng, s = np.random.default_rng(seed), plan.spread
    images = np.random.default_rng(7)
    shift = images.normal(0, s.item, plan.item_count)[item]
    shift = shift + images.normal(0, s.interaction, (plan.item_count, len(means)))[item, column]
    for _ in range(repetitions):
        noise = rng.normal(0, s.participant, participants)[person] + rng.normal(0, s.residual, len(person))
        value = np.clip(np.rint(column_centres(plan)[column] + shift + noise), *SCALE)
        yield Scores(item * len(means) + column, person, value)


def alpha_percentile(study: Scores, resamples: int, rng: np.random.Generator) -> PAIR:
    """Ordinal α's percentile bootstrap over participants: one drawn twice counts as two raters."""
    values, column = np.unique(study.value, return_inverse=True)
    units, row = np.unique(study.unit, return_inverse=True)
    people = int(study.participant.max()) + 1
    draws = []
    for weights in rng.multinomial(people, np.full(people, 1 / people), resamples):
        weight = weights[study.participant].astype(float)
        counts: Floats = np.bincount(row * len(values) + column, weight, len(units) * len(values)).astype(
            float
        )
        draws.append(alpha_of_counts(counts.reshape(len(units), len(values)), values, "ordinal") or 0.0)
    return _percentiles(np.array(draws))
