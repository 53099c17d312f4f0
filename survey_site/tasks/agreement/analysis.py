"""What the report adds of the judgements: right and wrong predictions apart, d′ and criterion. For the worker of reports."""

from collections.abc import Mapping
from typing import Any

from survey_site.statistics import chance
from survey_site.statistics.data import Trials
from survey_site.statistics.detection import Judged, signal_detection
from survey_site.statistics.figure_data import FigureData
from survey_site.statistics.plan import AnalysisPlan
from survey_site.statistics.predictions_apart import apart, right_ones
from survey_site.statistics.printing import NOTHING, interval, interval_name, places
from survey_site.statistics.report_types import Section
from survey_site.statistics.task_analysis import Columns, TaskAnalysis
from survey_site.tasks.agreement.scale import STEPS

KEY, TASK = "error_detection", "agreement"
HALVES = (("on_right", "right"), ("on_wrong", "wrong"))
# Kim et al. 2022, agreement task, Grad-CAM on ImageNet: percent judged rightly, of right and of wrong predictions.
PUBLISHED = ("HIVE, Grad-CAM on ImageNet (Kim et al. 2022)", "70.8", "44.8")


def estimate(trials: Trials, plan: AnalysisPlan) -> dict[str, Any]:
    """Right and wrong predictions apart, each with its interval; d′, criterion, and how many answers of each step."""
    answered = trials.answered()
    right = right_ones(answered)
    judged = Judged(answered.value, right, answered.participant.codes, answered.item.codes)
    steps = answered.answers.numbers("sure")
    return {
        **apart(trials, plan.level),
        "signal": signal_detection(judged, plan.level),
        "steps": {
            of: {str(step): int(((steps == step) & (right == kind)).sum()) for step in STEPS}
            for of, kind in (("right", True), ("wrong", False))
        },
    }


def column(trials: Trials, plan: AnalysisPlan) -> dict[str, Any]:
    """A whole column against guessing."""
    return {"chance": chance.against_chance(trials, plan.resamples, plan.seed, plan.level)}


def sections(trials: Trials, plan: AnalysisPlan, columns: Columns) -> list[Section]:
    """Right and wrong predictions apart, beside the published figures."""
    rows = [_row(own["column"], own[KEY]) for own in columns if own[KEY]["n"]]
    name, right, wrong = PUBLISHED
    ci = interval_name(plan.level)
    return [
        {
            "key": "error_detection_apart",
            "task": TASK,
            "title": "Right and wrong predictions apart",
            "lead": "Who believes every prediction judges all right ones rightly and no wrong one: d′ is how well both are "
            "told apart, and the criterion how much is needed to say “right” (below 0: less). The last row is published.",
            "headings": [
                "Column", "of right, %", ci, "of wrong, %", ci, "d′", ci,
                "criterion", ci, "better than guessing, p",
            ],
            "rows": [*rows, [name, right, NOTHING, wrong, *[NOTHING] * 6]],
            "data": {own["column"]: own[KEY]["signal"] for own in columns},
        }
    ]  # fmt: skip


def _row(name: str, cell: Mapping[str, Any]) -> list[str]:
    signal = cell["signal"]
    halves = [
        text for key, _ in HALVES for text in (cell[key]["text"] or NOTHING, interval(cell[key]["ci"], 1))
    ]
    return [
        name,
        *halves,
        places(signal["d_prime"], 2),
        interval(signal["d_prime_ci"], 2),
        places(signal["criterion"], 2),
        interval(signal["criterion_ci"], 2),
        chance.p_text(cell["chance"]),
    ]


def figures(trials: Trials, columns: Columns) -> Mapping[str, FigureData]:
    """How sure people were, of right and of wrong predictions."""
    rows, values = [], []
    for own in columns:
        for of, steps in own[KEY].get("steps", {}).items():
            if total := sum(steps.values()):
                rows.append(f"{own['column']}, {of}")
                values.append(tuple(100 * number / total for number in steps.values()))
    return {
        "judged-predictions": FigureData(
            kind="bars",
            title="How sure people were that a prediction is right",
            legend="Share of each answer, definitely wrong (light) to definitely right (dark), of right and of wrong "
            "predictions under each column.",
            rows=tuple(rows),
            columns=tuple(map(str, STEPS)),
            values=tuple(values),
            x_label="% of answers (1: definitely wrong, 4: definitely right)",
            high=100,
        )
    }


def notes(trials: Trials, plan: AnalysisPlan, columns: Columns) -> list[str]:
    """What counts as judged rightly."""
    return ["Error detection: steps 3 and 4 say that a prediction is right, 1 and 2 that it is wrong."]


ANALYSIS = TaskAnalysis(estimate=estimate, column=column, sections=sections, notes=notes, figures=figures)
