"""Asks the queue `reports` for a rehearsal of a draft. No NumPy."""

from survey_site.reports.cached_task import CachedTask
from survey_site.studies.models import Study

REHEARSAL = CachedTask("reports.rehearse")
FEWEST, MOST, USUAL = 5, 1000, 20  # simulated studies with effects, and as many without


def key_of(study: Study) -> str:
    """Under which the study's task tells how far it is: one at a time."""
    return f"rehearsal:{study.pk}"


def ask(study: Study, seed: int, repetitions: int) -> str:
    """Sends the task unless it is under way; returns why it could not be sent, or the empty string."""
    return REHEARSAL.ask(key_of(study), [study.pk, seed, repetitions])
