"""Jobs as rows: announced, claimed by conditional UPDATE, leased, swept. The same for every kind of job.

The row is the truth and the message only a bell: whoever loses the message finds the row. Web and worker
both use this module; it imports neither TensorFlow nor the worker.
"""

import logging
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, TypeVar

from django.conf import settings
from django.db import transaction
from django.db.models import F, Q, QuerySet
from django.utils import timezone
from kombu.exceptions import KombuError

from survey_site.celery import app
from survey_site.stimuli.models import Job, PrecomputeJob, RecomputeJob

logger = logging.getLogger(__name__)

KINDS: tuple[type[Job], ...] = (PrecomputeJob, RecomputeJob)
CHUNK = 16  # jobs in one message: enough to fill the device's batches, few enough to share and to lose
REANNOUNCE_AFTER = timedelta(seconds=60)
State = Job.State
AnyJob = TypeVar("AnyJob", bound=Job)


def announce(kind: type[Job], job_ids: Sequence[int]) -> None:
    """Rings the bell for queued jobs, in chunks. A broker that is away costs nothing: the sweeper rings again."""
    for start in range(0, len(job_ids), CHUNK):
        chunk = list(job_ids[start : start + CHUNK])
        try:
            app.send_task(kind.TASK, args=[chunk])
        except (OSError, KombuError) as error:
            logger.warning(
                "broker unreachable (%s): %d jobs wait for the sweeper", error, len(job_ids) - start
            )
            return
        kind._default_manager.filter(pk__in=chunk).update(announced_at=timezone.now())


def claim(kind: type[AnyJob], job_ids: Sequence[int], worker: str) -> list[AnyJob]:
    """The jobs of these that this worker now owns: one conditional UPDATE each, so nobody else has them."""
    now = timezone.now()
    claimed = []
    for job_id in job_ids:
        won = (
            kind._default_manager.filter(pk=job_id, state=State.QUEUED)
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
    rows = kind._default_manager.filter(pk__in=claimed)
    return list(rows.select_related("stimulus").order_by("classifier", "pk"))


def renew(kind: type[Job], job_ids: Sequence[int], worker: str) -> None:
    """Extends the leases of jobs that this worker still owns."""
    until = timezone.now() + timedelta(seconds=settings.JOB_LEASE_SECONDS)
    owned = kind._default_manager.filter(pk__in=job_ids, worker=worker, state=State.RUNNING)
    owned.update(lease_expires_at=until)


def finish(job: Job, worker: str, **result: Any) -> bool:
    """Marks the job done if this worker still owns it with the same order; False if it does not."""
    owned = type(job)._default_manager.filter(pk=job.pk, worker=worker, state=State.RUNNING)
    return bool(
        owned.update(state=State.DONE, finished_at=timezone.now(), lease_expires_at=None, reason="", **result)
    )


def fail(job: Job, worker: str, reason: str, *, permanent: bool) -> None:
    """A permanent failure is final; a transient one goes back to the queue with back-off, a few times."""
    final = permanent or job.attempts >= settings.JOB_MAX_ATTEMPTS
    now = timezone.now()
    type(job)._default_manager.filter(pk=job.pk, worker=worker, state=State.RUNNING).update(
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
    for kind in KINDS:
        _take_back(kind, now)
    busy = any(kind._default_manager.filter(state=State.RUNNING).exists() for kind in KINDS)
    return sum(_ring_again(kind, now, busy) for kind in KINDS)


def _take_back(kind: type[Job], now: datetime) -> None:
    lost = kind._default_manager.filter(state=State.RUNNING, lease_expires_at__lt=now)
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


def _ring_again(kind: type[Job], now: datetime, busy: bool) -> int:
    silent = Q(announced_at=None)
    if not busy:
        # While a worker is busy its messages wait in the queue; only silence means that they were lost.
        silent |= Q(announced_at__lt=now - REANNOUNCE_AFTER)
    unheard = list(
        kind._default_manager.filter(silent, state=State.QUEUED)
        .filter(Q(not_before=None) | Q(not_before__lte=now))
        .order_by("classifier", "pk")
        .values_list("pk", flat=True)[:512]
    )
    announce(kind, unheard)
    return len(unheard)


def reset(chosen: QuerySet[AnyJob], **changes: Any) -> int:
    """Puts these jobs back to the start of the queue, with changes to their order."""
    return chosen.update(
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


def requeue(chosen: QuerySet[AnyJob]) -> int:
    """Queues these jobs from the start and rings the bell after commit; returns how many."""
    kind, ids = chosen.model, list(chosen.values_list("pk", flat=True))
    reset(kind._default_manager.filter(pk__in=ids))
    transaction.on_commit(lambda: announce(kind, ids))
    return len(ids)
