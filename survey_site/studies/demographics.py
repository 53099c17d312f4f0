"""The researcher's own questions, written as lines of a text, so that they are translated and sealed like any text.

One question a line: `name: Question? [choice / choice / choice]`, `name: Question? [18-99]` for a whole
number, or `name: Question?` for a short free text. A `*` after the name makes the answer required.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

LONGEST_TEXT = 300
_LINE = re.compile(
    r"^(?P<name>[a-z][a-z0-9_]{0,39})(?P<star>\*?)\s*:\s*(?P<label>[^\[\]]+?)\s*(?:\[(?P<rest>.*)\])?$"
)
_RANGE = re.compile(r"^\s*(\d{1,4})\s*[-–]\s*(\d{1,4})\s*$")


class Invalid(ValueError):
    """Answers that do not fit the questions: `errors` maps a question's name to what is wrong with it."""

    def __init__(self, errors: dict[str, str]) -> None:
        super().__init__(", ".join(errors))
        self.errors = errors


@dataclass(frozen=True, slots=True)
class Question:
    """One field. Choices and bounds are exclusive; neither means a short text."""

    name: str
    label: str
    required: bool = False
    choices: tuple[str, ...] = ()
    lowest: int | None = None
    highest: int | None = None


def problems(text: str) -> list[str]:
    """What is wrong with the lines, for the researcher; empty when all is well."""
    found = [(line, _LINE.match(line)) for line in _lines(text)]
    wrong = [
        f"“{line}” is not of the form `name: Question? [choice / choice]`."
        for line, match in found
        if not match
    ]
    names = [match["name"] for _, match in found if match]
    return wrong + [
        f"The name “{name}” is used twice." for name in sorted(set(names)) if names.count(name) > 1
    ]


@lru_cache(maxsize=64)
def questions(text: str) -> tuple[Question, ...]:
    """The questions of a text; lines that are no question are left out."""
    return tuple(_question(match) for line in _lines(text) if (match := _LINE.match(line)))


def read(asked: tuple[Question, ...], fields: Mapping[str, str]) -> dict[str, str | int]:
    """The answers by name, unanswered ones left out; raises Invalid."""
    answers: dict[str, str | int] = {}
    errors: dict[str, str] = {}
    for question in asked:
        text = fields.get(f"q_{question.name}", "").strip()
        if not text:
            if question.required:
                errors[question.name] = "required"
        elif question.lowest is not None:
            if text.isdecimal() and len(text) < 6 and question.lowest <= int(text) <= (question.highest or 0):
                answers[question.name] = int(text)
            else:
                errors[question.name] = "range"
        elif question.choices:
            if text.isdecimal() and len(text) < 4 and int(text) < len(question.choices):
                answers[question.name] = question.choices[int(text)]
            else:
                errors[question.name] = "choice"
        elif "\0" in text:  # PostgreSQL cannot hold it
            errors[question.name] = "signs"
        elif len(text) > LONGEST_TEXT:
            errors[question.name] = "long"
        else:
            answers[question.name] = text
    if errors:
        raise Invalid(errors)
    return answers


def _lines(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines() if line.strip() and not line.startswith("#")]


def _question(match: re.Match[str]) -> Question:
    rest = match["rest"] or ""
    if bounds := _RANGE.match(rest):
        return Question(
            match["name"], match["label"], bool(match["star"]), (), int(bounds[1]), int(bounds[2])
        )
    choices = tuple(choice.strip() for choice in rest.split("/") if choice.strip())
    return Question(match["name"], match["label"], bool(match["star"]), choices)
