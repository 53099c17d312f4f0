"""What the forms and pages of the preference task print."""

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext as _

from survey_site.tasks.contract import Answered, Shown


def content(shown: Shown) -> Mapping[str, Any]:
    """The photo beside two numbered maps, and one choice for each of these."""
    return {
        "original_url": shown.original(),
        "question": shown.texts["preference_question"],
        "choices": [{"value": place, "number": place + 1} for place in range(len(shown.maps))],
        "expected": None if shown.expected is None else shown.expected + 1,
    }


def feedback(shown: Shown, answered: Answered) -> Mapping[str, Any]:
    """Thanks, with the map chosen; there is no right one."""
    place = answered.values.get("preferred")
    return {"number": None if place is None else place + 1}


def refusals() -> Mapping[str, str]:
    """What a participant is told whose form was no answer."""
    return {"preferred": _("Please choose one of the maps.")}


def headings() -> Mapping[str, str]:
    """Headings of the pages around the trials."""
    return {"instructions": _("Compare two maps"), "begin": _("Ready?")}
