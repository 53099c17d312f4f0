"""The worker's tasks: claim, explain, store or compare. Everything else is in `store` and in `saliency`."""

import logging
import os
import socket
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from functools import partial
from itertools import groupby
from typing import TypeVar

from django.conf import settings
from django.db import DatabaseError, close_old_connections

from saliency_worker import model_store, observer_store, store
from saliency_worker.catalog import UnknownName
from saliency_worker.saliency.errors import SaliencyError
from saliency_worker.saliency.frozen import jobs_at_once
from saliency_worker.saliency.results import Explanation
from saliency_worker.saliency.watching import Asked, seldom
from survey_site.celery import app
from survey_site.stimuli import leased_rows, slow_methods, turns
from survey_site.stimuli.leased_rows import LeasedRow
from survey_site.stimuli.models import Job, ObserverJob, OwnModel, PrecomputeJob, RecomputeJob
from survey_site.telemetry import counters

AnyJob = TypeVar("AnyJob", bound=Job)
AnyRow = TypeVar("AnyRow", bound=LeasedRow)

logger = logging.getLogger(__name__)
PROGRESS_SECONDS = 2.0  # as often as the page of maps asks
Keep = Callable[[AnyJob, Explanation, str], None]


@app.task(name=PrecomputeJob.LANE.task)
def explain(job_ids: Sequence[int]) -> None:
    """Explains the images of those jobs that are still to be had. Idempotent: the rows decide."""
    work_off(PrecomputeJob, job_ids, store.save)


@app.task(name=RecomputeJob.LANE.task)
def recompute(job_ids: Sequence[int]) -> None:
    """Explains the images again and compares with what is stored, which stays as it is."""
    work_off(RecomputeJob, job_ids, store.compare)


@app.task(name=OwnModel.LANE.task)
def try_model(ids: Sequence[int]) -> None:
    """Tries models that researchers brought, each in a process of its own."""
    each(OwnModel, ids, model_store.try_model)


@app.task(name=ObserverJob.LANE.task)
def observe(ids: Sequence[int]) -> None:
    """Tries the synthetic observers on drafts of studies."""
    each(ObserverJob, ids, observer_store.observe)


def each(kind: type[AnyRow], ids: Sequence[int], do: Callable[[AnyRow, str], None]) -> None:
    """Claims what is still to be had and does it row by row; `do` gets the worker's name and ends the row."""
    worker = f"{socket.gethostname()}:{os.getpid()}"
    claimed = leased_rows.claim(kind, ids, worker)
    with leases(kind, [row.pk for row in claimed], worker):
        one_by_one(claimed, worker, do)


def one_by_one(rows: Iterable[AnyRow], worker: str, do: Callable[[AnyRow, str], None]) -> None:
    """A row that fails does not fail the others."""
    for row in rows:
        try:
            do(row, worker)
        except Exception as error:
            report(row, worker, error)


def work_off(kind: type[AnyJob], job_ids: Sequence[int], keep: Keep[AnyJob]) -> None:
    """Claims as many jobs as the message names, or as fill the device; `keep` gets each explanation and ends the job.

    A message says that so many jobs wait; whose turn it is decides which of all that wait are taken.
    """
    worker = f"{socket.gethostname()}:{os.getpid()}"
    left, most = len(job_ids), max(len(job_ids), jobs_at_once())
    claimed, _held[kind] = turns.heard(kind, job_ids, most, worker, _held.get(kind, turns.NOTHING))
    while claimed:
        with leases(kind, [job.pk for job in claimed], worker):
            pointing = [job for job in claimed if isinstance(job, PrecomputeJob) and job.region_only]
            one_by_one(pointing, worker, store.point)
            whole = [job for job in claimed if job not in pointing]
            for _, group in groupby(whole, key=_alike):
                explain_group(list(group), worker, keep)
        left -= len(claimed)
        claimed = []
        if left > 0:
            claimed, _held[kind] = turns.take(kind, max(left, jobs_at_once()), worker, _held[kind])


_held: dict[type[Job], turns.Held] = {}
"""What this process took last, of each kind: its classifier is loaded."""


def _alike(job: Job) -> tuple[object, ...]:
    """What jobs explained together have in common. Of one study, where no picture stands twice."""
    return job.classifier, job.methods, job.settings, job.stimulus.study_id


def explain_group(group: list[AnyJob], worker: str, keep: Keep[AnyJob]) -> None:
    """Explains images of one classifier and one set of settings; a failing image does not fail the others."""
    waiting = {job.stimulus.sha256: job for job in group}
    try:
        explainer = store.explainer(group[0])
        began = time.perf_counter()
        watch = seldom(partial(_note, waiting, worker), PROGRESS_SECONDS)
        for explanation in explainer.explain(store.images(group, explainer), watch):
            keep(waiting[explanation.image_sha256], explanation, worker)
            counters.IMAGES.labels(group[0].classifier).observe(time.perf_counter() - began)
            counters.MAPS.labels(group[0].classifier).inc(
                sum(len(c.maps) for c in explanation.by_rank.values())
            )
            began = time.perf_counter()
            del waiting[explanation.image_sha256]
    except Exception as error:
        remaining = list(waiting.values())
        if len(remaining) == 1 or isinstance(error, store.Unloadable):
            for job in remaining:
                report(job, worker, error)
            return
        for job in remaining:  # one by one, to find the image that does not work
            explain_group([job], worker, keep)


def _note(waiting: Mapping[str, Job], worker: str, asked: Asked) -> None:
    """Lets the page of maps say how far it is; what the database says to that stops no map."""
    told = {name: value for name, value in asdict(asked).items() if name != "sha256"}
    try:
        slow_methods.note(waiting[asked.sha256], worker, **told)
    except DatabaseError:
        logger.exception("progress could not be written; tried again")


def report(job: LeasedRow, worker: str, error: Exception) -> None:
    """Writes the failure into the job, with words for the researcher and the retry policy."""
    cause = error.cause if isinstance(error, store.Unloadable) else error
    known = isinstance(cause, SaliencyError | UnknownName)
    permanent = bool(getattr(cause, "permanent", known))
    if not known:
        logger.exception("job %s failed", job.pk, exc_info=cause)
    leased_rows.fail(job, worker, str(cause) or type(cause).__name__, permanent=permanent)


@contextmanager
def leases(kind: type[LeasedRow], job_ids: Sequence[int], worker: str) -> Iterator[None]:
    """Renews the leases from a thread while the device computes."""
    done = threading.Event()

    def renew() -> None:
        while not done.wait(settings.JOB_LEASE_SECONDS / 4):
            close_old_connections()
            try:
                leased_rows.renew(kind, job_ids, worker)
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
