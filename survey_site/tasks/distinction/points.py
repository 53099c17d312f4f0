"""The share of right picks from a column's counts. Standard library."""

from collections.abc import Mapping
from typing import Any

from survey_site.statistics.printing import NOTHING
from survey_site.tasks.cells import share_cell
from survey_site.tasks.contract import Counts, TableRow
from survey_site.tasks.distinction.answers import MAPS
from survey_site.tasks.settings import Settings


def cell(counts: Counts, settings: Settings) -> dict[str, Any]:
    """Right and wrong predictions together; the statistics tell them apart."""
    return share_cell(counts)


def caption(settings: Settings) -> str:
    """The sentence above Table 1."""
    return (
        f"Distinction %: share of trials in which the map of the predicted class was picked among the maps of the network's "
        f"{MAPS} likeliest classes; guessing gives {100 // MAPS}. Columns whose maps are one for all classes have no trial."
    )


def _apart(cell: Mapping[str, Any]) -> str:
    shares = [(cell.get(name) or {}).get("text") or NOTHING for name in ("on_right", "on_wrong")]
    return "; ".join(shares)


ROWS = (
    TableRow("right picks / answers", lambda cell: f"{cell['correct']} / {cell['n']}"),
    TableRow("of right; of wrong predictions, %", _apart),
)
