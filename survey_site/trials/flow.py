"""Where a participant stands: a pure function of the trials, which of them are answered, and the pages read."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from math import ceil
from typing import Literal, Protocol

from survey_site.design.assignment import PRACTICE

LONGEST_STRETCH = 20
"""Counted trials between two breaks, at most."""


class Planned(Protocol):
    """What the order of pages depends on, of one trial."""

    @property
    def position(self) -> int: ...
    @property
    def block(self) -> str: ...
    @property
    def task(self) -> str: ...
    @property
    def answered(self) -> bool: ...


@dataclass(frozen=True, slots=True)
class Step:
    """A page with its key, a trial with its position, or the end."""

    kind: Literal["page", "trial", "done"]
    key: str = ""
    position: int = -1

    @property
    def name(self) -> str:
        """The page's key without the position that makes it unique."""
        return self.key.partition("-")[0]

    @property
    def is_end(self) -> bool:
        """Whether all answers are given: debrief and way out stand on one page, with and without the receipt."""
        return self.kind == "done" or self.name == "debrief"

    @property
    def part(self) -> tuple[str, str]:
        """What the page is, and the task that it belongs to: (“instructions”, task), (“begin”, task), else (name, "")."""
        what, _, task = self.name.partition("_")
        return (what, task) if what in ("instructions", "begin") and task else (self.name, "")


DONE = Step("done")


def next_step(trials: Sequence[Planned], acknowledged: Collection[str], demographics: bool) -> Step:
    """The first page not yet continued past, or the first unanswered trial, in the study's order.

    Order: demographics; per task instructions, practice with feedback, the start of the counted block,
    its trials with breaks; debrief with the way out; the same with the receipt.
    """
    for step in _sequence(trials, demographics):
        if step.kind == "page" and step.key not in acknowledged:
            return step
        if step.kind == "trial":
            return step
    return DONE


def _sequence(trials: Sequence[Planned], demographics: bool) -> list[Step]:
    steps = [Step("page", "demographics")] if demographics else []
    breaks = break_positions(trials)
    before: Planned | None = None
    for trial in trials:
        if before is None or trial.task != before.task:
            steps.append(Step("page", f"instructions_{trial.task}"))
        elif before.block == PRACTICE and trial.block != PRACTICE:
            steps.append(Step("page", f"begin_{trial.task}"))
        elif trial.position in breaks:
            steps.append(Step("page", f"break-{trial.position}"))
        if not trial.answered:
            steps.append(Step("trial", position=trial.position))
            return steps
        if trial.block == PRACTICE:
            steps.append(Step("page", f"feedback-{trial.position}"))
        before = trial
    return [*steps, Step("page", "debrief")]


def break_positions(trials: Sequence[Planned]) -> frozenset[int]:
    """Positions before which a break comes: each block is cut into equal stretches of at most 20 trials."""
    positions = []
    for task in dict.fromkeys(trial.task for trial in trials):
        counted = [trial.position for trial in trials if trial.task == task and trial.block != PRACTICE]
        stretches = ceil(len(counted) / LONGEST_STRETCH)
        positions += [counted[round(index * len(counted) / stretches)] for index in range(1, stretches)]
    return frozenset(positions)


def stretch(trials: Sequence[Planned], position: int) -> range:
    """Positions that follow one another without a page between them, from `position` on.

    Only within it may the next trials' pictures be fetched ahead.
    """
    breaks = break_positions(trials)
    end = position + 1
    first = trials[position]
    if first.block == PRACTICE:
        return range(position, end)
    while (
        end < len(trials)
        and trials[end].task == first.task
        and trials[end].block != PRACTICE
        and end not in breaks
    ):
        end += 1
    return range(position, end)
