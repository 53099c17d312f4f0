"""Rows as a queue: announced, claimed by one conditional UPDATE, leased, swept, tried again with back-off.

The row is the truth and the message only a bell: whoever loses the message finds the row. Precompute jobs and
notifications are such rows; web and workers both use this module, which imports neither TensorFlow nor the worker.
"""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, ClassVar, TypeVar

from django.db import connection, models, transaction
from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from kombu.exceptions import KombuError

from survey_site.celery import app
from survey_site.telemetry import counters

logger = logging.getLogger(__name__)

REANNOUNCE_AFTER = timedelta(seconds=60)
REANNOUNCE_BUSY_AFTER = timedelta(minutes=15)  # while a worker is busy: a bell too many costs one look
MOST_ANNOUNCED = 512  # in one sweep
LONGEST_REASON = 500


@dataclass(frozen=True, slots=True)
class Lane:
    """How the rows of one model are worked off.

    task: the Celery task that takes a list of their ids. chunk: ids in one message. first_wait: after the first
    transient failure; four times as long after each further one. long: a message may wait for hours behind others, so
    that silence is no loss while a row runs, and no more than MOST_ANNOUNCED rows are announced at a time: workers ask for
    the next as they end some. related, order: how claimed rows are read.
    """

    task: str
    chunk: int
    lease: Callable[[], timedelta]
    most_attempts: Callable[[], int]
    first_wait: timedelta
    died: str
    long: bool = False
    related: tuple[str, ...] = ()
    order: tuple[str, ...] = ("pk",)

    def backoff(self, attempts: int) -> timedelta:
        """How long a transient failure waits after its n-th attempt."""
        return self.first_wait * 4 ** max(attempts - 1, 0)


class LeasedRow(models.Model):
    """Work for a worker: queued → running with a lease → done, or failed with a reason in words."""

    class State(models.TextChoices):
        QUEUED = "queued", _("Queued")
        RUNNING = "running", _("Running")
        PAUSED = "paused", _("Paused")
        CANCELLED = "cancelled", _("Cancelled")
        DONE = "done", _("Done")
        FAILED = "failed", _("Failed")

    LANE: ClassVar[Lane]
    state = models.CharField(max_length=10, choices=State.choices, default=State.QUEUED)
    attempts = models.PositiveSmallIntegerField(default=0)
    reason = models.CharField(max_length=LONGEST_REASON, blank=True)
    permanent = models.BooleanField(default=False, help_text=_("Trying again will not help."))
    worker = models.CharField(max_length=100, blank=True)
    lease_expires_at = models.DateTimeField(null=True, blank=True)
    announced_at = models.DateTimeField(null=True, blank=True)
    not_before = models.DateTimeField(
        null=True, blank=True, help_text=_("Back-off after a transient failure.")
    )
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        abstract = True


State = LeasedRow.State
Kind = type[LeasedRow]
AnyRow = TypeVar("AnyRow", bound=LeasedRow)


def announce(kind: Kind, ids: Sequence[int]) -> None:
    """Rings the bell for queued rows, in chunks. A broker that is away costs nothing: the sweeper rings again."""
    size = kind.LANE.chunk
    ids = ids[: _room(kind)]
    for start in range(0, len(ids), size):
        chunk = list(ids[start : start + size])
        try:
            app.send_task(kind.LANE.task, args=[chunk])
        except (OSError, KombuError) as error:
            left, name = len(ids) - start, kind._meta.verbose_name_plural
            logger.warning("broker unreachable (%s): %d %s wait for the sweeper", error, left, name)
            return
        kind._default_manager.filter(pk__in=chunk).update(announced_at=timezone.now())


def announce_more(kind: Kind) -> None:
    """Rings once more for rows that were not announced yet, if there is room: what a worker does for each message that it
    hears, so that there are as many messages as before.
    """
    announce(kind, _silent(kind, timezone.now())[: kind.LANE.chunk])


def used_up(kind: Kind, ids: Sequence[int]) -> None:
    """A message that named these rows was heard. Whoever heard it may take others; nothing announces these from now on."""
    kind._default_manager.filter(pk__in=ids, state=State.QUEUED).update(announced_at=None)


def _room(kind: Kind) -> int:
    """How many rows may be announced now, so that a million of them are no flood of messages."""
    if not kind.LANE.long:
        return MOST_ANNOUNCED
    waiting = kind._default_manager.filter(state=State.QUEUED, announced_at__isnull=False).order_by()
    return MOST_ANNOUNCED - waiting.values("pk")[:MOST_ANNOUNCED].count()


def _silent(kind: Kind, now: datetime) -> list[int]:
    rows = kind._default_manager.filter(_is_due(now), state=State.QUEUED, announced_at=None)
    return list(rows.order_by(*kind.LANE.order).values_list("pk", flat=True)[:MOST_ANNOUNCED])


def claim(kind: type[AnyRow], ids: Sequence[int], worker: str, now: datetime | None = None) -> list[AnyRow]:
    """The rows of these that this worker now owns, taken in one statement, so that nobody else has them.

    PostgreSQL passes over rows that somebody else takes at this moment; SQLite has one writer at a time.
    """
    if not ids:
        return []
    return claim_where(kind, f"id IN ({', '.join(['%s'] * len(ids))})", list(ids), len(ids), worker, now)


