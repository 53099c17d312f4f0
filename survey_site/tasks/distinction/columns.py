"""The distinction task's columns of `responses.csv`."""

from survey_site.tasks.contract import Column
from survey_site.tasks.distinction.answers import CONFIDENCE, MAPS

COLUMNS = (
    Column(
        "picked", "Which of the four maps is thought to be of the predicted class: its place, from 0.", "integer",
        "picked", minimum=0, maximum=MAPS - 1,
    ),
    Column(
        "confidence", "How sure of that: 1 not at all, 2 a little, 3 fairly, 4 very.", "integer", "confidence",
        minimum=CONFIDENCE[0], maximum=CONFIDENCE[-1],
    ),
    Column("label", "Class that the network predicts; it is not shown.", "string", "label"),
    Column("prediction_right", "Whether that is the class of the image.", "boolean", "prediction_right"),
    Column("told", "Whether the map of that class was picked.", "boolean", "told", role="score"),
)  # fmt: skip
