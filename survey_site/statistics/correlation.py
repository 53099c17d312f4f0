"""Do people and machines agree on which maps explain? Human scores against machine metrics, over maps."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import stats

from survey_site.statistics.data import Trials
from survey_site.statistics.factor import FloatArray, IntArray
from survey_site.statistics.outcome import Outcome
from survey_site.statistics.report_types import HumanMachine, RankCorrelation

METRICS = ("right_class", "confidence", "confidence_drop", "confidence_gain")
MIN_IMAGES = 4
ONE_ORDER = "no interval: the maps are in one order, with or without any of the images"
ALL_ALIKE = "no interval: the images do not differ in it"


@dataclass(frozen=True)
class JudgedMap:
    """What people said of a map: the mean of their scores, and the code of its image."""

    mean: float
    image: int


def judged_maps(trials: Trials) -> dict[tuple[str, str], JudgedMap]:
    """Mean of the answers to each map, by its image and its SHA-256: empty maps of two images are two maps."""
    answered = trials.answered()
    answered = answered.select(answered.map_id.codes >= 0)
    size = len(answered.map_id.labels)
    shown, index = np.unique(answered.stimulus.codes * size + answered.map_id.codes, return_inverse=True)
    means = np.bincount(index, answered.value, len(shown)) / np.bincount(index, minlength=len(shown))
    return {
        (answered.stimulus.labels[code // size], answered.map_id.labels[code % size]): JudgedMap(
            mean, code // size
        )
        for code, mean in zip(shown.tolist(), means.tolist(), strict=True)
    }


def rank_correlation(x: FloatArray, y: FloatArray, image: IntArray, level: float = 0.95) -> RankCorrelation:
    """Spearman's ρ of (N,) maps whose images have the codes `image`, with an interval that respects them.

    Maps of one image are no independent observations. Standard error: the jackknife that leaves out an image at a time, on
    Fisher's scale of the correlation of the ranks (taken once); Student's t with I − 1 degrees of freedom.
    """
    found: RankCorrelation = {"rho": None, "n": len(x), "images": len(np.unique(image)), "reason": None}
    if found["images"] < MIN_IMAGES:
        return {
            **found,
            "reason": f"not estimable: needs maps of at least {MIN_IMAGES} images with both scores",
        }
    if np.ptp(x) == 0 or np.ptp(y) == 0:
        return {**found, "reason": "not estimable: no variation between the maps"}
    a, b = stats.rankdata(x), stats.rankdata(y)
    group = np.unique(image, return_inverse=True)[1]
    parts = np.stack([np.bincount(group, v) for v in (np.ones(len(a)), a, b, a * a, b * b, a * b)])
    rho = float(_pearson(parts.sum(1)))
    with np.errstate(divide="ignore"):
        z = np.arctanh(np.clip(_pearson(parts.sum(1)[:, None] - parts), -1, 1))
    if abs(rho) > 1 - 1e-12 or not np.isfinite(z).all():
        return {**found, "rho": rho, "ci": None, "p": None, "reason": ONE_ORDER}
    df = found["images"] - 1
    spread = float(np.sqrt(df / found["images"] * ((z - z.mean()) ** 2).sum()))
    if spread <= 1e-12:
        return {**found, "rho": rho, "ci": None, "p": None, "reason": ALL_ALIKE}
    centre, half = np.arctanh(rho), float(stats.t.ppf(0.5 + level / 2, df)) * spread
    ci = [float(np.tanh(centre - half)), float(np.tanh(centre + half))]
    return {**found, "rho": rho, "ci": ci, "p": float(2 * stats.t.sf(abs(centre) / spread, df))}


def _pearson(sums: FloatArray) -> FloatArray:
    """Correlation from n, Σa, Σb, Σa², Σb² and Σab, which stand in the first axis."""
    n, a, b, aa, bb, ab = sums
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray((n * ab - a * b) / np.sqrt((n * aa - a * a) * (n * bb - b * b)), np.float64)


def human_machine(
    trials: Trials,
    maps: Iterable[Mapping[str, Any]],
    outcomes: Iterable[Outcome],
    level: float = 0.95,
    metrics: Iterable[str] = METRICS,
) -> list[HumanMachine]:
    """Correlation of each human score with each machine metric over the maps people saw.

    ``maps``: rows with ``map_sha256``, ``stimulus`` and ``column`` (both optional) and the metrics, 0..1. Within
    columns the mean of the column is taken out as well (``within_rho``): two measures that both prefer one method
    would correlate over all maps without agreeing on any single one.
    """
    rows = {
        (str(row.get("stimulus", "")), str(row["map_sha256"])): row for row in maps if row.get("map_sha256")
    }
    out: list[HumanMachine] = []
    for outcome in outcomes:
        judged = judged_maps(trials.of_task(outcome.task))
        measured = {key: row for key in judged if (row := rows.get(key) or rows.get(("", key[1])))}
        keys = sorted(measured)
        y = np.array([judged[k].mean for k in keys])
        image = np.array([judged[k].image for k in keys], np.int64)
        columns = np.unique([str(measured[k].get("column", "")) for k in keys], return_inverse=True)[1]
        for metric in metrics:
            x = np.array([_number(measured[k].get(metric)) for k in keys])
            ok = ~np.isnan(x)
            within = rank_correlation(
                _centred(x[ok], columns[ok]), _centred(y[ok], columns[ok]), image[ok], level
            )
            out.append(
                {
                    "human": outcome.key,
                    "machine": metric,
                    **rank_correlation(x[ok], y[ok], image[ok], level),
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
    sums, counts = np.bincount(group, values), np.maximum(np.bincount(group), 1)
    return np.asarray(np.round(values - (sums / counts)[group], 12))
