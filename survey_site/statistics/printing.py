"""How a report prints numbers: a dash for what is not there, never a 0. Standard library."""

from collections.abc import Sequence
from decimal import ROUND_HALF_UP, Decimal
from math import isfinite
from typing import Any

NOTHING = "–"


def absent(value: Any) -> bool:
    """Whether there is nothing to print; a key that is not there reaches a template's filter as the empty string."""
    return value is None or value == ""


def places(value: Any, count: int) -> str:
    """Fixed decimals, halves rounded up in size as in Table 1, with a true minus sign and none before a zero."""
    if absent(value):
        return NOTHING
    if not isfinite(value):
        return str(value)
    text = f"{Decimal(repr(float(value))).quantize(Decimal(1).scaleb(-count), ROUND_HALF_UP):f}"
    return text.removeprefix("-") if not text.strip("-0.") else text.replace("-", "−")


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
