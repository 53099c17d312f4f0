"""Simulated studies that are looked at as they grow: many at once, the contrasts of every look as arrays."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import special, stats

from survey_site.statistics.factor import FloatArray, IntArray
from survey_site.statistics.power import Plan, column_centres, layout


@dataclass(frozen=True)
class Contrasts:
    """Every column but the first against it, at every look, in R studies: (R, looks, columns − 1); df (looks,)."""

    difference: FloatArray
    variance: FloatArray
    df: FloatArray

    @property
    def p(self) -> FloatArray:
        """Two-sided p of the two-way t; 1 where it cannot be estimated."""
        with np.errstate(divide="ignore", invalid="ignore"):
            t = np.abs(self.difference) / np.sqrt(self.variance)
            p = 2 * stats.t.sf(t, self.df[None, :, None])
        return np.where(self.variance > 0, p, 1.0)

    def __add__(self, other: "Contrasts") -> "Contrasts":
        """The studies of both."""
        return Contrasts(
            np.concatenate([self.difference, other.difference]),
            np.concatenate([self.variance, other.variance]),
            self.df,
        )


@dataclass(frozen=True)
class _Sums:
    """One column's answers up to a look: per participant (R, n), per image (R, I), counts alike; mean and ψ² sum (R,)."""

    person: FloatArray
    item: FloatArray
    item_count: FloatArray
    mean: FloatArray
    squares: FloatArray
    n: int


def studies(plan: Plan, looks: Sequence[int], count: int, rng: np.random.Generator) -> Contrasts:
    """`count` studies of `plan`, their contrasts by the report's two-way t after each look's first participants."""
    person, item, column = layout(plan)
    y = _answers(plan, count, rng, person, item, column)
    columns, t = len(plan.effects), plan.trials
    shape = (count, len(looks), columns - 1)
    delta, variance = np.zeros(shape), np.zeros(shape)
    places = [np.flatnonzero(column == k).reshape(plan.participants, t) for k in range(columns)]
    for look, n in enumerate(looks):
        sums = [_sums(y, item, own[:n], plan.item_count) for own in places]
        for k in range(1, columns):
            delta[:, look, k - 1] = sums[k].mean - sums[0].mean
            variance[:, look, k - 1] = _variance(sums[k], sums[0], t)
    df = [min(n, len(np.unique(item[person < n]))) - 1 for n in looks]
    return Contrasts(delta, variance, np.array(df, np.float64))


def _answers(
    plan: Plan, count: int, rng: np.random.Generator, person: IntArray, item: IntArray, column: IntArray
) -> FloatArray:
    """(count, trials) scores; the model of `power.simulate`, many studies at once."""
    s, point, columns = plan.spread, plan.point, len(plan.effects)
    eta = (
        column_centres(plan)[column]
        + rng.normal(0, point * s.participant, (count, plan.participants))[:, person]
        + rng.normal(0, point * s.item, (count, plan.item_count))[:, item]
        + rng.normal(0, point * s.interaction, (count, plan.item_count, columns))[:, item, column]
    )
    if plan.scale is None:
        return (rng.random(eta.shape) < special.expit(eta)).astype(np.float64)
    scores = eta + rng.normal(0, point * s.residual, eta.shape)
    return np.asarray(np.clip(np.rint(scores) if plan.whole else scores, *plan.scale), np.float64)


def _sums(y: FloatArray, item: IntArray, places: IntArray, items: int) -> _Sums:
    """places (n, t): where the answers of the first n participants under one column are."""
    flat = places.ravel()
    own, n = y[:, flat], len(flat)
    mean = own.mean(1)
    return _Sums(
        person=own.reshape(len(y), *places.shape).sum(2),
        item=own @ np.eye(items)[item[flat]],
        item_count=np.bincount(item[flat], minlength=items).astype(np.float64),
        mean=mean,
        squares=((own**2).sum(1) - n * mean**2) / n**2,
        n=n,
    )


def _variance(a: _Sums, b: _Sums, t: int) -> FloatArray:
    """Two-way clustered variance of mean(a) − mean(b), (R,); nobody meets an image twice, so a cell is a trial."""

    def influence(sums: FloatArray, counts: FloatArray | int, own: _Sums) -> FloatArray:
        return (sums - counts * own.mean[:, None]) / own.n

    by_person = influence(a.person, t, a) - influence(b.person, t, b)
    by_item = influence(a.item, a.item_count, a) - influence(b.item, b.item_count, b)
    persons, cells = by_person.shape[1], a.n + b.n
    items = int(np.count_nonzero(a.item_count + b.item_count))
    people = (by_person**2).sum(1) * persons / (persons - 1)
    images = (by_item**2).sum(1) * items / (items - 1)
    found = np.maximum(
        people + images - (a.squares + b.squares) * cells / (cells - 1), np.maximum(people, images)
    )
    return np.where(found > 1e-20, found, 0.0)
