"""What the report adds of the preferences: strengths under Bradley and Terry's model, all pairs, a check of transitivity.

Only for the worker of reports.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

from survey_site.statistics.bradley_terry import (
    Duels,
    Strengths,
    circles,
    duels_of,
    pair_rows,
    strength_rows,
    strengths,
)
from survey_site.statistics.data import Trials
from survey_site.statistics.estimates import share
from survey_site.statistics.figure_data import FigureData
from survey_site.statistics.plan import AnalysisPlan
from survey_site.statistics.printing import interval, interval_name, p_value, places
from survey_site.statistics.report_types import Section
from survey_site.statistics.task_analysis import Columns, TaskAnalysis

TASK = "preference"
CIRCLES_SHOWN = 10


def sections(trials: Trials, plan: AnalysisPlan, columns: Columns) -> list[Section]:
    """Strengths, all pairs, transitivity, and whether the place on the screen was preferred."""
    duels = duels_of(trials)
    found = strengths(duels)
    return [
        _strengths(duels, found, plan),
        _pairs(pair_rows(duels, found, plan.level), plan.level),
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
        "headings": ["Column", "strength", interval_name(plan.level), "p"] if rows else [],
        "rows": [
            [row["column"], places(row["value"], 2), interval(row["ci"], 2), p_value(row["p"])]
            for row in rows
        ],
        "data": {"rows": rows, "reason": found.reason or None, "n": len(duels)},
    }


def _pairs(rows: list[dict[str, Any]], level: float) -> Section:
    return {
        "key": "preferred_pairs",
        "task": TASK,
        "title": "All pairs of maps",
        "lead": "How often the first of two columns was preferred, what the model expects, and the difference of their "
        "strengths in log odds; p with Holm's correction over all pairs.",
        "headings": ["Pair", "preferred", "%", "model, %", "difference", interval_name(level), "p (Holm)"],
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
    chosen = (own.answers.numbers("preferred") == 0).astype(np.float64)
    found = share(own.with_values(np.where(np.isnan(own.value), np.nan, chosen)), plan.level)
    return {
        "key": "preferred_places",
        "task": TASK,
        "title": "Places of the preferred maps",
        "lead": f"The map shown first was preferred in {found['text'] or '–'} % of {found['n']} pairs "
        f"({interval_name(plan.level)} {interval(found['ci'], 1)}). Which column comes first is balanced, "
        "so a liking for a place favours none.",
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
