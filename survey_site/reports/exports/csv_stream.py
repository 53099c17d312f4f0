"""Streams a table as CSV with constant memory: by COPY on PostgreSQL, row by row elsewhere; the same bytes.

UTF-8, without a byte order mark unless one is asked for, `\\n` line ends, a header line, missing cells empty, quoted
only where needed (RFC 4180). The file holds nothing but the table; its row count and SHA-256 come from `checksum`,
which reads the same stream.
"""

import codecs
import csv
import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db import connections
from django.db.models import QuerySet

from survey_site.reports.exports.columns import responses_columns
from survey_site.reports.exports.export_column import ExportColumn
from survey_site.reports.population import Population
from survey_site.studies.models import Study
from survey_site.trials.models import Response

CHUNK_BYTES = 64 * 1024
ROWS_PER_FETCH = 2000


@dataclass
class StreamTally:
    """Counts the rows and hashes the bytes of a stream as it passes."""

    rows: int = -1  # the header is no row
    size: int = 0
    sha256: Any = field(default_factory=hashlib.sha256)

    def add(self, chunk: bytes, lines: int) -> bytes:
        self.rows += lines
        self.size += len(chunk)
        self.sha256.update(chunk)
        return chunk


def response_rows(study: Study, population: Population) -> QuerySet[Response]:
    """Rows of responses.csv in their order: participants as they came, trials as they were shown."""
    return Response.objects.filter(population.in_data("participant__"), participant__study=study).order_by(
        "participant_id", "trial__position"
    )


def responses_csv(study: Study, population: Population, tally: StreamTally | None = None) -> Iterator[bytes]:
    """`responses.csv` of a study."""
    return stream_csv(response_rows(study, population), responses_columns(study), tally)


def stream_csv(
    rows: QuerySet[Any],
    columns: Sequence[ExportColumn],
    tally: StreamTally | None = None,
    *,
    bom: bool = False,
) -> Iterator[bytes]:
    """The table as chunks of about 64 KiB. `tally` is complete when the iterator is exhausted.

    bom: begin with a byte order mark, by which Excel knows UTF-8; other programs take it for a part of the first name.
    """
    tally = tally or StreamTally()
    values = rows.values_list(*(column.source for column in columns))
    yield tally.add(codecs.BOM_UTF8 * bom + csv_line([column.name for column in columns]), 1)
    numbers = [place for place, column in enumerate(columns) if column.kind == "number"]
    copies = connections[rows.db].vendor == "postgresql"
    lines = _copied(values) if copies else _fetched(values, numbers)
    for chunk, count in _chunks(lines):
        yield tally.add(chunk, count)


def stream_lines(
    rows: Iterable[Sequence[Any]],
    columns: Sequence[ExportColumn],
    tally: StreamTally | None = None,
    *,
    bom: bool = False,
) -> Iterator[bytes]:
    """The same of rows that are put together in Python, in the order of the columns."""
    tally = tally or StreamTally()
    yield tally.add(codecs.BOM_UTF8 * bom + csv_line([column.name for column in columns]), 1)
    numbers = [place for place, column in enumerate(columns) if column.kind == "number"]
    for chunk, count in _chunks(csv_line(_as_printed(row, numbers)) for row in rows):
        yield tally.add(chunk, count)


def checksum(chunks: Iterable[bytes], tally: StreamTally) -> StreamTally:
    """Reads a stream made with this tally to its end, keeping nothing."""
    for _ in chunks:
        pass
    return tally


def _copied(values: QuerySet[Any]) -> Iterator[bytes]:
    sql, params = values.query.sql_with_params()
    with connections[values.db].cursor() as cursor:
        statement = f"COPY ({sql}) TO STDOUT WITH (FORMAT csv, ENCODING 'UTF8')"
        with cursor.cursor.copy(statement, params) as copy:
            for line in copy:
                yield bytes(line)


def _fetched(values: QuerySet[Any], numbers: Sequence[int]) -> Iterator[bytes]:
    for row in values.iterator(chunk_size=ROWS_PER_FETCH):
        yield csv_line(_as_printed(row, numbers) if numbers else row)


def _as_printed(row: Sequence[Any], numbers: Sequence[int]) -> list[Any]:
    """Whole floats without a fraction, as PostgreSQL prints them."""
    cells = list(row)
    for place in numbers:
        if cells[place] is not None and float(cells[place]).is_integer():
            cells[place] = int(cells[place])
    return cells


class _Echo:
    def write(self, text: str) -> str:
        return text


# The dialect with \r\n line ends also quotes a lone carriage return, as PostgreSQL does.
_writer = csv.writer(_Echo(), lineterminator="\r\n")


def csv_line(values: Sequence[Any]) -> bytes:
    """One line, as PostgreSQL's COPY writes it: None is empty, line end is `\\n`."""
    line: str = _writer.writerow(values)
    return line[:-2].encode() + b"\n"


def _chunks(lines: Iterable[bytes]) -> Iterator[tuple[bytes, int]]:
    held: list[bytes] = []
    size = 0
    for line in lines:
        held.append(line)
        size += len(line)
        if size >= CHUNK_BYTES:
            yield b"".join(held), len(held)
            held, size = [], 0
    if held:
        yield b"".join(held), len(held)
