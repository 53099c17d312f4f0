"""Do participants agree? Krippendorff's α and the intraclass correlation (statistics.md, section 5)."""

from typing import Any, Literal

import numpy as np
from scipy import sparse, stats

from survey_site.statistics.data import Trials
from survey_site.statistics.factor import FloatArray, IntArray
from survey_site.statistics.intraclass import icc
from survey_site.statistics.outcome import Outcome
from survey_site.statistics.printing import places
from survey_site.statistics.report_types import AgreementRow, AlphaAgreement, IntraclassCorrelation

Metric = Literal["nominal", "ordinal", "interval"]
JACKKNIFE_GROUPS = 200
NO_REPEATS = "not estimable: the design shows no image under one method to two participants"
JACKKNIFE = "jackknife over participants, approximate, conditional on these images"
NO_JACKKNIFE = (
    "no interval: fewer than 3 participants, more units than a jackknife holds, or no α without some of them"
)
_CELLS_MAX = 2_000_000


def coincidences(counts: FloatArray) -> FloatArray:
    """Coincidence matrix (k, k) from how often each unit got each value, (units, k); units with < 2 drop out.

    Source: Krippendorff 2011, *Computing Krippendorff's Alpha-Reliability*.
    """
    n = counts.sum(1)
    kept = n >= 2
    table, weight = counts[kept], 1 / (n[kept] - 1)
    return np.asarray((table * weight[:, None]).T @ table - np.diag(table.T @ weight), np.float64)


def distances(totals: FloatArray, values: FloatArray, metric: Metric) -> FloatArray:
    """Squared distances (k, k) between the sorted ``values``, whose ordinal form needs their ``totals``."""
    if metric == "nominal":
        return 1.0 - np.eye(len(values))
    if metric == "interval":
        return np.asarray((values[:, None] - values[None, :]) ** 2, np.float64)
    up_to = np.cumsum(totals) - totals / 2
    return np.asarray((up_to[:, None] - up_to[None, :]) ** 2, np.float64)


def alpha_of_counts(counts: FloatArray, values: FloatArray, metric: Metric) -> float | None:
    """α = 1 − D_o/D_e; ``None`` without pairable units or when all pairable values are the same."""
    if metric == "nominal":
        return _nominal(counts)
    o = coincidences(counts)
    totals = o.sum(0)
    n = totals.sum()
    if n <= 1:
        return None
    delta = distances(totals, values, metric)
    expected = float(totals @ delta @ totals) / (n - 1)
    return None if expected <= 0 else float(1 - (o * delta).sum() / expected)


def _nominal(counts: Any) -> float | None:
    """Nominal α without the k×k matrix: k may be thousands of images. counts: dense or sparse, (units, k)."""
    n_unit = counts.sum(1)
    table = counts[n_unit >= 2]
    weight = 1 / (n_unit[n_unit >= 2] - 1)
    totals = table.sum(0)
    n = totals.sum()
    expected = (n * n - (totals**2).sum()) / (n - 1) if n > 1 else 0.0
    if expected <= 0:
        return None
    agreeing = float(weight @ ((table * table).sum(1) - table.sum(1)))
    return float(1 - (n - agreeing) / expected)


def alpha(unit: IntArray, value: FloatArray, metric: Metric) -> float | None:
    """Krippendorff's α of N answers: codes of the units and the values, both (N,)."""
    if not len(unit):
        return None
    if metric == "nominal":  # most units have few of the values
        row, column = (np.unique(codes, return_inverse=True)[1] for codes in (unit, value))
        return _nominal(sparse.csr_array((np.ones(len(row)), (row, column))))
    counts, values = _count_table(unit, value)
    return alpha_of_counts(counts, values, metric)


def _count_table(unit: IntArray, value: FloatArray) -> tuple[FloatArray, FloatArray]:
    units, row = np.unique(unit, return_inverse=True)
    values, column = np.unique(value, return_inverse=True)
    shape = len(units), len(values)
    return np.bincount(row * shape[1] + column, minlength=shape[0] * shape[1]).reshape(shape).astype(
        float
    ), values


