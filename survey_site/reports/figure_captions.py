"""Titles and legends of the report's figures: the page, the HTML file and the PDF print the same words."""

from collections.abc import Mapping

from survey_site.reports.report_types import Caption
from survey_site.statistics.figure_data import FigureData
from survey_site.statistics.printing import interval_name


def _told(title: str, legend: str, wide: bool = False) -> Caption:
    return {"title": title, "legend": legend, "wide": wide}


CAPTIONS: dict[str, Caption] = {
    "estimates": _told(
        "Estimates of each column",
        "Diamond: estimate; bar: {interval} over participants and images; circles: means of the participants.",
        wide=True,
    ),
    "learning": _told(
        "Answers over the position in the task",
        "Mean over all columns; band: ± 1.96 standard errors, answers taken as independent.",
        wide=True,
    ),
    "response-times": _told(
        "Response times",
        "Box: quartiles and median; whiskers: 5th and 95th percentile; logarithmic scale.",
        wide=True,
    ),
    "answers": _told(
        "Answers of each participant to each image",
        "Mean of the answers; lighter is lower. Hatched: not shown to this participant.",
        wide=True,
    ),
    "participant-flow": _told(
        "Flow of participants",
        "From those who started to those analysed; beside the arrows who left, and why.",
    ),
}


def captions(of_tasks: Mapping[str, FigureData], level: float) -> dict[str, Caption]:
    """Of all figures of a report, by name; `of_tasks`: what its tasks draw; level: of the report's intervals."""
    own = {
        name: caption | {"legend": caption["legend"].format(interval=interval_name(level))}
        for name, caption in CAPTIONS.items()
    }
    return own | {name: _told(data.title, data.legend, data.wide) for name, data in of_tasks.items()}
