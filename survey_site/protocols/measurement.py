"""What of a sealed document is the measurement, and what can be amended while the data stay together. Pure.

Two hashes say so: the document's own, under which each answer is given, and that of its measurement. Answers whose
seals have the same measurement can stand in one table; the texts that people read before and after it, the closing
date and the target may differ. Whatever is not named here belongs to the measurement.
"""

from collections.abc import Mapping
from typing import Any, Literal

from survey_site.design import canonical

Document = dict[str, Any]
Change = Literal["first", "none", "amendment", "version"]

# Text keys: whether a change of theirs touches the measurement. A key that is not listed does, those of tasks among them.
TOUCHES: Mapping[str, bool] = {
    "welcome": True,
    "consent": False,
    "demographics": True,
    "break": True,
    "debrief": False,
    "done": False,
    "screened_out": False,
    "full": False,
    "closed": False,
    "privacy": False,
}
TARGET = "target_participants"
# Parts of the document outside the measurement: its own format, what the study is called and until when it is open,
# and who is responsible for it, whom to write to, who approved it, when identifiers are erased; and the images' regions,
# which no participant sees.
APART = frozenset({"format", "study", "facts", "regions"})
APART_OF_DESIGN = frozenset({TARGET})


def touches(text: str) -> bool:
    """Whether a change of the text of this key touches the measurement."""
    return TOUCHES.get(text, True)


def measurement_of(document: Document) -> Document:
    """The part of a document that makes answers comparable; the document is in the present format."""
    return _part(document, measured=True)


def rest_of(document: Document) -> Document:
    """What can be amended."""
    return _part(document, measured=False)


def _part(document: Document, *, measured: bool) -> Document:
    part = {name: value for name, value in document.items() if (name not in APART) is measured}
    if "design" in document:
        part["design"] = {
            name: value
            for name, value in document["design"].items()
            if (name not in APART_OF_DESIGN) is measured
        }
    if "texts" in document:
        part["texts"] = {
            language: {key: text for key, text in texts.items() if touches(key) is measured}
            for language, texts in document["texts"].items()
        }
    return part


def measurement_hash(document: Document) -> str:
    """SHA-256 of the measurement's canonical text."""
    return canonical.sha256(measurement_of(document))


def target_of(document: Document) -> int | None:
    """The participants wanted; None in a reconstruction that says nothing of it."""
    found: int | None = document.get("design", {}).get(TARGET)
    return found


def has_looks(document: Document) -> bool:
    """Whether looks at the data are planned, which count on the target."""
    return bool((document.get("analysis_plan") or {}).get("stopping"))


def change(sealed: Document | None, new: Document, *, names_opened: bool) -> Change:
    """What sealing `new` after `sealed` is.

    names_opened: whether somebody has seen results under the columns' names, after which a change of the target is a
    version of its own: who knows the results could stop, or go on, because of them.
    """
    if sealed is None:
        return "first"
    if canonical.sha256(sealed) == canonical.sha256(new):
        return "none"
    if measurement_hash(sealed) != measurement_hash(new):
        return "version"
    moved = target_of(sealed) != target_of(new)
    return "version" if moved and (names_opened or has_looks(sealed)) else "amendment"


def with_items_of(sealed: Document | None, new: Document) -> Document:
    """`new` with the items that were dealt before, where nothing else of the measurement differs.

    How many images a design uses follows from the target; once dealt, they stay.
    """
    if sealed is None or "items" not in sealed:
        return new
    kept = new | {"items": sealed["items"]}
    return kept if measurement_hash(kept) == measurement_hash(sealed) else new
