"""Precompute jobs as rows: requested, announced, claimed by conditional UPDATE, swept.

The row is the truth and the message only a bell: whoever loses the message finds the row. Web and worker
both use this module; it imports neither TensorFlow nor the worker.
"""

import logging
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import Count, F, Q, QuerySet
from django.utils import timezone
from kombu.exceptions import KombuError

from saliency_worker import catalog
from survey_site.celery import app
from survey_site.stimuli.made_elsewhere import is_uploaded
from survey_site.stimuli.models import PrecomputeJob, SaliencyMap, Stimulus
from survey_site.studies.models import Study

logger = logging.getLogger(__name__)

TASK = "saliency.explain"
CHUNK = 16  # jobs in one message: enough to fill the device's batches, few enough to share and to lose
REANNOUNCE_AFTER = timedelta(seconds=60)
State = PrecomputeJob.State


@dataclass(frozen=True)
class Progress:
    """How many of a study's jobs are in which state."""

    queued: int = 0
    running: int = 0
    paused: int = 0
    cancelled: int = 0
    done: int = 0
    failed: int = 0

    @property
    def total(self) -> int:
        return self.queued + self.running + self.paused + self.done + self.failed

    @property
    def settled(self) -> bool:
        """Nothing will change by itself any more."""
        return self.queued + self.running == 0


def methods_by_classifier(study: Study) -> dict[str, tuple[str, ...]]:
    """The full keys that the study's conditions need of each classifier, `original` always among them.

    Maps made elsewhere are not asked for; of a classifier of the catalogue they still need the original.
    """
    needed: dict[str, set[str]] = defaultdict(lambda: {"original"})
    for condition in study.conditions.all():
        if condition.classifier and not is_uploaded(condition.key):
            needed[condition.classifier].add(condition.key)
        elif condition.classifier in catalog.CLASSIFIERS:
            needed[condition.classifier].add("original")
    return {name: tuple(sorted(keys)) for name, keys in sorted(needed.items())}


def job_settings(study: Study, *, metrics: bool) -> dict[str, Any]:
    """The settings that decide what a map looks like, beside classifier and method."""
    return {"edges": study.edges, "colour_map": study.colour_map, "metrics": metrics}


def request(
    study: Study,
    classifiers: Sequence[str] | None = None,
    methods: Sequence[str] | None = None,
    *,
    metrics: bool = True,
    stimuli: QuerySet[Stimulus] | None = None,
) -> int:
    """Queues what is missing or was made with other settings; returns the number of jobs queued.

    Idempotent: a finished job with the same methods and settings stays finished, a running one keeps running.
    """
    wanted = methods_by_classifier(study)
    if classifiers is not None:
        for name in set(classifiers) - set(wanted):
            catalog.classifier(name)  # raises UnknownName with the nearest one
        wanted = {name: wanted.get(name, ("original",)) for name in classifiers}
    if methods is not None:
        wanted = {name: tuple(sorted({*methods, "original"})) for name in wanted}
    options = job_settings(study, metrics=metrics)
    images = study.stimuli.all() if stimuli is None else stimuli
    queued: list[int] = []
    with transaction.atomic():
        for name, keys in wanted.items():
            existing = {
                job.stimulus_id: job
                for job in PrecomputeJob.objects.filter(stimulus__in=images, classifier=name)
            }
            new = []
            for stimulus_id in images.values_list("pk", flat=True):
                job = existing.get(stimulus_id)
                if job is None:
                    new.append(
                        PrecomputeJob(
                            stimulus_id=stimulus_id, classifier=name, methods=list(keys), settings=options
                        )
                    )
                elif _needs_rerun(job, keys, options):
                    merged = sorted({*keys, *(job.methods if job.settings == options else ())})
                    _requeue(PrecomputeJob.objects.filter(pk=job.pk), methods=merged, settings=options)
                    queued.append(job.pk)
            queued += [job.pk for job in PrecomputeJob.objects.bulk_create(new)]
        transaction.on_commit(lambda: announce(queued))
    return len(queued)


def _needs_rerun(job: PrecomputeJob, keys: Iterable[str], options: dict[str, Any]) -> bool:
    covered = set(keys) <= set(job.methods) and job.settings == options
    return not covered or job.state in (State.FAILED, State.CANCELLED)


def _requeue(jobs: QuerySet[PrecomputeJob], **changes: Any) -> int:
    return jobs.update(
        state=State.QUEUED,
        attempts=0,
        reason="",
        permanent=False,
        worker="",
        lease_expires_at=None,
        announced_at=None,
        not_before=None,
        finished_at=None,
        **changes,
    )


def announce(job_ids: Sequence[int]) -> None:
    """Rings the bell for queued jobs, in chunks. A broker that is away costs nothing: the sweeper rings again."""
    for start in range(0, len(job_ids), CHUNK):
        chunk = list(job_ids[start : start + CHUNK])
        try:
            app.send_task(TASK, args=[chunk])
        except (OSError, KombuError) as error:
            logger.warning(
                "broker unreachable (%s): %d jobs wait for the sweeper", error, len(job_ids) - start
            )
            return
        PrecomputeJob.objects.filter(pk__in=chunk).update(announced_at=timezone.now())


def claim(job_ids: Sequence[int], worker: str) -> list[PrecomputeJob]:
    """The jobs of these that this worker now owns: one conditional UPDATE each, so nobody else has them."""
    now = timezone.now()
    claimed = []
    for job_id in job_ids:
        won = (
            PrecomputeJob.objects.filter(pk=job_id, state=State.QUEUED)
            .filter(Q(not_before=None) | Q(not_before__lte=now))
            .update(
                state=State.RUNNING,
                worker=worker,
                attempts=F("attempts") + 1,
                started_at=now,
                lease_expires_at=now + timedelta(seconds=settings.JOB_LEASE_SECONDS),
            )
        )
        if won:
            claimed.append(job_id)
    return list(
        PrecomputeJob.objects.filter(pk__in=claimed).select_related("stimulus").order_by("classifier", "pk")
    )


