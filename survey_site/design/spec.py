"""What a researcher chose for a study, as plain data, and the numbers that follow from it alone."""

from dataclasses import dataclass

from survey_site.design.design import Id
from survey_site.design.task_spec import TaskSpec, active


@dataclass(frozen=True, slots=True)
class ColumnSpec:
    """A column of Table 1 and the conditions (variants) that it pools. of_class: its maps differ by explained class."""

    name: str
    conditions: tuple[Id, ...]
    of_class: bool = True


@dataclass(frozen=True, slots=True)
class Rules:
    """What a design must know of other rooms, and is handed, since it imports none of them.

    few_items: below so many pools or images the comparisons, which take them as a sample, have little power.
    """

    few_items: int


@dataclass(frozen=True, slots=True)
class Spec:
    """The design choices of a draft; `tasks` are those with trials, in the order of the session."""

    columns: tuple[ColumnSpec, ...]
    participants: int
    seed: str
    rules: Rules
    tasks: tuple[TaskSpec, ...] = ()
    practice_trials: int = 1
    attention_checks: int = 0

    def __post_init__(self) -> None:
        object.__setattr__(self, "tasks", active(self.tasks))

    @property
    def pooled(self) -> tuple[TaskSpec, ...]:
        """Tasks on groups of images, in whose reserve images the others practise too."""
        return tuple(task for task in self.tasks if task.pooled)

    @property
    def single(self) -> tuple[TaskSpec, ...]:
        """Tasks on one image at a time; they use the images of the groups first."""
        return tuple(task for task in self.tasks if not task.pooled)

    def columns_of(self, task: TaskSpec) -> tuple[int, ...]:
        """Indices of the columns that the task shows."""
        return tuple(
            index for index, column in enumerate(self.columns) if column.of_class or not task.together
        )

    def trials(self, task: TaskSpec) -> int:
        """Counted trials of a participant."""
        return task.per_column * len(self.columns_of(task))

    def checks(self, task: TaskSpec) -> int:
        """The checks are shared out evenly; what is left over goes to the last task."""
        each = self.attention_checks // len(self.tasks)
        return each if task != self.tasks[-1] else self.attention_checks - each * (len(self.tasks) - 1)

    @property
    def reserve_images(self) -> int:
        """Reserve images for practice and checks; single images are practised on those of groups, then on others."""
        pooled = sum(task.images * self.practice_trials for task in self.pooled)
        loose = max(self.practice_trials - pooled, 0) if self.single else 0
        return pooled + loose + sum(task.images * self.checks(task) for task in self.tasks)

    def groups_needed(self, task: TaskSpec) -> int:
        """The fewest groups of a pooled task: one for each trial, and all that are fixed by hand."""
        return max(self.trials(task), len(task.fixed_groups) if task.strategy == "fixed" else 0)

    @property
    def main_images(self) -> int:
        """The fewest images for the counted trials; single images may be those of the groups."""
        grouped = sum(task.images * self.groups_needed(task) for task in self.pooled)
        fresh = sum(self.trials(task) for task in self.single if task.fresh)
        reused = max((self.trials(task) for task in self.single if not task.fresh), default=0)
        return max(grouped + fresh, reused)

    @property
    def conditions(self) -> int:
        return sum(len(column.conditions) for column in self.columns)
