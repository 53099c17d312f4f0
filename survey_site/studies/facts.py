"""Who runs a study, whom to write to, who approved it, and until when people can be named: what a consent must say.

Fields of the study. Texts name them in braces (`{contact}`), the default consent all of them; the privacy page lists them.
"""

import re
from collections.abc import Mapping
from datetime import date
from typing import Protocol

from django.conf import settings
from django.utils import formats, translation
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

LABELS: dict[str, Promise] = {
    "controller": _("Who is responsible"),
    "contact": _("Contact"),
    "ethics_number": _("Ethics approval"),
    "ids_erased_on": _("Identifiers are erased on"),
}
DATE = "ids_erased_on"
_NAMED = re.compile("{(" + "|".join(LABELS) + ")}")
ISOLATED = "\u2068%s\u2069"  # keeps what stands around a fact of another script in its place
_MARKDOWN = re.compile(r"([\\`*_\[\]<>~&#|])")


class HasFacts(Protocol):
    """A study, as far as its facts go."""

    controller: str
    contact: str
    ethics_number: str
    ids_erased_on: date | None


def facts_of(study: HasFacts) -> dict[str, str]:
    """The facts that are filled in, as plain data: what a protocol seals. Dates are ISO 8601."""
    values = {
        "controller": study.controller,
        "contact": study.contact,
        "ethics_number": study.ethics_number,
        DATE: study.ids_erased_on.isoformat() if study.ids_erased_on else "",
    }
    return {name: text for name, value in values.items() if (text := " ".join(value.split()))}


def named_in(text: str) -> set[str]:
    """The facts that a text wants."""
    return set(_NAMED.findall(text))


def filled(text: str, facts: Mapping[str, str], language: str) -> str:
    """The Markdown text with its facts written out in the language; those that are missing keep their braces."""

    def fact(match: re.Match[str]) -> str:
        name = match[1]
        if name not in facts:
            return match[0]
        value = _MARKDOWN.sub(r"\\\1", printed(name, facts[name], language))
        return ISOLATED % value if right_to_left else value

    right_to_left = language.partition("-")[0] in settings.LANGUAGES_BIDI
    return _NAMED.sub(fact, text)


def printed(name: str, value: str, language: str) -> str:
    """A fact as people read it: the date in the words of the language."""
    if name != DATE:
        return value
    with translation.override(language):
        return formats.date_format(date.fromisoformat(value), "DATE_FORMAT")


def listed(facts: Mapping[str, str], language: str) -> list[tuple[Promise, str]]:
    """(label, value) of each fact there is, for the privacy page."""
    return [(label, printed(name, facts[name], language)) for name, label in LABELS.items() if name in facts]
