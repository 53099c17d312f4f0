"""The sealed stopping rule in the report: its looks, and estimates that the stopping has not biased. SciPy."""

from typing import cast

from survey_site.protocols import planned_looks
from survey_site.protocols.models import Protocol
from survey_site.reports.plan_words import title_of
from survey_site.statistics.column_types import ComparedColumn
from survey_site.statistics.plan import AnalysisPlan
from survey_site.statistics.report_types import StatisticsReport
from survey_site.statistics.stopping import CORRECTED, SPENDING_TITLES
from survey_site.statistics.stopping_report import is_reached, lines, rows
from survey_site.statistics.stopping_types import StoppingReport, StoppingRow, TakenLook

GOES_ON = (
    "The study goes on under its sealed stopping rule: intervals and p-values below take no account of the looks, and "
    "decide nothing."
)
NOT_CORRECTED = (
    "The study had looks under a sealed stopping rule, which was about {what}: these comparisons are secondary, and not "
    "corrected for it."
)
SENSITIVITY = "Not the primary choice of participants: nothing here is corrected for the looks of the sealed stopping rule."
LOOKED_AT = "These take no account of the looks of the sealed stopping rule."
MASKED = "Columns are masked: what the looks found is shown once their names are open or the study is closed."


def stopping_of(
    protocol: Protocol, plan: AnalysisPlan, *, masked: bool, participants: int
) -> StoppingReport | None:
    """What the rule came to; None without one. participants: who counts now, late answers among them.

    plan: the sealed one, with the columns' names.
    """
    rule = plan.stopping
    if rule is None:
        return None
    looks = [planned_looks.taken(look) for look in planned_looks.looks_of(protocol)]
    compared = [c for c in plan.columns if c != plan.reference and c not in plan.controls]
    contrasts = 1 if rule.column else len(compared)
    reached = is_reached(rule, looks, plan.alpha)
    ended = reached or (bool(looks) and (looks[-1]["closing"] or len(looks) == len(rule.looks)))
    return {
        "outcome": rule.outcome,
        "column": None if masked else rule.column,
        "told": "" if masked else rule.told(title_of(rule.outcome)),
        "spending": SPENDING_TITLES[rule.spending],
        "alpha": plan.alpha,
        "planned": len(rule.looks),
        "looks": lines(rule, looks, plan.alpha, contrasts),
        "reached": reached,
        "ended": ended,
        "rows": rows(rule, looks, plan.level) if ended and not masked else [],
        "note": MASKED if masked else _note(looks, participants) if ended else GOES_ON,
    }


def _note(looks: list[TakenLook], participants: int) -> str:
    """What has changed since the last look, which itself stays as it was taken."""
    at_look = looks[-1]["participants"]
    if participants == at_look:
        return f"The decision rests on the {at_look} participants of look {looks[-1]['number']}."
    return (
        f"The decision rests on the {at_look} participants of look {looks[-1]['number']}, as it was taken. {participants} "
        "count now: late answers, exclusions and withdrawals since then change Table 1, and not the decision."
    )


def corrected(found: StatisticsReport, stopping: StoppingReport | None) -> None:
    """Puts the sealed decision in the place of the ordinary tests of the rule's columns, and says so at the others."""
    if stopping is None:
        return
    _warn_of_looks(found)
    by_name = {row["column"]: row for row in stopping["rows"]}
    what = f"{stopping['column'] or 'all columns'} in {title_of(stopping['outcome'])}"
    for key, family in found["comparisons"].items():
        own = by_name if key == stopping["outcome"] else {}
        for row in family["rows"]:
            if row["column"] in own:
                row.update(_overriding(row, own[row["column"]]))
        told = [family.get("caution") or ""]
        if not stopping["ended"]:
            told.append(GOES_ON)
        elif own:
            told.append(CORRECTED)
        if stopping["ended"] and any(row["column"] not in own for row in family["rows"]):
            others = " The other columns are secondary, and not corrected for it." if own else ""
            told.append(others.strip() or NOT_CORRECTED.format(what=what))
        if family["rows"]:
            family["caution"] = " ".join(part for part in told if part) or None


def _warn_of_looks(found: StatisticsReport) -> None:
    for pairs in found["pairs"].values():
        if pairs["rows"]:
            pairs["caution"] = " ".join(filter(None, [pairs["caution"], LOOKED_AT]))
    for margin in found["equivalence"].values():
        if margin["rows"]:
            margin["caution"] = LOOKED_AT


def uncorrected(found: StatisticsReport) -> None:
    """Says at every comparison of a sensitivity analysis that the looks are not taken into account."""
    _warn_of_looks(found)
    for family in found["comparisons"].values():
        if family["rows"]:
            family["caution"] = " ".join(filter(None, [family.get("caution"), SENSITIVITY]))


def _overriding(row: ComparedColumn, decided: StoppingRow) -> ComparedColumn:
    by_test = {**row.get("p_holm_by_test", {}), "two_way_t": decided["p_holm"]}
    return cast(
        ComparedColumn,
        {
            "difference": decided["difference"],
            "difference_ci": decided["ci"],
            "t": decided["t"],
            "df": decided["df"],
            "p": {**row["p"], "two_way_t": decided["p"]},
            "p_holm_by_test": by_test,
            "p_holm": decided["p_holm"],
            "significant": decided["significant"],
            "reason": decided["reason"],
        },
    )
