"""Signal detection with crossed participants and images: d′ and criterion, with intervals.

A signal is a prediction that is right, a hit one that is thought right; a false alarm is a wrong one thought right.
d′ = z(H) − z(F), c = −(z(H) + z(F))/2: c below 0 leans to “right”. Both rates take half an answer more on either side
(the log-linear rule, Hautus 1995, Behav. Res. Methods 27:46–51), so that a rate of 0 or 1 has a z. Intervals: the influence
of each answer on z, clustered by participants and images as everywhere, with Student's t of the fewest clusters less one.
"""

from dataclasses import dataclass

import numpy as np
from scipy import stats

from survey_site.statistics.column_types import SignalDetection
from survey_site.statistics.factor import BoolArray, FloatArray, IntArray
from survey_site.statistics.uncertainty import TOO_FEW, clusters, quantile, two_way_variance

ONE_KIND = "not estimable: needs answers to right and to wrong predictions"


@dataclass(frozen=True)
class Judged:
    """N judgements. found_out: 1 where a prediction was judged rightly (N,); right: whether it is right (N,)."""

    found_out: FloatArray
    right: BoolArray
    participant: IntArray
    item: IntArray

    def half(self, right: bool) -> "Judged":
        """Those of right, or of wrong predictions."""
        rows = self.right == right
        return Judged(self.found_out[rows], self.right[rows], self.participant[rows], self.item[rows])

    def __len__(self) -> int:
        return len(self.found_out)

    @property
    def rate(self) -> float:
        """The share judged rightly, with half an answer more on either side."""
        return float((self.found_out.sum() + 0.5) / (len(self) + 1))


def signal_detection(judged: Judged, level: float = 0.95) -> SignalDetection:
    """d′ and criterion of one column; None with a reason where the data cannot give them."""
    nothing: SignalDetection = {
        "d_prime": None, "d_prime_ci": None, "criterion": None, "criterion_ci": None, "df": None, "reason": ONE_KIND,
    }  # fmt: skip
    signal, noise = judged.half(True), judged.half(False)
    if not len(signal) or not len(noise):
        return nothing
    z_hit, z_rejected = (float(stats.norm.ppf(half.rate)) for half in (signal, noise))
    d_prime, criterion = z_hit + z_rejected, (z_rejected - z_hit) / 2
    df = min(clusters(half.participant) for half in (signal, noise))
    df = min(df, clusters(signal.item), clusters(noise.item)) - 1
    found: SignalDetection = {**nothing, "d_prime": d_prime, "criterion": criterion, "reason": TOO_FEW}
    if df < 1:
        return found
    psi_signal, psi_noise = _influence(judged, True), _influence(judged, False)
    return {
        **found,
        "d_prime_ci": _interval(judged, d_prime, psi_signal + psi_noise, 1.0, df, level),
        "criterion_ci": _interval(judged, criterion, (psi_noise - psi_signal) / 2, 0.25, df, level),
        "df": df,
        "reason": None,
    }


def _influence(judged: Judged, right: bool) -> FloatArray:
    """What each answer of one half moves its z by; 0 for those of the other half."""
    half, rows = judged.half(right), judged.right == right
    density = float(stats.norm.pdf(stats.norm.ppf(half.rate)))
    psi = np.zeros(len(judged))
    psi[rows] = (half.found_out - half.found_out.mean()) / (len(half) * density)
    return psi


def _interval(
    judged: Judged, value: float, psi: FloatArray, weight: float, df: int, level: float
) -> list[float]:
    """± t·√V, where V is no smaller than that of as many independent answers."""
    least = 0.0
    for right in (True, False):
        half = judged.half(right)
        density = float(stats.norm.pdf(stats.norm.ppf(half.rate)))
        least += weight * half.rate * (1 - half.rate) / (len(half) * density**2)
    variance = max(two_way_variance(psi, judged.participant, judged.item), least)
    width = quantile(level, df) * float(np.sqrt(variance))
    return [value - width, value + width]
