"""Sentences under the table, and the versions that computed it."""

import platform

import numpy as np
import scipy
import statsmodels

from survey_site.statistics.column_types import OUTCOMES
from survey_site.statistics.plan import AnalysisPlan
from survey_site.statistics.report_types import ComputedReport


def notes(report: ComputedReport, plan: AnalysisPlan) -> list[str]:
    """Sentences that must stand under the table."""
    out = ["Can't tell counts as wrong; timeouts count as missing, and as wrong beside it."]
    sizes = {c["faith"]["chance"].get("pool_size") for c in report["columns"]} - {None}
    if sizes:
        out.append(f"Pool size {', '.join(sorted(map(str, sizes)))}: chance is one in that number.")
    if report["comparisons"]["index"]["rows"]:
        out.append(
            "The ratio of indices takes 0 as a true zero of the scale; on a scale labelled 1–7 the same "
            "answers give the smaller ratios of “ratio on 1–7”."
        )
    for outcome in OUTCOMES:
        if report["comparisons"][outcome].get("label"):
            out.append(
                f"Tests of {outcome}: {report['comparisons'][outcome]['label']}; Holm over the columns."
            )
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
