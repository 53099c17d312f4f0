"""Every column against every other: which of them cannot be told apart (simultaneous over all pairs).

The error is controlled for all pairs together by the distribution of the largest of their t-statistics under the null,
with the correlations that the shared participants and images give them (max-t: Hothorn, Bretz & Westfall 2008, Biom. J.
50:346–363). Letters: columns that share one cannot be told apart (Piepho 2004, J. Comput. Graph. Stat. 13:456–466).
Ranks: between one more than how many columns are surely better, and all but those surely worse, at the same level.
"""

from collections.abc import Iterable, Mapping, Sequence
from itertools import combinations
from string import ascii_lowercase

import numpy as np

from survey_site.statistics.comparison_types import ComparedPair, PairFamily
from survey_site.statistics.comparisons import few_items
from survey_site.statistics.factor import FloatArray, IntArray
from survey_site.statistics.outcome import Outcome
from survey_site.statistics.uncertainty import Contrast, Sample, difference

DRAWS = 50_000


def all_pairs(samples: Mapping[str, Sample], outcome: Outcome, level: float, seed: int) -> PairFamily:
    """The pairs of columns that have answers, best first. Differences in scale points, shares as −1..1."""
    names = sorted(
        (name for name in samples if len(samples[name])),
        key=lambda name: -float(samples[name].y.mean()),
    )
    family: PairFamily = {
        "rows": [],
        "letters": {},
        "ranks": {},
        "critical": None,
        "caution": None,
        "reason": None,
    }
    if len(names) < 2:
        return {**family, "reason": "not estimable: needs two columns with answers"}
    used = [samples[name] for name in names]
    width = outcome.high - outcome.low
    pairs = list(combinations(range(len(names)), 2))
    found = [difference(used[a], used[b], level, width) for a, b in pairs]
    known = [k for k, contrast in enumerate(found) if contrast.variance]
    if not known:
        return {**family, "reason": found[0].interval.reason}
    largest = largest_t(covariance(used), [pairs[k] for k in known], [found[k].df or 1 for k in known], seed)
    critical = float(np.quantile(largest, level))
    adjusted = {k: _adjusted(found[k], largest) for k in known}
    rows = [
        _row(names[a], names[b], found[k], adjusted.get(k), critical, width, level)
        for k, (a, b) in enumerate(pairs)
    ]
    apart = {(row["better"], row["worse"]) for row in rows if row["apart"]}
    return {
        **family,
        "rows": rows,
        "critical": critical,
        "letters": letters(names, apart),
        "ranks": ranks(names, apart),
        "caution": few_items(used),
    }


def _adjusted(contrast: Contrast, largest: FloatArray) -> float:
    t = abs(contrast.value or 0.0) / float(np.sqrt(contrast.variance or np.nan))
    return float((1 + (largest >= t).sum()) / (len(largest) + 1))


def _row(
    better: str, worse: str, found: Contrast, p: float | None, critical: float, width: float, level: float
) -> ComparedPair:
    ci = None
    if p is not None and found.value is not None and found.variance:
        half = critical * float(np.sqrt(found.variance))
        ci = [max(found.value - half, -width), min(found.value + half, width)]
    return {
        "better": better,
        "worse": worse,
        "difference": found.value,
        "ci": ci,
        "p": p,
        "apart": p is not None and p < 1 - level,
        "reason": found.interval.reason,
    }


def covariance(samples: Sequence[Sample]) -> FloatArray:
    """Two-way clustered covariance (K, K) of the columns' means, over participants and items crossed."""
    psi = np.concatenate([(s.y - s.y.mean()) / len(s) for s in samples])
    column = np.concatenate([np.full(len(s), k) for k, s in enumerate(samples)])
    participant = np.concatenate([s.participant for s in samples])
    item = np.concatenate([s.item for s in samples])
    cell = participant * (int(item.max()) + 1) + item
    total = _by(psi, column, participant) + _by(psi, column, item) - _by(psi, column, cell)
    values, vectors = np.linalg.eigh((total + total.T) / 2)
    return np.asarray((vectors * np.maximum(values, 0)) @ vectors.T, np.float64)


def _by(psi: FloatArray, column: IntArray, group: IntArray) -> FloatArray:
    codes = np.unique(group, return_inverse=True)[1]
    count, k = int(codes.max()) + 1, int(column.max()) + 1
    sums = np.bincount(codes * k + column, psi, count * k).reshape(count, k)
    return np.asarray(sums.T @ sums * count / max(count - 1, 1), np.float64)


def largest_t(
    means: FloatArray, pairs: Sequence[tuple[int, int]], df: Sequence[int], seed: int
) -> FloatArray:
    """Draws (DRAWS,) of the largest |t| over the pairs where no column differs; `means`: covariance (K, K).

    One χ² for all pairs, with the fewest degrees of freedom among them, so that no pair is judged too kindly.
    """
    rng = np.random.default_rng(seed)
    values, vectors = np.linalg.eigh(means)
    z = rng.standard_normal((DRAWS, len(means))) @ (vectors * np.sqrt(np.maximum(values, 0))).T
    scale = np.sqrt(rng.chisquare(min(df), DRAWS) / min(df))
    largest = np.zeros(DRAWS)
    for a, b in pairs:
        spread = float(np.sqrt(max(means[a, a] + means[b, b] - 2 * means[a, b], 0)))
        if spread > 0:
            np.maximum(largest, np.abs(z[:, a] - z[:, b]) / spread, out=largest)
    return np.asarray(largest / scale, np.float64)


def letters(names: Sequence[str], apart: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Letters of each name, in the order of `names`: two names share one if and only if they are not `apart`."""
    known = list(apart)
    told = {*known, *((worse, better) for better, worse in known)}
    alike = {one: {other for other in names if other != one and (one, other) not in told} for one in names}
    place = {name: k for k, name in enumerate(names)}
    groups = sorted(
        _groups(frozenset(), set(names), set(), alike), key=lambda g: sorted(map(place.__getitem__, g))
    )
    return {name: "".join(letter(k) for k, group in enumerate(groups) if name in group) for name in names}


def _groups(
    group: frozenset[str], more: set[str], done: set[str], alike: Mapping[str, set[str]]
) -> Iterable[frozenset[str]]:
    """Every largest group of names that are all alike (Bron & Kerbosch 1973, Commun. ACM 16:575–577, with a pivot).

    Its steps grow with the groups that there are; splitting groups pair by pair made thousands that were dropped again.
    """
    if not more and not done:
        yield group
        return
    pivot = max(more | done, key=lambda name: len(alike[name] & more))
    for name in more - alike[pivot]:
        yield from _groups(group | {name}, more & alike[name], done & alike[name], alike)
        more, done = more - {name}, done | {name}


def letter(k: int) -> str:
    """The k-th letter, from a; `a1`, `b1` … after z."""
    turn, place = divmod(k, len(ascii_lowercase))
    return ascii_lowercase[place] + (str(turn) if turn else "")


def ranks(names: Sequence[str], apart: Iterable[tuple[str, str]]) -> dict[str, list[int]]:
    """Lowest and highest rank (1: best) that each name can have."""
    known = list(apart)
    return {
        name: [
            1 + sum(worse == name for _, worse in known),
            len(names) - sum(better == name for better, _ in known),
        ]
        for name in names
    }