def claim_where(
    kind: type[AnyRow],
    condition: str,
    values: Sequence[Any],
    most: int,
    worker: str,
    now: datetime | None = None,
) -> list[AnyRow]:
    """`claim` of the first rows, by id, that meet a condition in SQL with these values."""
    now = now or timezone.now()
    table = connection.ops.quote_name(kind._meta.db_table)
    locked = "FOR UPDATE SKIP LOCKED" if connection.features.has_select_for_update_skip_locked else ""
    stored = connection.ops.adapt_datetimefield_value
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            WITH free AS MATERIALIZED (
                SELECT id FROM {table}
                WHERE state = 'queued' AND (not_before IS NULL OR not_before <= %s) AND {condition}
                ORDER BY id LIMIT %s {locked}
            )
            UPDATE {table} SET state = 'running', worker = %s, attempts = attempts + 1, started_at = %s,
                lease_expires_at = %s
            WHERE id IN (SELECT id FROM free) RETURNING id
            """,  # noqa: S608 — names of this program's own
            [stored(now), *values, most, worker, stored(now), stored(now + kind.LANE.lease())],
        )
        claimed = [pk for (pk,) in cursor.fetchall()]
    rows = kind._default_manager.filter(pk__in=claimed)
    return list(rows.select_related(*kind.LANE.related).order_by(*kind.LANE.order))


def _is_due(now: datetime) -> Q:
    return Q(not_before=None) | Q(not_before__lte=now)


def renew(kind: Kind, ids: Sequence[int], worker: str) -> None:
    """Extends the leases of rows that this worker still owns."""
    until = timezone.now() + kind.LANE.lease()
    owned = kind._default_manager.filter(pk__in=ids, worker=worker, state=State.RUNNING)
    owned.update(lease_expires_at=until)


def finish(row: LeasedRow, worker: str, **result: Any) -> bool:
    """Marks the row done if this worker still owns it in the same attempt; False if it does not."""
    return bool(
        _owned(row, worker).update(
            state=State.DONE, finished_at=timezone.now(), lease_expires_at=None, reason="", **result
        )
    )


def fail(row: LeasedRow, worker: str, reason: str, *, permanent: bool, now: datetime | None = None) -> None:
    """A permanent failure is final; a transient one goes back to the queue with back-off, a few times."""
    now = now or timezone.now()
    given_up = row.attempts >= row.LANE.most_attempts()
    final = permanent or given_up
    if given_up and not permanent:
        reason = f"Given up after {row.attempts} tries: {reason}"
    counters.ROW_FAILURES.labels(type(row)._meta.model_name, "yes" if final else "no").inc()
    _owned(row, worker).update(
        state=State.FAILED if final else State.QUEUED,
        reason=reason[:LONGEST_REASON],
        permanent=permanent,
        worker="",
        lease_expires_at=None,
        finished_at=now if final else None,
        announced_at=None,
        not_before=None if final else now + row.LANE.backoff(row.attempts),
    )


def _owned(row: LeasedRow, worker: str) -> QuerySet[Any]:
    kind = type(row)
    return kind._default_manager.filter(pk=row.pk, worker=worker, state=State.RUNNING, attempts=row.attempts)


def sweep(kinds: Sequence[Kind], now: datetime | None = None) -> int:
    """Takes back rows whose lease ran out, and rings again for queued ones that nobody heard; returns how many.

    kinds: those that the same workers take.
    """
    now = now or timezone.now()
    counters.SWEEPS.inc()
    for kind in kinds:
        _take_back(kind, now)
    busy = any(kind._default_manager.filter(state=State.RUNNING).exists() for kind in kinds)
    return sum(_ring_again(kind, now, busy and kind.LANE.long) for kind in kinds)


def _take_back(kind: Kind, now: datetime) -> None:
    lost = kind._default_manager.filter(state=State.RUNNING, lease_expires_at__lt=now)
    given_up = lost.filter(attempts__gte=kind.LANE.most_attempts()).update(
        state=State.FAILED, reason=kind.LANE.died, finished_at=now, lease_expires_at=None
    )
    taken = lost.update(
        state=State.QUEUED,
        reason="The worker stopped; tried again.",
        worker="",
        lease_expires_at=None,
        announced_at=None,
    )
    counters.LEASES_LOST.labels(kind._meta.model_name).inc(given_up + taken)
    counters.ROW_FAILURES.labels(kind._meta.model_name, "yes").inc(given_up)


def _ring_again(kind: Kind, now: datetime, waiting: bool) -> int:
    unheard = _silent(kind, now)[: _room(kind)]
    # Where a worker is busy its messages may wait in the queue; else silence means that they were lost.
    since = now - (REANNOUNCE_BUSY_AFTER if waiting else REANNOUNCE_AFTER)
    rows = kind._default_manager.filter(_is_due(now), state=State.QUEUED, announced_at__lt=since)
    lost = list(rows.order_by("announced_at").values_list("pk", flat=True)[:MOST_ANNOUNCED])
    rows.model._default_manager.filter(pk__in=lost, state=State.QUEUED).update(announced_at=None)
    unheard = (lost + unheard)[:MOST_ANNOUNCED]
    announce(kind, unheard)
    counters.RUNG_AGAIN.labels(kind._meta.model_name).inc(len(unheard))
    return len(unheard)


def reset(chosen: QuerySet[AnyRow], **changes: Any) -> int:
    """Puts these rows back to the start of the queue, with changes to their order."""
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


def requeue(chosen: QuerySet[AnyRow], **changes: Any) -> int:
    """Queues these rows from the start, with changes to their order, and rings the bell after commit; returns how many.

    One statement for any number of rows. Each is looked at once more as it is locked: what somebody began meanwhile is
    left alone.
    """
    kind, chosen = chosen.model, chosen.order_by("pk")  # two who do this at once lock in one order
    first = list(chosen.values_list("pk", flat=True)[:MOST_ANNOUNCED])
    with transaction.atomic():
        locked = chosen.select_for_update(of=("self",)).values("pk")
        queued = reset(kind._default_manager.filter(pk__in=locked), **changes)
    if first:
        transaction.on_commit(lambda: announce(kind, first))
    return queued
