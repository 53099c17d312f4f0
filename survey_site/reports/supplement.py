"""The report as a PDF for a paper's supplement: what was frozen, Table 1, comparisons, and every figure, vector.

Drawn with Matplotlib, which the figures need anyway, so that no further library and no system package is
needed for it. Only for the Celery queue `reports`.
"""

import io
import textwrap
from collections.abc import Mapping, Sequence

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.backends.backend_pdf import PdfPages
from matplotlib.figure import Figure

from survey_site.reports.differences import difference, difference_interval
from survey_site.reports.figure_captions import captions
from survey_site.reports.figure_drawing import STYLE
from survey_site.reports.figures import figure, names
from survey_site.reports.plan_words import WIDTH, number, plan_lines
from survey_site.reports.report_types import ReportColumn, ReportedOutcome, StudyReport, level_of
from survey_site.reports.table1_formats import outcome_rows
from survey_site.statistics.data import Trials
from survey_site.statistics.figure_data import FigureData
from survey_site.statistics.printing import interval, interval_name, p_value, places
from survey_site.statistics.stopping_types import StoppingReport

A4 = (8.27, 11.69)
LINES = 62
COLUMNS_PER_TABLE = 6
ROW = 10 / 72 * 1.2 / A4[1]  # what Matplotlib gives a row of a table, of the page's height
MARGIN, GAP = 0.05, 0.03


def supplement(report: StudyReport, trials: Trials, of_tasks: Mapping[str, FigureData]) -> bytes:
    """The PDF; the same report gives the same bytes. of_tasks: the figures of the study's tasks."""
    out = io.BytesIO()
    with mpl.rc_context(STYLE), PdfPages(out, metadata={"CreationDate": None, "ModDate": None}) as pages:
        for page in (*table_pages(report), *text_pages(report)):
            pages.savefig(page)
        words = captions(of_tasks, level_of(report))
        for name in names(of_tasks):
            drawn, told = figure(name, report, trials, of_tasks), words[name]
            drawn.suptitle(f"{told['title']}\n", x=0.01, ha="left", fontsize=11)
            drawn.text(0.01, -0.02, textwrap.fill(told["legend"], 90), ha="left", va="top", fontsize=8)
            pages.savefig(drawn, bbox_inches="tight", pad_inches=0.25)
    return out.getvalue()


def table_pages(report: StudyReport) -> list[Figure]:
    """Title, what it is about, and Table 1 in blocks of six columns, on as many pages as they need."""
    page = Figure(figsize=A4)
    head = page.add_axes((0.08, 0.8, 0.84, 0.14))
    head.axis("off")
    head.text(0, 1, textwrap.fill(str(report["title"]), 60), fontsize=15, va="top", weight="bold")
    head.text(0, 0.55, "\n".join(_head(report)), fontsize=8, va="top", family="monospace")
    pages, top, columns = [page], 0.79, report["columns"]
    for place in range(0, len(columns), COLUMNS_PER_TABLE):
        block = columns[place : place + COLUMNS_PER_TABLE]
        rows = [
            row
            for outcome in report["outcomes"]
            for row in outcome_rows(block, outcome, level_of(report), no_interval="–")
        ]
        height = ROW * (len(rows) + 1)
        if top - height < MARGIN:
            pages.append(Figure(figsize=A4))
            top = 1 - MARGIN
        _table(pages[-1].add_axes((0.08, top - height, 0.84, height)), block, rows)
        top -= height + GAP
    return pages


def _head(report: StudyReport) -> list[str]:
    population = report["population"]
    facts = "".join(f"; {fact['label'].lower()} {fact['value']}" for fact in report["facts"])
    lines = [
        f"study      {report['study']}",
        f"protocol   version {report['protocol_version']}, {report['protocol_hash']}",
        f"measures   {report['measurement_hash']}",
        f"analysed   {number(population['participants'], 'participant')}{facts}",
        "computed   " + ", ".join(f"{name} {version}" for name, version in report["software"].items()),
    ]
    said = [text for text in (report["versions_note"], report["banner"]) if text]
    return lines + [line for text in said for line in textwrap.wrap(text, WIDTH)]


def _table(axis: Axes, columns: Sequence[ReportColumn], rows: list[list[str]]) -> None:
    axis.axis("off")
    table = axis.table(rows, colLabels=["", *(c["column"] for c in columns)], loc="upper left", edges="horizontal",
                       cellLoc="right")  # fmt: skip
    table.auto_set_font_size(False)
    table.set_fontsize(7)


def text_pages(report: StudyReport) -> list[Figure]:
    """Comparisons, notes and the frozen plan as plain text, broken into pages."""
    lines = ["Comparisons with the reference column", "", *comparison_lines(report), "", "Notes", ""]
    lines[:0] = stopping_lines(report.get("stopping"), report["outcomes"])
    for note in report["notes"]:
        lines += textwrap.wrap(note, WIDTH, initial_indent="- ", subsequent_indent="  ")
    lines += ["", "Analysis plan, frozen with the protocol", "", *plan_lines(report["plan"])]
    return [_text_page(lines[place : place + LINES]) for place in range(0, len(lines), LINES)]


def comparison_lines(report: StudyReport) -> list[str]:
    """Each column against the reference as on the page: differences of shares in points, small p-values as such."""
    lines: list[str] = []
    for outcome in report["outcomes"]:
        found = report["comparisons"][outcome["key"]]
        share = outcome["kind"] == "share"
        heading = "diff., points" if share else "difference"
        lines += textwrap.wrap(f"{outcome['title']}: {found.get('label') or found['reason']}", WIDTH)
        if found["rows"]:
            ci = interval_name(level_of(report))
            lines.append(f"{'':<24}{'ratio':>8}{ci:>18}{heading:>15}{ci:>18}{'p (Holm)':>10}")
        for row in found["rows"]:
            lines.append(
                f"  {row['column'][:21]:<22}{places(row.get('ratio'), 2):>8}{interval(row.get('ratio_ci'), 2):>18}"
                f"{difference(row.get('difference'), outcome):>15}"
                f"{difference_interval(row.get('difference_ci'), outcome):>18}"
                f"{p_value(row.get('p_holm')):>10}"
            )
        lines.append("")
    return lines


def stopping_lines(stopping: StoppingReport | None, outcomes: Sequence[ReportedOutcome]) -> list[str]:
    """The looks of a sealed stopping rule, and the estimates that are corrected for them; nothing without one."""
    if stopping is None:
        return []
    lines = ["Sequential stopping", ""]
    lines += textwrap.wrap(f"{stopping['told']} {stopping['note']}".strip(), WIDTH)
    for look in stopping["looks"]:
        said = {None: "not taken", True: "boundary reached", False: "go on"}[look["reached"]]
        if look["closing"] and not look["reached"]:
            said = "the study had ended"
        n = look["participants"] or look["planned"]
        lines.append(
            f"  look {look['number']:<3}{n:>6} participants, stops at p {p_value(look['level']):<8} {said}"
        )
    for outcome in (one for one in outcomes if one["key"] == stopping["outcome"]):
        lines += [
            f"  {row['column'][:21]:<22}{difference(row['difference'], outcome):>15}"
            f"{difference_interval(row['ci'], outcome):>18}{p_value(row['p_holm']):>10}"
            for row in stopping["rows"]
        ]
    return [*lines, ""]


def _text_page(lines: Sequence[str]) -> Figure:
    page = Figure(figsize=A4)
    page.text(0.08, 0.95, "\n".join(lines), fontsize=8, family="monospace", va="top")
    return page
