"""What the forms and pages of the rating task print."""

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext as _

from survey_site.tasks.contract import Answered, Shown
from survey_site.tasks.rating.scale import HIGHEST, LOWEST, RATINGS


def content(shown: Shown) -> Mapping[str, Any]:
    """The photo beside the map, the question, and the scale with its ends in words."""
    return {
        "original_url": shown.original(),
        "question": shown.texts["rating_question"],
        "low": shown.texts["rating_low"],
        "high": shown.texts["rating_high"],
        "ratings": RATINGS,
        "expected": shown.expected,
    }


def feedback(shown: Shown, answered: Answered) -> Mapping[str, Any]:
    """Thanks, with the rating given; there is no right one."""
    return {
        "rating": answered.values.get("rating"),
        "lowest": LOWEST,
        "highest": HIGHEST,
    }


def refusals() -> Mapping[str, str]:
    """What a participant is told whose form was no answer."""
    return {
        "rating": _("Please choose a number from %(lowest)d to %(highest)d.")
        % {"lowest": LOWEST, "highest": HIGHEST}
    }


def headings() -> Mapping[str, str]:
    """Headings of the pages around the trials."""
    return {"instructions": _("Rate the maps"), "begin": _("Ready?")}
