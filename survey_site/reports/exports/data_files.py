"""The tables as a workbook of Excel, and as files of SPSS and Stata with the labels of variables and values.

pyreadstat, pandas and XlsxWriter live here; only commands and the worker of reports import this module.
"""

import tempfile
import zipfile
from array import array
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd
import pyreadstat
import xlsxwriter

from survey_site.reports.exports.codebook import READING_TYPED, codebook
from survey_site.reports.exports.export_column import ExportColumn
from survey_site.reports.exports.fitting import DoesNotFit, must_fit_memory, must_fit_sheets
from survey_site.reports.exports.psych_ds import Tell, silent, simulated_in, write_file
from survey_site.reports.exports.tables import TABLES
from survey_site.reports.exports.typed_rows import ValueLabels, typed_rows
from survey_site.reports.marks import described
from survey_site.reports.one_moment import one_moment
from survey_site.reports.population import Population
from survey_site.studies.models import Study

CELL_CHARACTERS = 32_767  # of Excel
SPSS_NAME, SPSS_LABEL, SPSS_VALUE_LABEL, SPSS_TEXT = 64, 255, 120, 32_767  # bytes
STATA_NAME, STATA_LABEL, STATA_TEXT = 32, 80, 2045  # characters; the text in bytes
RESERVED = {
    "all", "and", "by", "eq", "ge", "gt", "le", "lt", "ne", "not", "or", "to", "with",  # SPSS
    "byte", "double", "float", "if", "in", "int", "long", "str", "strl", "using", "_all", "_cons", "_n", "_b", "_se",
    "_pi", "_rc", "_skip", "_coef", "_pred",  # Stata
}  # fmt: skip


Described = Mapping[str, dict[int | float, str]]
"""By column the labels of its values."""


@one_moment()
def write_xlsx(study: Study, population: Population, target: Path, tell: Tell = silent) -> None:
    """One sheet for each table and one for the codebook; row by row, in constant memory. Raises DoesNotFit."""
    must_fit_sheets(study, population)
    options = {
        "constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False,
    }  # fmt: skip
    with xlsxwriter.Workbook(target, options) as book:
        book.set_properties(
            {"title": study.title, "comments": described(study, simulated_in(study, population))}
        )
        bold = book.add_format({"bold": True})
        time = book.add_format({"num_format": "yyyy-mm-dd hh:mm:ss.000"})
        for place, table in enumerate(TABLES.values()):
            alive = partial(tell, place / len(TABLES), table.name)
            with closing(typed_rows(table, study, population, alive)) as rows:
                _sheet(book.add_worksheet(table.name), table.name, table.columns(study), rows, bold, time)
        _codebook_sheet(book.add_worksheet("codebook"), study, bold)


def _sheet(
    sheet: Any,
    name: str,
    columns: Sequence[ExportColumn],
    rows: Iterable[tuple[Any, ...]],
    bold: Any,
    time: Any,
) -> None:
    sheet.freeze_panes(1, 0)
    sheet.write_row(0, 0, [column.name for column in columns], bold)
    for number, row in enumerate(rows, 1):
        for place, value in enumerate(row):
            if value is None:
                continue
            if isinstance(value, str):
                if len(value) > CELL_CHARACTERS:
                    raise DoesNotFit(
                        f"{name}, row {number}: {columns[place].name} has {len(value):,} characters; "
                        f"a cell of Excel holds {CELL_CHARACTERS:,}. Take CSV."
                    )
                sheet.write_string(number, place, value)
            elif isinstance(value, int | float):
                sheet.write_number(number, place, value)
            else:
                sheet.write_datetime(number, place, value, time)


def _codebook_sheet(sheet: Any, study: Study, bold: Any) -> None:
    sheet.write_row(
        0, 0, ["table", "column", "meaning", "kind", "unit", "minimum", "maximum", "values"], bold
    )
    line = 1
    for table in TABLES.values():
        for column in table.columns(study):
            known = dict.fromkeys(column.levels, "") | dict(column.labels)
            values = "; ".join(f"{value}: {label}" if label else value for value, label in known.items())
            cells = [table.name, column.name, column.description, column.kind, column.unit]
            for place, text in enumerate(cells):
                sheet.write_string(line, place, text)
            for place, bound in ((5, column.minimum), (6, column.maximum)):
                if bound is not None:
                    sheet.write_number(line, place, bound)
            sheet.write_string(line, 7, values[:CELL_CHARACTERS])
            line += 1


def write_spss(study: Study, population: Population, target: Path, tell: Tell = silent) -> None:
    """A zip with one `.sav` for each table and the codebook. Raises DoesNotFit."""

    def write(frame: pd.DataFrame, path: Path, columns: Sequence[ExportColumn], told: Described) -> None:
        names = unique_names([column.name for column in columns], SPSS_NAME)
        frame.columns = pd.Index(names)
        pyreadstat.write_sav(
            frame,
            str(path),
            file_label=cut(study.title, 64),
            column_labels=[cut(column.description, SPSS_LABEL) for column in columns],
            variable_value_labels={
                name: {number: cut(label, SPSS_VALUE_LABEL) for number, label in told[column.name].items()}
                for name, column in zip(names, columns, strict=True)
                if told[column.name]
            },
            variable_measure={
                name: _measure(column, told) for name, column in zip(names, columns, strict=True)
            },
            row_compress=True,
        )

    _write_zip(study, population, target, "sav", write, SPSS_TEXT, tell)


