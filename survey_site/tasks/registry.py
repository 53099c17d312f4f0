"""The installed tasks: what the packages of the setting `STUDY_TASKS` declare, checked once.

A package that cannot be used stops the boot with one line; a task that a study names and nobody installed is an
`UnknownTask` where it is asked for.
"""

from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from importlib import import_module
from pathlib import Path
from typing import Any

from django.conf import settings

from survey_site.tasks.checks import BadTask as BadTask
from survey_site.tasks.checks import checked, refuse_without_analysis, refuse_without_templates
from survey_site.tasks.contract import Task
from survey_site.tasks.settings import TRIALS


class UnknownTask(LookupError):
    """A study has trials of a task that is not installed; the message says what to do."""

    def __init__(self, name: str) -> None:
        super().__init__(
            f"The task “{name}” is not installed: add its package to STUDY_TASKS and start again. "
            "Answers given in it can be exported without it."
        )
        self.name = name
        self.change = "Add its package to STUDY_TASKS and start again, or leave the task out of the study."


def installed() -> tuple[Task, ...]:
    """The tasks in the order of the setting. Raises BadTask with one line."""
    return load(tuple(settings.STUDY_TASKS))


@lru_cache(maxsize=8)
def load(packages: tuple[str, ...]) -> tuple[Task, ...]:
    """The tasks that these packages declare. Raises BadTask with one line."""
    found = []
    for package in packages:
        try:
            module = import_module(f"{package}.task")
        except ImportError as error:
            raise BadTask(f"STUDY_TASKS names {package}, which cannot be imported: {error}") from error
        found.append((package, getattr(module, "TASK", None)))
    tasks = checked(found)
    for package, task in zip(packages, tasks, strict=True):
        refuse_without_templates(package, task, Path(str(import_module(f"{package}.task").__file__)).parent)
        refuse_without_analysis(package, task)
    return tasks


def scripts(task: Task) -> list[Path]:
    """What the task hands to readers of its data, in a folder `scripts` of its package; in the order of their names."""
    for package in settings.STUDY_TASKS:
        module = import_module(f"{package}.task")
        if getattr(module, "TASK", None) is task:
            folder = Path(str(module.__file__)).parent / "scripts"
            return sorted(path for path in folder.glob("*") if path.is_file())
    return []


def named(name: str) -> Task | None:
    """The task of this name, or None where it is not installed."""
    return next((task for task in installed() if task.name == name), None)


def task(name: str) -> Task:
    """The task of this name; raises UnknownTask."""
    found = named(name)
    if found is None:
        raise UnknownTask(name)
    return found


def of(stored: Mapping[str, Mapping[str, Any]]) -> tuple[Task, ...]:
    """The tasks that have trials under these settings, in the order of the setting; raises UnknownTask."""
    for unknown in missing(stored):
        raise unknown
    return known(stored)


def known(stored: Mapping[str, Mapping[str, Any]]) -> tuple[Task, ...]:
    """Those of the tasks with trials that are installed, in the order of the setting."""
    return tuple(one for one in installed() if one.name in stored and one.effective(stored[one.name])[TRIALS])


def chosen(stored: Mapping[str, Mapping[str, Any]]) -> tuple[tuple[Task, dict[str, Any]], ...]:
    """The tasks as `of` gives them, each with all its settings; raises UnknownTask."""
    return tuple((one, one.effective(stored[one.name])) for one in of(stored))


def second_scores(stored: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """The tasks whose second score counts under these settings; raises UnknownTask."""
    return [one.name for one, settings in chosen(stored) if one.second_counts(settings)]


def missing(stored: Mapping[str, Mapping[str, Any]]) -> list[UnknownTask]:
    """Of the tasks that have trials under these settings, those that are not installed."""
    return [
        UnknownTask(name) for name, values in stored.items() if values.get(TRIALS, 1) and named(name) is None
    ]


def of_names(names: Iterable[str]) -> tuple[Task, ...]:
    """Tasks by their names, in the order of the setting; raises UnknownTask."""
    wanted = {task(name).name for name in names}
    return tuple(one for one in installed() if one.name in wanted)


def settings_of(chosen: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """All settings of the tasks named, with defaults where nothing was chosen; raises UnknownTask."""
    return {name: task(name).effective(values) for name, values in chosen.items()}


def default_settings(tasks: Sequence[Task] | None = None) -> dict[str, dict[str, Any]]:
    """The settings of a new study: of each task that has trials by default."""
    return {
        one.name: one.default_settings
        for one in (installed() if tasks is None else tasks)
        if one.default_settings.get(TRIALS)
    }
