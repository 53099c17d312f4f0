"""The frozen design of a study as plain data: everything an assignment depends on."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import chain
from math import lcm

from survey_site.design.latin_square import Square

Id = int | str
Group = tuple[Id, ...]

SMALLEST_POOL, LARGEST_POOL = 2, 12


class DesignError(ValueError):
    """The design cannot be carried out; the message says what to change."""


@dataclass(frozen=True, slots=True)
class TaskPlan:
    """What an assignment depends on of one task.

    items: groups of images, all of one size, each the images of one presentation, of which one is the target.
    trials: of one participant, best a multiple of the number of columns. practice, checks: groups of reserve images
    that occur nowhere else. columns: indices of the design's columns that the task shows; empty: all of them. fresh,
    instructed, ranks, together, unit, salt: as in `TaskSpec`. exemplar: the first image of a group is the target and is
    not among the candidates, of which the second is of its class.
    """

    task: str
    trials: int
    items: tuple[Group, ...] = ()
    practice: tuple[Group, ...] = ()
    checks: tuple[Group, ...] = ()
    fresh: bool = False
    instructed: int = 0
    ranks: tuple[int, ...] = (0,)
    together: bool = False
    columns: tuple[int, ...] = ()
    unit: str = "images"
    salt: tuple[str, ...] = ()
    exemplar: bool = False

    @property
    def group(self) -> int:
        """Images of one presentation."""
        return len(self.items[0]) - self.exemplar if self.items else 1

    @property
    def targets(self) -> int:
        """Images of a group that are asked for in turn."""
        return 1 if self.exemplar else self.group

    @property
    def pooled(self) -> bool:
        """Whether a trial shows the target among others of its group."""
        return self.group > 1

    @property
    def main(self) -> list[Id]:
        """Images of the counted trials."""
        return list(chain.from_iterable(self.items))

    @property
    def reserve(self) -> list[Id]:
        """Images of practice and checks."""
        return list(chain.from_iterable((*self.practice, *self.checks)))


@dataclass(frozen=True, slots=True)
class Design:
    """All that an assignment depends on.

    columns: table columns, each with the conditions (variants: classifier × base) that it pools.
    tasks: in the order of the session.
    """

    seed: str
    columns: tuple[tuple[Id, ...], ...]
    tasks: tuple[TaskPlan, ...] = ()

    def __post_init__(self) -> None:
        _refuse_conditions(self)
        for task in self.tasks:
            _refuse_groups(task)
            _refuse_trials(task, len(self.shown(task)))
        _refuse_shared(self.tasks)
        if not any(task.trials for task in self.tasks):
            raise DesignError("The design has no trial; ask for trials per column in at least one task.")

    def square(self, task: TaskPlan) -> Square:
        """The Latin square of one task."""
        return Square(len(self.shown(task)), len(task.items), task.trials)

    def shown(self, task: TaskPlan) -> tuple[int, ...]:
        """Indices of the columns that a task shows."""
        return task.columns or tuple(range(len(self.columns)))

    def task(self, name: str) -> TaskPlan:
        """The plan of a task by name; an empty one where the design leaves it out."""
        return next((task for task in self.tasks if task.task == name), TaskPlan(name, 0))

    @property
    def period(self) -> int:
        """Tickets after which every (item, column) cell of each task holds one common count."""
        return lcm(*(self.square(task).period for task in self.tasks))


def _refuse_conditions(design: Design) -> None:
    if not design.columns:
        raise DesignError("The design has no table column; tick at least one condition.")
    if not all(design.columns):
        empty = next(index for index, column in enumerate(design.columns) if not column)
        raise DesignError(f"Table column {empty + 1} has no condition; add one or remove the column.")
    if repeated := _repeated(condition for column in design.columns for condition in column):
        raise DesignError(
            f"Condition {repeated[0]} is listed twice; a condition belongs to one table column."
        )


def _refuse_trials(task: TaskPlan, columns: int) -> None:
    if task.trials < 0:
        raise DesignError(f"The number of {task.task} trials is {task.trials}; it cannot be negative.")
    if task.trials > len(task.items):
        raise DesignError(
            f"{task.trials} {task.task} trials per participant need {task.trials} {task.unit}, there are "
            f"{len(task.items)}: add {task.trials - len(task.items)} or ask for at most {len(task.items)} trials."
        )
    if task.trials and columns < len(task.ranks) and not task.together:
        raise DesignError(
            f"A {task.task} trial shows {len(task.ranks)} maps of different columns, there "
            f"{'is 1 column' if columns == 1 else f'are {columns} columns'}: add columns or leave the task out."
        )


def _refuse_groups(task: TaskPlan) -> None:
    sizes = {len(group) - task.exemplar for group in (*task.items, *task.practice, *task.checks)}
    if len(sizes) > 1:
        raise DesignError(f"Pools have the sizes {sorted(sizes)}; all pools of a task need one size.")
    if sizes and (size := sizes.pop()) > 1 and not SMALLEST_POOL <= size <= LARGEST_POOL:
        raise DesignError(f"Pools have {size} images; choose a size of {SMALLEST_POOL} to {LARGEST_POOL}.")
    if repeated := _repeated([*task.main, *task.reserve]):
        if task.pooled:
            raise DesignError(
                f"{len(repeated)} images lie in more than one pool, {repeated[0]} first; pools must be disjoint."
            )
        raise DesignError(f"Image {repeated[0]} would be shown twice in one task; list each image once.")


def _refuse_shared(tasks: tuple[TaskPlan, ...]) -> None:
    """Fresh tasks share no image with one another; reserve images occur in no counted trial."""
    fresh = [stimulus for task in tasks if task.fresh for stimulus in task.main]
    if repeated := _repeated(fresh):
        raise DesignError(
            f"Image {repeated[0]} stands in two tasks that each need images not shown before; give each its own."
        )
    main = {stimulus for task in tasks for stimulus in task.main}
    reserve = {stimulus for task in tasks for stimulus in task.reserve}
    if shared := main & reserve:
        raise DesignError(
            f"{len(shared)} images serve both as reserve (practice, checks) and in scored trials; "
            f"replace {sorted(map(str, shared))[0]} by an image used nowhere else."
        )


def _repeated(ids: Iterable[Id]) -> list[Id]:
    return [identifier for identifier, count in Counter(ids).items() if count > 1]
