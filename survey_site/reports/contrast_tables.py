"""The comparisons with the reference column as files: CSV with full precision, and a LaTeX table of one column's width."""

from collections.abc import Sequence

from survey_site.reports.exports.csv_stream import csv_line
from survey_site.reports.report_types import ReportedOutcome, StudyReport
from survey_site.reports.table1_formats import safe, tex
from survey_site.statistics.column_types import Bounds, ComparedColumn, ComparisonFamily
from survey_site.statistics.printing import interval, p_value, places

FIELDS = (
    "study", "protocol_hash", "measure", "column", "reference", "difference", "difference_low", "difference_high", "t",
    "df", "p", "p_holm", "significant", "sign_flip_p", "ratio", "ratio_low", "ratio_high", "participants_paired",
    "detectable", "reason", "simulated_participants",
)  # fmt: skip


class NoComparisons(ValueError):
    """The report has point estimates alone; the message says what to do."""

    def __init__(self) -> None:
        super().__init__(
            "the comparisons need the statistics: ask without --points-only, with the extra 'reports'"
        )


def as_csv(report: StudyReport) -> str:
    """One row per outcome and column. Differences in the printed unit: points of percent, or of the scale."""
    lines = [csv_line(FIELDS)]
    for outcome in report["outcomes"]:
        family = _family(report, outcome)
        for row in family["rows"]:
            lines.append(csv_line(_row(report, outcome, family["reference"], row)))
    return b"".join(lines).decode()


def _family(report: StudyReport, outcome: ReportedOutcome) -> ComparisonFamily:
    if "comparisons" not in report:
        raise NoComparisons
    return report["comparisons"][outcome["key"]]


def _row(
    report: StudyReport, outcome: ReportedOutcome, reference: str, row: ComparedColumn
) -> Sequence[str | float | bool | None]:
    low, high = points(row.get("difference_ci"), outcome) or (None, None)
    ratio_low, ratio_high = row.get("ratio_ci") or (None, None)
    return [
        safe(report["study"]), report["protocol_hash"], outcome["key"], safe(row["column"]), safe(reference),
        scaled(row.get("difference"), outcome), low, high, row.get("t"), row.get("df"), row["p"].get("two_way_t"),
        row.get("p_holm"), row.get("significant"), row["p"].get("sign_flip"), row.get("ratio"), ratio_low, ratio_high,
        row.get("paired_participants"), scaled(row.get("detectable"), outcome), row["reason"],
        report["population"]["simulated"],
    ]  # fmt: skip


def scaled(value: float | None, outcome: ReportedOutcome) -> float | None:
    """A difference in the printed unit."""
    return None if value is None else outcome["factor"] * value


def points(bounds: Bounds | None, outcome: ReportedOutcome) -> Bounds | None:
    """Both ends in the printed unit."""
    return [outcome["factor"] * bound for bound in bounds] if bounds else None


def as_latex(report: StudyReport) -> str:
    """One booktabs table per outcome, with label and notes."""
    return "\n\n".join(_latex(report, outcome) for outcome in report["outcomes"])


def _latex(report: StudyReport, outcome: ReportedOutcome) -> str:
    family = _family(report, outcome)
    unit = r", points" if outcome["kind"] == "share" else ""
    count = 0 if outcome["kind"] == "share" else outcome["places"]
    body = [
        " & ".join(
            [
                tex(row["column"]),
                places(scaled(row.get("difference"), outcome), count),
                interval(points(row.get("difference_ci"), outcome), count),
                places(row.get("ratio"), 2),
                p_value(row.get("p_holm")).replace("<", "$<$"),
            ]
        )
        + r" \\"
        for row in family["rows"]
    ]
    simulated = f" {report['banner']}" if report["banner"] else ""
    caption = f"{outcome['title']} against {family['reference']}."
    note = f"{family.get('label') or family.get('reason')}; Holm over the columns. {family.get('caution') or ''}{simulated}"
    return "\n".join(
        [
            r"% \usepackage{booktabs}",
            f"% study {report['study']}, protocol {report['protocol_hash'] or 'none'}",
            r"\begin{table}",
            r"  \centering\small",
            f"  \\caption{{{tex(caption)}}}",
            f"  \\label{{tab:{report['study']}-{outcome['key']}}}",
            r"  \begin{tabular}{@{}lrrrr@{}}",
            r"    \toprule",
            f"    Column & diff.{unit} & 95\\,\\% interval & ratio & $p$ \\\\",
            r"    \midrule",
            *(f"    {line}" for line in body),
            r"    \bottomrule",
            r"  \end{tabular}",
            r"  \par\smallskip\parbox{\columnwidth}{\footnotesize \emph{Note.} " + tex(note.strip()) + "}",
            r"\end{table}",
        ]
    )
