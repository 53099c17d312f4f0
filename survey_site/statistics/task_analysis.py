"""What a task adds to the report beyond its outcome: every part is optional. NumPy, so for the worker alone."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from survey_site.statistics.data import Trials
from survey_site.statistics.figure_data import FigureData
from survey_site.statistics.plan import AnalysisPlan
from survey_site.statistics.report_types import AgreementRow, Section

Columns = list[dict[str, Any]]
"""Table 1's columns as estimated: the cell of an outcome stands under its key."""


def _no_cell(trials: Trials, plan: AnalysisPlan) -> dict[str, Any]:
    return {}


def _nothing(trials: Trials, plan: AnalysisPlan, columns: Columns) -> list[Any]:
    return []


def _no_figures(trials: Trials, columns: Columns) -> Mapping[str, FigureData]:
    return {}


@dataclass(frozen=True)
class TaskAnalysis:
    """A task's own part of the report. Each function gets the task's trials only, scored as the plan says.

    estimate: JSON added to the cell of a column, and of each of its parts. column: the same, of whole columns alone.
    scorings: the trials under each way to count an answer, by name, for the multiverse; these alone come with both
    scores as they are stored. None: as the plan scores them. agreement: whether participants agree, in rows; None:
    Krippendorff's α and the intraclass correlation of whole scores, nothing for others. sections: further tables.
    notes: sentences that must stand under Table 1. figures: by name, `the-file-name` without its ending.
    """

    estimate: Callable[[Trials, AnalysisPlan], dict[str, Any]] = _no_cell
    column: Callable[[Trials, AnalysisPlan], dict[str, Any]] = _no_cell
    scorings: Callable[[Trials], Iterator[tuple[str, Trials]]] | None = None
    agreement: Callable[[Trials, AnalysisPlan], list[AgreementRow]] | None = None
    sections: Callable[[Trials, AnalysisPlan, Columns], list[Section]] = _nothing
    notes: Callable[[Trials, AnalysisPlan, Columns], list[str]] = _nothing
    figures: Callable[[Trials, Columns], Mapping[str, FigureData]] = _no_figures


PLAIN = TaskAnalysis()
"""Of a task that has an outcome and nothing more."""
