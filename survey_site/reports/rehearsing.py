"""Rehearsing a study: by command at once, or from the desk by a task of the queue `reports`. No NumPy until it runs."""

import time
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from django.core.cache import cache

from survey_site.celery import app
from survey_site.reports import planned_power, stored
from survey_site.studies import canonical, freeze
from survey_site.studies.models import Rehearsal, Study

if TYPE_CHECKING:
    from survey_site.reports.rehearsal import Progress

TASK = "reports.rehearse"
FEWEST, MOST, USUAL = 5, 1000, 20  # simulated studies with effects, and as many without


class CannotRehearse(ValueError):
    """The draft cannot be carried out yet. `problems` says line by line what must change."""

    def __init__(self, problems: list[str]) -> None:
        self.problems = problems
        super().__init__("the study cannot be carried out yet:\n" + "\n".join(problems[:10]))


def run(
    study: Study, seed: int, repetitions: int, progress: "Progress" = lambda fraction, label: None
) -> Rehearsal:
    """Rehearses the draft as it is now and stores what was found. Raises CannotRehearse, and then stores nothing."""
    from survey_site.reports.rehearsal import rehearse

    if problems := freeze.unplannable(study):
        raise CannotRehearse(problems)
    document = freeze.draft_document(study)
    found = rehearse(document, seed, repetitions, progress)
    return Rehearsal.objects.create(
        study=study,
        document_hash=canonical.sha256(document),
        seed=seed,
        participants=study.target_participants,
        repetitions=repetitions,
        passed=found.passed,
        summary=asdict(found),
    )


def ask(study: Study, seed: int, repetitions: int) -> str:
    """Sends the task unless it is under way; returns why it could not be sent, or the empty string."""
    told = progress_of(study)
    if told and not told["failed"] and time.time() - told["at"] < planned_power.SILENCE_SECONDS:
        return ""
    stored.set_progress(key_of(study), 0.0, "")
    try:
        app.send_task(TASK, args=[study.pk, seed, repetitions], queue="reports")
    except Exception as error:
        cache.delete(f"progress:{key_of(study)}")
        return f"{type(error).__name__}: {error}"
    return ""


def key_of(study: Study) -> str:
    return f"rehearsal:{study.pk}"


def progress_of(study: Study) -> dict[str, Any] | None:
    """Where the task is; None when none is under way."""
    return stored.progress_of(key_of(study))


def ended(study: Study) -> None:
    """Forgets the progress of a task that has stored its result."""
    cache.delete(f"progress:{key_of(study)}")
