"""The Interpretability Index of a column from its counts. Standard library."""

from typing import Any

from survey_site.statistics.published import TABLE_1
from survey_site.tasks.cells import mean_cell
from survey_site.tasks.contract import Counts, TableRow
from survey_site.tasks.rating.scale import HIGHEST, LOWEST
from survey_site.tasks.settings import Settings

PUBLISHED = {row.column: row.mean_rating for row in TABLE_1}


def cell(counts: Counts, settings: Settings) -> dict[str, Any]:
    """The mean rating."""
    return mean_cell(counts)


def caption(settings: Settings) -> str:
    """The sentence above Table 1."""
    return f"Interpretability Index: mean rating, {LOWEST}–{HIGHEST}."


ROWS = (TableRow("ratings", lambda cell: str(cell["n"])),)
