"""How much people and images of a pilot scatter, for the power of the study that follows. NumPy and SciPy.

Means: moments of pairs of answers, divided by the width of the scale as `Plan.point` multiplies it. Shares: deviations of
the logistic mixed model, on the log-odds scale that the simulation uses. What a pilot cannot tell stays as assumed, and is
said so.
"""

from dataclasses import replace
from math import sqrt

from survey_site.protocols.models import Protocol
from survey_site.reports.analysis import plan_of
from survey_site.reports.analysis_rows import trial_columns
from survey_site.reports.population import Population
from survey_site.reports.rehearsal.result_types import UsedScatter
from survey_site.statistics import crossed_models, quality
from survey_site.statistics.data import Trials, from_columns
from survey_site.statistics.estimates import samples_by_column
from survey_site.statistics.multiverse import scored
from survey_site.statistics.outcome import Outcome
from survey_site.statistics.plan import AnalysisPlan, QualityRules
from survey_site.statistics.power import Plan, Spread
from survey_site.statistics.sections import CROSSED_ROWS_MAX
from survey_site.statistics.variance_parts import variance_parts

FEWEST = 3  # participants below whom no scatter is taken from a pilot
WORDS = {
    "participant": "participants",
    "item": "images",
    "interaction": "image × column",
    "residual": "the rest",
}


def scatter_of(protocol: Protocol, outcome: Outcome, assumed: Plan) -> tuple[Spread, UsedScatter]:
    """The deviations found under a pilot's seal, those it cannot tell as assumed; and the same in words."""
    head = replace(plan_of(protocol), rules=QualityRules.off())
    trials = from_columns(trial_columns(protocol, Population()))
    own = scored(quality.analysed(trials, head), head).of_task(outcome.task).answered()
    people = len(own.participant.present())
    notes: list[str] = []
    found: dict[str, float | None] = {}
    if people < FEWEST:
        notes.append(f"the pilot has {people} participants with answers; {FEWEST} are needed")
    elif outcome.kind == "share":
        found, reason = _of_shares(own, head)
        notes += [reason] if reason else []
    else:
        found, reason = _of_scores(own, assumed.point)
        notes += [reason] if reason else []
    known = {name: value for name, value in found.items() if value is not None}
    wanted = [name for name in WORDS if name != "residual" or outcome.kind != "share"]
    if missing := [WORDS[name] for name in wanted if name not in known]:
        notes.append(f"as assumed: {', '.join(missing)}")
    used = replace(assumed.spread, **known)
    return used, {
        "participant": used.participant,
        "item": used.item,
        "interaction": used.interaction,
        "residual": used.residual if outcome.kind != "share" else None,
        "participants": people,
        "note": "; ".join(notes),
    }


def _of_scores(own: Trials, point: float) -> tuple[dict[str, float | None], str]:
    parts = variance_parts(own)
    found = {
        "participant": parts["participant"],
        "item": parts["item"],
        "interaction": parts["item_by_column"],
        "residual": parts["residual"] or None,  # 0: nothing scatters, which no later study will repeat
    }
    return {name: None if value is None else sqrt(value) / point for name, value in found.items()}, parts[
        "reason"
    ] or ""


def _of_shares(own: Trials, head: AnalysisPlan) -> tuple[dict[str, float | None], str]:
    """The model has no image × column, which therefore stays as assumed."""
    columns = [c for c in head.columns if c not in head.controls]
    samples = samples_by_column(own, columns)
    model = crossed_models.fit(samples, head.reference, head.level, CROSSED_ROWS_MAX, head.seed)
    return {"participant": model["participant_sd"], "item": model["item_sd"]}, model["reason"] or ""
