"""The share of duels that a column wins, from its counts. Standard library."""

from typing import Any

from survey_site.tasks.cells import share_cell
from survey_site.tasks.contract import Counts, TableRow
from survey_site.tasks.settings import Settings


def cell(counts: Counts, settings: Settings) -> dict[str, Any]:
    """The share of the duels in which the column's map was preferred."""
    return share_cell(counts)


def caption(settings: Settings) -> str:
    """The sentence above Table 1."""
    return "Preferred %: share of the pairs with a map of the column in which it was found to explain better; 50 is even."


ROWS = (TableRow("preferred / pairs", lambda cell: f"{cell['correct']} / {cell['n']}"),)
