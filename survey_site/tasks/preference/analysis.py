"""What the report adds of the preferences: strengths under Bradley and Terry's model, all pairs, a check of transitivity.

An answer stands in two rows, one for each of its columns; here both are one duel again. The model's likelihood is
maximised by the library choix (Maystre & Grossglauser 2015); intervals are the sandwich's, clustered by participants and
images as everywhere in the report. Only for the worker of reports.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import choix
import numpy as np
from scipy import special, stats
from scipy.sparse.csgraph import connected_components

from survey_site.statistics.comparisons import holm
from survey_site.statistics.data import Trials
from survey_site.statistics.estimates import share
from survey_site.statistics.factor import FloatArray, IntArray
from survey_site.statistics.figure_data import FigureData
from survey_site.statistics.plan import AnalysisPlan
from survey_site.statistics.printing import interval, p_value, places
from survey_site.statistics.report_types import Section
from survey_site.statistics.task_analysis import Columns, TaskAnalysis
from survey_site.statistics.uncertainty import TOO_FEW, quantile, two_way_variance

TASK = "preference"
NO_DUELS = "not estimable: no answers"
UNBEATEN = (
    "not estimable: a column, or a group of them, won every pair against the others, or lost every one, so its "
    "strength has no bound"
)
CIRCLES_SHOWN = 10


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
    first, rival = np.flatnonzero(~answered.further), np.flatnonzero(answered.further)
    trial = list(
        zip(answered.participant.codes.tolist(), answered.position.tolist(), strict=True)
    )  # a participant's place in the session is one trial
    of_rival = {trial[row]: row for row in rival}
    joined = [(row, of_rival[trial[row]]) for row in first if trial[row] in of_rival]
    own, other = (np.array(rows, np.int64) for rows in (zip(*joined, strict=True) if joined else ((), ())))
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


def sections(trials: Trials, plan: AnalysisPlan, columns: Columns) -> list[Section]:
    """Strengths, all pairs, transitivity, and whether the place on the screen was preferred."""
    duels = duels_of(trials)
    found = strengths(duels)
    return [
        _strengths(duels, found, plan),
        _pairs(pair_rows(duels, found, plan.level)),
        _circles(circles(duels, plan.level)),
        _first_place(trials, plan),
    ]


def _strengths(duels: Duels, found: Strengths, plan: AnalysisPlan) -> Section:
    rows = [] if found.reason else strength_rows(duels, found, plan.level)
    return {
        "key": "bradley_terry",
        "task": TASK,
        "title": "Strengths of the maps (Bradley–Terry)",
        "lead": found.reason
        or "Log odds of being preferred to a column of mean strength, which is 0: differences between columns are ratios "
        "of odds, so unlike a rating the scale has a unit. Intervals take participants and images as samples.",
        "headings": ["Column", "strength", "95 % interval", "p"] if rows else [],
        "rows": [
            [row["column"], places(row["value"], 2), interval(row["ci"], 2), p_value(row["p"])]
            for row in rows
        ],
        "data": {"rows": rows, "reason": found.reason or None, "n": len(duels)},
    }


def _pairs(rows: list[dict[str, Any]]) -> Section:
    return {
        "key": "preferred_pairs",
        "task": TASK,
        "title": "All pairs of maps",
        "lead": "How often the first of two columns was preferred, what the model expects, and the difference of their "
        "strengths in log odds; p with Holm's correction over all pairs.",
        "headings": ["Pair", "preferred", "%", "model, %", "difference", "95 % interval", "p (Holm)"],
        "rows": [
            [
                f"{row['better']} – {row['worse']}",
                f"{row['won']} of {row['n']}",
                places(row["percent"], 0),
                places(row["model_percent"], 0),
                places(row.get("value"), 2),
                interval(row.get("ci"), 2),
                p_value(row["p_holm"]),
            ]
            for row in rows
        ],
        "data": rows,
    }


def _circles(found: dict[str, Any]) -> Section:
    triples, circular, against = found["triples"], found["circular"], found["against_the_model"]
    shown = found["rows"][:CIRCLES_SHOWN]
    return {
        "key": "transitivity",
        "task": TASK,
        "title": "Transitivity",
        "lead": f"Of {triples} threes of columns {circular} run in a circle (each mostly preferred to the next), and "
        f"{against} contradict the model by their clustered test with Holm's correction."
        if triples
        else "Not estimable: no three columns met in all their pairs.",
        "headings": ["Columns", "in a circle", "sum of log odds", "p (Holm)"] if shown else [],
        "rows": [
            [
                " · ".join(row["columns"]),
                "yes" if row["circular"] else "no",
                places(row["value"], 2),
                p_value(row["p_holm"]),
            ]
            for row in shown
        ],
        "data": found,
    }


def _first_place(trials: Trials, plan: AnalysisPlan) -> Section:
    own = trials.select(~trials.further)
    chosen = np.array([float(answer.get("preferred", np.nan) == 0) for answer in own.answers], np.float64)
    found = share(own.with_values(np.where(np.isnan(own.value), np.nan, chosen)), plan.level)
    return {
        "key": "preferred_places",
        "task": TASK,
        "title": "Places of the preferred maps",
        "lead": f"The map shown first was preferred in {found['text'] or '–'} % of {found['n']} pairs (95 % interval "
        f"{interval(found['ci'], 1)}). Which column comes first is balanced, so a liking for a place favours none.",
        "headings": [],
        "rows": [],
        "data": found,
    }


def figures(trials: Trials, columns: Columns) -> Mapping[str, FigureData]:
    """How often each column was preferred to each other."""
    duels = duels_of(trials)
    if not len(duels):
        return {}
    wins = duels.wins
    met = wins + wins.T
    values = tuple(
        tuple(100 * wins[a, b] / met[a, b] if met[a, b] else None for b in range(len(duels.names)))
        for a in range(len(duels.names))
    )
    return {
        "preferred-pairs": FigureData(
            kind="grid",
            title="Which map was preferred to which",
            legend="Row: the column that was preferred; column: its rival. Hatched: never shown together.",
            rows=tuple(duels.names),
            columns=tuple(duels.names),
            values=values,
            x_label="rival",
            y_label="preferred",
            scale="% of pairs",
            low=0,
            high=100,
        )
    }


ANALYSIS = TaskAnalysis(sections=sections, figures=figures)
