"""The parts of the report that tasks bring along. NumPy, so only the queue `reports` and commands import it."""

from collections.abc import Iterable
from importlib import import_module

from survey_site.statistics.task_analysis import PLAIN, TaskAnalysis
from survey_site.tasks.checks import BadTask
from survey_site.tasks.contract import Task


def of(tasks: Iterable[Task]) -> dict[str, TaskAnalysis]:
    """By the task's name, what its module of analysis declares. Raises BadTask with one line."""
    return {task.name: _declared(task) for task in tasks}


def _declared(task: Task) -> TaskAnalysis:
    if not task.analysis:
        return PLAIN
    try:
        found = getattr(import_module(task.analysis), "ANALYSIS", None)
    except ImportError as error:
        raise BadTask(
            f"the task {task.name!r} names {task.analysis}, which cannot be imported: {error}"
        ) from error
    if not isinstance(found, TaskAnalysis):
        raise BadTask(f"the task {task.name!r} names {task.analysis}, whose ANALYSIS must be a TaskAnalysis.")
    return found
