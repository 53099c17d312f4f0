"""Pairs of columns of which one was preferred: Bradley and Terry's model, all pairs, and their transitivity.

An answer stands in two rows of the trials, one for each of its columns; here both are one duel again. The likelihood is
maximised by the library choix (Maystre & Grossglauser 2015); intervals are the sandwich's, clustered by participants and
images as everywhere in the report. Source: Bradley & Terry 1952, Biometrika 39:324–345.
"""

from dataclasses import dataclass
from itertools import combinations
from typing import Any

import choix
import numpy as np
from scipy import special, stats
from scipy.sparse.csgraph import connected_components

from survey_site.statistics.comparisons import holm
from survey_site.statistics.data import Trials
from survey_site.statistics.factor import FloatArray, IntArray
from survey_site.statistics.uncertainty import TOO_FEW, quantile, two_way_variance

NO_DUELS = "not estimable: no answers"
UNBEATEN = (
    "not estimable: a column, or a group of them, won every pair against the others, or lost every one, so its "
    "strength has no bound"
)


@dataclass(frozen=True)
class Duels:
    """D answers. own, rival: columns (D,) by their place in ``names``; won: 1 where the own map was preferred.

    participant, image: codes (D,).
    """

    names: list[str]
    own: IntArray
    rival: IntArray
    won: FloatArray
    participant: IntArray
    image: IntArray

    def __len__(self) -> int:
        return len(self.won)

    @property
    def wins(self) -> FloatArray:
        """How often each column (row) was preferred to each other, (K, K)."""
        table = np.zeros((len(self.names), len(self.names)))
        np.add.at(table, (self.own, self.rival), self.won)
        np.add.at(table, (self.rival, self.own), 1 - self.won)
        return table

    @property
    def degrees(self) -> int:
        """Of Student's t: min(participants, images) − 1."""
        return min(len(np.unique(self.participant)), len(np.unique(self.image))) - 1


@dataclass(frozen=True)
class Strengths:
    """Of the model, in log odds around their mean of 0, (K,), with influence values (D, K); or why there are none."""

    theta: FloatArray
    influence: FloatArray
    reason: str = ""


def duels_of(trials: Trials) -> Duels:
    """The answered pairs, each once: the row of its own column joined with that of its rival's."""
    answered = trials.answered()
    names = answered.column.present()
    place = {name: k for k, name in enumerate(names)}
    code = np.array([place.get(label, -1) for label in answered.column.labels], np.int64)
    # A participant's place in the session is one trial.
    known = np.flatnonzero(~np.isnan(answered.position))
    place_in = answered.position[known].astype(np.int64)
    trial = answered.participant.codes[known] * (int(place_in.max(initial=0)) + 1) + place_in
    further = answered.further[known]
    _, at_first, at_rival = np.intersect1d(trial[~further], trial[further], return_indices=True)
    first, rival = known[~further][at_first], known[further][at_rival]
    by_row = np.argsort(first)
    own, other = first[by_row], rival[by_row]
    column = code[answered.column.codes]
    return Duels(
        names,
        column[own],
        column[other],
        answered.value[own],
        answered.participant.codes[own],
        answered.stimulus.codes[own],
    )


def strengths(duels: Duels) -> Strengths:
    """Maximum likelihood. Without a bound (Ford 1957: the graph of wins is not strongly connected) there is none."""
    k, wins = len(duels.names), duels.wins
    nothing = Strengths(np.full(k, np.nan), np.empty((0, k)))
    if not len(duels):
        return Strengths(nothing.theta, nothing.influence, NO_DUELS)
    parts = connected_components(wins > 0, directed=True, connection="strong")[0]
    if parts > 1:
        return Strengths(nothing.theta, nothing.influence, UNBEATEN)
    theta = np.asarray(choix.ilsr_pairwise_dense(wins, alpha=0.0, tol=1e-10), np.float64)
    theta -= theta.mean()
    return Strengths(theta, _influence(duels, theta))


def _influence(duels: Duels, theta: FloatArray) -> FloatArray:
    """What each answer moves the strengths by: its score through the inverse of the information, (D, K)."""
    p = special.expit(theta[duels.own] - theta[duels.rival])
    score = np.zeros((len(duels), len(theta)))
    rows = np.arange(len(duels))
    score[rows, duels.own] = duels.won - p
    score[rows, duels.rival] = p - duels.won
    information, weight = np.zeros((len(theta), len(theta))), p * (1 - p)
    np.add.at(information, (duels.own, duels.rival), -weight)
    np.add.at(information, (duels.rival, duels.own), -weight)
    information -= np.diag(information.sum(1))
    return score @ np.linalg.pinv(information)