def write_stata(study: Study, population: Population, target: Path, tell: Tell = silent) -> None:
    """A zip with one `.dta` (Stata 14 and later) for each table and the codebook. Raises DoesNotFit."""

    def write(frame: pd.DataFrame, path: Path, columns: Sequence[ExportColumn], told: Described) -> None:
        names = unique_names([column.name for column in columns], STATA_NAME)
        frame.columns = pd.Index(names)
        pyreadstat.write_dta(
            frame,
            str(path),
            file_label=cut(study.title, STATA_LABEL, characters=True),
            column_labels=[cut(column.description, STATA_LABEL, characters=True) for column in columns],
            variable_value_labels={
                name: told[column.name]
                for name, column in zip(names, columns, strict=True)
                if told[column.name]
            },
            version=14,
        )

    _write_zip(study, population, target, "dta", write, STATA_TEXT, tell)


WRITERS: dict[str, Callable[[Study, Population, Path, Tell], None]] = {
    "xlsx": write_xlsx,
    "spss": write_spss,
    "stata": write_stata,
    "psych-ds": write_file,
}


def _measure(column: ExportColumn, told: Described) -> str:
    return "nominal" if column.kind in ("string", "boolean") or told[column.name] else "scale"


@one_moment()
def _write_zip(
    study: Study,
    population: Population,
    target: Path,
    suffix: str,
    write: Callable[..., None],
    longest: int,
    tell: Tell,
) -> None:
    must_fit_memory(study, population)
    with (
        tempfile.TemporaryDirectory() as folder,
        zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive,
    ):
        for place, table in enumerate(TABLES.values()):
            alive = partial(tell, place / len(TABLES), table.name)
            path, columns = Path(folder) / f"{table.name}.{suffix}", table.columns(study)
            with closing(typed_rows(table, study, population, alive)) as rows:
                frame, told = _frame(table.name, columns, rows, longest)
            write(frame, path, columns, told)
            archive.write(path, path.name)
            path.unlink()
        simulated = simulated_in(study, population)
        archive.writestr("codebook.html", codebook(study, simulated, READING_TYPED))


def _frame(
    name: str, columns: Sequence[ExportColumn], rows: Iterable[tuple[Any, ...]], longest: int
) -> tuple[pd.DataFrame, Described]:
    """The table with numbers in place of texts that have levels. Equal texts are one object, numbers 8 bytes."""
    labels = [ValueLabels(column) for column in columns]
    is_text = [
        column.kind == "string" and not own.is_coded for column, own in zip(columns, labels, strict=True)
    ]
    held: list[Any] = [
        [] if text or column.kind == "datetime" else array("d")
        for column, text in zip(columns, is_text, strict=True)
    ]
    texts: dict[str, str] = {}
    missing = float("nan")
    for row in rows:
        for place, value in enumerate(row):
            if is_text[place]:
                held[place].append("" if value is None else texts.setdefault(value, value))
            elif columns[place].kind == "datetime":
                held[place].append(value)
            elif value is None:
                held[place].append(missing)
            else:
                held[place].append(labels[place].number(value) if labels[place].is_coded else value)
    for text in texts:
        if len(text.encode()) > longest:
            raise DoesNotFit(
                f"{name}: a text has {len(text.encode()):,} bytes, the format takes {longest:,}. Take CSV."
            )
    series: dict[str, Any] = {}
    for place, column in enumerate(columns):
        if column.kind == "datetime":
            series[column.name] = pd.Series(held[place], dtype="datetime64[ns]")
        elif is_text[place]:
            series[column.name] = pd.Series(held[place], dtype=object)
        else:
            series[column.name] = pd.Series(held[place], dtype="float64")
        held[place] = None
    told = {column.name: own.labels() for column, own in zip(columns, labels, strict=True)}
    return pd.DataFrame(series, copy=False), told


def unique_names(names: Sequence[str], longest: int) -> list[str]:
    """Names that the format allows, in their order: letters, digits and underscores, none reserved, none twice."""
    found: list[str] = []
    for name in names:
        plain = "".join(sign if sign.isascii() and (sign.isalnum() or sign == "_") else "_" for sign in name)
        plain = plain if plain[:1].isalpha() else f"v_{plain}"
        plain = f"{plain}_" if plain.lower() in RESERVED else plain
        short, number = plain[:longest], 2
        while short.lower() in {other.lower() for other in found}:
            short, number = f"{plain[: longest - len(str(number)) - 1]}_{number}", number + 1
        found.append(short)
    return found


def cut(text: str, longest: int, *, characters: bool = False) -> str:
    """The text within so many bytes of UTF-8 (or characters), an ellipsis where it was longer."""
    if len(text if characters else text.encode()) <= longest:
        return text
    if characters:
        return text[: longest - 1] + "…"
    return text.encode()[: longest - 3].decode(errors="ignore") + "…"
