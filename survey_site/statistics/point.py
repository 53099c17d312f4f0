"""Point estimates from counts, with the standard library alone.

The web process may import this module (and ``published``, ``plan``, ``outcome`` and the report's types): nothing here needs
NumPy, SciPy or statsmodels. Every other module of this package is for the Celery queue ``reports`` and for the
management commands. The page gets its counts from one SQL aggregation and rounds them here; the report of the task
rounds with the same functions, so the two can never print different digits.
"""

from decimal import ROUND_HALF_UP, Decimal
from math import sqrt
from statistics import NormalDist


def half_up(value: float | int | Decimal, places: int) -> Decimal:
    """Round to ``places`` decimals, halves away from zero, from the shortest decimal that names the float."""
    exact = value if isinstance(value, Decimal) else Decimal(repr(value))
    return exact.quantize(Decimal(1).scaleb(-places), rounding=ROUND_HALF_UP)


def whole_if_it_is(total: float) -> float:
    """A sum of whole numbers as the integer that it is, any other as it is."""
    return int(total) if float(total).is_integer() else total


def quotient(total: float, n: int) -> float | None:
    """``total / n`` in floating point; ``None`` without observations."""
    return total / n if n else None


def percent_text(correct: int, n: int, places: int = 0) -> str | None:
    """``100·correct/n`` rounded half-up from the integers themselves; ``None`` without observations."""
    return str(half_up(Decimal(100 * correct) / Decimal(n), places)) if n else None


def mean_text(total: float, n: int, places: int = 2) -> str | None:
    """``total/n`` rounded half-up, of integers from the integers themselves; ``None`` without observations."""
    return str(half_up(Decimal(repr(whole_if_it_is(total))) / Decimal(n), places)) if n else None


def wilson(p: float, n: float, quantile: float | None = None, level: float = 0.95) -> tuple[float, float]:
    """Wilson's score interval of a proportion ``p`` in 0..1 from ``n`` (effective, so maybe fractional) trials.

    ``quantile`` replaces the normal quantile of ``level``. Source: Wilson 1927, JASA 22:209–212.
    The naive interval of independent trials: between 74 and 96 % coverage where participants or images
    differ (docs/statistics.md), hence only a stand-in until the two-way interval is computed.
    """
    if n <= 0:
        raise ValueError("an interval needs at least one trial")
    z = NormalDist().inv_cdf(0.5 + level / 2) if quantile is None else quantile
    centre = (p + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    return max(0.0, centre - half), min(1.0, centre + half)
