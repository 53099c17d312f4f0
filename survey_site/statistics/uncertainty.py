"""Intervals of crossed data: participants and images are both samples. Closed form, no seed.

ψ is the influence value of a trial; its sums over participants and over images give the variance
(two-way clustering: Cameron, Gelbach & Miller 2011, J. Bus. Econ. Stat. 29:238–249). Intervals use
Student's t with min(P, I) − 1 degrees of freedom. Coverage by simulation: docs/statistics.md.
"""

from dataclasses import dataclass

import numpy as np
from scipy import stats

from survey_site.statistics.factor import FloatArray, IntArray
from survey_site.statistics.point import wilson


@dataclass(frozen=True)
class Interval:
    """``low``/``high`` are ``None`` with a ``reason`` when the data cannot give them. ``df`` of Student's t."""

    low: float | None = None
    high: float | None = None
    df: int | None = None
    reason: str | None = None

    def pair(self, factor: float = 1.0) -> list[float] | None:
        """``[low, high]`` in the caller's unit, or ``None``."""
        if self.low is None or self.high is None:
            return None
        return [self.low * factor, self.high * factor]


@dataclass(frozen=True)
class Sample:
    """Values (N,) of one column with the codes of participant and item (pool or image)."""

    y: FloatArray
    participant: IntArray
    item: IntArray

    def __len__(self) -> int:
        return len(self.y)


TOO_FEW = "not estimable: needs at least 2 participants and 2 pools or images in each column"
NO_VARIATION = "not estimable: no variation between the answers"
NO_SPREAD = "not estimable: the difference is the same for all participants and images"
NO_BOUND = "not estimable: too few answers to bound it"
EXPONENT_MAX = 50.0  # of a factor's interval: beyond it the ends are 0 and infinity to any reader


def clusters(*codes: IntArray) -> int:
    """Number of distinct codes over all the arrays."""
    joined = np.concatenate(codes) if codes else np.empty(0, np.int64)
    return int(np.count_nonzero(np.bincount(joined))) if len(joined) else 0


def _sum_of_squares(psi: FloatArray, group: IntArray) -> float:
    sums = np.bincount(group, psi)
    count = np.count_nonzero(np.bincount(group))
    return float(sums @ sums * count / (count - 1))


def two_way_variance(psi: FloatArray, participant: IntArray, item: IntArray) -> float:
    """V2 of statistics.md, section 2: variance of Σψ with crossed clusters.

    Shapes (N,); codes are non-negative. Needs at least two participants and two items.
    Never below either one-way variance, so a negative sum of the three terms cannot shrink an interval.
    """
    by_participant, by_item = _sum_of_squares(psi, participant), _sum_of_squares(psi, item)
    cell = participant * (int(item.max()) + 1) + item
    if int(cell.max()) > 4 * len(cell) + 1_000_000:
        cell = np.unique(cell, return_inverse=True)[1].astype(np.int64)
    by_cell = _sum_of_squares(psi, cell)
    return max(by_participant + by_item - by_cell, by_participant, by_item, 0.0)


def degrees_of_freedom(*samples: Sample) -> int:
    """min(P, I) − 1 of the sample that has the fewest: a column of one image tells nothing of how images differ, however
    many the other one has (with the clusters of both together, such a test was wrong in 58 % of simulated studies)."""
    return min(min(clusters(s.participant), clusters(s.item)) for s in samples) - 1


def quantile(level: float, df: int) -> float:
    """Student's t of a two-sided interval."""
    return float(stats.t.ppf(0.5 + level / 2, df))


@dataclass(frozen=True)
class Contrast:
    """Two columns compared: ``value`` is a difference or a ratio, ``variance`` that of it (ratio: of its log)."""

    value: float | None
    variance: float | None
    interval: Interval

    @property
    def df(self) -> int | None:
        return self.interval.df


def proportion_interval(sample: Sample, level: float = 0.95) -> Interval:
    """Two-way Wilson interval of a share, 0..1.

    V = max(V2, pq/n), n_eff = pq/V, Wilson with Student's quantile. Where all or none are right the data
    say nothing about the clusters' spread; n_eff is then the number of participants with the normal quantile.
    """
    df = degrees_of_freedom(sample)
    if df < 1:
        return Interval(reason=TOO_FEW)
    n, p = len(sample), float(sample.y.mean())
    if p in (0.0, 1.0):
        return Interval(*wilson(p, clusters(sample.participant), level=level), df=None)
    variance = max(two_way_variance((sample.y - p) / n, sample.participant, sample.item), p * (1 - p) / n)
    return Interval(*wilson(p, p * (1 - p) / variance, quantile(level, df)), df=df)


