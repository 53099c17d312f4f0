"""Rows of a `responses.csv`, also one without the column `score`, as the statistics take them. Standard library."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from survey_site.tasks.contract import Column, Task

Row = Mapping[str, Any]
PLAIN_CHECK = ("1", "1.0", "true", "yes", "t")


def scored(rows: Iterable[Row], tasks: Iterable[Task]) -> Iterator[dict[str, Any]]:
    """Each row with `score`, `second_score` and `declined`, which its task's columns tell where the row does not.

    A check that names no expected score is of unknown outcome, unless a score of 1 is right in its task. Raises ValueError
    for a row of a task that is none of these.
    """
    by_name = {task.name: task for task in tasks}
    for number, row in enumerate(rows, 1):
        task = by_name.get(str(row.get("task") or ""))
        if task is None:
            raise ValueError(
                f"column task: row {number} must say {' or '.join(by_name)}, not {row.get('task')!r}"
            )
        yield _scored(row, task)


def _scored(row: Row, task: Task) -> dict[str, Any]:
    roles = {column.role: column.name for column in task.columns if column.role}
    found = dict(row)
    for role in ("score", "second_score"):
        if _empty(row.get(role)) and role in roles:
            found[role] = row.get(roles[role])
    if _empty(row.get("declined")):
        found["declined"] = int(any(_declines(column, row) for column in task.columns))
    plain = str(row.get("attention_check") or "").lower() in PLAIN_CHECK
    if plain and task.outcome.kind == "mean" and _empty(row.get("expected")):
        found["attention_check"] = "unknown"
    return found


def _declines(column: Column, row: Row) -> bool:
    return bool(column.declined) and row.get(column.name) == column.declined


def _empty(value: Any) -> bool:
    return value is None or value == ""
