"""The rating task's column of `responses.csv`; it stands among the fixed ones."""

from survey_site.tasks.contract import Column
from survey_site.tasks.rating.scale import HIGHEST, LOWEST

COLUMNS = (
    Column(
        "rating", "How well the map interprets the original image.", "integer", "rating",
        minimum=LOWEST, maximum=HIGHEST, role="score",
    ),
)  # fmt: skip
