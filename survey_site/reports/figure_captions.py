"""Titles and legends of the report's figures: the page, the HTML file and the PDF print the same words."""

from dataclasses import dataclass

from survey_site.statistics.answer_scale import HIGHEST, LOWEST


@dataclass(frozen=True)
class Caption:
    """A title, and what a reader must know to read the figure. `wide`: it needs the whole width of a page."""

    title: str
    legend: str
    wide: bool = False


CAPTIONS: dict[str, Caption] = {
    "faith-and-index": Caption(
        "Human Faith and Interpretability Index",
        "Diamond: estimate; bar: 95 % interval over participants and images; circles: means of the participants.",
        wide=True,
    ),
    "rating-distributions": Caption(
        "Distribution of the ratings",
        f"Share of each rating, {LOWEST} (light) to {HIGHEST} (dark), per column.",
    ),
    "class-confusion": Caption(
        "Confusion of classes in the matching task",
        "Row: class of the source image; column: class of the picked image. Hatched: never shown.",
    ),
    "learning": Caption(
        "Answers over the position in the task",
        "Mean over all columns; band: ± 1.96 standard errors, answers taken as independent.",
        wide=True,
    ),
    "response-times": Caption(
        "Response times",
        "Box: quartiles and median; whiskers: 5th and 95th percentile; logarithmic scale.",
        wide=True,
    ),
    "answers": Caption(
        "Answers of each participant to each image",
        "Mean rating, or the share right where there are no ratings. Hatched: not shown to this participant.",
    ),
    "participant-flow": Caption(
        "Flow of participants",
        "From those who started to those analysed; beside the arrows who left, and why.",
    ),
}


def caption(name: str) -> Caption:
    """The caption of a figure; a figure without one is called by its name."""
    return CAPTIONS.get(name, Caption(name.replace("-", " "), ""))
