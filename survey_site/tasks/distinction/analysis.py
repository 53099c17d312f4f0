"""What the report adds of the picks: guessing, right and wrong predictions apart, confidence. For the worker of reports."""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from survey_site.statistics import chance
from survey_site.statistics.data import Trials
from survey_site.statistics.estimates import share
from survey_site.statistics.figure_data import FigureData
from survey_site.statistics.plan import AnalysisPlan
from survey_site.statistics.predictions_apart import apart
from survey_site.statistics.printing import NOTHING, interval, interval_name, places
from survey_site.statistics.report_types import Section
from survey_site.statistics.task_analysis import Columns, TaskAnalysis
from survey_site.tasks.distinction.answers import CONFIDENCE, MAPS

KEY, TASK = "distinction", "distinction"
SURE = 3  # the two upper steps


def estimate(trials: Trials, plan: AnalysisPlan) -> dict[str, Any]:
    """Right and wrong predictions apart, and the share of right picks at each step of confidence."""
    answered = trials.answered()
    sure = answered.answers.numbers("confidence")
    return {
        **apart(trials, plan.level),
        "by_confidence": {str(step): share(answered.select(sure == step), plan.level) for step in CONFIDENCE},
    }


def column(trials: Trials, plan: AnalysisPlan) -> dict[str, Any]:
    """A whole column against guessing, with d′ of one right map among four."""
    answered = trials.answered()
    found: dict[str, Any] = {**chance.against_chance(trials, plan.resamples, plan.seed, plan.level)}
    if n := len(answered):
        ends = share(answered, plan.level)["ci"]
        found["d_prime"] = chance.d_prime(float(answered.value.mean()), MAPS, n)
        found["d_prime_ci"] = [chance.d_prime(end / 100, MAPS, n) for end in ends] if ends else None
    return {"chance": found}


def scorings(trials: Trials) -> Iterator[tuple[str, Trials]]:
    """All answers, and those alone of which people were sure."""
    yield "all answers", trials
    yield (
        "sure answers",
        trials.with_values(np.where(trials.answers.numbers("confidence") >= SURE, trials.value, np.nan)),
    )


def sections(trials: Trials, plan: AnalysisPlan, columns: Columns) -> list[Section]:
    """Each column against guessing, of right and of wrong predictions, and by confidence."""
    shown = [(own["column"], own[KEY]) for own in columns if own[KEY]["n"]]
    return [_apart(shown, interval_name(plan.level)), _confidence(shown)]


def _apart(shown: list[tuple[str, Mapping[str, Any]]], ci: str) -> Section:
    return {
        "key": "distinction_apart",
        "task": TASK,
        "title": "Telling the predicted class apart",
        "lead": f"Guessing picks the right one of {MAPS} maps in {100 // MAPS} %. Where the prediction is wrong the "
        "photo alone does not tell it, so a lead there comes from the maps.",
        "headings": [
            "Column", "of right predictions, %", ci, "of wrong ones, %", ci,
            "chance-corrected share", "d′", ci, "better than guessing, p",
        ],
        "rows": [
            [
                name,
                cell["on_right"]["text"] or NOTHING,
                interval(cell["on_right"]["ci"], 1),
                cell["on_wrong"]["text"] or NOTHING,
                interval(cell["on_wrong"]["ci"], 1),
                places(cell["chance"].get("chance_corrected_share"), 2),
                places(cell["chance"].get("d_prime"), 2),
                interval(cell["chance"].get("d_prime_ci"), 2),
                chance.p_text(cell["chance"]),
            ]
            for name, cell in shown
        ],
        "data": {name: cell["chance"] for name, cell in shown},
    }  # fmt: skip


def _confidence(shown: list[tuple[str, Mapping[str, Any]]]) -> Section:
    return {
        "key": "distinction_confidence",
        "task": TASK,
        "title": "Right picks by confidence",
        "lead": "Share of right picks, in percent, and number of answers at each step of confidence.",
        "headings": ["Column", "not at all sure", "a little", "fairly", "very sure"],
        "rows": [
            [name, *(_share(cell["by_confidence"][str(step)]) for step in CONFIDENCE)] for name, cell in shown
        ],
        "data": {name: cell["by_confidence"] for name, cell in shown},
    }


def _share(found: Mapping[str, Any]) -> str:
    return f"{found['text']} ({found['n']})" if found["n"] else NOTHING


def figures(trials: Trials, columns: Columns) -> Mapping[str, FigureData]:
    """Right picks at each step of confidence, per column."""
    shown = [own for own in columns if own[KEY]["n"] and "by_confidence" in own[KEY]]
    return {
        "distinction-by-confidence": FigureData(
            kind="lines",
            title="Right picks by confidence",
            legend=f"Share of right picks at each step of confidence, per column; guessing gives {100 // MAPS} %.",
            rows=tuple(own["column"] for own in shown),
            x=tuple(float(step) for step in CONFIDENCE),
            values=tuple(
                tuple(own[KEY]["by_confidence"][str(step)]["percent"] for step in CONFIDENCE) for own in shown
            ),
            x_label="confidence (1: not at all sure, 4: very sure)",
            y_label="% of right picks",
            low=0,
            high=100,
        )
    }


ANALYSIS = TaskAnalysis(
    estimate=estimate, column=column, scorings=scorings, sections=sections, figures=figures
)
