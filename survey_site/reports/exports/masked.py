"""The columns of the data exports as they are shown while a study's names are hidden."""

from collections.abc import Iterable
from dataclasses import replace

from django.db.models import Case, TextField, Value, When

from survey_site.protocols import masking
from survey_site.reports.exports.export_column import ExportColumn
from survey_site.reports.exports.observed import PREFIX
from survey_site.studies.models import Study

COLUMN = "column"
# What would tell by which method a map was made: with the study's conditions beside it, the name of its column. What
# observers find tells it too (PREFIX): they solve columns that show the photo's edges.
EMPTY = frozenset({"classifier", "base", "method", "map_sha256"})


def masked(
    study: Study | None, columns: Iterable[ExportColumn], condition: str = "trial__condition"
) -> tuple[ExportColumn, ...]:
    """The same columns; while the study is masked letters for names, and nothing of the maps' making.

    condition: path from the exported rows to their condition.
    """
    letters = masking.column_letters(study) if study else {}
    return tuple(_hidden(column, letters, condition) for column in columns) if letters else tuple(columns)


def _hidden(column: ExportColumn, letters: dict[str, str], condition: str) -> ExportColumn:
    if column.name in EMPTY or column.name.startswith(PREFIX):
        nothing = Value(None, output_field=TextField())
        return replace(
            column, source=nothing, levels=(), description=f"{column.description} Empty while masked."
        )
    if column.name != COLUMN:
        return column
    named = [
        When(**{f"{condition}__column": name, "then": Value(letter)}) for name, letter in letters.items()
    ]
    shown = Case(*named, default=Value(None), output_field=TextField())
    told = f"{column.description} A letter while the study is live and its names were not opened."
    return replace(column, source=shown, description=told)
