"""Table 1 as plain data: the shape of `report --format json`, built from sums alone.

Each task of the study gives every column, and every variant of it, one cell (docs/statistics.md, section 1). Values
keep full precision; `text` is what is printed, rounded half up from the integers.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from operator import add
from typing import Any, cast

from saliency_worker import catalog
from survey_site.reports.point_sums import Sums
from survey_site.reports.report_types import (
    ColumnHead,
    OutcomeCell,
    ReportColumn,
    ReportedOutcome,
    VariantCells,
    VariantHead,
)
from survey_site.tasks.contract import Counts, Task
from survey_site.tasks.settings import Settings

NO_ANSWERS = "not estimable: no answers"
PENDING = "not computed yet"


@dataclass(frozen=True)
class ConditionInfo:
    """What Table 1 needs to know of a condition."""

    id: int
    column: str
    order: int
    classifier: str
    base: str
    method: str
    key: str
    is_reference: bool


@dataclass(frozen=True)
class StudyTask:
    """A task of a study with the settings it has there."""

    task: Task
    settings: Settings


def columns_of(
    conditions: Sequence[ConditionInfo], sums: Sums, tasks: Sequence[StudyTask], replicates: bool
) -> list[ReportColumn]:
    """The columns of the table in their order, each with its variants (classifier × base × method).

    replicates: whether the study repeats the paper's; its figures would else stand beside what merely bears the same name.
    """
    names = list(dict.fromkeys(c.column for c in sorted(conditions, key=lambda c: (c.order, c.column))))
    return [
        _column(name, [c for c in conditions if c.column == name], sums, tasks)
        | {"paper": paper_of(name, tasks) if replicates else None}
        for name in names
    ]


def _column(
    name: str, members: Sequence[ConditionInfo], sums: Sums, tasks: Sequence[StudyTask]
) -> ReportColumn:
    families = {_family(c.key) for c in members}
    head: ColumnHead = {
        "column": name,
        "family": families.pop() if len(families) == 1 else "",
        "reference": any(c.is_reference for c in members),
        "variants": [_variant(c, sums, tasks) for c in members],
        "paper": None,
    }
    return cast(ReportColumn, {**head, **cells(members, sums, tasks)})


def _family(key: str) -> str:
    """The title of the method's family; "" for one that nobody here declares, and in a masked report."""
    base = key.partition(".")[0]
    return catalog.family(base) if base in catalog.METHODS else ""


def _variant(condition: ConditionInfo, sums: Sums, tasks: Sequence[StudyTask]) -> VariantCells:
    head: VariantHead = {
        "family": _family(condition.key),
        "classifier": condition.classifier,
        "base": condition.base,
        "method": condition.key,
        "combination": condition.method,
    }
    return cast(VariantCells, {**head, **cells([condition], sums, tasks)})


def cells(members: Sequence[ConditionInfo], sums: Sums, tasks: Sequence[StudyTask]) -> dict[str, OutcomeCell]:
    """By the outcome's key: its cell over these conditions."""
    found = {}
    for one in tasks:
        counts = reduce(add, (sums.get((c.id, one.task.name), Counts()) for c in members), Counts())
        found[one.task.outcome.key] = cell(one, counts)
    return found


def cell(one: StudyTask, counts: Counts) -> OutcomeCell:
    """What the task says of these counts; the interval is the statistics' to add."""
    own = one.task.cell(counts, one.settings)
    return cast(OutcomeCell, {**own, "ci": None, "ci_reason": PENDING if counts.n else NO_ANSWERS})


def paper_of(column: str, tasks: Sequence[StudyTask]) -> dict[str, str] | None:
    """The published values of a column by the outcome's key; None for a column that the paper does not have."""
    found = {
        one.task.outcome.key: one.task.published[column] for one in tasks if column in one.task.published
    }
    return found or None


def outcomes_of(tasks: Sequence[StudyTask]) -> list[ReportedOutcome]:
    """What the table shows of each column, in the order of its rows."""
    return [_outcome(one) for one in tasks]


def _outcome(one: StudyTask) -> ReportedOutcome:
    outcome = one.task.outcome
    return {
        **outcome.facts(),
        # A share is printed in whole percent, its bounds with one decimal; a mean and its bounds alike.
        "interval_places": outcome.places + (outcome.kind == "share"),
        "caption": one.task.caption(one.settings),
    }


def facts_of(tasks: Sequence[StudyTask]) -> tuple[dict[str, Any], dict[str, str]]:
    """What the tasks add to the head of the report: values by key, and the labels of those that a page shows."""
    facts = [fact for one in tasks for fact in one.task.facts(one.settings)]
    return {fact.key: fact.value for fact in facts}, {fact.key: fact.label for fact in facts if fact.label}


def estimate_of(outcome: ReportedOutcome, own: OutcomeCell) -> tuple[int | float, float | None]:
    """Sum and estimate of a cell, with full precision."""
    found = cast(Mapping[str, Any], own)
    return found[outcome["total"]], found[outcome["value"]]