def mean_interval(sample: Sample, level: float = 0.95, bounds: tuple[float, float] | None = None) -> Interval:
    """ȳ ± t·√V2, cut to the ends of the scale when ``bounds`` gives them (no coverage is lost by that)."""
    if not len(sample):
        return Interval(reason=TOO_FEW)
    found = mean_contrast(sample, level).interval
    if bounds is None or found.low is None or found.high is None:
        return found
    return Interval(max(found.low, bounds[0]), min(found.high, bounds[1]), found.df)


def mean_contrast(sample: Sample, level: float = 0.95) -> Contrast:
    """ȳ against 0 with ȳ ± t·√V2."""
    mean, df = float(sample.y.mean()), degrees_of_freedom(sample)
    if df < 1:
        return Contrast(mean, None, Interval(reason=TOO_FEW))
    variance = two_way_variance((sample.y - mean) / len(sample), sample.participant, sample.item)
    # By the size of the answers: of signed ones the mean itself may be dust.
    if variance <= _rounding_noise(float(np.abs(sample.y).max())):
        return Contrast(mean, 0.0, Interval(reason=NO_VARIATION))
    half = quantile(level, df) * float(np.sqrt(variance))
    return Contrast(mean, variance, Interval(mean - half, mean + half, df))


def _rounding_noise(scale: float) -> float:
    """A variance below this is floating-point dust around a constant."""
    return (1e-12 * max(abs(scale), 1e-6)) ** 2


def joint_variance(psi_a: FloatArray, a: Sample, psi_b: FloatArray, b: Sample) -> float:
    """Variance of Σψ_a − Σψ_b over the clusters that two columns share."""
    return two_way_variance(
        np.concatenate([psi_a, -psi_b]),
        np.concatenate([a.participant, b.participant]),
        np.concatenate([a.item, b.item]),
    )


def difference(a: Sample, b: Sample, level: float = 0.95, furthest: float = np.inf) -> Contrast:
    """mean(a) − mean(b) with the two-way interval over all trials of both, cut to ± the furthest that can be."""
    if not len(a) or not len(b):
        return Contrast(None, None, Interval(reason="not estimable: a column without answers"))
    mean_a, mean_b = float(a.y.mean()), float(b.y.mean())
    value, df = mean_a - mean_b, degrees_of_freedom(a, b)
    if df < 1:
        return Contrast(value, None, Interval(reason=TOO_FEW))
    variance = joint_variance((a.y - mean_a) / len(a), a, (b.y - mean_b) / len(b), b)
    if variance <= _rounding_noise(max(abs(mean_a), abs(mean_b))):
        return Contrast(value, 0.0, Interval(reason=NO_SPREAD if value else NO_VARIATION))
    half = quantile(level, df) * float(np.sqrt(variance))
    return Contrast(value, variance, Interval(max(value - half, -furthest), min(value + half, furthest), df))


def ratio(a: Sample, b: Sample, level: float = 0.95) -> Contrast:
    """mean(a)/mean(b) with interval (a/b)·exp(±t·√V2); undefined where either mean is 0."""
    if not len(a) or not len(b):
        return Contrast(None, None, Interval(reason="not estimable: a column without answers"))
    mean_a, mean_b = float(a.y.mean()), float(b.y.mean())
    if mean_a <= 0 or mean_b <= 0:
        value = mean_a / mean_b if mean_b > 0 else None
        return Contrast(value, None, Interval(reason="undefined: a mean is 0"))
    value, df = mean_a / mean_b, degrees_of_freedom(a, b)
    if df < 1:
        return Contrast(value, None, Interval(reason=TOO_FEW))
    psi_a, psi_b = (a.y - mean_a) / (len(a) * mean_a), (b.y - mean_b) / (len(b) * mean_b)
    variance = joint_variance(psi_a, a, psi_b, b)
    if variance <= _rounding_noise(1.0):
        return Contrast(value, 0.0, Interval(reason=NO_VARIATION))
    half = quantile(level, df) * float(np.sqrt(variance))
    if half > EXPONENT_MAX:
        return Contrast(value, variance, Interval(reason=NO_BOUND))
    return Contrast(value, variance, Interval(value * float(np.exp(-half)), value * float(np.exp(half)), df))
