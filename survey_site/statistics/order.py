"""Order effects and the balance of the design (statistics.md, section 7)."""

import warnings

import numpy as np
import statsmodels.api as sm
from scipy import stats

from survey_site.statistics.comparisons import holm, t_test
from survey_site.statistics.data import BoolArray, FloatArray, IntArray, Trials
from survey_site.statistics.outcome import Kind
from survey_site.statistics.report_types import (
    AnswerPositions,
    CellRange,
    DesignBalance,
    OrderHalves,
    OrderSlope,
)
from survey_site.statistics.uncertainty import Sample, clusters, difference


def position_in_task(trials: Trials) -> IntArray:
    """Rank of a trial among the participant's trials of its task, from 0; needs ``position``.

    ``position`` counts over the whole study, so practice trials and the first block would shift it. Rows of one
    position are one trial, which counts in several columns.
    """
    group = trials.participant.codes * (len(trials.task.labels) + 1) + trials.task.codes
    order = np.lexsort((trials.position, group))
    ordered, position = group[order], trials.position[order]
    first = np.r_[True, ordered[1:] != ordered[:-1]] if len(ordered) else np.empty(0, np.bool_)
    another = first | (np.r_[True, position[1:] != position[:-1]] if len(ordered) else first)
    place = np.cumsum(another) - 1
    start = np.maximum.accumulate(np.where(first, place, 0))
    rank = np.empty(len(ordered), np.int64)
    rank[order] = place - start
    return rank


def _design(trials: Trials) -> FloatArray:
    """Constant, column dummies and position, (N, K + 1)."""
    used, code = np.unique(trials.column.codes, return_inverse=True)
    dummies = (code[:, None] == np.arange(1, len(used))).astype(float)
    return np.column_stack([np.ones(len(code)), dummies, position_in_task(trials).astype(float)])


def pooled_slope(trials: Trials, kind: Kind, rows_max: int = 50_000, level: float = 0.95) -> OrderSlope:
    """Change per trial position of one task, columns held fixed, errors clustered by participant.

    Shares: binomial GEE (log odds per trial); means: least squares (scale points per trial).
    """
    answered = trials.answered()
    reason = _slope_reason(answered, kind, rows_max)
    if reason:
        return {"slope": None, "reason": reason}
    x, groups = _design(answered), answered.participant.codes
    if np.linalg.matrix_rank(x) < x.shape[1]:
        return {"slope": None, "reason": "not estimable: column and position cannot be told apart"}
    slope, se = (_gee_slope if kind == "share" else _ols_slope)(answered.value, x, groups)
    df = clusters(groups) - 1
    if not np.isfinite([slope, se]).all() or se <= 0:
        return {"slope": None, "reason": "not estimable: no finite standard error"}
    half = float(stats.t.ppf(0.5 + level / 2, df)) * se
    return {
        "slope": slope,
        "unit": "log odds per trial" if kind == "share" else "scale points per trial",
        "ci": [slope - half, slope + half],
        "p": float(2 * stats.t.sf(abs(slope / se), df)),
        "reason": None,
    }


def _slope_reason(trials: Trials, kind: Kind, rows_max: int) -> str | None:
    if not len(trials) or np.isnan(trials.position).any():
        return "not estimable: no answers with a position"
    if len(trials) > rows_max:
        return f"left out above {rows_max} answers"
    if clusters(trials.participant.codes) < 3:
        return "not estimable: needs at least 3 participants"
    if float(np.ptp(trials.value)) == 0:
        return "not estimable: no variation between the answers"
    if kind == "share" and _separated(trials):
        return "not estimable: a column is at 0 % or 100 %"
    return None


def _separated(trials: Trials) -> bool:
    n = np.bincount(trials.column.codes)
    hits = np.bincount(trials.column.codes, trials.value)[n > 0]
    return bool(((hits == 0) | (hits == n[n > 0])).any())


def _gee_slope(y: FloatArray, x: FloatArray, groups: IntArray) -> tuple[float, float]:
    order = np.argsort(groups, kind="stable")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        fit = sm.GEE(
            y[order], x[order], groups=groups[order], family=sm.families.Binomial(),
            cov_struct=sm.cov_struct.Independence(),
        ).fit(cov_type="bias_reduced")  # fmt: skip
    return float(fit.params[-1]), float(fit.bse[-1])


def _ols_slope(y: FloatArray, x: FloatArray, groups: IntArray) -> tuple[float, float]:
    fit = sm.OLS(y, x).fit(cov_type="cluster", cov_kwds={"groups": groups})
    return float(fit.params[-1]), float(fit.bse[-1])


def halves(trials: Trials, level: float = 0.95) -> list[OrderHalves]:
    """Per column: mean of the first half of the positions minus the second, with Holm over the columns."""
    answered = trials.answered()
    answered = answered.select(~np.isnan(answered.position))
    rank = position_in_task(answered)
    middle = (rank.max(initial=0) + 1) / 2
    rows: list[OrderHalves] = []
    for name in answered.column.present():
        mask = answered.column.equals(name)
        first, second = mask & (rank < middle), mask & (rank >= middle)
        contrast = difference(_sample(answered, first), _sample(answered, second), level)
        rows.append(
            {
                "column": name,
                "first": _mean(answered.value[first]),
                "second": _mean(answered.value[second]),
                "difference": contrast.value,
                "ci": contrast.interval.pair(),
                "p": t_test(contrast),
                "reason": contrast.interval.reason,
                "p_holm": None,
            }
        )
    for row, p in zip(rows, holm([row["p"] for row in rows]), strict=True):
        row["p_holm"] = p
    return rows


def _sample(trials: Trials, mask: BoolArray) -> Sample:
    return Sample(trials.value[mask], trials.participant.codes[mask], trials.item.codes[mask])


def _mean(values: FloatArray) -> float | None:
    return float(values.mean()) if len(values) else None


def balance(trials: Trials) -> DesignBalance:
    """Smallest and largest count of item × column and position × column cells. No χ²: balance is not a sample."""
    if not len(trials):
        return {"item_by_column": None, "position_by_column": None}
    known = not np.isnan(trials.position).any()
    return {
        "item_by_column": _range(trials.item.codes, trials.column.codes),
        "position_by_column": _range(position_in_task(trials), trials.column.codes) if known else None,
    }


def _range(row: IntArray, column: IntArray) -> CellRange:
    r, c = np.unique(row, return_inverse=True)[1], np.unique(column, return_inverse=True)[1]
    k = int(c.max()) + 1
    counts = np.bincount(r * k + c, minlength=(int(r.max()) + 1) * k)
    return {"min": int(counts.min()), "max": int(counts.max())}


def answer_positions(trials: Trials) -> AnswerPositions:
    """Where in the pool people click (and where the target stood): χ² against 1/m, for one pool size."""
    known = trials.select((trials.answer_at >= 0) & (trials.pool_size >= 2))
    if not len(known):
        return {"reason": "not estimable: no answers with a known place"}
    if not (known.pool_size == known.pool_size[0]).all():
        return {"reason": "not estimable: pools of different sizes"}
    m = int(known.pool_size[0])
    chosen = np.bincount(known.answer_at, minlength=m)
    targets = np.bincount(known.target_at[known.target_at >= 0], minlength=m)
    return {
        "chosen": chosen.tolist(),
        "target": targets.tolist(),
        "p_chosen": float(stats.chisquare(chosen).pvalue),
        "p_target": float(stats.chisquare(targets).pvalue) if targets.sum() else None,
        "reason": None,
    }
