"""Table 1 in the formats of `report --format`: text, CSV and LaTeX, from the report's JSON."""

import json
from collections.abc import Callable, Iterable
from typing import Any

from survey_site.reports.exports.csv_stream import csv_line
from survey_site.reports.exports.sql import FORMULA_STARTS

Report = dict[str, Any]
NOT_ESTIMABLE = "n/a"
TABLE_FIELDS = (
    "study", "protocol_hash", "column", "classifier", "base", "method", "measure", "n", "participants", "total",
    "value", "text", "ci_low", "ci_high", "paper",
)  # fmt: skip
_TEX = {"&": r"\&", "%": r"\%", "$": r"\$", "#": r"\#", "_": r"\_", "{": r"\{", "}": r"\}",
        "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "\\": r"\textbackslash{}"}  # fmt: skip


def as_json(report: Report) -> str:
    """The report, indented; numbers with full precision."""
    return json.dumps(report, indent=2, ensure_ascii=False, allow_nan=False)


def as_csv(report: Report) -> str:
    """Tidy: one row per column and measure, then one per variant. Percent and mean with full precision."""
    lines = [csv_line(TABLE_FIELDS)]
    for column in report["columns"]:
        for measure in ("faith", "index"):
            paper = (column.get("paper") or {}).get(measure)
            lines.append(csv_line(_row(report, column["column"], {}, measure, column[measure], paper)))
        if len(column["variants"]) > 1:
            for variant in column["variants"]:
                for measure in ("faith", "index"):
                    lines.append(csv_line(_row(report, column["column"], variant, measure, variant[measure])))
    return b"".join(lines).decode()


def _row(
    report: Report, column: str, variant: Report, measure: str, cell: Report, paper: str | None = None
) -> list[Any]:
    low, high = cell["ci"] or (None, None)
    return [
        safe(report["study"]), report["protocol_hash"], safe(column), safe(variant.get("classifier")),
        safe(variant.get("base")), safe(variant.get("method")), measure, cell["n"], cell.get("participants"),
        cell["correct" if measure == "faith" else "sum"], cell["percent" if measure == "faith" else "mean"],
        cell["text"], low, high, paper,
    ]  # fmt: skip


def safe(value: str | None) -> str | None:
    """A cell that no spreadsheet takes for a formula; the same rule as `sql.SafeText`."""
    return f"'{value}" if value and value.startswith(FORMULA_STARTS) else value


def as_text(report: Report) -> str:
    """For the terminal: the layout of the paper's Table 1 with n and intervals below each value."""
    columns = report["columns"]
    rows = [["", *(c["column"] for c in columns)]]
    for label, measure in (("Human Faith %", "faith"), ("Interpretability Index", "index")):
        rows.append([label, *(c[measure]["text"] or NOT_ESTIMABLE for c in columns)])
        rows.append(["  95 % interval", *(interval_text(c[measure], measure) for c in columns)])
        rows.append(["  n", *(str(c[measure]["n"]) for c in columns)])
        if any(c.get("paper") for c in columns):
            rows.append(["  paper", *((c.get("paper") or {}).get(measure, "") for c in columns)])
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    lines = [
        "  ".join(
            cell.ljust(w) if i == 0 else cell.rjust(w)
            for i, (cell, w) in enumerate(zip(row, widths, strict=True))
        )
        for row in rows
    ]
    return "\n".join([*_head(report), "", *lines])


def _head(report: Report) -> Iterable[str]:
    yield f"{report['title']} ({report['study']})"
    if report["banner"]:
        yield report["banner"]
    protocol = report["protocol_hash"]
    version = f"version {report['protocol_version']}, {protocol or 'hash unknown'}"
    yield f"Protocol: {version if report['protocol_version'] else 'none yet'}"
    people = report["population"]["participants"]
    hint = "" if people else " (only persons who finished count; see --include-bots, --include-unfinished)"
    yield f"Participants analysed: {people}{hint}; pool size {report['pool_size']}"


def interval_text(cell: Report, measure: str) -> str:
    """`[30.0, 66.5]`, or empty when there is none (the JSON holds the reason)."""
    if not cell["ci"]:
        return ""
    places = 1 if measure == "faith" else 2
    return "[" + ", ".join(f"{bound:.{places}f}" for bound in cell["ci"]) + "]"


def as_latex(report: Report) -> str:
    """A booktabs table that compiles as it is, with n in the note."""
    columns = report["columns"]
    head = " & ".join(["", *(tex(c["column"]) for c in columns)])
    body = []
    for label, measure in ((r"Human Faith \%", "faith"), ("Interpretability Index", "index")):
        body.append(" & ".join([label, *(c[measure]["text"] or NOT_ESTIMABLE for c in columns)]) + r" \\")
        if any(c[measure]["ci"] for c in columns):
            bounds = " & ".join(
                [r"\quad 95\,\% interval", *(interval_text(c[measure], measure) for c in columns)]
            )
            # A bracket after \\ would be read as its optional argument.
            body.append(bounds.replace("[", "{[}").replace("]", "{]}") + r" \\")
        body.append(" & ".join([r"\quad $n$", *(str(c[measure]["n"]) for c in columns)]) + r" \\")
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


FORMATS: dict[str, Callable[[Report], str]] = {
    "json": as_json,
    "csv": as_csv,
    "latex": as_latex,
    "text": as_text,
}
