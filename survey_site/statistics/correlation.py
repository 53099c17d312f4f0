"""Do people and machines agree on which maps explain? Human scores against machine metrics, over maps."""

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from scipy import stats

from survey_site.statistics.data import FloatArray, IntArray, Trials
from survey_site.statistics.outcome import Outcome
from survey_site.statistics.report_types import HumanMachine, RankCorrelation

METRICS = ("right_class", "confidence", "confidence_drop", "confidence_gain")


def human_scores(trials: Trials) -> dict[str, tuple[float, int]]:
    """Mean and count of the answers to each map (key: the map's SHA-256)."""
    answered = trials.answered()
    answered = answered.select(answered.map_id.codes >= 0)
    counts = np.bincount(answered.map_id.codes, minlength=len(answered.map_id.labels))
    sums = np.bincount(answered.map_id.codes, answered.value, len(answered.map_id.labels))
    return {
        label: (float(s / n), int(n))
        for label, s, n in zip(answered.map_id.labels, sums, counts, strict=True)
        if n
    }


def rank_correlation(x: FloatArray, y: FloatArray, level: float = 0.95) -> RankCorrelation:
    """Spearman's ρ with the interval of Bonett & Wright 2000 (Psychometrika 65:23–28), (N,) maps."""
    n = len(x)
    if n < 4:
        return {"rho": None, "n": n, "reason": "not estimable: needs at least 4 maps with both scores"}
    if np.ptp(x) == 0 or np.ptp(y) == 0:
        return {"rho": None, "n": n, "reason": "not estimable: no variation between the maps"}
    result = stats.spearmanr(x, y)
    rho = float(result.statistic)
    ci = None
    if abs(rho) < 1:
        half = float(stats.norm.ppf(0.5 + level / 2)) * np.sqrt((1 + rho**2 / 2) / (n - 3))
        ci = [float(np.tanh(np.arctanh(rho) - half)), float(np.tanh(np.arctanh(rho) + half))]
    return {"rho": rho, "ci": ci, "p": float(result.pvalue), "n": n, "reason": None}


def human_machine(
    trials: Trials,
    maps: Iterable[Mapping[str, Any]],
    outcomes: Iterable[Outcome],
    level: float = 0.95,
    metrics: Iterable[str] = METRICS,
) -> list[HumanMachine]:
    """Correlation of each human score with each machine metric over the maps people saw.

    ``maps``: rows with ``map_sha256``, ``column`` (optional) and the metrics, 0..1. Within columns the mean of
    the column is taken out as well (``within_rho``): two measures that both prefer one method would correlate
    over all maps without agreeing on any single one.
    """
    rows = {str(row["map_sha256"]): row for row in maps if row.get("map_sha256")}
    out: list[HumanMachine] = []
    for outcome in outcomes:
        scores = human_scores(trials.of_task(outcome.task))
        keys = sorted(set(scores) & set(rows))
        y = np.array([scores[k][0] for k in keys])
        columns = [str(rows[k].get("column", "")) for k in keys]
        for metric in metrics:
            x = np.array([_number(rows[k].get(metric)) for k in keys])
            ok = ~np.isnan(x)
            group = np.unique([c for c, o in zip(columns, ok, strict=True) if o], return_inverse=True)[1]
            within = rank_correlation(_centred(x[ok], group), _centred(y[ok], group), level)
            out.append(
                {
                    "human": outcome.key,
                    "machine": metric,
                    **rank_correlation(x[ok], y[ok], level),
                    "within_rho": within["rho"],
                    "within_p": within.get("p"),
                }
            )
    return out


def _number(value: Any) -> float:
    return float("nan") if value in (None, "") else float(value)


def _centred(values: FloatArray, group: IntArray) -> FloatArray:
    if not len(values):
        return values
    return np.asarray(np.round(values - (np.bincount(group, values) / np.bincount(group))[group], 12))
