"""The worker's task: claim, explain, store. Everything else is in `store` and in `saliency`."""

import logging
import os
import socket
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import groupby

from django.conf import settings
from django.db import close_old_connections

from saliency_worker import store
from saliency_worker.catalog import UnknownName
from saliency_worker.saliency.errors import SaliencyError
from survey_site.celery import app
from survey_site.stimuli import jobs
from survey_site.stimuli.models import PrecomputeJob

logger = logging.getLogger(__name__)


@app.task(name=jobs.TASK)
def explain(job_ids: Sequence[int]) -> None:
    """Explains the images of those jobs that are still to be had. Idempotent: the rows decide."""
    worker = f"{socket.gethostname()}:{os.getpid()}"
    claimed = jobs.claim(job_ids, worker)
    with leases([job.pk for job in claimed], worker):
        for _, group in groupby(claimed, key=lambda job: (job.classifier, job.methods, job.settings)):
            explain_group(list(group), worker)


def explain_group(group: list[PrecomputeJob], worker: str) -> None:
    """Explains images of one classifier and one set of settings; a failing image does not fail the others."""
    waiting = {job.stimulus.sha256: job for job in group}
    try:
        explainer = store.explainer(group[0])
        for explanation in explainer.explain(store.images(group)):
            store.save(waiting[explanation.image_sha256], explanation, worker)
            del waiting[explanation.image_sha256]
    except Exception as error:
        remaining = list(waiting.values())
        if len(remaining) == 1 or isinstance(error, store.Unloadable):
            for job in remaining:
                report(job, worker, error)
            return
        for job in remaining:  # one by one, to find the image that does not work
            explain_group([job], worker)


def report(job: PrecomputeJob, worker: str, error: Exception) -> None:
    """Writes the failure into the job, with words for the researcher and the retry policy."""
    cause = error.cause if isinstance(error, store.Unloadable) else error
    known = isinstance(cause, SaliencyError | UnknownName)
    permanent = bool(getattr(cause, "permanent", known))
    if not known:
        logger.exception("job %s failed", job.pk, exc_info=cause)
    jobs.fail(job, worker, str(cause) or type(cause).__name__, permanent=permanent)


@contextmanager
def leases(job_ids: Sequence[int], worker: str) -> Iterator[None]:
    """Renews the leases from a thread while the device computes."""
    done = threading.Event()

    def renew() -> None:
        while not done.wait(settings.JOB_LEASE_SECONDS / 4):
            close_old_connections()
            try:
                jobs.renew(job_ids, worker)
            except Exception:
                logger.exception("a lease could not be renewed; tried again")
            finally:
                close_old_connections()

    thread = threading.Thread(target=renew, name="leases", daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()
