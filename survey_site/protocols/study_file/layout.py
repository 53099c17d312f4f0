"""A study as a file: its sections and keys, and what each may hold. docs/study-design.md has them with an example.

A key of `FIELDS` is the column of that name of `Study`; the other sections are checked by study_file/checks.py.
"""

from collections.abc import Iterable, Mapping
from datetime import date
from difflib import get_close_matches
from typing import Any

from django.db.models import BooleanField, DateField, Field, IntegerField

from survey_site.studies.errors import SeveralProblems
from survey_site.studies.models import Study

VERSION = 1
MARK = "saliency_survey_study"
HEAD = "A study of Saliency Survey: docs/study-design.md, “A study as a file”, says what each key means."

FIELDS: Mapping[str, tuple[str, ...]] = {
    "study": ("title", "slug", "closes_on", "replicates_paper", "require_rehearsal"),
    "facts": ("controller", "contact", "ethics_number", "ids_erased_on"),
    "design": (
        "target_participants", "practice_trials", "attention_checks", "trial_timeout_s", "window_width_px",
        "window_height_px", "count_unknown_seen", "lease_minutes", "resume_days", "seed",
    ),
    "maps": ("colour_map", "edges", "image_px", "explain_own_class", "overlay"),
}  # fmt: skip
COLUMN = ("column", "reference", "methods")
IMAGE = ("name", "role", "sha256", "file", "source", "licence")
SECTIONS = (
    MARK, "study", "facts", "languages", "design", "tasks", "maps", "columns", "own_models", "made_elsewhere",
    "exclusion_rules", "analysis_plan", "texts", "images",
)  # fmt: skip
LARGEST = 2**31 - 1
LARGEST_SEED = 2**63 - 1


class BadStudyFile(SeveralProblems):
    """The description makes no study. `problems`: one line for each key, which says what to do."""

    lead, joint, shown = "nothing was made: ", "; ", 5


def path_of(field: str) -> str:
    """Where a column of the study stands in the file."""
    return next((f"{section}.{field}" for section, names in FIELDS.items() if field in names), field)


def unknown_keys(path: str, given: Iterable[str], known: Iterable[str]) -> list[str]:
    """A line for each key that is none, with the nearest that is one."""
    known = list(known)
    found = []
    for name in given:
        if name not in known:
            near = get_close_matches(name, known, 1)
            hint = f"did you mean {near[0]}?" if near else f"the keys are {', '.join(known)}"
            found.append(f"{at(path, name)}: there is no such key; {hint}")
    return found


def at(path: str, name: str) -> str:
    return f"{path}.{name[:60]}" if path else name[:60]


def kind_of(value: Any) -> str:
    """A value's kind in words."""
    if value is None:
        return "nothing"
    kinds = {bool: "true or false", int: "a number", float: "a number", str: "text", list: "a list"}
    return kinds.get(type(value), "a mapping")


def refuse_value(name: str, value: Any) -> str:
    """Why the value is none for this column of the study; empty where it is. Limits are the model's to check."""
    field: Field[Any, Any] = Study._meta.get_field(name)  # type: ignore[assignment]
    if value is None:
        return "" if field.null else "it is empty; give a value, or take the key away for the default"
    if isinstance(field, BooleanField):
        return "" if isinstance(value, bool) else f"it is {kind_of(value)} and must be true or false"
    if isinstance(field, IntegerField):
        if not isinstance(value, int) or isinstance(value, bool):
            return f"it is {kind_of(value)} and must be a whole number"
        most = LARGEST_SEED if name == "seed" else LARGEST
        return "" if 0 <= value <= most else f"it must be between 0 and {most}"
    if isinstance(field, DateField):
        return "" if day_of(value) else "it must be a day, written as 2031-12-24"
    return "" if isinstance(value, str) else f"it is {kind_of(value)} and must be text; put it in quotes"


def day_of(value: Any) -> date | None:
    """The day that a text names, or None."""
    try:
        return (
            date.fromisoformat(value) if isinstance(value, str) and len(value) == len("2031-12-24") else None
        )
    except ValueError:
        return None
