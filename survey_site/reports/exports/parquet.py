"""A CSV of this program as Parquet, typed and described by the column list; block by block, constant memory.

pyarrow lives here; only commands import this module.
"""

from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pa_parquet

from survey_site.reports.exports.export_column import ExportColumn

TYPES = {
    "string": pa.string(),
    "integer": pa.int64(),
    "number": pa.float64(),
    "boolean": pa.bool_(),
    "datetime": pa.timestamp("us", tz="UTC"),
}


def schema(columns: Sequence[ExportColumn]) -> pa.Schema:
    """The columns' types, with their descriptions as metadata."""
    return pa.schema(
        [
            pa.field(c.name, TYPES[c.kind], metadata={"description": c.description, "unit": c.unit})
            for c in columns
        ]
    )


def write_parquet(source: Path, target: Path, columns: Sequence[ExportColumn]) -> int:
    """Writes the table; returns its number of rows. Missing cells become null."""
    wanted, rows = schema(columns), 0
    options = pa_csv.ConvertOptions(
        column_types=wanted, strings_can_be_null=True, null_values=[""], true_values=["1"], false_values=["0"]
    )
    parse = pa_csv.ParseOptions(newlines_in_values=True)
    with pa_parquet.ParquetWriter(target, wanted, compression="zstd") as writer:
        if source.stat().st_size > len(",".join(wanted.names)) + 1:  # more than the header
            with pa_csv.open_csv(source, parse_options=parse, convert_options=options) as reader:
                for batch in reader:
                    writer.write_batch(batch.cast(wanted))
                    rows += batch.num_rows
    return rows
