"""The shape of what a rehearsal and the simulation of the power find, as it is stored and shown. No NumPy."""

from collections.abc import Sequence
from typing import Any, TypedDict

from survey_site.statistics.column_types import OutcomeName
from survey_site.statistics.outcome import OutcomeFacts
from survey_site.statistics.report_types import PowerResult


class AskedComparison(TypedDict):
    """A `PlannedComparison` as the task gets it."""

    outcome: OutcomeName
    effects: Sequence[tuple[str, float]]
    participants: int
    trials: int
    items: int
    duels: bool


class PlannedPower(PowerResult):
    """The simulated power of what was asked; `effects`: (column, expected share or mean), the reference first."""

    outcome: OutcomeName
    effects: Sequence[tuple[str, float]]
    duels: bool


class RecoveredEffect(TypedDict):
    """One outcome of a column over the simulated studies: planted value and mean of the estimates, as printed.

    covered, detected: studies whose interval holds the planted value, and that report a significant difference.
    """

    planted: float
    mean: float
    covered: int
    detected: int


RecoveredColumn = dict[str, Any]
"""A column of a rehearsal: `column`, and by the key of each outcome a `RecoveredEffect`; None where it has no answer."""


class RehearsalSummary(TypedDict):
    """A `RehearsalResult` as it is stored. Coverage: shares 0..1 by outcome; alarms: counts of studies."""

    outcomes: list[OutcomeFacts]
    columns: list[RecoveredColumn]
    coverage: dict[OutcomeName, float]
    needed_coverage: float
    false_alarms: dict[OutcomeName, int]
    allowed_false_alarms: int
    problems: list[str]
