"""Asks a task of the queue `reports` for a rehearsal, and tells how far it is. No NumPy."""

import time
from typing import Any

from django.core.cache import cache

from survey_site.celery import app
from survey_site.reports import cached_report
from survey_site.reports.rehearsal import power
from survey_site.studies.models import Study

TASK = "reports.rehearse"
FEWEST, MOST, USUAL = 5, 1000, 20  # simulated studies with effects, and as many without


def ask(study: Study, seed: int, repetitions: int) -> str:
    """Sends the task unless it is under way; returns why it could not be sent, or the empty string."""
    told = progress_of(study)
    if told and not told["failed"] and time.time() - told["at"] < power.SILENCE_SECONDS:
        return ""
    cached_report.set_progress(key_of(study), 0.0, "")
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
    return cached_report.progress_of(key_of(study))


def ended(study: Study) -> None:
    """Forgets the progress of a task that has stored its result."""
    cache.delete(f"progress:{key_of(study)}")
