"""Sizes of an effect beside difference and ratio, each with its interval: odds ratio, Cliff's δ and its paired form.

Intervals take participants and images as samples (`uncertainty.two_way_variance` of the influence values), except the paired
δ, which is a mean over participants and holds for these images.
"""

from dataclasses import dataclass

import numpy as np
from scipy import stats

from survey_site.statistics.factor import FloatArray, IntArray
from survey_site.statistics.uncertainty import (
    EXPONENT_MAX,
    NO_BOUND,
    NO_VARIATION,
    TOO_FEW,
    Interval,
    Sample,
    degrees_of_freedom,
    joint_variance,
    quantile,
)


@dataclass(frozen=True)
class Effect:
    """An effect size with its interval; None where there is nothing to compute it from."""

    value: float | None
    interval: Interval


def odds_ratio(a: Sample, b: Sample, level: float = 0.95) -> Effect:
    """Odds ratio of two shares with +0.5 in every cell (Haldane–Anscombe): finite at 0 % and 100 %.

    The interval is that of the log odds by the delta method; where a share is 0 or 1 there is none.
    """
    value = plain_odds_ratio(a.y, b.y)
    p, q = float(a.y.mean()), float(b.y.mean())
    if p in (0.0, 1.0) or q in (0.0, 1.0):
        return Effect(value, Interval(reason="not estimable: a column is at 0 % or 100 %"))
    df = degrees_of_freedom(a, b)
    if df < 1:
        return Effect(value, Interval(reason=TOO_FEW))
    psi_a, psi_b = (a.y - p) / (len(a) * p * (1 - p)), (b.y - q) / (len(b) * q * (1 - q))
    variance = joint_variance(psi_a, a, psi_b, b)
    if variance <= 1e-24:
        return Effect(value, Interval(reason=NO_VARIATION))
    half = quantile(level, df) * float(np.sqrt(variance))
    if half > EXPONENT_MAX:
        return Effect(value, Interval(reason=NO_BOUND))
    return Effect(value, Interval(value * float(np.exp(-half)), value * float(np.exp(half)), df))


def plain_odds_ratio(a: FloatArray, b: FloatArray) -> float:
    """The odds ratio alone, of answers 0 and 1."""
    return float((a.sum() + 0.5) * ((1 - b).sum() + 0.5) / (((1 - a).sum() + 0.5) * (b.sum() + 0.5)))


def cliffs_delta(a: Sample, b: Sample, level: float = 0.95) -> Effect:
    """δ = 2U/(n₁n₂) − 1 = P(a > b) − P(a < b) over all pairs of answers (Cliff 1993, Psychol. Bull. 114:494–509)."""
    above_a, above_b = _dominance(np.sort(b.y), a.y), _dominance(np.sort(a.y), b.y)
    value = float(above_a.mean())
    df = degrees_of_freedom(a, b)
    if df < 1:
        return Effect(value, Interval(reason=TOO_FEW))
    # Influence of an answer: how far its own dominance lies from δ; b's counts against a.
    variance = joint_variance((above_a - value) / len(a), a, (above_b + value) / len(b), b)
    if variance <= 1e-24:
        return Effect(value, Interval(reason=NO_VARIATION))
    half = quantile(level, df) * float(np.sqrt(variance))
    return Effect(value, Interval(max(value - half, -1.0), min(value + half, 1.0), df))


def _dominance(ordered: FloatArray, own: FloatArray) -> FloatArray:
    """Of each own answer, the share of the others below it minus the share above it."""
    below = np.searchsorted(ordered, own, "left")
    above = len(ordered) - np.searchsorted(ordered, own, "right")
    return np.asarray((below - above) / len(ordered), np.float64)


def paired_delta(a: Sample, b: Sample, level: float = 0.95) -> Effect:
    """Mean over participants with both columns of P(x > y) − P(x < y) within the participant, ± t·SE over them."""
    levels, codes = np.unique(np.concatenate([a.y, b.y]), return_inverse=True)
    size = int(max(a.participant.max(initial=-1), b.participant.max(initial=-1))) + 1
    table_a = _counts(a.participant, codes[: len(a)], size, len(levels))
    table_b = _counts(b.participant, codes[len(a) :], size, len(levels))
    n_a, n_b = table_a.sum(1), table_b.sum(1)
    both = (n_a > 0) & (n_b > 0)
    if not both.any():
        return Effect(None, Interval(reason="not estimable: no participant answered in both columns"))
    below = np.cumsum(table_b, 1) - table_b
    above = n_b[:, None] - np.cumsum(table_b, 1)
    own = (table_a * (below - above)).sum(1)[both] / (n_a[both] * n_b[both])
    value = float(own.mean())
    if len(own) < 2:
        return Effect(value, Interval(reason=TOO_FEW))
    spread = float(own.std(ddof=1) / np.sqrt(len(own)))
    if spread <= 1e-12:
        return Effect(value, Interval(reason=NO_VARIATION))
    half = float(stats.t.ppf(0.5 + level / 2, len(own) - 1)) * spread
    return Effect(value, Interval(max(value - half, -1.0), min(value + half, 1.0), len(own) - 1))


def _counts(row: IntArray, column: IntArray, rows: int, columns: int) -> FloatArray:
    return np.bincount(row * columns + column, minlength=rows * columns).reshape(rows, columns).astype(float)
