"""What the pages of the toy task print."""

from collections.abc import Mapping
from typing import Any

from survey_site.tasks.contract import Answered, Shown


def content(shown: Shown) -> Mapping[str, Any]:
    """The predicted label and one choice for each map."""
    return {
        "question": shown.texts["telling_question"],
        "label": shown.label(),
        "choices": [{"value": place, "number": place + 1} for place in range(len(shown.maps))],
        "expected": None if shown.expected is None else shown.expected + 1,
    }


def feedback(shown: Shown, answered: Answered) -> Mapping[str, Any]:
    return {"right": answered.score == 1, "number": answered.truth.first + 1}


def refusals() -> Mapping[str, str]:
    return {"map": "Please pick one of the maps."}


def headings() -> Mapping[str, str]:
    return {"instructions": "Which map is it?", "begin": "Ready?"}
