"""Whether what a package declares is a task: the first fault in one line."""

import re
from collections.abc import Iterable
from dataclasses import fields
from importlib.util import find_spec
from pathlib import Path

from survey_site.tasks.contract import Counts, Task
from survey_site.tasks.settings import TRIALS

NAME = re.compile(r"[a-z][a-z0-9_]{1,29}")
RESERVED = ("practice", "check", "break")
# Keys that the report's JSON has beside the cells of a column or variant.
BESIDE_CELLS = (
    "column", "family", "reference", "variants", "paper", "control", "bases", "classifier", "base", "method", "combination",
)  # fmt: skip


class BadTask(ValueError):
    """A package of STUDY_TASKS declares no usable task; the message names both."""


def checked(declared: Iterable[tuple[str, object]]) -> tuple[Task, ...]:
    """The tasks of these packages. Raises BadTask for the first that lacks a part or repeats a name."""
    tasks: list[Task] = []
    owners: dict[str, str] = {}
    outcomes: dict[str, str] = {}
    for package, task in declared:
        if not isinstance(task, Task):
            raise BadTask(
                f"{package}.task has no TASK that is a Task; declare one as docs/architecture.md shows."
            )
        if task.name in owners:
            raise BadTask(
                f"{package} and {owners[task.name]} both declare the task {task.name!r}; rename one."
            )
        if fault := _fault(task):
            raise BadTask(f"{package}: the task {task.name!r} {fault}")
        if task.outcome.key in outcomes:
            raise BadTask(
                f"{package}: the outcome {task.outcome.key!r} is {outcomes[task.outcome.key]}'s already; rename it."
            )
        owners[task.name], outcomes[task.outcome.key] = package, package
        tasks.append(task)
    if not tasks:
        raise BadTask("STUDY_TASKS names no task; leave it out for those of this program.")
    return tuple(tasks)


def _fault(task: Task) -> str:
    """What the task lacks, or "" """
    if not NAME.fullmatch(task.name) or task.name in RESERVED:
        return (
            "needs a name of 2 to 30 small letters, digits and _, that is none of "
            + ", ".join(RESERVED)
            + "."
        )
    for part in fields(task):
        given, name = getattr(task, part.name), part.name
        if (
            "Callable" in str(part.type)
            and not callable(given)
            and (given is not None or part.default is not None)
        ):
            return f"lacks its part {name!r}: it must be a function."
    names = [setting.name for setting in task.settings]
    if TRIALS not in names or len(set(names)) < len(names):
        return f"must have the setting {TRIALS!r}, and each setting once."
    if problems := task.problems(task.default_settings):
        name, problem = next(iter(problems.items()))
        return f"has a default of the setting {name!r} that {problem}."
    if task.outcome.task != task.name or not task.outcome.key.isidentifier():
        return "must name itself in its outcome, whose key is a plain word."
    if task.outcome.low >= task.outcome.high:
        return "has an outcome whose lowest score is not below its highest."
    if task.outcome.key in BESIDE_CELLS:
        return f"has an outcome of the key {task.outcome.key!r}, which the report uses for something else."
    wanted = {"n", "text", "timeouts", "other_missing", task.outcome.total, task.outcome.value}
    if lacking := wanted - set(task.cell(Counts(), task.default_settings)):
        return f"gives cells without {', '.join(sorted(lacking))}; tasks.cells has them."
    for key in (f"instructions_{task.name}", f"begin_{task.name}"):
        if not task.texts.get("en", {}).get(key):
            return f"lacks the English text {key!r}."
    columns = [column.name for column in task.columns]
    if len(set(columns)) < len(columns):
        return "has two export columns of one name."
    return ""


def refuse_without_templates(package: str, task: Task, folder: Path) -> None:
    """Raises BadTask where the package's folder lacks a template that every task needs."""
    for part in ("answer", "feedback"):
        template = f"templates/tasks/{task.name}/{part}.html"
        if not (folder / template).is_file():
            raise BadTask(f"{package}: the task {task.name!r} lacks its template {template}.")


def refuse_without_analysis(package: str, task: Task) -> None:
    """Raises BadTask where the module that `analysis` names is not there; it is not loaded, since it may be heavy."""
    try:
        there = not task.analysis or find_spec(task.analysis) is not None
    except ImportError:
        there = False
    if not there:
        raise BadTask(
            f"{package}: the task {task.name!r} names its analysis {task.analysis}, which is not there."
        )
