"""A share against guessing: lift over chance, sensitivity d′ and exact tests (statistics.md, section 3)."""

import numpy as np
from scipy import optimize, signal, special, stats

from survey_site.statistics.column_types import ChanceTest, LiftOverChance
from survey_site.statistics.data import FloatArray, IntArray, Trials
from survey_site.statistics.resampling import sign_flip

# Gauss–Hermite nodes and weights for the expectation over a standard normal variable.
_NODES, _WEIGHTS = (
    np.polynomial.hermite_e.hermegauss(120)[0],
    np.polynomial.hermite_e.hermegauss(120)[1] / np.sqrt(2 * np.pi),
)


def kappa(y: FloatArray, pool_size: IntArray) -> float | None:
    """κ = Σ(y − 1/m)/Σ(1 − 1/m): 0 at guessing, 1 when all are right. Shapes (N,); m ≥ 2."""
    if not len(y):
        return None
    chance = 1 / pool_size
    return float((y - chance).sum() / (1 - chance).sum())


def poisson_binomial_tail(successes: int, pool_size: IntArray) -> float:
    """P(S ≥ ``successes``) when each of N answers is a guess among m_t images.

    Trials of one m form a binomial; the binomials are convolved. With a single m this is ``binom.sf``.
    """
    sizes, counts = np.unique(pool_size, return_counts=True)
    if len(sizes) == 1:
        return float(stats.binom.sf(successes - 1, counts[0], 1 / sizes[0]))
    pmf = np.ones(1)
    for m, n in zip(sizes, counts, strict=True):
        part = stats.binom.pmf(np.arange(n + 1), n, 1 / m)
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


def against_chance(trials: Trials, resamples: int, seed: int) -> LiftOverChance:
    """Lift over chance of one column. With one trial per participant the exact test, else the sign-flip."""
    answered = trials.answered()
    y, m = answered.value, answered.pool_size
    if not len(y):
        return {"reason": "no answers"}
    if (m < 2).any():
        return {"reason": "pool size unknown: a share of right answers cannot be read without it"}
    one_size = int(m[0]) if (m == m[0]).all() else None
    return {
        "pool_size": one_size if one_size else "mixed",
        "chance_percent": float(100 * np.mean(1 / m)),
        "kappa": kappa(y, m),
        "d_prime": d_prime(float(y.mean()), one_size, len(y)) if one_size else None,
        "reason": None,
        **_test(y, m, answered.participant.codes, resamples, seed),
    }


def _test(y: FloatArray, m: IntArray, participant: IntArray, resamples: int, seed: int) -> ChanceTest:
    """One-sided p of doing no better than guessing."""
    counts = np.bincount(participant)
    if counts.max() == 1:
        return {"test": "poisson_binomial", "p": poisson_binomial_tail(int(y.sum()), m)}
    lift = np.bincount(participant, y - 1 / m)[counts > 0] / counts[counts > 0]
    flip = sign_flip(lift, resamples, seed, two_sided=False)
    return {"test": "sign_flip", "p": flip.p, "exact": flip.exact}