def renew(job_ids: Sequence[int], worker: str) -> None:
    """Extends the leases of jobs that this worker still owns."""
    until = timezone.now() + timedelta(seconds=settings.JOB_LEASE_SECONDS)
    PrecomputeJob.objects.filter(pk__in=job_ids, worker=worker, state=State.RUNNING).update(
        lease_expires_at=until
    )


def finish(job: PrecomputeJob, worker: str) -> bool:
    """Marks the job done if this worker still owns it with the same order; False if it does not."""
    return bool(
        PrecomputeJob.objects.filter(pk=job.pk, worker=worker, state=State.RUNNING).update(
            state=State.DONE, finished_at=timezone.now(), lease_expires_at=None, reason=""
        )
    )


def fail(job: PrecomputeJob, worker: str, reason: str, *, permanent: bool) -> None:
    """A permanent failure is final; a transient one goes back to the queue with back-off, a few times."""
    final = permanent or job.attempts >= settings.JOB_MAX_ATTEMPTS
    now = timezone.now()
    PrecomputeJob.objects.filter(pk=job.pk, worker=worker, state=State.RUNNING).update(
        state=State.FAILED if final else State.QUEUED,
        reason=reason[:500],
        permanent=permanent,
        worker="",
        lease_expires_at=None,
        finished_at=now if final else None,
        announced_at=None,
        not_before=None if final else now + backoff(job.attempts),
    )


def backoff(attempts: int) -> timedelta:
    """5 s, 20 s, 80 s …: how long a transient failure waits after its n-th attempt."""
    return timedelta(seconds=5 * 4 ** max(attempts - 1, 0))


def sweep(now: datetime | None = None) -> int:
    """Re-queues jobs whose lease ran out and rings again for queued ones that nobody heard; returns how many."""
    now = now or timezone.now()
    lost = PrecomputeJob.objects.filter(state=State.RUNNING, lease_expires_at__lt=now)
    lost.filter(attempts__gte=settings.JOB_MAX_ATTEMPTS).update(
        state=State.FAILED,
        reason="The worker died on this image several times; look at its log, then retry.",
        finished_at=now,
        lease_expires_at=None,
    )
    lost.update(
        state=State.QUEUED,
        reason="The worker stopped; tried again.",
        worker="",
        lease_expires_at=None,
        announced_at=None,
    )
    silent = Q(announced_at=None)
    if not PrecomputeJob.objects.filter(state=State.RUNNING).exists():
        # While a worker is busy its messages wait in the queue; only silence means that they were lost.
        silent |= Q(announced_at__lt=now - REANNOUNCE_AFTER)
    unheard = list(
        PrecomputeJob.objects.filter(silent, state=State.QUEUED)
        .filter(Q(not_before=None) | Q(not_before__lte=now))
        .order_by("classifier", "pk")
        .values_list("pk", flat=True)[:512]
    )
    announce(unheard)
    return len(unheard)


def progress(study: Study) -> Progress:
    """Counts by state, in one query."""
    counts = (
        PrecomputeJob.objects.filter(stimulus__study=study)
        .values_list("state")
        .annotate(n=Count("pk"))
        .order_by()
    )
    return Progress(**dict(counts))


def pause(study: Study) -> int:
    """Holds back what is queued; what runs is finished."""
    return _of(study).filter(state=State.QUEUED).update(state=State.PAUSED)


def requeue(chosen: QuerySet[PrecomputeJob]) -> int:
    """Queues these jobs from the start and rings the bell after commit; returns how many."""
    ids = list(chosen.values_list("pk", flat=True))
    _requeue(PrecomputeJob.objects.filter(pk__in=ids))
    transaction.on_commit(lambda: announce(ids))
    return len(ids)


def resume(study: Study) -> int:
    """Queues what was paused."""
    return requeue(_of(study).filter(state=State.PAUSED))


def cancel(study: Study) -> int:
    """Drops what is queued or paused; finished maps stay."""
    return _of(study).filter(state__in=[State.QUEUED, State.PAUSED]).update(state=State.CANCELLED)


def retry_failed(study: Study) -> int:
    """Queues every failed or cancelled job again."""
    return requeue(_of(study).filter(state__in=[State.FAILED, State.CANCELLED]))


def _of(study: Study) -> QuerySet[PrecomputeJob]:
    return PrecomputeJob.objects.filter(stimulus__study=study)


def missing_maps(study: Study) -> list[str]:
    """One line for each map that a condition needs and that has not been computed with the study's settings."""
    have = set(
        SaliencyMap.objects.filter(
            stimulus__study=study, current=True, pictures__colour_map=study.colour_map
        ).values_list("stimulus_id", "classifier", "method")
    )
    needed = [
        (condition.classifier, condition.key)
        for condition in study.conditions.order_by("classifier", "base", "method")
    ]
    needed += [(name, "original") for name in sorted({name for name, _ in needed})]
    return [
        f"{key}: no map of {method or 'the method'} {'uploaded for' if is_uploaded(method) else 'by'} {classifier}"
        for stimulus_id, key in study.stimuli.order_by("key").values_list("pk", "key")
        for classifier, method in dict.fromkeys(needed)
        if (stimulus_id, classifier, method) not in have
    ]
