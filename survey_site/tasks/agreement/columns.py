"""The agreement task's columns of `responses.csv`."""

from survey_site.tasks.agreement.scale import HIGHEST, LOWEST
from survey_site.tasks.contract import Column

COLUMNS = (
    Column(
        "sure", "How sure that the prediction is right: 1 definitely wrong, 2 probably wrong, 3 probably right, 4 "
        "definitely right.",
        "integer", "sure", minimum=LOWEST, maximum=HIGHEST,
    ),
    Column("label", "Class that the network predicts, as shown.", "string", "label"),
    Column("prediction_right", "Whether that is the class of the image.", "boolean", "prediction_right"),
    Column(
        "found_out", "Whether a right prediction was thought right (3 or 4), or a wrong one wrong (1 or 2).",
        "boolean", "found_out", role="score",
    ),
)  # fmt: skip
