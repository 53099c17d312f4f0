"""A study that may stop early: p-values of its looks taken together, and estimates corrected for the stopping.

*Sequential p*: the smallest α at which the sealed boundaries would have been crossed up to this look (Liu & Anderson 2008,
J. Am. Stat. Assoc. 103:1627–1630). Several contrasts: Holm over these, which is the closed test with weighted
group-sequential tests (Maurer & Bretz 2013, Stat. Biopharm. Res. 5:311–320). Estimates: outcomes ordered by the stage at
which they stopped, then by size (Tsiatis, Rosner & Mehta 1984, Biometrics 40:797–803): the median-unbiased estimate and
the interval that belongs to the same order. Of Student's t the normal quantile of its p takes part (the significance-level
approach: Jennison & Turnbull 2000, section 3.8), so that a study which stops at its first look has the t-interval itself.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import optimize, special, stats

from survey_site.statistics.boundaries import Paths, bounds, nominal
from survey_site.statistics.factor import BoolArray, FloatArray, IntArray

SMALLEST_P = 1e-12
GAINED = 0.98  # two looks share at most this part of their information; estimated variances may say more


def sequential_p(spending: str, fractions: Sequence[float], p_values: Sequence[float | None]) -> float | None:
    """The smallest α at which one of the looks so far stops; `None` where no look could be estimated.

    p_values: two-sided, of each look so far; `fractions`: of these looks.
    """
    known = [(k, np.log(max(p, SMALLEST_P**2))) for k, p in enumerate(p_values) if p is not None]
    if not known:
        return None

    def excess(log_alpha: float) -> float:
        levels = nominal(bounds(spending, float(np.exp(log_alpha)), fractions))
        return max(float(np.log(max(levels[k], SMALLEST_P**2)) - p) for k, p in known)

    low = float(np.log(SMALLEST_P))
    if excess(low) >= 0:
        return SMALLEST_P
    if excess(0.0) <= 0:
        return 1.0
    return float(np.exp(optimize.brentq(excess, low, 0.0, xtol=1e-9)))


def stopped(
    p: FloatArray, spending: str, alpha: float, fractions: Sequence[float]
) -> tuple[BoolArray, IntArray]:
    """R studies whose m contrasts were tested at every look, p (R, looks, m): who stopped where.

    Which contrasts are rejected when a study ends, (R, m), and the place of the look at which it does, (R,): the first at
    which all are, else the last. Step-down over crossings, which is Holm over `sequential_p`, for many studies at once.
    """
    count, looks, m = p.shape
    levels = np.array([nominal(bounds(spending, alpha / left, fractions)) for left in range(1, m + 1)])
    crossed = np.zeros((count, m, m), np.bool_)  # by contrast and number of hypotheses left
    rejected = np.zeros((count, m), np.bool_)
    stage = np.full(count, looks - 1)
    running = np.ones(count, np.bool_)
    for k in range(looks):
        crossed |= p[:, k, :, None] <= levels[None, None, :, k]
        for _ in range(m):
            left = np.maximum(m - rejected.sum(1), 1)
            now = np.take_along_axis(crossed, (left - 1)[:, None, None].repeat(m, 1), 2)[:, :, 0]
            rejected |= now & running[:, None]
        ends = running & rejected.all(1)
        stage[ends], running = k, running & ~ends
    return rejected, stage


def limits(bound: FloatArray, df: FloatArray) -> FloatArray:
    """|t| from which looks stop, (K,), by the p that their bounds stand for and their degrees of freedom."""
    return np.asarray(stats.t.isf(nominal(bound) / 2, df), np.float64)


@dataclass(frozen=True)
class Stops:
    """R studies that all stopped at their look s, with one contrast each.

    estimates (R,): at that look; variances (R, s): at all looks so far; df (R,): of the last look's t. limits (s − 1,): |t|
    from which the earlier looks would have stopped.
    """

    estimates: FloatArray
    variances: FloatArray
    df: FloatArray
    limits: FloatArray

    def at_least(self, theta: FloatArray) -> FloatArray:
        """P_θ of an outcome as high as this one or higher in the order of the stages; rises with the true effect θ."""
        information = _rising(1 / self.variances)
        paths = Paths(information, self.limits, theta)
        t = (self.estimates - theta) / np.sqrt(self.variances[:, -1])
        z = -np.sign(t) * special.ndtri(stats.t.sf(np.abs(t), self.df))
        return np.asarray(
            paths.stopped_above + paths.above(theta * np.sqrt(information[:, -1]) + z), np.float64
        )


def corrected(
    estimate: float, variances: Sequence[float], df: float, limits: FloatArray, level: float
) -> tuple[float, float, float]:
    """Median-unbiased estimate and the ends of its interval, of one study; the arguments as in `Stops`."""
    stop = Stops(np.array([estimate]), np.array([variances]), np.array([df]), limits)
    error = float(np.sqrt(variances[-1]))
    tail = (1 - level) / 2
    wide = 2 * error * max(float(stats.t.ppf(1 - tail / 10, df)), 4.0)

    def theta_at(share: float) -> float:
        def gap(theta: float) -> float:
            return float(stop.at_least(np.array([theta]))[0]) - share

        low, high = estimate - wide, estimate + wide
        while gap(low) > 0:
            low -= wide
        while gap(high) < 0:
            high += wide
        return float(optimize.brentq(gap, low, high, xtol=1e-10 * max(error, 1e-300)))

    return theta_at(0.5), theta_at(tail), theta_at(1 - tail)


def _rising(information: FloatArray) -> FloatArray:
    """(R, s) information that rises from look to look; what the last look says stands."""
    kept = information.copy()
    for k in range(kept.shape[1] - 2, -1, -1):
        kept[:, k] = np.minimum(kept[:, k], GAINED * kept[:, k + 1])
    return kept
