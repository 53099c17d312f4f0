"""What simulated people are made to show: the truth that a rehearsal must find, and the truth without differences."""

from collections.abc import Sequence
from dataclasses import replace

from survey_site.tasks.behaviour import Behaviour
from survey_site.tasks.contract import Task


def planted_effects(tasks: Sequence[Task], columns: Sequence[str]) -> dict[str, dict[str, float]]:
    """The values that a task plants for its known columns; for others values spread between its `spread`."""
    planted: dict[str, dict[str, float]] = {}
    for task in tasks:
        others = [name for name in columns if name not in task.planted]
        low, high = task.spread
        spread = {name: low + (high - low) * place / len(others) for place, name in enumerate(others)}
        planted[task.name] = {name: task.planted.get(name, spread.get(name, low)) for name in columns}
    return planted


def without_differences(model: Behaviour, tasks: Sequence[Task]) -> Behaviour:
    """The same people where no column differs: what an analysis must not find a difference in."""
    planted = {task.name: model.effects.get(task.name, task.planted) for task in tasks}
    means = {name: sum(values.values()) / len(values) for name, values in planted.items() if values}
    return replace(model, effects={name: {} for name in planted}, other={**model.other, **means})
