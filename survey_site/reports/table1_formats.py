"""Table 1 in the formats of `report --format`: text, CSV and LaTeX, from the report's JSON."""

import json
from collections.abc import Callable, Iterable, Sequence

from survey_site.reports.exports.csv_stream import csv_line
from survey_site.reports.exports.sql import FORMULA_STARTS
from survey_site.reports.report_types import FaithCell, IndexCell, PointReport, ReportColumn, VariantCells
from survey_site.statistics.column_types import OUTCOMES, OutcomeName

NOT_ESTIMABLE = "n/a"
TABLE_FIELDS = (
    "study", "protocol_hash", "column", "classifier", "base", "method", "measure", "n", "participants", "total",
    "value", "text", "ci_low", "ci_high", "paper",
)  # fmt: skip
_TEX = {"&": r"\&", "%": r"\%", "$": r"\$", "#": r"\#", "_": r"\_", "{": r"\{", "}": r"\}",
        "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "\\": r"\textbackslash{}"}  # fmt: skip


def as_json(report: PointReport) -> str:
    """The report, indented; numbers with full precision."""
    return json.dumps(report, indent=2, ensure_ascii=False, allow_nan=False)


def as_csv(report: PointReport) -> str:
    """Tidy: one row per column and measure, then one per variant. Percent and mean with full precision."""
    lines = [csv_line(TABLE_FIELDS)]
    for column in report["columns"]:
        lines += [csv_line(_row(report, column, None, outcome)) for outcome in OUTCOMES]
        if len(column["variants"]) > 1:
            for variant in column["variants"]:
                lines += [csv_line(_row(report, column, variant, outcome)) for outcome in OUTCOMES]
    return b"".join(lines).decode()


def _row(
    report: PointReport, column: ReportColumn, variant: VariantCells | None, outcome: OutcomeName
) -> list[str | float | None]:
    part = variant or column
    cell, faith, index = part[outcome], part["faith"], part["index"]
    names = (variant["classifier"], variant["base"], variant["method"]) if variant else (None, None, None)
    total, value = (
        (faith["correct"], faith["percent"]) if outcome == "faith" else (index["sum"], index["mean"])
    )
    low, high = cell["ci"] or (None, None)
    return [
        safe(report["study"]), report["protocol_hash"], safe(column["column"]), *map(safe, names), outcome, cell["n"],
        cell.get("participants"), total, value, cell["text"], low, high, None if variant else _paper(column, outcome),
    ]  # fmt: skip


def _paper(column: ReportColumn, outcome: OutcomeName) -> str | None:
    paper = column.get("paper")
    return paper[outcome] if paper else None


def safe(value: str | None) -> str | None:
    """A cell that no spreadsheet takes for a formula; the same rule as `sql.SafeText`."""
    return f"'{value}" if value and value.startswith(FORMULA_STARTS) else value


def as_text(report: PointReport) -> str:
    """For the terminal: the layout of the paper's Table 1 with n and intervals below each value."""
    columns = report["columns"]
    rows = [["", *(c["column"] for c in columns)]]
    for label, outcome in zip(("Human Faith %", "Interpretability Index"), OUTCOMES, strict=True):
        rows += outcome_rows(columns, label, outcome)
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
    columns: Sequence[ReportColumn], label: str, outcome: OutcomeName, no_interval: str = ""
) -> list[list[str]]:
    """Value, interval, n and the published value of each column, as printed; a label before each."""
    rows = [
        [label, *(c[outcome]["text"] or NOT_ESTIMABLE for c in columns)],
        ["  95 % interval", *(interval_text(c[outcome], outcome) or no_interval for c in columns)],
        ["  n", *(str(c[outcome]["n"]) for c in columns)],
    ]
    if any(c.get("paper") for c in columns):
        rows.append(["  paper", *(_paper(c, outcome) or "" for c in columns)])
    return rows


def _head(report: PointReport) -> Iterable[str]:
    yield f"{report['title']} ({report['study']})"
    if report["banner"]:
        yield report["banner"]
    protocol = report["protocol_hash"]
    version = f"version {report['protocol_version']}, {protocol or 'hash unknown'}"
    yield f"Protocol: {version if report['protocol_version'] else 'none yet'}"
    people = report["population"]["participants"]
    hint = "" if people else " (only persons who finished count; see --include-bots, --include-unfinished)"
    yield f"Participants analysed: {people}{hint}; pool size {report['pool_size']}"


def interval_text(cell: FaithCell | IndexCell, outcome: OutcomeName) -> str:
    """`[30.0, 66.5]`, or empty when there is none (the JSON holds the reason)."""
    if not cell["ci"]:
        return ""
    places = 1 if outcome == "faith" else 2
    return "[" + ", ".join(f"{bound:.{places}f}" for bound in cell["ci"]) + "]"


def as_latex(report: PointReport) -> str:
    """A booktabs table that compiles as it is, with n in the note."""
    columns = report["columns"]
    head = " & ".join(["", *(tex(c["column"]) for c in columns)])
    body = []
    for label, outcome in zip((r"Human Faith \%", "Interpretability Index"), OUTCOMES, strict=True):
        body.append(" & ".join([label, *(c[outcome]["text"] or NOT_ESTIMABLE for c in columns)]) + r" \\")
        if any(c[outcome]["ci"] for c in columns):
            bounds = " & ".join(
                [r"\quad 95\,\% interval", *(interval_text(c[outcome], outcome) for c in columns)]
            )
            # A bracket after \\ would be read as its optional argument.
            body.append(bounds.replace("[", "{[}").replace("]", "{]}") + r" \\")
        body.append(" & ".join([r"\quad $n$", *(str(c[outcome]["n"]) for c in columns)]) + r" \\")
    note = f"{report['population']['participants']} participants, pool size {report['pool_size']}."
    if report["banner"]:
        note += " " + report["banner"]
    return "\n".join(
        [
            r"% \usepackage{booktabs}",
            f"% study {report['study']}, protocol {report['protocol_hash'] or 'none'}",
            r"\begin{table}",
            r"  \centering",
            f"  \\caption{{{tex(report['title'])}. {tex(note)}}}",
            f"  \\begin{{tabular}}{{l{'r' * len(columns)}}}",
            r"    \toprule",
            f"    {head} \\\\",
            r"    \midrule",
            *(f"    {line}" for line in body),
            r"    \bottomrule",
            r"  \end{tabular}",
            r"\end{table}",
        ]
    )


def tex(text: str) -> str:
    """Text with TeX's special characters escaped."""
    return "".join(_TEX.get(character, character) for character in text)


FORMATS: dict[str, Callable[[PointReport], str]] = {
    "json": as_json,
    "csv": as_csv,
    "latex": as_latex,
    "text": as_text,
}
