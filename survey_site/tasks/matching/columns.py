"""The matching task's columns of `responses.csv`; all of them stand among the fixed ones."""

from survey_site.tasks.contract import Column
from survey_site.tasks.matching.answers import CANT_TELL

COLUMNS = (
    Column(
        "choice",
        f"Image the participant picked, or {CANT_TELL}.",
        "string",
        "choice",
        names=True,
        declined=CANT_TELL,
    ),
    Column("choice_class", "Class of the picked image.", "string", "choice_class"),
    Column(
        "correct",
        "1: the source image was picked, or where it is not shown the other image of its class; 0: another one, or "
        f"{CANT_TELL}.",
        "boolean",
        "correct",
        role="score",
    ),
    Column(
        "class_correct",
        "1: an image of the source image's class was picked.",
        "boolean",
        "class_correct",
        role="second_score",
    ),
)
