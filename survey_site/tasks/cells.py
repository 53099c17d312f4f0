"""What every cell of Table 1 holds, by the kind of its outcome; a task adds its own keys. Standard library."""

from typing import Any

from survey_site.statistics.point import mean_text, percent_text, quotient, whole_if_it_is
from survey_site.tasks.contract import Counts


def share_cell(counts: Counts) -> dict[str, Any]:
    """Of scores 0 and 1: `percent` is None without answers, never 0."""
    return share(int(counts.total), counts.n) | _missing(counts)


def mean_cell(counts: Counts, places: int = 2) -> dict[str, Any]:
    """Of scores on a scale: `mean` is None without answers, never 0."""
    total = whole_if_it_is(counts.total)
    return {
        "sum": total,
        "n": counts.n,
        "mean": quotient(total, counts.n),
        "text": mean_text(total, counts.n, places),
    } | _missing(counts)


def share(correct: int, n: int) -> dict[str, Any]:
    """A share with its counts, in percent and as printed."""
    return {
        "correct": correct,
        "n": n,
        "percent": 100 * correct / n if n else None,
        "text": percent_text(correct, n),
    }


def _missing(counts: Counts) -> dict[str, Any]:
    return {"timeouts": counts.timeouts, "other_missing": counts.other_missing}
