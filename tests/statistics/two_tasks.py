"""The tasks of this program for tests of the statistics: their outcomes, their own analyses, and rows as of people."""

from collections.abc import Iterable, Mapping
from typing import Any

from survey_site.reports import task_analyses
from survey_site.statistics import data, table
from survey_site.statistics.plan import AnalysisPlan
from survey_site.tasks.contract import outcomes
from survey_site.tasks.csv_rows import scored
from survey_site.tasks.matching.task import TASK as MATCHING
from survey_site.tasks.rating.task import TASK as RATING

TASKS = (MATCHING, RATING)
OUTCOMES = outcomes(TASKS)
FAITH, INDEX = OUTCOMES
ANALYSES = task_analyses.of(TASKS)


def load(rows: Iterable[Mapping[str, Any]]) -> data.Trials:
    """Trials from rows of `responses.csv`, with or without the column `score`."""
    return data.from_rows(scored(rows, TASKS))


def build_report(trials: data.Trials, plan: AnalysisPlan, **options: Any) -> dict[str, Any]:
    """The report of these trials with all that the two tasks add to it."""
    return dict(table.build_report(trials, plan, outcomes=OUTCOMES, analyses=ANALYSES, **options))


def build(rows: Iterable[Mapping[str, Any]], plan: AnalysisPlan, **options: Any) -> dict[str, Any]:
    """The report of rows."""
    return build_report(load(rows), plan, **options)


def section(report: Mapping[str, Any], key: str) -> Any:
    """The numbers behind a task's own table; None where the report has no such table."""
    return next((found["data"] for found in report["sections"] if found["key"] == key), None)


def agreement(report: Mapping[str, Any], outcome: str, measure: str) -> dict[str, Any]:
    """A row of the table of agreement."""
    return next(row for row in report["agreement"] if (row["outcome"], row["measure"]) == (outcome, measure))
