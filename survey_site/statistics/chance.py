"""A share against guessing: lift over chance, sensitivity d′ and tests (statistics.md, section 3).

Chance is a trial's own: the probability that a guess among its candidates is counted as right.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
from scipy import optimize, signal, special, stats

from survey_site.statistics.column_types import ChanceTest, LiftOverChance
from survey_site.statistics.data import Trials
from survey_site.statistics.factor import FloatArray
from survey_site.statistics.plan import TWO_WAY_T
from survey_site.statistics.printing import p_value
from survey_site.statistics.resampling import sign_flip
from survey_site.statistics.uncertainty import (
    NO_VARIATION,
    Interval,
    Sample,
    mean_contrast,
    proportion_interval,
)

UNKNOWN = (
    "chance unknown: a share of right answers cannot be read without the size, and the classes, of its pools"
)

# Gauss–Hermite nodes and weights for the expectation over a standard normal variable.
_NODES, _WEIGHTS = (
    np.polynomial.hermite_e.hermegauss(120)[0],
    np.polynomial.hermite_e.hermegauss(120)[1] / np.sqrt(2 * np.pi),
)


def chance_corrected_share(y: FloatArray, chance: FloatArray) -> float | None:
    """Σ(y − c)/Σ(1 − c): 0 at guessing, 1 when all are right. Shapes (N,); None where guessing is always right."""
    if not len(y) or not (chance < 1).any():
        return None
    return float((y - chance).sum() / (1 - chance).sum())


def poisson_binomial_tail(successes: int, chance: FloatArray) -> float:
    """P(S ≥ ``successes``) when each of N answers is a guess that is right with its trial's probability, (N,).

    Trials of one chance form a binomial; the binomials are convolved. With a single chance this is ``binom.sf``.
    """
    levels, counts = np.unique(np.round(chance, 12), return_counts=True)
    if len(levels) == 1:
        return float(stats.binom.sf(successes - 1, counts[0], levels[0]))
    pmf = np.ones(1)
    for level, n in zip(levels, counts, strict=True):
        part = stats.binom.pmf(np.arange(n + 1), n, level)
        pmf = np.convolve(pmf, part) if len(pmf) * n < 10**7 else signal.fftconvolve(pmf, part)
    return float(np.clip(pmf[successes:].sum(), 0, 1))


def d_prime(p: float, m: int, n: int) -> float:
    """Sensitivity in an m-alternative forced choice: ∫φ(x−d)Φ(x)^(m−1)dx = p.

    ``p`` is cut to [.5/n, 1 − .5/n]. Source: Green & Swets 1966; for m = 2 it is √2·z(p).
    """
    target = min(max(p, 0.5 / n), 1 - 0.5 / n)

    def excess(d: float) -> float:
        return float(_WEIGHTS @ special.ndtr(d + _NODES) ** (m - 1)) - target

    return float(optimize.brentq(excess, -12.0, 12.0, xtol=1e-10))


def against_chance(trials: Trials, resamples: int, seed: int, level: float = 0.95) -> LiftOverChance:
    """Lift over chance of one column: `value` against `chance` of every trial.

    Test, one-sided: with one trial per participant the exact Poisson-binomial tail, else the two-way clustered t of
    y − c, with the sign-flip over participants beside it where there are two or more.
    """
    answered = trials.answered()
    y, c, m = answered.value, answered.chance, answered.pool_size
    if not len(y):
        return {"reason": "no answers"}
    if np.isnan(c).any():
        return {"reason": UNKNOWN}
    one_size = int(m[0]) if (m == m[0]).all() else None
    # d′ is that of one right answer among m: not where a pool holds several.
    single = one_size is not None and one_size > 1 and bool(np.allclose(c, 1 / one_size))
    return {
        "pool_size": one_size if one_size else "mixed",
        "chance_percent": float(100 * c.mean()),
        "chance_corrected_share": chance_corrected_share(y, c),
        "chance_corrected_ci": _corrected_interval(answered, level).pair(),
        "d_prime": d_prime(float(y.mean()), one_size, len(y)) if single and one_size else None,
        "d_prime_ci": _d_prime_interval(answered, one_size, level) if single and one_size else None,
        "reason": None,
        **_test(answered, resamples, seed),
    }


def _corrected_interval(answered: Trials, level: float) -> Interval:
    """Of Σ(y − c)/Σ(1 − c): the two-way interval of its influence values."""
    y, c = answered.value, answered.chance
    share = chance_corrected_share(y, c)
    if share is None or _all_alike(y):
        return Interval(reason=NO_VARIATION)
    psi = ((y - c) - share * (1 - c)) / float((1 - c).mean())
    found = mean_contrast(Sample(psi, answered.participant.codes, answered.item.codes), level).interval
    if found.low is None or found.high is None:
        return found
    worst = -float(c.sum() / (1 - c).sum())  # where none is right
    return Interval(max(share + found.low, worst), min(share + found.high, 1.0), found.df)


def _all_alike(y: FloatArray) -> bool:
    """Whether all are right, or none: answers less unequal chances would vary all the same."""
    return bool(np.ptp(y) == 0)


def _d_prime_interval(answered: Trials, m: int, level: float) -> list[float] | None:
    """d′ grows with the share: the ends of the share's interval give its own."""
    sample = Sample(answered.value, answered.participant.codes, answered.item.codes)
    ends = proportion_interval(sample, level).pair()
    return [d_prime(end, m, len(sample)) for end in ends] if ends else None


def _test(answered: Trials, resamples: int, seed: int) -> ChanceTest:
    """One-sided p of doing no better than guessing."""
    y, c, participant = answered.value, answered.chance, answered.participant.codes
    counts = np.bincount(participant)
    if counts.max() == 1:
        return {"test": "poisson_binomial", "p": poisson_binomial_tail(int(y.sum()), c), "p_reason": None}
    # Without floating dust: who is right exactly as often as by guessing does not differ from it.
    lift = np.round(np.bincount(participant, y - c)[counts > 0] / counts[counts > 0], 12)
    beside: ChanceTest = {"test": TWO_WAY_T, "p": None, "p_reason": NO_VARIATION}
    if len(lift) > 1:
        flip = sign_flip(lift, resamples, seed, two_sided=False)
        beside |= {"sign_flip_p": flip.p, "sign_flip_exact": flip.exact}
    if _all_alike(y):
        return beside
    above = mean_contrast(Sample(y - c, participant, answered.item.codes))
    t = None if above.value is None or not above.variance else above.value / np.sqrt(above.variance)
    p = None if t is None or above.df is None else float(stats.t.sf(t, above.df))
    return {**beside, "p": p, "p_reason": above.interval.reason}


def p_text(lift: Mapping[str, Any]) -> str:
    """The p of a `LiftOverChance` as a table prints it, or why there is none."""
    p = lift.get("p")
    return str(lift["reason"] or lift["p_reason"]) if p is None else p_value(p)
