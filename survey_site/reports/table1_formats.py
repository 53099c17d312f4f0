"""Table 1 in the formats of `report --format`: text, CSV and LaTeX, from the report's JSON."""

import json
from collections.abc import Callable, Iterable, Sequence

from survey_site.reports.exports.csv_stream import csv_line
from survey_site.reports.exports.sql import FORMULA_STARTS
from survey_site.reports.latex_table import latex_table, tex, tex_interval
from survey_site.reports.plan_words import number
from survey_site.reports.report_types import (
    OutcomeCell,
    PointReport,
    ReportColumn,
    ReportedOutcome,
    VariantCells,
    cell_of,
    level_of,
)
from survey_site.reports.table1 import estimate_of
from survey_site.statistics.printing import interval_name

NOT_ESTIMABLE = "n/a"
TABLE_FIELDS = (
    "study", "protocol_hash", "column", "classifier", "base", "method", "measure", "n", "participants", "total",
    "value", "text", "ci_low", "ci_high", "paper", "simulated_participants", "measurement_hash",
)  # fmt: skip
WHAT = {"share": "percent of the answers", "mean": "mean score"}


def as_json(report: PointReport) -> str:
    """The report, indented; numbers with full precision."""
    return json.dumps(report, indent=2, ensure_ascii=False, allow_nan=False)


def as_csv(report: PointReport) -> str:
    """Tidy: one row per column and measure, then one per variant. Percent and mean with full precision."""
    lines = [csv_line(TABLE_FIELDS)]
    for column in report["columns"]:
        parts = [None, *(column["variants"] if len(column["variants"]) > 1 else ())]
        for variant in parts:
            lines += [csv_line(_row(report, column, variant, outcome)) for outcome in report["outcomes"]]
    return b"".join(lines).decode()


def _row(
    report: PointReport, column: ReportColumn, variant: VariantCells | None, outcome: ReportedOutcome
) -> list[str | float | None]:
    cell = cell_of(variant or column, outcome["key"])
    names = (variant["classifier"], variant["base"], variant["method"]) if variant else (None, None, None)
    total, value = estimate_of(outcome, cell)
    low, high = cell["ci"] or (None, None)
    paper = None if variant else _paper(column, outcome)
    return [
        safe(report["study"]), report["protocol_hash"], safe(column["column"]), *map(safe, names), outcome["key"],
        cell["n"], cell.get("participants"), total, value, cell["text"], low, high, paper,
        report["population"]["simulated"], report["measurement_hash"],
    ]  # fmt: skip


def _paper(column: ReportColumn, outcome: ReportedOutcome) -> str | None:
    return (column["paper"] or {}).get(outcome["key"])


def safe(value: str | None) -> str | None:
    """A cell that no spreadsheet takes for a formula; the same rule as `sql.SafeText`."""
    return f"'{value}" if value and value.startswith(FORMULA_STARTS) else value


def as_text(report: PointReport) -> str:
    """For the terminal: the layout of the paper's Table 1 with n and intervals below each value."""
    columns = report["columns"]
    rows = [["", *(c["column"] for c in columns)]]
    for outcome in report["outcomes"]:
        rows += outcome_rows(columns, outcome, level_of(report))
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    lines = [
        "  ".join(
            cell.ljust(w) if i == 0 else cell.rjust(w)
            for i, (cell, w) in enumerate(zip(row, widths, strict=True))
        )
        for row in rows
    ]
    return "\n".join([*_head(report), "", *lines])


def outcome_rows(
    columns: Sequence[ReportColumn], outcome: ReportedOutcome, level: float, no_interval: str = ""
) -> list[list[str]]:
    """Value, interval, n and the published value of each column, as printed; a label before each."""
    cells = [cell_of(column, outcome["key"]) for column in columns]
    rows = [
        [outcome["heading"], *(cell["text"] or NOT_ESTIMABLE for cell in cells)],
        [f"  {interval_name(level)}", *(interval_text(cell, outcome) or no_interval for cell in cells)],
        ["  n", *(str(cell["n"]) for cell in cells)],
    ]
    if any(_paper(c, outcome) for c in columns):
        rows.append(["  paper", *(_paper(c, outcome) or "" for c in columns)])
    return rows


def _head(report: PointReport) -> Iterable[str]:
    yield f"{report['title']} ({report['study']})"
    if report["banner"]:
        yield report["banner"]
    protocol = report["protocol_hash"]
    version = f"version {report['protocol_version']}, {protocol or 'hash unknown'}"
    yield f"Protocol: {version if report['protocol_version'] else 'none yet'}"
    if report["versions_note"]:
        yield report["versions_note"]
    people = report["population"]["participants"]
    hint = "" if people else " (only persons who finished count; see --include-bots, --include-unfinished)"
    yield "; ".join([f"Participants analysed: {people}{hint}", *facts_text(report)])


def facts_text(report: PointReport) -> list[str]:
    """What the study's tasks say in the head, as `pool size 4`."""
    return [f"{fact['label'].lower()} {fact['value']}" for fact in report["facts"]]


def interval_text(cell: OutcomeCell, outcome: ReportedOutcome) -> str:
    """`[30.0, 66.5]`, or empty when there is none (the JSON holds the reason)."""
    if not cell["ci"]:
        return ""
    return "[" + ", ".join(f"{bound:.{outcome['interval_places']}f}" for bound in cell["ci"]) + "]"


def as_latex(report: PointReport) -> str:
    """A booktabs table, shrunk where it is wider than a column; what the numbers are stands in the note below it."""
    columns = report["columns"]
    head = " & ".join(["", *(tex(c["column"]) for c in columns)])
    intervals = any(cell_of(column, o["key"])["ci"] for column in columns for o in report["outcomes"])
    body = []
    for outcome in report["outcomes"]:
        cells = [cell_of(column, outcome["key"]) for column in columns]
        body.append(_tex_row(tex(outcome["heading"]), [cell["text"] or NOT_ESTIMABLE for cell in cells]))
        if any(cell["ci"] for cell in cells):
            bounds = _tex_row(
                rf"\quad {tex_interval(level_of(report))}", [interval_text(cell, outcome) for cell in cells]
            )
            # A bracket after \\ would be read as its optional argument.
            body.append(bounds.replace("[", "{[}").replace("]", "{]}"))
        body.append(_tex_row(r"\quad $n$", [str(cell["n"]) for cell in cells]))
    notes = [
        ", ".join([number(report["population"]["participants"], "participant"), *facts_text(report)]) + "."
    ]
    notes += [o["caption"] or f"{o['heading']}: {WHAT[o['kind']]}." for o in report["outcomes"]]
    notes += ["Intervals take participants and images as random."] if intervals else []
    notes += [f"n: answers; {NOT_ESTIMABLE}: not estimable."]
    notes += [said for said in (report["versions_note"], report["banner"]) if said]
    return latex_table(
        report,
        caption=f"{report['title']}.",
        label="table1",
        columns=f"l{'r' * len(columns)}",
        head=head,
        body=body,
        note=" ".join(notes),
    )


def _tex_row(label: str, cells: Sequence[str]) -> str:
    return " & ".join([label, *cells]) + r" \\"


FORMATS: dict[str, Callable[[PointReport], str]] = {
    "json": as_json,
    "csv": as_csv,
    "latex": as_latex,
    "text": as_text,
}
