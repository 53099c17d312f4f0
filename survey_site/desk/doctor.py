"""Looks at every part that the site needs, and says of each what is wrong and what to do about it."""

import json
import platform
import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from importlib import metadata
from pathlib import Path

import django
from django.conf import settings
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.core.mail import get_connection
from django.db import DatabaseError, connection, connections
from django.utils import timezone

from saliency_worker import fixture_files
from survey_site import __version__
from survey_site.celery import app
from survey_site.desk import schedule, site_metrics
from survey_site.replica import ALIAS
from survey_site.stimuli.models import PrecomputeJob
from survey_site.stimuli.storage import sha256
from survey_site.stimuli.weights import missing
from survey_site.studies.models import Condition, Study
from survey_site.telemetry.lines import masked, one_line
from survey_site.trials.views.health import Looks

ANSWERS_WITHIN_S = 3
CLOCKS_APART = timedelta(seconds=2)
WAITS_TOO_LONG = timedelta(minutes=10)
LATE_BACKUP = timedelta(days=2)
LEAST_FREE_BYTES, LEAST_FREE_SHARE = 2e9, 0.05  # as the alarm of deploy/prometheus-alerts.yml
TENSORFLOWS = ("tensorflow", "tensorflow-cpu")
LIBRARIES = {
    "celery": "Celery", "numpy": "NumPy", "keras": "Keras", **dict.fromkeys(TENSORFLOWS, "TensorFlow"),
}  # fmt: skip
WORKERS = {
    "saliency": "python -m saliency_worker worker",
    "reports": "celery -A survey_site worker -Q reports -P solo",
}
REMEDIES = {
    "database": "start it, and look at DATABASE_URL",
    "storage": "look at STORAGE_URL and the disk",
    "broker": "start Redis, and look at CELERY_BROKER_URL; no answer is lost meanwhile",
    "cache": "start Redis, and look at CACHE_URL; no answer is lost meanwhile",
    "backups": "look at BACKUP_DIR, its disk and its rights",
    "weights": "look at SALIENCY_WEIGHTS_DIR, its disk and its rights",
    "workers": "look at CELERY_BROKER_URL, and whether Redis is up",
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
        said = (
            found if "; " in found else f"{found}; {REMEDIES[part]}"
        )  # with what to do, or only what is wrong
        yield Examined(part, problem="" if found == "ok" else said)
    checks: dict[str, Callable[[], str]] = {"mail": mail, "disks": disks, "backups": backups}
    if outcome["storage"] == "ok":
        checks["writing files"] = write_a_file
    if outcome["database"] == "ok":
        checks |= {"clock": clock, "jobs": jobs, "weights": weights}
    if ALIAS in settings.DATABASES:
        checks["replica"] = replica
    if outcome["broker"] == "ok":
        checks["workers"] = workers
    for part, check in checks.items():
        yield _examined(part, check)


def _examined(part: str, check: Callable[[], str]) -> Examined:
    try:
        return Examined(part, check())
    except Ailing as error:
        return Examined(part, problem=str(error))
    # Whatever disks, drivers and libraries raise: the other parts are looked at all the same.
    except Exception as error:
        said = f"{type(error).__name__}: {one_line(error)}"
        remedy = REMEDIES.get(part, REMEDIES["database"])
        return Examined(part, problem=f"it could not be looked at ({masked(said)}); {remedy}")


def versions() -> str:
    """Of what runs here; the heavy libraries are asked for without loading them."""
    found = [f"{title} {there}" for name, title in LIBRARIES.items() if (there := _installed(name))]
    lacking = "" if any(map(_installed, TENSORFLOWS)) else ", no TensorFlow (workers of maps need it)"
    return (
        f"Saliency Survey {__version__}, Python {platform.python_version()}, Django {django.get_version()}, "
        f"{', '.join([*found, connection.vendor])}{lacking}"
    )


def _installed(name: str) -> str:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return ""


def clock() -> str:
    """The database's clock against this machine's: leases and links are judged by both."""
    if connection.vendor != "postgresql":
        return "the database is on this machine"
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        (there,) = cursor.fetchone()
    return apart(there, timezone.now())


def replica() -> str:
    """The database that reports are read from, which nobody misses while it is away."""
    try:
        with connections[ALIAS].cursor() as cursor:
            cursor.execute(
                "SELECT pg_is_in_recovery(), extract(epoch FROM now() - pg_last_xact_replay_timestamp())"
            )
            follows, seconds = cursor.fetchone()
    except DatabaseError as error:
        raise Ailing(
            f"it does not answer ({one_line(error)}); look at DATABASE_REPLICA_URL; reports are read from the "
            "database itself"
        ) from error
    if not follows:
        raise Ailing(
            "it follows no database; name a streaming replica in DATABASE_REPLICA_URL, or leave it empty"
        )
    return f"the last change that it has is {seconds or 0:.0f} s old"


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
    """Of the classifiers that open studies and drafts name: the bundled ones whole, the others at hand."""
    ours = fixture_files.FOLDER / "weights"
    for name, entry in json.loads((ours / "weights.json").read_text("utf-8")).items():
        if not (ours / name).is_file() or sha256((ours / name).read_bytes()) != entry["sha256"]:
            raise Ailing(
                f"{ours / name} is missing or altered; restore it from the package or by git checkout"
            )
    folder = settings.SALIENCY_WEIGHTS_DIR
    if folder and not Path(folder).is_dir():
        raise Ailing(f"there is no folder {folder}; put the weights there, or correct SALIENCY_WEIGHTS_DIR")
    where = folder or "SALIENCY_WEIGHTS_DIR (which is empty)"
    asked = Condition.objects.exclude(study__state=Study.State.ARCHIVED).order_by()
    lacking = missing(asked.values_list("classifier", flat=True).distinct())
    if lacking:
        return f"not in {where}, so Keras downloads them where it may: {', '.join(sorted(lacking))}"
    return f"all that studies name are in {where}, bundled, or were used already"


def disks() -> str:
    """Room where data, files and backups lie."""
    told, ailing = [], []
    for place, folder in site_metrics.places().items():
        try:
            left, altogether = site_metrics.room(folder)
        except OSError as error:
            ailing.append(f"{folder}: {error.strerror}; mount its disk, and look at its rights")
            continue
        told.append(f"{place} {left / 1e9:.1f} GB free ({left / altogether:.0%})")
        if left < LEAST_FREE_BYTES or left / altogether < LEAST_FREE_SHARE:
            ailing.append(f"make room on the disk of {folder}")
    if ailing:
        raise Ailing("; ".join([", ".join(told), *ailing] if told else ailing))
    return ", ".join(told)


def backups() -> str:
    """Of the scheduler, where BACKUP_DIR names a folder."""
    if not settings.BACKUP_DIR:
        return "BACKUP_DIR is empty: none is made by itself"
    newest = next(iter(schedule.backups()), None)
    if newest is None:
        raise Ailing(f"none in {settings.BACKUP_DIR}; is the scheduler up (`manage.py scheduler`)?")
    age = timezone.now() - datetime.fromtimestamp(newest.stat().st_mtime, UTC)
    if age > LATE_BACKUP:
        raise Ailing(f"{newest.name} is {age.days} days old; is the scheduler up (`manage.py scheduler`)?")
    return f"{newest.name}, {age.total_seconds() / 3600:.0f} hours old"


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
