"""Whether the tables fit into a format, counted before anything is written."""

from collections.abc import Iterator

from survey_site.reports.exports.tables import TABLES
from survey_site.reports.population import Population
from survey_site.studies.models import Study

SHEET_ROWS, SHEET_COLUMNS = 1_048_576, 16_384  # of Excel, the header among them
# The writers of SPSS and Stata take a table whole: so many values are 3 GB of the 4 GB that the worker of reports has.
CELLS_AT_ONCE = 100_000_000
INSTEAD = "Take CSV, or Parquet (manage.py export_data --format parquet)."


class DoesNotFit(ValueError):
    """A table is larger than the format, or the worker, allows. The message says what to take instead."""


def _sizes(study: Study, population: Population) -> Iterator[tuple[str, int, int]]:
    for table in TABLES.values():
        yield table.name, table.count(study, population), len(table.columns(study))


def must_fit_sheets(study: Study, population: Population) -> None:
    """Raises DoesNotFit where a table is larger than a sheet of Excel."""
    for name, rows, columns in _sizes(study, population):
        if rows >= SHEET_ROWS:
            raise DoesNotFit(
                f"{name} has {rows:,} rows; a sheet of Excel holds {SHEET_ROWS - 1:,}. {INSTEAD}"
            )
        if columns > SHEET_COLUMNS:
            raise DoesNotFit(
                f"{name} has {columns:,} columns; a sheet of Excel has {SHEET_COLUMNS:,}. {INSTEAD}"
            )


def must_fit_memory(study: Study, population: Population) -> None:
    """Raises DoesNotFit where a table is larger than a worker can hold."""
    for name, rows, columns in _sizes(study, population):
        if rows * columns > CELLS_AT_ONCE:
            raise DoesNotFit(
                f"{name} has {rows:,} rows of {columns:,} columns; a file for SPSS or Stata holds up to "
                f"{CELLS_AT_ONCE:,} values. {INSTEAD}"
            )
