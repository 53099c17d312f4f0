"""What is found of a design: its numbers, and what to know and to change about it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class DesignFinding:
    """One thing to know, and what to change about it. Only a blocking finding prevents the freeze."""

    code: str
    text: str
    change: str
    blocking: bool = False


@dataclass(frozen=True, slots=True)
class TaskNeeds:
    """The numbers of one task: trials of a participant, groups of images that they are drawn from, chance level."""

    task: str
    trials: int
    items: int
    group: int
    chance: float | None


@dataclass(frozen=True, slots=True)
class Assessment:
    """The numbers of a design. `minutes` are for one participant; `period` is the participants of a full square."""

    images_available: int
    images_needed: int
    reserve_available: int
    reserve_needed: int
    images_missing: int = 0
    tasks: tuple[TaskNeeds, ...] = ()
    minutes: float = 0.0
    minutes_of_all: float = 0.0
    period: int = 1
    balanced_participants: tuple[int, ...] = ()
    conditions: int = 0
    findings: tuple[DesignFinding, ...] = ()

    @property
    def feasible(self) -> bool:
        return not any(finding.blocking for finding in self.findings)

    def task(self, name: str) -> TaskNeeds:
        """The numbers of a task by name; zeros where the design leaves it out."""
        return next((needs for needs in self.tasks if needs.task == name), TaskNeeds(name, 0, 0, 1, None))
