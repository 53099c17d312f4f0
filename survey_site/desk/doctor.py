"""Looks at every part that the site needs, and says of each what is wrong and what to do about it."""

import platform
import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import django
from django.conf import settings
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.core.mail import get_connection
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.utils import timezone

from survey_site.celery import app
from survey_site.stimuli.models import PrecomputeJob
from survey_site.trials.views.health import Looks

ANSWERS_WITHIN_S = 3
CLOCKS_APART = timedelta(seconds=2)
WAITS_TOO_LONG = timedelta(minutes=10)
WORKERS = {
    "saliency": "python -m saliency_worker worker",
    "reports": "celery -A survey_site worker -Q reports -P solo",
}
REMEDIES = {
    "database": "start it, and look at DATABASE_URL",
    "storage": "look at STORAGE_URL and the disk",
    "broker": "start Redis, and look at CELERY_BROKER_URL; no answer is lost meanwhile",
    "cache": "start Redis, and look at CACHE_URL; no answer is lost meanwhile",
}


@dataclass(frozen=True)
class Examined:
    """One part. problem: what is wrong and what to do; empty where nothing is. told: what else was found."""

    part: str
    told: str = ""
    problem: str = ""


class Ailing(Exception):
    """A part does not work; the message says why and what to do."""


def examine() -> Iterator[Examined]:
    """Every part, the ones that others stand on first. What cannot be looked at without a database is left out then."""
    yield Examined("versions", versions())
    outcome = Looks().outcome()
    for part, found in outcome.items():
        yield Examined(part, problem="" if found == "ok" else f"{found}; {REMEDIES[part]}")
    checks: dict[str, Callable[[], str]] = {"mail": mail, "weights": weights}
    if outcome["storage"] == "ok":
        checks["writing files"] = write_a_file
    if outcome["database"] == "ok":
        checks |= {"migrations": migrations, "clock": clock}
        if not unapplied():
            checks["jobs"] = jobs
    if outcome["broker"] == "ok":
        checks["workers"] = workers
    for part, check in checks.items():
        yield _examined(part, check)


def _examined(part: str, check: Callable[[], str]) -> Examined:
    try:
        return Examined(part, check())
    except Ailing as error:
        return Examined(part, problem=str(error))


def versions() -> str:
    return f"Python {platform.python_version()}, Django {django.get_version()}, {connection.vendor}"


def unapplied() -> list[str]:
    """Migrations that the database lacks."""
    executor = MigrationExecutor(connection)
    plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
    return [f"{migration.app_label}.{migration.name}" for migration, _ in plan]


def migrations() -> str:
    if missing := unapplied():
        raise Ailing(f"{len(missing)} not applied, first {missing[0]}; run manage.py migrate")
    return ""


def clock() -> str:
    """The database's clock against this machine's: leases and links are judged by both."""
    if connection.vendor != "postgresql":
        return "the database is on this machine"
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        (there,) = cursor.fetchone()
    return apart(there, timezone.now())


def apart(there: datetime, here: datetime) -> str:
    """How far two clocks are apart, in words. Raises Ailing where that is too far."""
    difference = abs(there - here)
    if difference > CLOCKS_APART:
        raise Ailing(
            f"the database's is {difference.total_seconds():.0f} s off this machine's; set both by NTP"
        )
    return f"{1000 * difference.total_seconds():.0f} ms apart"


def write_a_file() -> str:
    """Writes, reads and deletes a small file."""
    content, name = secrets.token_bytes(32), f"doctor/{secrets.token_hex(8)}"
    try:
        stored = default_storage.save(name, ContentFile(content))
        with default_storage.open(stored, "rb") as file:
            same = file.read() == content
        default_storage.delete(stored)
    except Exception as error:  # whatever a storage raises
        raise Ailing(f"{type(error).__name__}: {error}; look at STORAGE_URL, its rights and room") from error
    if not same:
        raise Ailing("what was read is not what was written; look at the storage itself")
    return ""


def mail() -> str:
    if not settings.MAIL_IS_SENT:
        return "none is sent: EMAIL_URL is empty"
    try:
        with get_connection():
            pass
    except Exception as error:  # whatever a mail server makes smtplib raise
        raise Ailing(f"{type(error).__name__}: {error}; look at EMAIL_URL") from error
    return ""


def weights() -> str:
    folder = settings.SALIENCY_WEIGHTS_DIR
    if not folder:
        return "SALIENCY_WEIGHTS_DIR is empty: Keras downloads what a study needs"
    if not Path(folder).is_dir():
        raise Ailing(f"there is no folder {folder}; put the weights there, or correct SALIENCY_WEIGHTS_DIR")
    return f"{sum(path.is_file() for path in Path(folder).iterdir())} files in {folder}"


def jobs() -> str:
    """A queue that nobody works off, and jobs that failed for good."""
    states = PrecomputeJob.State
    waiting = PrecomputeJob.objects.filter(state=states.QUEUED).count()
    failed = PrecomputeJob.objects.filter(state=states.FAILED).count()
    running = PrecomputeJob.objects.filter(state=states.RUNNING, lease_expires_at__gt=timezone.now())
    told = f"{waiting} wait, {failed} failed" + (" (the desk's list of jobs says why)" if failed else "")
    unheard = PrecomputeJob.objects.filter(
        state=states.QUEUED, announced_at__lt=timezone.now() - WAITS_TOO_LONG
    )
    if unheard.exists() and not running.exists():
        raise Ailing(f"{told}; some since more than ten minutes: start `{WORKERS['saliency']}`")
    return told


def workers() -> str:
    """Who listens to which queue. One that computes at the moment answers later, and is known by its leases."""
    replies = app.control.broadcast("active_queues", reply=True, timeout=ANSWERS_WITHIN_S)
    queues: dict[str, list[str]] = {}
    for reply in replies or []:
        for (
            name,
            listened,
        ) in reply.items():  # several workers of a host have one name unless they are given others
            queues.setdefault(name, []).extend(queue["name"] for queue in listened)
    return heard(queues)


def heard(queues: dict[str, list[str]]) -> str:
    """By worker the names of its queues. Raises Ailing where a queue has nobody."""
    listened = {queue for names in queues.values() for queue in names}
    if alone := [queue for queue in WORKERS if queue not in listened]:
        commands = " and ".join(f"`{WORKERS[queue]}`" for queue in alone)
        raise Ailing(
            f"nobody of the queue {' or '.join(alone)} answers; start {commands}, unless it computes just now"
        )
    return ", ".join(f"{name}: {' '.join(names)}" for name, names in sorted(queues.items()))
