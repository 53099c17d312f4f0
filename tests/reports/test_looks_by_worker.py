"""Looks taken by real workers on PostgreSQL and Redis: by two at once, and by another after one was killed."""

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.core.cache import cache
from django.db import connection, transaction

from survey_site.celery import app
from survey_site.protocols.models import Look
from survey_site.reports import looks
from survey_site.reports.cached_task import progress_of
from survey_site.studies.models import AuditEntry, Study
from tests.faults.worker_process import ROOT, environment, wait_until
from tests.reports.factory import Survey
from tests.reports.ruled import finishes, ruled
from tests.stack.programs import REPORTS

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.slow,
    pytest.mark.skipif(connection.vendor != "postgresql", reason="two workers need a server"),
]


@contextlib.contextmanager
def worker(media: Path, log: Path) -> Iterator["subprocess.Popen[bytes]"]:
    """A worker of the queue `reports` as docker-compose.yml starts it, until the block ends."""
    with log.open("ab") as out:
        process = subprocess.Popen(
            [sys.executable, *REPORTS],
            env=environment(media),
            cwd=ROOT,
            stdout=out,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


@pytest.fixture
def due() -> Survey:
    """A look is due, and nobody asked for it."""
    made = ruled()
    for number in range(4):
        finishes(made, number, apart=4)
    assert looks.due(made.study) is not None
    return made


def waiting_for_a_row() -> int:
    """How many processes wait for a lock that another holds."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_stat_clear_snapshot()")  # else a transaction sees what it saw first
        cursor.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
        )
        return int(cursor.fetchone()[0])


def test_two_workers_at_the_same_moment_take_a_look_once(due: Survey, media: Path, tmp_path: Path) -> None:
    log = tmp_path / "log"
    for _ in range(2):  # as two sweeps that found no notice of each other ask
        app.send_task(looks.LOOK.name, args=[due.study.pk], queue="reports")
    with worker(media, log), worker(media, log):
        with transaction.atomic():
            Study.objects.select_for_update().get(pk=due.study.pk)
            wait_until(lambda: waiting_for_a_row() == 2, log)  # both have looked, and are about to store
        wait_until(lambda: log.read_text().count(" succeeded in ") == 2, log)
    assert Look.objects.get().reached and Study.objects.get().state == "paused"
    assert AuditEntry.objects.filter(verb="look taken").count() == 1
    assert AuditEntry.objects.filter(verb="stopped by the sealed rule").count() == 1


def test_a_look_whose_worker_was_killed_in_it_is_taken_by_the_next(
    due: Survey, media: Path, tmp_path: Path
) -> None:
    log = tmp_path / "log"
    with worker(media, log) as first:
        with transaction.atomic():
            Study.objects.select_for_update().get(pk=due.study.pk)
            wait_until(lambda: waiting_for_a_row() == 1, log)  # it has looked, and is about to store
            os.killpg(first.pid, signal.SIGKILL)
            first.wait()
        assert not Look.objects.exists() and Study.objects.get().state == "live"
    key = f"look:{due.protocol.measurement_id}:1"
    told = progress_of(key)
    assert told is not None, "the notice of the lost worker stands"
    cache.set(f"progress:{key}", told | {"at": told["at"] - looks.LOOK.silence_s - 1})
    with worker(media, log):
        wait_until(Look.objects.exists, log)
    assert Look.objects.get().reached and Study.objects.get().state == "paused"
    assert AuditEntry.objects.filter(verb="look taken").count() == 1
