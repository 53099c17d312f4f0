"""Each column against the reference column: tests, Holm's correction, effect sizes (statistics.md, section 4)."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

from survey_site.statistics import effects
from survey_site.statistics.column_types import ComparedColumn, TestedFamily
from survey_site.statistics.factor import FloatArray
from survey_site.statistics.outcome import Outcome
from survey_site.statistics.plan import FEW_ITEMS, TWO_WAY_T
from survey_site.statistics.resampling import sign_flip
from survey_site.statistics.uncertainty import Contrast, Sample, clusters, difference, ratio

T_TEST, SIGN_FLIP = TWO_WAY_T, "sign_flip"
MIN_PAIRED = 2
DETECTED = 0.8
TOO_FEW_PAIRED = "not estimable: fewer than 2 participants answered in both columns"


@dataclass(frozen=True)
class Paired:
    """Participants' means in both columns, (P,) each; ``dropped`` had only one of the two."""

    a: FloatArray
    b: FloatArray
    dropped: int

    @property
    def difference(self) -> FloatArray:
        """a − b per participant, without floating dust, so that equal differences tie and 0 is 0."""
        return np.round(self.a - self.b, 12)


def pair(a: Sample, b: Sample) -> Paired:
    """Means of the participants who answered in both columns."""
    size = _size(a, b)
    n_a, n_b = np.bincount(a.participant, minlength=size), np.bincount(b.participant, minlength=size)
    both, either = (n_a > 0) & (n_b > 0), (n_a > 0) | (n_b > 0)
    sum_a = np.bincount(a.participant, a.y, size)
    sum_b = np.bincount(b.participant, b.y, size)
    return Paired(sum_a[both] / n_a[both], sum_b[both] / n_b[both], int(either.sum() - both.sum()))


def _size(a: Sample, b: Sample) -> int:
    return int(max(a.participant.max(initial=-1), b.participant.max(initial=-1))) + 1


def t_value(contrast: Contrast) -> float | None:
    """Δ/√V2; ``None`` where V2 is 0 or not estimable."""
    if contrast.value is None or not contrast.variance or contrast.df is None:
        return None
    return float(contrast.value / np.sqrt(contrast.variance))


def t_test(contrast: Contrast) -> float | None:
    """Two-sided p of Δ/√V2 with Student's t; ``None`` where V2 is 0 or not estimable."""
    t = t_value(contrast)
    return None if t is None or contrast.df is None else float(2 * stats.t.sf(abs(t), contrast.df))


def holm(p_values: Sequence[float | None]) -> list[float | None]:
    """Holm-adjusted p; tests that could not be done stay ``None`` and do not count in the family.

    Source: Holm 1979, Scand. J. Stat. 6:65–70. (statsmodels' ``multipletests`` gives the same numbers and runs
    the garbage collector at every call.)
    """
    known = np.array([p for p in p_values if p is not None])
    order = np.argsort(known, kind="stable")
    stepped = np.maximum.accumulate(known[order] * np.arange(len(known), 0, -1))
    adjusted = np.empty(len(known))
    adjusted[order] = np.minimum(stepped, 1.0)
    values = iter(adjusted.tolist())
    return [None if p is None else next(values) for p in p_values]


def wilcoxon(differences: FloatArray, resamples: int, seed: int) -> float | None:
    """Permutation p of Wilcoxon's signed-rank test, (P,) differences; ``None`` if no participant differs.

    It is the sign-flip test of the signed midranks (SciPy's ``wilcoxon`` with a ``PermutationMethod`` is the same
    test, thirty times slower); exact up to 20 differences.
    """
    d = differences[differences != 0]
    if not len(d):
        return None
    return sign_flip(np.sign(d) * stats.rankdata(np.abs(d)), resamples, seed).p


