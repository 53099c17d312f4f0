"""What the report has of the telling task beyond its outcome: how sure people's picks are, as a figure."""

from collections.abc import Mapping

from survey_site.statistics.data import Trials
from survey_site.statistics.figure_data import FigureData
from survey_site.statistics.task_analysis import Columns, TaskAnalysis

PLACES = ("first map", "second map")


def figures(trials: Trials, columns: Columns) -> Mapping[str, FigureData]:
    """Which of the two places was picked, per column."""
    answered = trials.answered()
    picked = [answer["picked"] for answer in answered.answers]
    names = [column["column"] for column in columns]
    counts = {name: [0, 0] for name in names}
    for code, place in zip(answered.column.codes, picked, strict=True):
        counts[answered.column.labels[code]][place] += 1
    return {
        "places-picked": FigureData(
            kind="bars",
            title="Places that were picked",
            legend="Share of picks of the first map (light) and of the second (dark), per column.",
            rows=tuple(names),
            columns=PLACES,
            values=tuple(
                tuple(100 * n / sum(own) if sum(own) else None for n in own) for own in counts.values()
            ),
            x_label="% of picks",
            high=100,
        )
    }


ANALYSIS = TaskAnalysis(figures=figures)