def alpha_interval(
    unit: IntArray, value: FloatArray, participant: IntArray, metric: Metric, level: float = 0.95
) -> tuple[float, float] | None:
    """α ± t·SE with the jackknife's standard error over participants (groups of them above 200).

    Not the percentile bootstrap: a participant drawn twice agrees with himself, which with a few raters per
    unit moves the whole interval above the estimate (docs/statistics.md). Approximate, conditional on the
    images. ``None`` with fewer than three participants or when leaving some out makes α undefined.
    """
    people, rater = np.unique(participant, return_inverse=True)
    units, row = np.unique(unit, return_inverse=True)
    values, column = np.unique(value, return_inverse=True)
    groups = min(len(people), JACKKNIFE_GROUPS)
    shape = len(units), len(values)
    if groups < 3 or shape[0] * shape[1] > _CELLS_MAX:
        return None
    cell, group = row * shape[1] + column, rater % groups
    counts = np.bincount(cell, minlength=shape[0] * shape[1]).astype(float)
    left_out: list[float] = []
    for g in range(groups):
        without: FloatArray = counts - np.bincount(cell[group == g], minlength=len(counts)).astype(float)
        estimate = alpha_of_counts(without.reshape(shape), values, metric)
        if estimate is None:
            return None
        left_out.append(estimate)
    centre = alpha_of_counts(counts.reshape(shape), values, metric)
    spread = float(np.sqrt((groups - 1) / groups * np.sum((np.array(left_out) - np.mean(left_out)) ** 2)))
    if centre is None or spread == 0:
        return None
    half = float(stats.t.ppf(0.5 + level / 2, groups - 1)) * spread
    return centre - half, min(1.0, centre + half)


def score_alpha(trials: Trials, level: float = 0.95) -> AlphaAgreement:
    """Ordinal α of one task's scores; units are image × method, overall and per column.

    The overall value is inflated by differences between methods: raters agree that one is worse.
    """
    answered = trials.answered()
    return alpha_of(answered, of_image_and_method(answered), answered.value, "ordinal", level)


def of_image_and_method(trials: Trials) -> IntArray:
    """Codes (N,) of the unit that participants look at alike: an image under a condition."""
    return trials.stimulus.codes * (len(trials.condition.labels) + 1) + trials.condition.codes


def agreement_rows(trials: Trials, outcome: Outcome, level: float = 0.95) -> list[AgreementRow]:
    """Of whole scores with a mean: ordinal α and the intraclass correlation; nothing of others."""
    if outcome.kind != "mean" or not outcome.whole:
        return []
    found = score_alpha(trials, level)
    return [
        alpha_row(found, outcome.key, f"Krippendorff's α of the {outcome.answers} (ordinal)"),
        *_icc_rows(score_icc(trials), outcome, _base(found)),
    ]


def alpha_row(found: AlphaAgreement, outcome: str, title: str) -> AgreementRow:
    """α as a row of the table of agreement."""
    remark = found["reason"] or f"{_base(found)}; {found['ci_note']}"
    return {
        "outcome": outcome, "measure": f"{found['metric']}_alpha", "title": title, "value": found["alpha"],
        "ci": found["ci"], "remark": remark, "per_column": found["per_column"],
    }  # fmt: skip


def _base(found: AlphaAgreement) -> str:
    return f"from {found['units']} of {found['units_all']} units (image and method) with two answers or more"


def _icc_rows(found: IntraclassCorrelation, outcome: Outcome, base: str) -> list[AgreementRow]:
    per_target = f"k = {places(found['k'], 1)}" if "k" in found else ""
    one: AgreementRow = {
        "outcome": outcome.key, "measure": "icc_2_1", "title": f"ICC(2,1) of the {outcome.answers}",
        "value": found["icc_2_1"], "ci": None, "remark": found["reason"] or base,
    }  # fmt: skip
    if "variance" in found:
        one["variance"] = found["variance"]
    several: AgreementRow = {
        "outcome": outcome.key, "measure": "icc_2_k", "title": f"ICC(2,k) of the {outcome.answers}",
        "value": found["icc_2_k"], "ci": None, "remark": per_target,
    }  # fmt: skip
    return [one, several]


def alpha_of(
    trials: Trials, unit: IntArray, value: FloatArray, metric: Metric, level: float
) -> AlphaAgreement:
    """α of N answered trials with its interval, and per column; codes of the units and the values, both (N,)."""
    times = np.bincount(np.unique(unit, return_inverse=True)[1]) if len(unit) else np.empty(0, np.int64)
    units, units_all = int((times >= 2).sum()), len(times)
    if not units:
        return {
            "metric": metric, "alpha": None, "ci": None, "ci_note": "", "per_column": {}, "reason": NO_REPEATS,
            "units": units, "units_all": units_all,
        }  # fmt: skip
    overall = alpha(unit, value, metric)
    interval = (
        alpha_interval(unit, value, trials.participant.codes, metric, level) if overall is not None else None
    )
    columns = {}
    for name in trials.column.present():
        mask = trials.column.equals(name)
        columns[name] = alpha(unit[mask], value[mask], metric)
    return {
        "metric": metric,
        "alpha": overall,
        "ci": list(interval) if interval else None,
        "ci_note": JACKKNIFE if interval else NO_JACKKNIFE,
        "per_column": columns,
        "reason": None if overall is not None else "not estimable: all answers are the same",
        "units": units,
        "units_all": units_all,
    }


def score_icc(trials: Trials) -> IntraclassCorrelation:
    """ICC of one task's scores, target = image × method, rater = participant."""
    answered = trials.answered()
    return icc(of_image_and_method(answered), answered.participant.codes, answered.value)
