"""The preference task's columns of `responses.csv`."""

from survey_site.tasks.contract import Column

COLUMNS = (
    Column(
        "preferred", "Which of the two maps explains the photo better: its place, from 0.", "integer", "preferred",
        minimum=0, maximum=1,
    ),
    Column(
        "own", "Whether that is the map of the row's column; else its rival's, of the column in further_columns.",
        "boolean", "own", role="score",
    ),
)  # fmt: skip
