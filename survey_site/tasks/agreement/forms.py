"""What the forms and pages of the agreement task print."""

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext as _

from survey_site.tasks.agreement.scale import EXTREMES
from survey_site.tasks.contract import Answered, Shown
from survey_site.tasks.fields import isolated


def steps() -> dict[int, str]:
    """The four steps in words, in the participant's language."""
    return {
        1: _("Definitely wrong"),
        2: _("Probably wrong"),
        3: _("Probably right"),
        4: _("Definitely right"),
    }


def content(shown: Shown) -> Mapping[str, Any]:
    """The photo beside the map, what the network predicts, and four steps."""
    words = steps()
    return {
        "original_url": shown.original(),
        "label": shown.label(),
        "question": shown.texts["agreement_question"],
        "steps": [{"value": step, "words": text} for step, text in words.items()],
        "expected": None if shown.expected is None else words[EXTREMES[shown.expected]],
    }


def feedback(shown: Shown, answered: Answered) -> Mapping[str, Any]:
    """Whether the prediction was right, and whether that was found out."""
    return {
        "found_out": answered.score == 1,
        "right": answered.values.get("prediction_right") == 1,
        "label": isolated(answered.truth.label),
    }


def refusals() -> Mapping[str, str]:
    """What a participant is told whose form was no answer."""
    return {"sure": _("Please choose one of the four answers.")}


def headings() -> Mapping[str, str]:
    """Headings of the pages around the trials."""
    return {"instructions": _("Is the network right?"), "begin": _("Ready?")}
