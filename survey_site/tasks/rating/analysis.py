"""What the report adds of the ratings: how many of each there are, and their figure. Only for the worker of reports."""

from collections.abc import Mapping
from typing import Any

from survey_site.statistics.data import Trials
from survey_site.statistics.figure_data import FigureData
from survey_site.statistics.plan import AnalysisPlan
from survey_site.statistics.task_analysis import Columns, TaskAnalysis
from survey_site.tasks.rating.scale import HIGHEST, LOWEST, RATINGS


def estimate(trials: Trials, plan: AnalysisPlan) -> dict[str, Any]:
    """How many answers there are of each rating."""
    return {"distribution": {str(level): int((trials.value == level).sum()) for level in RATINGS}}


def figures(trials: Trials, columns: Columns) -> Mapping[str, FigureData]:
    """The share of each rating per column."""
    shown = [column for column in columns if column["index"]["n"]]
    return {
        "rating-distributions": FigureData(
            kind="bars",
            title="Distribution of the ratings",
            legend=f"Share of each rating, {LOWEST} (light) to {HIGHEST} (dark), per column.",
            rows=tuple(column["column"] for column in shown),
            columns=tuple(map(str, RATINGS)),
            values=tuple(
                tuple(
                    100 * number / column["index"]["n"] for number in column["index"]["distribution"].values()
                )
                for column in shown
            ),
            x_label="% of ratings (number: the rating)",
            high=100,
        )
    }


ANALYSIS = TaskAnalysis(estimate=estimate, figures=figures)
