"""What the forms and pages of the matching task print."""

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext as _

from survey_site.tasks.contract import Answered, Shown
from survey_site.tasks.matching.answers import CANT_TELL, answer_place


def content(shown: Shown) -> Mapping[str, Any]:
    """Candidates in display order, numbered from 1, and the question."""
    return {
        "options": [
            {"value": place, "number": place + 1, "url": url} for place, url in enumerate(shown.candidates)
        ],
        "question": shown.texts["matching_question"],
        "cant_tell": CANT_TELL,
        "offer_cant_tell": shown.settings["offer_cant_tell"],
    }


def feedback(shown: Shown, answered: Answered) -> Mapping[str, Any]:
    """Right or wrong, with the source and the chosen candidate marked."""
    right = answer_place(answered.truth)
    options = [
        {
            "number": place + 1,
            "url": url,
            "source": place == right,
            "chosen": key == answered.values.get("choice"),
        }
        for place, (url, key) in enumerate(zip(shown.candidates, answered.truth.pool, strict=True))
    ]
    return {
        "options": options,
        "correct": answered.score == 1,
        "another": answered.truth.target not in answered.truth.pool,
    }


def refusals() -> Mapping[str, str]:
    """What a participant is told whose form was no answer."""
    return {"choice": _("Please choose one of the photos.")}


def headings() -> Mapping[str, str]:
    """Headings of the pages around the trials."""
    return {"instructions": _("Find the photo"), "begin": _("Ready?")}
