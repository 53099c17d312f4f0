"""The settings of a task in a study: declared by the task, stored as JSON, asked for by the study's form."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

Settings = Mapping[str, Any]

TRIALS = "trials_per_column"
"""The setting that each task has: trials of a participant for each column of Table 1; 0 leaves the task out."""


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting of a task in a study, stored as JSON and shown as a field of the study's form.

    kind: a whole number, yes or no, one of `choices` (value and label), groups of images (lists of their names, which
    are arranged as pictures), or JSON as it is. help: what it does, in the words of a researcher. later: younger than the
    documents' format, so that a document names it only where it is not at its default, and older documents keep their hash.
    """

    name: str
    label: str
    help: str
    kind: Literal["whole", "yes_no", "choice", "groups", "json"]
    default: Any
    minimum: int | None = None
    maximum: int | None = None
    choices: tuple[tuple[str, str], ...] = ()
    later: bool = False


def trials_setting(label: str, help: str, default: int = 0) -> Setting:
    """The setting `TRIALS` of a task."""
    return Setting(TRIALS, label, help, "whole", default, minimum=0, maximum=100)


def refuse_setting(setting: Setting, value: Any) -> str:
    """Why a value is none for this setting; empty where it is."""
    match setting.kind:
        case "whole":
            if not isinstance(value, int) or isinstance(value, bool):
                return "must be a whole number"
            if setting.minimum is not None and value < setting.minimum:
                return f"must be at least {setting.minimum}"
            if setting.maximum is not None and value > setting.maximum:
                return f"must be at most {setting.maximum}"
        case "yes_no":
            return "" if isinstance(value, bool) else "must be true or false"
        case "choice":
            known = [choice for choice, _label in setting.choices]
            return "" if value in known else f"must be one of {', '.join(known)}"
        case "groups":
            listed = isinstance(value, list | tuple) and all(
                isinstance(group, list | tuple) and all(isinstance(name, str) for name in group)
                for group in value
            )
            return "" if listed else "must be lists of names of images"
    return ""
