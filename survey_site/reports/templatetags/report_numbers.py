"""How the report's page prints numbers: a dash for what is not there, never a 0."""

from collections.abc import Mapping, Sequence
from typing import Any, TypedDict

from django import template

from survey_site.reports.differences import difference, difference_interval
from survey_site.reports.plan_words import title_of
from survey_site.reports.report_types import (
    OutcomeCell,
    ReportColumn,
    ReportedOutcome,
    StudyReport,
    VariantCells,
    cell_of,
    level_of,
)
from survey_site.reports.terms import TERMS
from survey_site.statistics.column_types import BriefColumn, ComparedColumn
from survey_site.statistics.printing import NOTHING, absent, interval, interval_name, p_value, places
from survey_site.tasks import registry
from survey_site.tasks.contract import TableRow

register = template.Library()
register.filter("places", places)
register.filter("interval", interval)
register.filter("p_value", p_value)
register.filter("difference", difference)
register.filter("difference_interval", difference_interval)
register.filter("title_of", title_of)


@register.filter
def interval_title(report: StudyReport) -> str:
    """What heads the report's intervals, by the level that its plan sealed."""
    return interval_name(level_of(report))


@register.filter
def significant(value: Any) -> str:
    """Percentages with one decimal, shares with three."""
    return NOTHING if absent(value) else places(value, 1 if abs(value) > 1 else 3)


@register.filter
def other_test(row: ComparedColumn) -> float | None:
    """The corrected p-value of the sign-flip, which stands beside the confirmatory test."""
    return row.get("p_holm_by_test", {}).get("sign_flip")


@register.simple_tag
def terms() -> tuple[tuple[str, str], ...]:
    """The terms of the page, each with its line."""
    return TERMS


@register.filter
def reasons(rows: Sequence[Mapping[str, Any]]) -> list[tuple[str, str]]:
    """Why rows have no test, each reason once with its columns."""
    found: dict[str, list[str]] = {}
    for row in rows:
        if reason := row.get("reason"):
            found.setdefault(reason, []).append(row["column"])
    return [(reason, ", ".join(columns)) for reason, columns in found.items()]


@register.filter
def words(name: str) -> str:
    """A key of the report in words: `one_position` as `one position`."""
    return name.replace("_", " ")


@register.filter
def item(mapping: Mapping[str, Any] | None, key: str) -> Any:
    return (mapping or {}).get(key)


@register.filter
def before_and_after(
    report: StudyReport,
) -> list[tuple[BriefColumn | None, ReportColumn, BriefColumn | None]]:
    """Each column before any exclusion, as in Table 1, and under all declared rules."""
    before = {column["column"]: column for column in report["before_exclusion"]}
    after = {column["column"]: column for column in report["after_rules"]}
    return [(before.get(c["column"]), c, after.get(c["column"])) for c in report["columns"]]


@register.filter
def any_odds(report: StudyReport) -> bool:
    """Whether a model gave odds ratios for any outcome."""
    return any(model["rows"] for key in ("models", "crossed_models") for model in report[key].values())


class PrintedRow(TypedDict):
    """A row of Table 1: its label, and the text of each column."""

    label: str
    cells: list[str]


class PrintedOutcome(TypedDict):
    """The rows of one outcome in Table 1. cells: each column with its cell; paper: its published values, if any."""

    outcome: ReportedOutcome
    cells: list[tuple[str, OutcomeCell]]
    rows: list[PrintedRow]
    paper: list[str]


@register.filter
def table_rows(report: StudyReport) -> list[PrintedOutcome]:
    """Table 1 by outcomes, in their order."""
    return [_printed(report["columns"], outcome) for outcome in report["outcomes"]]


def _printed(columns: Sequence[ReportColumn], outcome: ReportedOutcome) -> PrintedOutcome:
    cells = [(column["column"], cell_of(column, outcome["key"])) for column in columns]
    published = [(column["paper"] or {}).get(outcome["key"], "") for column in columns]
    rows: list[PrintedRow] = []
    for row in _rows_of(outcome):
        texts = [row.text(cell) for _, cell in cells]
        if any(texts) or not row.optional:
            rows.append({"label": row.label, "cells": texts})
    return {
        "outcome": outcome,
        "cells": cells,
        "rows": rows,
        "paper": published if any(published) else [],
    }


def _rows_of(outcome: ReportedOutcome) -> tuple[TableRow, ...]:
    task = registry.named(outcome["task"])
    return task.rows if task else ()


@register.filter
def variant_heads(report: StudyReport) -> list[str]:
    """What the table of variants has for each outcome: its estimate, and the first of its task's rows."""
    return [
        head
        for outcome in report["outcomes"]
        for head in (outcome["heading"], *(row.label for row in _rows_of(outcome)[:1]))
    ]


@register.filter
def variant_cells(variant: VariantCells, report: StudyReport) -> list[str | None]:
    """The variant's texts under `variant_heads`; None: not estimable."""
    found: list[str | None] = []
    for outcome in report["outcomes"]:
        cell = cell_of(variant, outcome["key"])
        found += [cell["text"], *(row.text(cell) for row in _rows_of(outcome)[:1])]
    return found
