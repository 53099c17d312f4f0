"""The data dictionary as one HTML page that needs nothing beside it, from the same column lists as the files."""

from collections.abc import Sequence

from django.template.loader import render_to_string

from survey_site.reports.exports.export_column import ExportColumn
from survey_site.reports.exports.tables import TABLES
from survey_site.reports.marks import described
from survey_site.studies.models import Study

READING = (
    "The tables are CSV in UTF-8, without a byte order mark; a line ends with a line feed. Times are UTC.",
    "Missing is an empty cell, never 0. Text that a spreadsheet would take for a formula begins with an apostrophe, and so",
    "do names of images, participants and studies that a program would take for a number or a date (`001`, `12e34`).",
)
READING_TYPED = (
    "The files of SPSS and Stata hold texts as they were given. A text that has levels is a number with value labels. Where",
    "a program allows shorter names or labels only, they are cut, and here they stand in full. Times are UTC.",
)
KINDS = {
    "string": "text",
    "integer": "whole number",
    "number": "number",
    "boolean": "0 or 1",
    "datetime": "date and time, UTC",
}


def codebook(study: Study, simulated: int = 0, reading: Sequence[str] = READING) -> str:
    """Every column of every table of a study: what it means, of what kind it is, and what its values stand for."""
    tables = [
        {
            "name": table.name,
            "description": table.description,
            "columns": [_row(column) for column in table.columns(study)],
        }
        for table in TABLES.values()
    ]
    told = {
        "study": study,
        "about": described(study, simulated),
        "reading": " ".join(reading),
        "tables": tables,
    }
    return render_to_string("reports/codebook.html", told)


def _row(column: ExportColumn) -> dict[str, object]:
    values = dict.fromkeys(column.levels, "") | dict(column.labels)
    bounds = [f"{bound:g}" for bound in (column.minimum, column.maximum) if bound is not None]
    return {
        "name": column.name,
        "description": column.description,
        "kind": KINDS[column.kind],
        "unit": column.unit,
        "bounds": f"from {bounds[0]}" if column.maximum is None and bounds else " to ".join(bounds),
        "values": values.items(),
    }
