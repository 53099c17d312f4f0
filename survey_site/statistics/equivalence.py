"""Equivalence and non-inferiority against a margin that was sealed before the data (two one-sided tests).

Source: Schuirmann 1987, J. Pharmacokinet. Biopharm. 15:657–680. Both use the same two-way clustered standard error and
Student's t as the test of a difference.
"""

from collections.abc import Sequence

import numpy as np
from scipy import stats

from survey_site.statistics.comparison_types import EquivalenceFamily, EquivalenceRow
from survey_site.statistics.comparisons import holm
from survey_site.statistics.uncertainty import Contrast, Interval, quantile


def one_sided(contrast: Contrast, margin: float) -> tuple[float | None, float | None]:
    """p of "not below −margin" and of "not above +margin"; None where the variance is 0 or not estimable."""
    if contrast.value is None or not contrast.variance or contrast.df is None:
        return None, None
    spread = float(np.sqrt(contrast.variance))
    lower = float(stats.t.sf((contrast.value + margin) / spread, contrast.df))
    upper = float(stats.t.cdf((contrast.value - margin) / spread, contrast.df))
    return lower, upper


def interval(contrast: Contrast, level: float, width: float = np.inf) -> Interval:
    """The interval at 1 − 2α, which lies within ± the margin exactly where equivalence holds at α; cut at ± `width`."""
    if contrast.value is None or not contrast.variance or contrast.df is None:
        return Interval(reason=contrast.interval.reason)
    half = quantile(2 * level - 1, contrast.df) * float(np.sqrt(contrast.variance))
    return Interval(max(contrast.value - half, -width), min(contrast.value + half, width), contrast.df)


def family(
    contrasts: Sequence[tuple[str, Contrast]], margin: float, level: float, width: float = np.inf
) -> EquivalenceFamily:
    """Each column's difference from the reference against the margin; Holm over the columns, for each of both questions.

    width: of the scale, at which intervals end.
    """
    both = [one_sided(contrast, margin) for _, contrast in contrasts]
    equal = [None if low is None or high is None else max(low, high) for low, high in both]
    rows: list[EquivalenceRow] = []
    for (name, contrast), p_equal, p_lower in zip(
        contrasts, holm(equal), holm([low for low, _ in both]), strict=True
    ):
        rows.append(
            {
                "column": name,
                "difference": contrast.value,
                "ci": interval(contrast, level, width).pair(),
                "equivalence_p_holm": p_equal,
                "equivalent": None if p_equal is None else p_equal < 1 - level,
                "non_inferiority_p_holm": p_lower,
                "not_inferior": None if p_lower is None else p_lower < 1 - level,
                "reason": contrast.interval.reason,
            }
        )
    return {"margin": margin, "interval_level": 2 * level - 1, "rows": rows}
