"""What the forms and pages of the distinction task print."""

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext as _

from survey_site.tasks.contract import Answered, Shown
from survey_site.tasks.distinction.answers import MAPS
from survey_site.tasks.fields import isolated


def steps() -> dict[int, str]:
    """How sure one is, in the participant's language."""
    return {1: _("Not at all sure"), 2: _("A little sure"), 3: _("Fairly sure"), 4: _("Very sure")}


def content(shown: Shown) -> Mapping[str, Any]:
    """The photo beside four numbered maps, a choice for each of these, and how sure one is.

    digit: the key that stands for a step; those of the maps come first.
    """
    return {
        "original_url": shown.original(),
        "question": shown.texts["distinction_question"],
        "sure_question": shown.texts["distinction_sure"],
        "choices": [{"value": place, "number": place + 1} for place in range(len(shown.maps))],
        "steps": [{"value": step, "words": words, "digit": MAPS + step} for step, words in steps().items()],
        "expected": None if shown.expected is None else shown.expected + 1,
    }


def feedback(shown: Shown, answered: Answered) -> Mapping[str, Any]:
    """Which map was the one, and of what class."""
    return {
        "told": answered.score == 1,
        "number": answered.truth.first + 1,
        "label": isolated(answered.truth.label),
    }


def refusals() -> Mapping[str, str]:
    """What a participant is told whose form was no answer."""
    return {
        "picked": _("Please choose one of the maps."),
        "confidence": _("Please say how sure you are."),
    }


def headings() -> Mapping[str, str]:
    """Headings of the pages around the trials."""
    return {"instructions": _("What does the network see?"), "begin": _("Ready?")}
