"""The share of predictions that were judged rightly, from a column's counts. Standard library."""

from collections.abc import Mapping
from typing import Any

from survey_site.statistics.printing import NOTHING, places
from survey_site.tasks.cells import share_cell
from survey_site.tasks.contract import Counts, Fact, TableRow
from survey_site.tasks.settings import Settings


def cell(counts: Counts, settings: Settings) -> dict[str, Any]:
    """Right and wrong predictions together; the statistics tell them apart."""
    return share_cell(counts)


def caption(settings: Settings) -> str:
    """The sentence above Table 1."""
    return (
        "Error detection %: share of the network's predictions that were judged rightly, as right or as wrong; half of "
        "those shown are wrong, so guessing gives 50."
    )


def facts(settings: Settings) -> tuple[Fact, ...]:
    """The balance that the protocol declares."""
    return (Fact("wrong_predictions_percent", 50, "Wrong predictions shown, %"),)


def _apart(cell: Mapping[str, Any]) -> str:
    shares = [(cell.get(name) or {}).get("text") or NOTHING for name in ("on_right", "on_wrong")]
    return "; ".join(shares)


def _signal(cell: Mapping[str, Any]) -> str:
    found = cell.get("signal") or {}
    return f"{places(found.get('d_prime'), 2)}; {places(found.get('criterion'), 2)}"


ROWS = (
    TableRow("judged rightly / predictions", lambda cell: f"{cell['correct']} / {cell['n']}"),
    TableRow("of right; of wrong predictions, %", _apart),
    TableRow("d′; criterion", _signal),
)
