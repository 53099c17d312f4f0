"""Sentences under the table, and the versions that computed it."""

import platform
from collections.abc import Sequence

import numpy as np
import scipy
import statsmodels

from survey_site.statistics.outcome import Outcome
from survey_site.statistics.plan import TOGETHER, AnalysisPlan
from survey_site.statistics.report_types import ComputedReport


def notes(
    report: ComputedReport, plan: AnalysisPlan, outcomes: Sequence[Outcome], of_tasks: Sequence[str]
) -> list[str]:
    """Sentences that must stand under the table; those of the tasks come first."""
    out = list(of_tasks)
    for outcome in outcomes:
        if outcome.kind == "mean" and outcome.low == 0 and report["comparisons"][outcome.key]["rows"]:
            out.append(
                f"The ratios of the {outcome.title} take 0 as a true zero of the scale; on a scale that begins with 1 "
                "the same answers give the smaller ratios of “ratio from 1”."
            )
    for outcome in outcomes:
        if label := report["comparisons"][outcome.key].get("label"):
            over = "the columns of all measures" if plan.families == TOGETHER else "the columns"
            out.append(f"Tests of {outcome.title}: {label}; Holm over {over}.")
    if not plan.columns:
        out.append("The plan names no columns: their order is alphabetical.")
    return out


def versions() -> dict[str, str]:
    """Versions that the numbers were computed with."""
    return {
        "python": platform.python_version(),
        "numpy": np.__version__,
        "scipy": scipy.__version__,
        "statsmodels": str(statsmodels.__version__),
    }
