"""The comparisons with the reference column as files: tidy CSV, and a LaTeX table as wide as one column of text."""

from typing import Any

from survey_site.reports.differences import difference, difference_interval
from survey_site.reports.exports.csv_stream import csv_line
from survey_site.reports.latex_table import latex_table, tex, tex_interval
from survey_site.reports.plan_words import number
from survey_site.reports.report_types import ReportedOutcome, StudyReport, level_of
from survey_site.reports.table1_formats import safe
from survey_site.statistics.column_types import ComparedColumn
from survey_site.statistics.plan import TOGETHER
from survey_site.statistics.printing import p_value
from survey_site.statistics.stopping import CORRECTED

FIELDS = (
    "study", "protocol_hash", "measure", "column", "reference", "estimate", "unit", "value", "ci_low", "ci_high", "p",
    "p_holm", "test", "participants", "reason", "simulated_participants",
)  # fmt: skip
ESTIMATES = ("difference", "ratio", "odds_ratio", "cliffs_delta", "ratio_from_one")
VALUE_OF = {"odds_ratio": "odds_ratio_plus_half"}


def as_csv(report: StudyReport) -> str:
    """One row per measure, column and estimate, with full precision; shares 0..1. What is not estimable says why."""
    lines = [csv_line(FIELDS)]
    for outcome in report["outcomes"]:
        family = report["comparisons"][outcome["key"]]
        test = family.get("primary_test")
        if not family["rows"]:
            told = {"study": safe(report["study"]), "protocol_hash": report["protocol_hash"], "measure": outcome["key"],
                    "reference": safe(family["reference"]), "reason": safe(family["reason"]),
                    "simulated_participants": report["population"]["simulated"]}  # fmt: skip
            lines.append(csv_line([told.get(field) for field in FIELDS]))
        for row in family["rows"]:
            found = [name for name in ESTIMATES if VALUE_OF.get(name, name) in row] or ["difference"]
            for name in found:
                bounds: Any = row.get(f"{name}_ci")
                low, high = bounds or (None, None)
                unit = (
                    ("share" if outcome["kind"] == "share" else "scale points")
                    if name == "difference"
                    else ""
                )
                lines.append(
                    csv_line(
                        [
                            safe(report["study"]), report["protocol_hash"], outcome["key"], safe(row["column"]),
                            safe(family["reference"]), name, unit, row.get(VALUE_OF.get(name, name)), low, high,
                            (row.get("p") or {}).get(test or ""), row.get("p_holm"), test, row.get("paired_participants"),
                            safe(row.get("reason")), report["population"]["simulated"],
                        ]
                    )
                )  # fmt: skip
    return b"".join(lines).decode()


def as_latex(report: StudyReport) -> str:
    """A booktabs table, shrunk where it is wider than a column; what the numbers are stands in the note below it."""
    body: list[str] = []
    references = dict.fromkeys(family["reference"] for family in report["comparisons"].values())
    notes = [
        f"{number(report['population']['participants'], 'participant')}; reference: {', '.join(references)}."
    ]
    for outcome in report["outcomes"]:
        family = report["comparisons"][outcome["key"]]
        title = outcome["title"] + (" (percentage points)" if outcome["kind"] == "share" else "")
        body.append(rf"\multicolumn{{4}}{{l}}{{{tex(title)}}} \\")
        body += [_row(row, outcome) for row in family["rows"]] or [
            r"\multicolumn{4}{l}{\quad no comparison: see the note} \\"
        ]
        notes.append(f"{outcome['title']}: {family.get('label') or family.get('reason') or 'not estimable'}.")
    together = report["plan"]["families"] == TOGETHER
    notes.append(
        f"p: corrected by Holm over the columns of {'all measures' if together else 'each measure'}."
    )
    if stopping := report.get("stopping"):
        notes.append(f"{stopping['told']} {CORRECTED if stopping['rows'] else stopping['note']}".strip())
    if report["banner"]:
        notes.append(report["banner"])
    return latex_table(
        report,
        caption=f"{report['title']}: differences from the reference column.",
        label="contrasts",
        columns="lrrr",
        head=rf"& difference & {tex_interval(level_of(report))} & $p$ (Holm)",
        body=body,
        note=" ".join(notes),
    )


def _row(row: ComparedColumn, outcome: ReportedOutcome) -> str:
    cells = (
        difference(row.get("difference"), outcome),
        difference_interval(row.get("difference_ci"), outcome),
        p_value(row.get("p_holm")),
    )
    plain = [cell.replace("−", "$-$").replace("–", "--").replace("<", "$<$") for cell in cells]
    return " & ".join([rf"\quad {tex(row['column'])}", *plain]) + r" \\"


FORMATS = {"csv": as_csv, "latex": as_latex}
