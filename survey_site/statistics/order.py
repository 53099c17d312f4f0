"""Order effects and the balance of the design (statistics.md, section 7)."""

import warnings

import numpy as np
import statsmodels.api as sm
from scipy import stats

from survey_site.statistics.comparisons import holm, t_test
from survey_site.statistics.data import Trials
from survey_site.statistics.factor import BoolArray, FloatArray, IntArray
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
    if not _varies_within(trials):
        return "not estimable: no variation between the answers of a column"
    if kind == "share" and _separated(trials):
        return "not estimable: a column is at 0 % or 100 %"
    return None


def _varies_within(trials: Trials) -> bool:
    """Whether anything is left to explain once each column has its mean; floating dust would else be tested."""
    columns = trials.column.codes
    means = np.bincount(columns, trials.value) / np.maximum(np.bincount(columns), 1)
    return bool(np.abs(trials.value - means[columns]).max() > 1e-9 * max(1.0, np.abs(trials.value).max()))


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


def halves(trials: Trials, level: float = 0.95, furthest: float = np.inf) -> list[OrderHalves]:
    """Per column: mean of the first half of the positions minus the second, with Holm over the columns."""
    answered = trials.answered()
    answered = answered.select(~np.isnan(answered.position))
    rank = position_in_task(answered)
    middle = (rank.max(initial=0) + 1) / 2
    rows: list[OrderHalves] = []
    for name in answered.column.present():
        mask = answered.column.equals(name)
        first, second = mask & (rank < middle), mask & (rank >= middle)
        contrast = difference(_sample(answered, first), _sample(answered, second), level, furthest)
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
    """Where in the pool people click, against 1/m each, and where the target stood; for one pool size.

    Hotelling's T² of the participants' own counts minus what is expected of them, F with m − 1 and P − m + 1 degrees of
    freedom: a person who always clicks the same place is one person, however many answers they gave (Hotelling 1931). Where
    the targets stand is planned, no sample: it is counted and not tested.
    """
    known = trials.select((trials.answer_at >= 0) & (trials.pool_size >= 2))
    if not len(known):
        return {"reason": "not estimable: no answers with a known place"}
    if not (known.pool_size == known.pool_size[0]).all():
        return {"reason": "not estimable: pools of different sizes"}
    m = int(known.pool_size[0])
    p = _equal_use(known.participant.codes, known.answer_at, m)
    return {
        "chosen": np.bincount(known.answer_at, minlength=m).tolist(),
        "target": np.bincount(known.target_at[known.target_at >= 0], minlength=m).tolist(),
        "p_chosen": p,
        "reason": None
        if p is not None
        else "not estimable: too few participants, or a place that all use equally, such as never",
    }


def _equal_use(participant: IntArray, place: IntArray, m: int) -> float | None:
    person = np.unique(participant, return_inverse=True)[1]
    people = int(person.max()) + 1
    if people <= m:
        return None
    counts = np.bincount(person * m + place, minlength=people * m).reshape(people, m).astype(float)
    excess = (counts - counts.sum(1, keepdims=True) / m)[:, : m - 1]
    centred = excess - excess.mean(0)
    spread = centred.T @ centred / (people - 1)
    if np.linalg.matrix_rank(spread) < m - 1:
        return None
    t2 = people * float(excess.mean(0) @ np.linalg.solve(spread, excess.mean(0)))
    return float(stats.f.sf(t2 * (people - m + 1) / ((m - 1) * (people - 1)), m - 1, people - m + 1))
