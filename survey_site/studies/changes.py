"""What a save changed, from what to what, in the words of the audit log. Pure but for reading a row's own columns.

What is compared is a flat mapping: a row's columns, those that hold JSON with a name for each value in them.
"""

import json
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any

from django.db.models import Model

from survey_site.studies.models import Study
from survey_site.studies.sealed_rows import plain_values
from survey_site.tasks import registry

NOTHING = "nothing changed"
VALUE_SIGNS = 60
BEFORE_IT = 10  # signs of what stayed, before the first that differs
NEVER = ("id", "seal", "created_at")
EMPTY: tuple[Any, ...] = (None, "", [], {})


def of_row(row: Model | None) -> dict[str, Any]:
    """The columns of a row as a flat mapping; empty where there is no row yet. A column at its default is there too."""
    if row is None:
        return {}
    columns = {field.attname: field.get_default() for field in row._meta.concrete_fields}
    plain = {name: _told_default(value) for name, value in columns.items()} | plain_values(row)
    return flat({name: value for name, value in plain.items() if name not in NEVER})


def of_study(study: Study) -> dict[str, Any]:
    """`of_row` with the settings of every installed task as they hold, written or not."""
    row = of_row(study)
    settings = {task.name: study.settings_of(task) for task in registry.installed()}
    return row | flat(settings, "task_settings.")


def _told_default(value: Any) -> Any:
    return value if isinstance(value, str | int | float | bool | list | dict) else None


def flat(values: Mapping[str, Any], before: str = "") -> dict[str, Any]:
    """`{"a": {"b": 1}}` as `{"a.b": 1}`; lists stay whole, empty mappings go."""
    found: dict[str, Any] = {}
    for name, value in values.items():
        if isinstance(value, Mapping):
            found |= flat(value, f"{before}{name}.")
        else:
            found[f"{before}{name}"] = value
    return found


def told(before: Mapping[str, Any], after: Mapping[str, Any], hidden: Collection[str] = ()) -> list[str]:
    """A phrase for each value that differs, in the order of the names; of a `hidden` one that it changed, and no more."""
    names = [*before, *(name for name in after if name not in before)]
    return [
        f"{name} (not shown)" if name in hidden else f"{name}: {_pair(before.get(name), after.get(name))}"
        for name in names
        if _differ(before.get(name), after.get(name))
    ]


def told_of_lists(before: Iterable[str], after: Iterable[str]) -> list[str]:
    """What is new in a list of names, and what is gone from it."""
    old, new = list(before), list(after)
    added = [f"new: {one}" for one in new if one not in old]
    return added + [f"gone: {one}" for one in old if one not in new]


def lines(phrases: Iterable[str], most: int) -> Iterator[str]:
    """The phrases joined to as few lines of at most `most` signs as their order lets; one line where there are none."""
    line = ""
    for phrase in phrases:
        short = phrase if len(phrase) <= most else f"{phrase[: most - 1]}…"
        if line and len(line) + len("; ") + len(short) > most:
            yield line
            line = short
        else:
            line = f"{line}; {short}" if line else short
    yield line or NOTHING


def _differ(old: Any, new: Any) -> bool:
    return old != new and not (old in EMPTY and new in EMPTY)


def _pair(old: Any, new: Any) -> str:
    """Both values, long ones from where they differ on."""
    one, other = _text(old), _text(new)
    start = 0
    if max(len(one), len(other)) > VALUE_SIGNS:
        same = next((i for i, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), None)
        start = max((min(len(one), len(other)) if same is None else same) - BEFORE_IT, 0)
    return f"{_cut(one, start)} → {_cut(other, start)}"


def _cut(text: str, start: int) -> str:
    part = text[start : start + VALUE_SIGNS]
    return f"{'…' if start and text else ''}{part}{'…' if len(text) > start + VALUE_SIGNS else ''}" or "–"


def _text(value: Any) -> str:
    if value in EMPTY:
        return ""
    if isinstance(value, str):
        return " ".join(value.split())
    return json.dumps(value, ensure_ascii=False, default=str)
