"""The shape of what a rehearsal and the simulation of the power find, as it is stored and shown. No NumPy."""

from collections.abc import Sequence
from typing import TypedDict

from survey_site.statistics.column_types import OutcomeName
from survey_site.statistics.report_types import PowerResult


class AskedComparison(TypedDict):
    """A `PlannedComparison` as the task gets it."""

    outcome: OutcomeName
    effects: Sequence[tuple[str, float]]
    participants: int
    trials: int
    items: int


class PlannedPower(PowerResult):
    """The simulated power of what was asked; `effects`: (column, expected share or mean), the reference first."""

    outcome: OutcomeName
    effects: Sequence[tuple[str, float]]


class RecoveredEffect(TypedDict):
    """One outcome of a column over the simulated studies: planted value and mean of the estimates, percent or rating.

    covered, detected: studies whose interval holds the planted value, and that report a significant difference.
    """

    planted: float
    mean: float
    covered: int
    detected: int


class RecoveredColumn(TypedDict):
    """A column of a rehearsal; `None` for an outcome that the design does not ask."""

    column: str
    faith: RecoveredEffect | None
    index: RecoveredEffect | None


class RehearsalSummary(TypedDict):
    """The `Outcome` of a rehearsal as it is stored. Coverage: shares 0..1 by outcome; alarms: counts of studies."""

    columns: list[RecoveredColumn]
    coverage: dict[OutcomeName, float]
    needed_coverage: float
    false_alarms: dict[OutcomeName, int]
    allowed_false_alarms: int
    problems: list[str]