def compare(
    name: str, sample: Sample, reference: Sample, outcome: Outcome, *, level: float, resamples: int, seed: int
) -> ComparedColumn:
    """One column against the reference, all quantities unadjusted; Holm is applied to the family later."""
    if not len(sample) or not len(reference):
        return {"column": name, "reason": "not estimable: a column without answers", "p": {}}
    delta = difference(sample, reference, level, outcome.high - outcome.low)
    quotient, paired = ratio(sample, reference, level), pair(sample, reference)
    within = effects.paired_delta(sample, reference, level)
    flip = sign_flip(paired.difference, resamples, seed) if len(paired.a) >= MIN_PAIRED else None
    row: ComparedColumn = {
        "column": name,
        "difference": delta.value,
        "difference_ci": delta.interval.pair(),
        "ratio": quotient.value,
        "ratio_ci": quotient.interval.pair(),
        "ratio_reason": quotient.interval.reason,
        "paired_participants": len(paired.a),
        "dropped_participants": paired.dropped,
        "t": t_value(delta),
        "df": delta.df,
        "reason": delta.interval.reason,
        "detectable": detectable(delta, level, outcome.high - outcome.low),
        "paired_delta": within.value,
        "paired_delta_ci": within.interval.pair(),
        "p": {T_TEST: t_test(delta), SIGN_FLIP: flip.p if flip else None},
        "sign_flip_reason": None if flip else TOO_FEW_PAIRED,
        "sign_flip_exact": flip.exact if flip else None,
    }
    if outcome.kind == "share":
        odds = effects.odds_ratio(sample, reference, level)
        return row | {"odds_ratio_plus_half": odds.value, "odds_ratio_ci": odds.interval.pair()}
    dominance = effects.cliffs_delta(sample, reference, level)
    shifted = ratio(_shifted(sample, 1 - outcome.low), _shifted(reference, 1 - outcome.low), level)
    return row | {
        "cliffs_delta": dominance.value,
        "cliffs_delta_ci": dominance.interval.pair(),
        "ratio_from_one": shifted.value,
        "ratio_from_one_ci": shifted.interval.pair(),
        "wilcoxon_p": wilcoxon(paired.difference, resamples, seed) if flip else None,
    }


def _shifted(sample: Sample, by: float) -> Sample:
    """The same answers on a scale that begins with 1."""
    return Sample(sample.y + by, sample.participant, sample.item)


def detectable(contrast: Contrast, level: float, width: float, power: float = DETECTED) -> float | None:
    """The smallest true difference that a study like this one finds with this power: (t₁₋α/₂ + t_power)·√V2.

    `None` where that is more than the `width` of the scale: no true difference is.
    """
    if not contrast.variance or contrast.df is None:
        return None
    needed = stats.t.ppf(0.5 + level / 2, contrast.df) + stats.t.ppf(power, contrast.df)
    found = float(needed * np.sqrt(contrast.variance))
    return found if found <= width else None


def family(
    samples: Mapping[str, Sample],
    reference: str,
    outcome: Outcome,
    *,
    level: float,
    resamples: int,
    seed: int,
) -> TestedFamily:
    """All comparisons of one outcome as one Holm family.

    The confirmatory test is the two-way t, whatever the data: chosen by what they look like, one missing answer could
    turn the verdict, and the sign-flip would stand in where it is least valid (few images: docs/statistics.md). The
    sign-flip stands beside it, conditional on these images.
    """
    base = samples[reference]
    others = [name for name in samples if name != reference]
    rows = [
        compare(n, samples[n], base, outcome, level=level, resamples=resamples, seed=seed + k)
        for k, n in enumerate(others)
    ]
    correct(rows, level)
    return {
        "reference": reference,
        "primary_test": T_TEST,
        "label": "two-way clustered t-test: participants and images both random",
        "caution": few_items(samples.values())
        if any(row["p"].get(T_TEST) is not None for row in rows)
        else None,
        "rows": rows,
    }


def correct(rows: Sequence[ComparedColumn], level: float) -> None:
    """Writes Holm's correction over these comparisons, and what it makes of the confirmatory test, into each of them."""
    adjusted = {test: holm([row["p"].get(test) for row in rows]) for test in (T_TEST, SIGN_FLIP)}
    for place, row in enumerate(rows):
        row["p_holm_by_test"] = {test: found[place] for test, found in adjusted.items()}
        p = row["p_holm_by_test"][T_TEST]
        row["p_holm"], row["significant"] = p, None if p is None else bool(p < 1 - level)


def few_items(samples: Iterable[Sample]) -> str | None:
    """What must be said where a column rests on so few pools or images that real differences are easily missed."""
    fewest = min((clusters(sample.item) for sample in samples if len(sample)), default=0)
    if not 0 < fewest < FEW_ITEMS:
        return None
    return (
        f"Few pools or images ({fewest}, {FEW_ITEMS} or more are advised): the test takes them as a sample, so its "
        "power is low, and what is not significant says little."
    )


def mcnemar_range(correct_a: int, correct_b: int, n: int) -> tuple[float, float]:
    """Smallest and largest exact McNemar p that two published shares of the same n people allow.

    The margins fix b − c; the number of people who differ may lie anywhere between its two limits.
    """
    low = abs(correct_a - correct_b)
    high = min(correct_a + correct_b, 2 * n - correct_a - correct_b)
    ps = [
        float(stats.binomtest((d - low) // 2, d, 0.5).pvalue) if d else 1.0 for d in range(low, high + 1, 2)
    ]
    return min(ps), max(ps)