def contrast(duels: Duels, found: Strengths, weights: FloatArray, level: float) -> dict[str, Any]:
    """A weighted sum of strengths, weights (K,) of sum 0, with its clustered interval and p of being 0."""
    value = float(weights @ found.theta)
    if duels.degrees < 1:
        return {"value": value, "ci": None, "p": None, "reason": TOO_FEW}
    variance = two_way_variance(found.influence @ weights, duels.participant, duels.image)
    if variance <= 0:
        return {"value": value, "ci": None, "p": None, "reason": "not estimable: no variation"}
    error, t = float(np.sqrt(variance)), quantile(level, duels.degrees)
    p = float(2 * stats.t.sf(abs(value) / error, duels.degrees))
    return {"value": value, "ci": [value - t * error, value + t * error], "p": p, "reason": None}


def strength_rows(duels: Duels, found: Strengths, level: float) -> list[dict[str, Any]]:
    """Each column against the mean of all, strongest first."""
    k = len(duels.names)
    rows = [
        {"column": name, **contrast(duels, found, np.eye(k)[place] - 1 / k, level)}
        for place, name in enumerate(duels.names)
    ]
    return sorted(rows, key=lambda row: -row["value"])


def pair_rows(duels: Duels, found: Strengths, level: float) -> list[dict[str, Any]]:
    """Every pair: how often the stronger was preferred, what the model expects, and its test by Holm's correction."""
    wins, k = duels.wins, len(duels.names)
    rows = []
    for a, b in combinations(np.argsort(-found.theta, kind="stable") if not found.reason else range(k), 2):
        n = int(wins[a, b] + wins[b, a])
        row = {
            "better": duels.names[a],
            "worse": duels.names[b],
            "n": n,
            "won": int(wins[a, b]),
            "percent": 100 * wins[a, b] / n if n else None,
            "model_percent": None,
            "p": None,
        }
        if not found.reason:
            row |= contrast(duels, found, np.eye(k)[a] - np.eye(k)[b], level)
            row["model_percent"] = 100 * float(special.expit(row["value"]))
        rows.append(row)
    for row, p in zip(rows, holm([row["p"] for row in rows]), strict=True):
        row["p_holm"] = p
    return rows


def circles(duels: Duels, level: float) -> dict[str, Any]:
    """Transitivity: three columns run in a circle where each was mostly preferred to the next.

    Of every three that met in all pairs the log odds around the circle add up to 0 under the model; the sum is tested by
    its clustered t, with Holm's correction over all. A share of 0 or 1 is moved by half an answer.
    """
    wins = duels.wins
    met = wins + wins.T
    rows = []
    for a, b, c in combinations(range(len(duels.names)), 3):
        ring = ((a, b), (b, c), (c, a))
        if any(met[pair] == 0 for pair in ring):
            continue
        ahead = [wins[pair] / met[pair] - 0.5 for pair in ring]
        rows.append(
            {
                "columns": [duels.names[a], duels.names[b], duels.names[c]],
                "circular": all(share > 0 for share in ahead) or all(share < 0 for share in ahead),
                **_around(duels, ring, wins, met, level),
            }
        )
    for row, p in zip(rows, holm([row["p"] for row in rows]), strict=True):
        row["p_holm"] = p
    rows.sort(key=lambda row: (row["p_holm"] if row["p_holm"] is not None else 2, not row["circular"]))
    return {
        "triples": len(rows),
        "circular": sum(row["circular"] for row in rows),
        "against_the_model": sum(row["p_holm"] is not None and row["p_holm"] < 1 - level for row in rows),
        "rows": rows,
    }


def _around(
    duels: Duels, ring: tuple[tuple[int, int], ...], wins: FloatArray, met: FloatArray, level: float
) -> dict[str, Any]:
    psi, total = np.zeros(len(duels)), 0.0
    for a, b in ring:
        n = met[a, b]
        p = (wins[a, b] + 0.5) / (n + 1)
        total += float(special.logit(p))
        for own, rival, sign in ((a, b, 1.0), (b, a, -1.0)):
            of_pair = (duels.own == own) & (duels.rival == rival)
            won = duels.won[of_pair]
            mean = p if sign > 0 else 1 - p
            psi[of_pair] = sign * (won - mean) / (n * p * (1 - p))
    used = psi != 0
    people, images = duels.participant[used], duels.image[used]
    df = min(len(np.unique(people)), len(np.unique(images))) - 1 if used.any() else 0
    if df < 1:
        return {"value": total, "p": None}
    variance = two_way_variance(psi[used], people, images)
    return {
        "value": total,
        "p": float(2 * stats.t.sf(abs(total) / np.sqrt(variance), df)) if variance else None,
    }
