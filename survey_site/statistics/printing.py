"""How a report prints numbers: a dash for what is not there, never a 0. Standard library."""

from collections.abc import Sequence
from typing import Any

NOTHING = "–"


def absent(value: Any) -> bool:
    """Whether there is nothing to print; a key that is not there reaches a template's filter as the empty string."""
    return value is None or value == ""


def places(value: Any, count: int) -> str:
    """Fixed decimals, with a true minus sign."""
    return NOTHING if absent(value) else f"{value:.{count}f}".replace("-", "−")


def interval(bounds: Sequence[float] | None, count: int) -> str:
    """`low to high`."""
    return NOTHING if not bounds else f"{places(bounds[0], count)} to {places(bounds[1], count)}"


def p_value(value: Any) -> str:
    """Three decimals; `< .001` below that."""
    if absent(value):
        return NOTHING
    return "< .001" if value < 0.001 else f"{value:.3f}"


def interval_name(level: float) -> str:
    """What heads intervals of this level: `95 % interval`."""
    return f"{100 * level:.4g} % interval"
