"""The sign-flip test, exact where it can be, else with a stored seed."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from survey_site.statistics.factor import FloatArray

EXACT_UP_TO = 20
_CELLS_AT_ONCE = 4_000_000


@dataclass(frozen=True)
class Flip:
    """p-value of a sign-flip test; ``exact`` when all sign patterns were enumerated."""

    p: float
    exact: bool
    nonzero: int


def sign_flip(differences: FloatArray, resamples: int, seed: int, two_sided: bool = True) -> Flip:
    """Are participants' differences (P,) centred at 0? Signs are exchangeable under the null.

    Zeros drop out. Up to 20 differences all 2^n patterns are summed; beyond that B random ones, and
    p = (1 + #)/(B + 1). With one trial per participant (differences −1, 0, 1) this is McNemar's exact test.
    """
    d = differences[differences != 0]
    if not len(d):
        return Flip(1.0, True, 0)
    d = d / np.abs(d).max()
    observed, slack = float(d.sum()), 1e-9 * len(d)
    if len(d) <= EXACT_UP_TO:
        sums = _all_sums(d)
        hits = np.abs(sums) >= abs(observed) - slack if two_sided else sums >= observed - slack
        return Flip(float(hits.mean()), True, len(d))
    count = 0
    for sums in _random_sums(d, resamples, seed):
        hits = np.abs(sums) >= abs(observed) - slack if two_sided else sums >= observed - slack
        count += int(hits.sum())
    return Flip((1 + count) / (resamples + 1), False, len(d))


def _all_sums(d: FloatArray) -> FloatArray:
    sums = np.zeros(1)
    for value in d:
        sums = np.concatenate([sums - value, sums + value])
    return sums


def _random_sums(d: FloatArray, resamples: int, seed: int) -> Iterator[FloatArray]:
    """Sums of d with random signs, in blocks. Equal sizes share a binomial draw of how many are positive."""
    rng = np.random.default_rng(seed)
    sizes, counts = np.unique(np.abs(d), return_counts=True)
    step = max(1, _CELLS_AT_ONCE // len(sizes))
    for start in range(0, resamples, step):
        positive = rng.binomial(counts, 0.5, (min(step, resamples - start), len(sizes)))
        yield (2 * positive - counts) @ sizes
