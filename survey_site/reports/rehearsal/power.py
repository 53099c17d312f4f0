"""Power of the planned comparisons: what is simulated for a draft, asked of a task and kept. No NumPy here."""

import hashlib
import json
from dataclasses import asdict, dataclass

from django.core.cache import cache

from saliency_worker import catalog
from survey_site.design.feasibility import Assessment
from survey_site.design.spec import Spec
from survey_site.protocols.document import spec_of, tasks_of
from survey_site.reports.cached_task import KEEP_SECONDS, CachedTask
from survey_site.reports.rehearsal.result_types import PlannedPower
from survey_site.statistics.column_types import OutcomeName
from survey_site.statistics.outcome import Outcome
from survey_site.studies.models import Study
from survey_site.tasks.contract import Task
from survey_site.tasks.planted import planted_effects
from survey_site.tasks.registry import installed

POWER = CachedTask("reports.power")
REPETITIONS = 400


@dataclass(frozen=True, slots=True)
class PlannedComparison:
    """One outcome's planned comparisons. `effects`: (column, expected value), the reference first.

    Values are shares 0..1 or mean scores. items: pools or images, a multiple of trials × columns. duels: an answer counts
    in the columns of both maps of its trial.
    """

    outcome: OutcomeName
    effects: tuple[tuple[str, float], ...]
    participants: int
    trials: int
    items: int
    duels: bool = False


def questions(study: Study, verdict: Assessment) -> list[PlannedComparison]:
    """What the design plans to compare; empty where there is nothing to compare or to answer."""
    conditions = list(study.conditions.all())
    controls = {c.column for c in conditions if c.method in catalog.CONTROLS}
    reference = [c.column for c in conditions if c.is_reference] or [c.column for c in conditions]
    names = list(dict.fromkeys([*reference[:1], *(c.column for c in conditions if c.column not in controls)]))
    spec, tasks = spec_of(study), tasks_of(study)
    planted = planted_effects(tasks, names)
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
                    task.outcome.key,
                    effects,
                    spec.participants,
                    trials,
                    rounds * whole,
                    duels=task.further_score is not None,
                )
            )
    return found


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


def key_of(asked: list[PlannedComparison]) -> str:
    """Names the result by all that it depends on, so that another study's or state's is never shown."""
    text = json.dumps([REPETITIONS, [asdict(question) for question in asked]])
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
