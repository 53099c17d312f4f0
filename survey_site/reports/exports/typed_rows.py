"""Rows of a table as typed values, for files whose programs know types: texts as they were given, no apostrophes.

Plain Python, row by row: what is made of them (data_files.py) decides how much is held.
"""

from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from survey_site.reports.exports.export_column import ExportColumn
from survey_site.reports.exports.tables import Table
from survey_site.reports.exports.wide import WideTable
from survey_site.reports.population import Population
from survey_site.studies.models import Study

ROWS_PER_SIGN = 20_000


def typed_rows(
    table: Table | WideTable, study: Study, population: Population, alive: Callable[[], None]
) -> Generator[tuple[Any, ...], None, None]:
    """Each row by the table's columns: str, int, float, UTC datetime without a zone, or None; 0 and 1 for truth values.

    alive: is called now and then, for who waits. Who may stop midway closes it: a cursor of PostgreSQL that the collector
    closes later, in another transaction, aborts that one.
    """
    times = [place for place, column in enumerate(table.columns(study)) if column.kind == "datetime"]
    for number, row in enumerate(table.values(study, population)):
        if number % ROWS_PER_SIGN == 0:
            alive()
        cells = list(row)
        for place in times:
            if cells[place] is not None:
                cells[place] = datetime.fromisoformat(cells[place].removesuffix("Z"))
        yield tuple(cells)


@dataclass
class ValueLabels:
    """Numbers for the values of a column, as SPSS and Stata have them: labels of a number, or levels of a text.

    Levels count from 1 in the order of the column list; a value that stands in no list follows when it is met.
    """

    column: ExportColumn
    numbers: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.is_coded:
            self.numbers = {value: place for place, value in enumerate(self.values(), 1)}

    def values(self) -> list[str]:
        return list(dict.fromkeys([*self.column.levels, *self.column.labels]))

    @property
    def is_coded(self) -> bool:
        """Whether the column is a text with levels, which becomes numbers."""
        return self.column.kind == "string" and bool(self.values())

    def number(self, value: str) -> int:
        return self.numbers.setdefault(value, len(self.numbers) + 1)

    def labels(self) -> dict[int | float, str]:
        """What each number stands for; of a text the text itself, with its label where it has one."""
        column = self.column
        if column.kind == "boolean":
            return {0: "no", 1: "yes"}
        if not self.is_coded:
            return {int(value): label for value, label in column.labels.items()}
        named = {value: f"{value}: {label}" for value, label in column.labels.items()}
        return {number: named.get(value, value) for value, number in self.numbers.items()}
