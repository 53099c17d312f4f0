"""The shape of what a rehearsal and the simulation of the power find, as it is stored and shown. No NumPy."""

from collections.abc import Sequence
from typing import Any, NotRequired, TypedDict

from survey_site.statistics.column_types import OutcomeName
from survey_site.statistics.outcome import OutcomeFacts
from survey_site.statistics.report_types import PowerResult, SequentialPower


class AskedComparison(TypedDict):
    """A `PlannedComparison` as the task gets it."""

    outcome: OutcomeName
    effects: Sequence[tuple[str, float]]
    participants: int
    trials: int
    items: int
    duels: bool
    level: NotRequired[float]
    pilot: NotRequired[int | None]
    rule: NotRequired[dict[str, Any] | None]


class UsedScatter(TypedDict):
    """Standard deviations that a simulation used: log-odds of shares, points of a scale of seven levels.

    residual: `None` of shares. participants: of the pilot. note: what it could not tell, or empty.
    """

    participant: float
    item: float
    interaction: float
    residual: float | None
    participants: int
    note: str


class PlannedPower(PowerResult):
    """The simulated power of what was asked; `effects`: (column, expected share or mean), the reference first.

    level: 1 − α of these tests. scatter: where it is a pilot's. stopping: where a rule is planned.
    """

    outcome: OutcomeName
    effects: Sequence[tuple[str, float]]
    duels: bool
    level: float
    scatter: UsedScatter | None
    stopping: SequentialPower | None


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
