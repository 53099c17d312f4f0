"""How a difference between two columns is printed, wherever it is: shares in whole points, scores with their places."""

from collections.abc import Sequence

from survey_site.statistics.outcome import OutcomeFacts
from survey_site.statistics.printing import NOTHING, absent, interval, places


def difference(value: float | None, outcome: OutcomeFacts) -> str:
    """Of a share −1..1, or of scale points."""
    return NOTHING if absent(value) else places(outcome["factor"] * (value or 0), _decimals(outcome))


def difference_interval(bounds: Sequence[float] | None, outcome: OutcomeFacts) -> str:
    """`low to high` in the same unit."""
    return interval([outcome["factor"] * bound for bound in bounds] if bounds else None, _decimals(outcome))


def _decimals(outcome: OutcomeFacts) -> int:
    return 0 if outcome["kind"] == "share" else outcome["places"]
