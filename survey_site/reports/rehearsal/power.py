"""Power of the planned comparisons: what is simulated for a draft, asked of a task and kept. No NumPy here."""

import hashlib
import json
from dataclasses import asdict, dataclass
from typing import Any

from django.core.cache import cache

from saliency_worker import catalog
from survey_site.design.assessment import Assessment
from survey_site.design.spec import Spec
from survey_site.protocols.document import spec_of, tasks_of
from survey_site.protocols.models import Protocol
from survey_site.reports.cached_report import data_version
from survey_site.reports.cached_task import KEEP_SECONDS, CachedTask
from survey_site.reports.population import Population
from survey_site.reports.rehearsal.result_types import PlannedPower
from survey_site.statistics.column_types import OutcomeName
from survey_site.statistics.outcome import Outcome
from survey_site.statistics.plan import BY_MEASURE, AnalysisPlan
from survey_site.studies.models import Study
from survey_site.tasks.contract import Task
from survey_site.tasks.planted import planted_effects
from survey_site.tasks.registry import installed
from survey_site.trials.models import Participant
from survey_site.trials.who_counts import together_with, who_counts

POWER = CachedTask("reports.power")
REPETITIONS = 400


@dataclass(frozen=True, slots=True)
class PlannedComparison:
    """One outcome's planned comparisons. `effects`: (column, expected value), the reference first.

    Values are shares 0..1 or mean scores. items: pools or images, a multiple of trials × columns. duels: an answer counts
    in the columns of both maps of its trial. level: 1 − α. rule: the stopping rule about this outcome, as a mapping.
    pilot: row id of the seal whose scatter is used; None: the assumed one.
    """

    outcome: OutcomeName
    effects: tuple[tuple[str, float], ...]
    participants: int
    trials: int
    items: int
    duels: bool = False
    level: float = 0.95
    rule: dict[str, Any] | None = None
    pilot: int | None = None


def questions(study: Study, verdict: Assessment, pilot: Protocol | None = None) -> list[PlannedComparison]:
    """What the design plans to compare; empty where there is nothing to compare or to answer.

    pilot: whose scatter is to be used. A plan that cannot be read counts as none: the check page says what is wrong.
    """
    conditions = list(study.conditions.all())
    controls = {c.column for c in conditions if c.method in catalog.CONTROLS}
    reference = [c.column for c in conditions if c.is_reference] or [c.column for c in conditions]
    names = list(dict.fromkeys([*reference[:1], *(c.column for c in conditions if c.column not in controls)]))
    spec, tasks = spec_of(study), tasks_of(study)
    planted = planted_effects(tasks, names)
    plan = _plan(study)
    families = 1 if plan.families == BY_MEASURE else sum(per_column(spec, task) > 0 for task in tasks)
    found = []
    for task in tasks:
        trials, items = per_column(spec, task), verdict.task(task.name).items
        whole = trials * len(names)
        if len(names) > 1 and trials and spec.participants > 1:
            expected = task.expected(planted[task.name])
            effects = tuple((name, expected[name]) for name in names)
            rounds = max(items // whole, 1)  # the simulated square needs whole rounds of images
            found.append(
                PlannedComparison(
                    task.outcome.key, effects, spec.participants, trials, rounds * whole,
                    duels=task.further_score is not None, level=1 - plan.alpha / max(families, 1),
                    rule=_rule(plan, task.outcome.key, names, spec), pilot=pilot.pk if pilot else None,
                )
            )  # fmt: skip
    return found


def _plan(study: Study) -> AnalysisPlan:
    try:
        return AnalysisPlan.from_mapping(study.analysis_plan)
    except (TypeError, ValueError):
        return AnalysisPlan()


def _rule(plan: AnalysisPlan, outcome: str, names: list[str], spec: Spec) -> dict[str, Any] | None:
    """The rule about this outcome, where the design can have it."""
    rule = plan.stopping
    fits = rule is not None and rule.outcome == outcome and rule.looks[-1] == spec.participants
    if rule is None or not fits or (rule.column is not None and rule.column not in names[1:]):
        return None
    return rule.to_mapping()


def pilot_of(study: Study) -> Protocol | None:
    """The newest pilot that somebody finished, whose scatter the study may be planned by."""
    for pilot in study.protocols.filter(pilot=True).defer("document").order_by("-version"):
        people = Participant.objects.filter(together_with(pilot), who_counts(), kind=Participant.Kind.PERSON)
        if people.exists():
            return pilot
    return None


def per_column(spec: Spec, task: Task) -> int:
    """Trials of a participant in each column."""
    return next((own.per_column for own in spec.tasks if own.task == task.name), 0)


def outcome_named(key: OutcomeName) -> Outcome:
    """The outcome of an installed task; raises LookupError for one that is gone."""
    for task in installed():
        if task.outcome.key == key:
            return task.outcome
    raise LookupError(f"no installed task has the outcome {key!r}")


def scale_of(key: OutcomeName) -> tuple[tuple[float, float] | None, bool]:
    """Ends of an outcome's scale (None for a share), and whether its scores are whole numbers."""
    outcome = outcome_named(key)
    return (None if outcome.kind == "share" else (outcome.low, outcome.high)), outcome.whole


def key_of(asked: list[PlannedComparison], pilot: Protocol | None = None) -> str:
    """Names the result by all that it depends on, so that another study's or state's is never shown."""
    data = data_version(pilot, Population()) if pilot else ""
    text = json.dumps([REPETITIONS, data, [asdict(question) for question in asked]])
    return "power:" + hashlib.sha256(text.encode()).hexdigest()[:32]


def result_of(key: str) -> list[PlannedPower] | None:
    """The finished simulation."""
    found: list[PlannedPower] | None = cache.get(f"result:{key}")
    return found


def store(key: str, result: list[PlannedPower]) -> None:
    cache.set(f"result:{key}", result, KEEP_SECONDS)


def ask(asked: list[PlannedComparison], key: str) -> str:
    """Sends the task unless it is under way; returns why it could not be sent, or the empty string."""
    return POWER.ask(key, [key, [asdict(question) for question in asked]])
