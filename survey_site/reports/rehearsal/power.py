"""Power of the planned comparisons: what is simulated for a draft, asked of a task and kept. No NumPy here."""

import hashlib
import json
import time
from dataclasses import asdict, dataclass
from typing import Any

from django.core.cache import cache

from survey_site.celery import app
from survey_site.design.feasibility import Assessment
from survey_site.protocols.document import spec_of
from survey_site.reports import cached_report
from survey_site.statistics.plan import CONTROL_METHODS
from survey_site.studies.models import Study
from survey_site.trials.simulation.behaviour import planted_effects

TASK = "reports.power"
REPETITIONS = 400
SILENCE_SECONDS = 60


@dataclass(frozen=True, slots=True)
class PlannedComparison:
    """One outcome's planned comparisons. `effects`: (column, expected value), the reference first.

    Values are shares 0..1 or mean ratings 0..6. items: pools or images, a multiple of trials × columns.
    """

    outcome: str
    effects: tuple[tuple[str, float], ...]
    participants: int
    trials: int
    items: int


def questions(study: Study, verdict: Assessment) -> list[PlannedComparison]:
    """What the design plans to compare; empty where there is nothing to compare or to answer."""
    conditions = list(study.conditions.all())
    controls = {c.column for c in conditions if c.method in CONTROL_METHODS}
    reference = [c.column for c in conditions if c.is_reference] or [c.column for c in conditions]
    names = list(dict.fromkeys([*reference[:1], *(c.column for c in conditions if c.column not in controls)]))
    planted = planted_effects(names)
    spec = spec_of(study)
    found = []
    for outcome, trials, items in (
        ("faith", spec.matching_per_column, verdict.pools),
        ("index", spec.rating_per_column, verdict.rating_images),
    ):
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


def result_of(key: str) -> list[dict[str, Any]] | None:
    """The finished simulation."""
    found: list[dict[str, Any]] | None = cache.get(f"result:{key}")
    return found


def store(key: str, result: list[dict[str, Any]]) -> None:
    cache.set(f"result:{key}", result, cached_report.KEEP_SECONDS)


def ask(asked: list[PlannedComparison], key: str) -> str:
    """Sends the task unless it is under way; returns why it could not be sent, or the empty string."""
    told = cached_report.progress_of(key)
    if told and not told["failed"] and time.time() - told["at"] < SILENCE_SECONDS:
        return ""
    cached_report.set_progress(key, 0.0, "")
    try:
        app.send_task(TASK, args=[key, [asdict(question) for question in asked]], queue="reports")
    except Exception as error:
        cached_report.set_progress(key, 0.0, "", failed=f"{type(error).__name__}: {error}")
        return str(error)
    return ""


def waiting(told: dict[str, Any] | None) -> bool:
    """Asked for, but no worker has said anything for a while: the queue `reports` is probably not served."""
    return bool(told and not told["failed"] and not told["label"] and time.time() - told["at"] > 10)


def lost(told: dict[str, Any] | None) -> bool:
    """Begun and then silent: the worker went away, and the button may be pressed again."""
    return bool(told and time.time() - told["at"] > SILENCE_SECONDS)
