"""Power of the planned comparisons: what is simulated for a draft, asked of a task and kept. No NumPy here."""

import hashlib
import json
from dataclasses import asdict, dataclass

from django.core.cache import cache

from saliency_worker import catalog
from survey_site.design.feasibility import Assessment
from survey_site.protocols.document import spec_of
from survey_site.reports.cached_task import KEEP_SECONDS, CachedTask
from survey_site.reports.rehearsal.result_types import PlannedPower
from survey_site.statistics.column_types import OutcomeName
from survey_site.studies.models import Study
from survey_site.trials.simulation.behaviour import planted_effects

POWER = CachedTask("reports.power")
REPETITIONS = 400


@dataclass(frozen=True, slots=True)
class PlannedComparison:
    """One outcome's planned comparisons. `effects`: (column, expected value), the reference first.

    Values are shares 0..1 or mean ratings 0..6. items: pools or images, a multiple of trials × columns.
    """

    outcome: OutcomeName
    effects: tuple[tuple[str, float], ...]
    participants: int
    trials: int
    items: int


def questions(study: Study, verdict: Assessment) -> list[PlannedComparison]:
    """What the design plans to compare; empty where there is nothing to compare or to answer."""
    conditions = list(study.conditions.all())
    controls = {c.column for c in conditions if c.method in catalog.CONTROLS}
    reference = [c.column for c in conditions if c.is_reference] or [c.column for c in conditions]
    names = list(dict.fromkeys([*reference[:1], *(c.column for c in conditions if c.column not in controls)]))
    planted = planted_effects(names)
    spec = spec_of(study)
    sizes: dict[OutcomeName, tuple[int, int]] = {
        "faith": (spec.matching_per_column, verdict.pools),
        "index": (spec.rating_per_column, verdict.rating_images),
    }
    found = []
    for outcome, (trials, items) in sizes.items():
        whole = trials * len(names)
        if len(names) > 1 and trials and spec.participants > 1:
            effects = tuple((name, getattr(planted[name], outcome)) for name in names)
            rounds = max(items // whole, 1)  # the simulated square needs whole rounds of images
            found.append(PlannedComparison(outcome, effects, spec.participants, trials, rounds * whole))
    return found


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
