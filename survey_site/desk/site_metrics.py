"""`/metrics` for Prometheus: what the web processes count, and what database, broker and disks say at this moment.

Read with the token of `METRICS_TOKEN`; without one from this machine alone, and not through a front server.
"""

import ipaddress
import logging
import os
import secrets
import shutil
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.files.storage import FileSystemStorage, default_storage
from django.db import connection
from django.db.models import Count, Min
from django.http import Http404, HttpRequest, HttpResponse
from django.http.request import split_domain_port, validate_host
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, CollectorRegistry, generate_latest, multiprocess
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from survey_site import __version__
from survey_site.celery import app
from survey_site.notifications.models import Delivery
from survey_site.stimuli.leased_rows import LeasedRow
from survey_site.stimuli.models import JOB_KINDS, OwnModel
from survey_site.stimuli.observed import ObserverJob
from survey_site.studies.cached_counts import kept
from survey_site.telemetry import shared_counters
from survey_site.trials.views.health import LOOKS

logger = logging.getLogger(__name__)
KINDS: tuple[type[LeasedRow], ...] = (*JOB_KINDS, OwnModel, ObserverJob, Delivery)
QUEUES = ("saliency", "reports")
OPEN = (LeasedRow.State.QUEUED, LeasedRow.State.RUNNING)  # the states that have an index
THIS_MACHINE = ("127.0.0.1", "::1")


@never_cache
@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    """Everything in Prometheus's text format; 404 for whoever may not read it."""
    if not may_read(request):
        raise Http404
    registry = CollectorRegistry()
    registry.register(NowCollector())
    if shared_counters.VARIABLE in os.environ:
        multiprocess.MultiProcessCollector(registry)
        counted = b""
    else:  # one process, as in tests
        counted = generate_latest(REGISTRY)
    return HttpResponse(counted + generate_latest(registry), content_type=CONTENT_TYPE_LATEST)


def may_read(request: HttpRequest) -> bool:
    """By the token where there is one; else who connects from this machine itself, and asks for it by a name of it.

    Otherwise a page open in a browser of this machine could have its own name lead here, and read what it asks for.
    """
    if settings.METRICS_TOKEN:
        kind, _, key = request.headers.get("Authorization", "").partition(" ")
        return kind.lower() == "bearer" and secrets.compare_digest(
            key.strip().encode(), settings.METRICS_TOKEN.encode()
        )
    here = request.META["REMOTE_ADDR"] in THIS_MACHINE and "X-Forwarded-For" not in request.headers
    return here and _is_name_of_ours(request.headers.get("Host", "localhost"))


def _is_name_of_ours(host: str) -> bool:
    """An address, which no foreign name is, or what ALLOWED_HOSTS allows."""
    name, _ = split_domain_port(host)
    try:
        ipaddress.ip_address(name.strip("[]"))
    except ValueError:
        return bool(name) and validate_host(name, ["localhost", *settings.ALLOWED_HOSTS])
    return True


class NowCollector(Collector):
    """Asked anew at each look. Without a database it says so, and nothing of what lies there."""

    def collect(self) -> Iterator[GaugeMetricFamily]:
        version = GaugeMetricFamily("survey_version", "The program", labels=["version"])
        version.add_metric([__version__], 1)
        outcome = LOOKS.outcome()
        ready = GaugeMetricFamily("survey_ready", "1 where the part works, as /readyz says", labels=["part"])
        for part, found in outcome.items():
            ready.add_metric([part], found == "ok")
        yield from (version, ready, *disks())
        if outcome["database"] == "ok":
            yield from _unless_it_fails(lambda: rows(timezone.now()))
        if outcome["broker"] == "ok":
            yield from _unless_it_fails(lambda: (messages(),))


def _unless_it_fails(ask: Callable[[], Iterable[GaugeMetricFamily]]) -> Iterable[GaugeMetricFamily]:
    """Nothing of a part that went away since it was looked at: the other figures, and the alarms about them, stand."""
    try:
        return ask()
    except Exception as error:  # whatever a driver raises
        logger.warning("left out of /metrics: %s", type(error).__name__)
        return ()


def disks() -> tuple[GaugeMetricFamily, GaugeMetricFamily]:
    """Room of every disk that answers; the doctor says what is wrong with another."""
    free = GaugeMetricFamily("survey_disk_free_bytes", "Room left", labels=["place"])
    size = GaugeMetricFamily("survey_disk_size_bytes", "Room altogether", labels=["place"])
    for place, folder in places().items():
        try:
            left, altogether = room(folder)
        except OSError as error:
            logger.warning("the disk of %s is left out of /metrics: %s", folder, error.strerror)
            continue
        free.add_metric([place], left)
        size.add_metric([place], altogether)
    return free, size


def places() -> dict[str, Path]:
    """Folders on the disks that the site fills."""
    found = {"data": settings.DATA_DIR}
    if isinstance(default_storage, FileSystemStorage):
        found["media"] = Path(default_storage.location)
    if settings.BACKUP_DIR:
        found["backups"] = Path(settings.BACKUP_DIR)
    if connection.vendor == "sqlite" and (file := Path(connection.settings_dict["NAME"])).is_absolute():
        found["database"] = file.parent
    return {
        place: folder for place, folder in found.items() if place == "data" or folder != settings.DATA_DIR
    }


def room(folder: Path) -> tuple[int, int]:
    """Bytes left and altogether of the folder's disk; of one that is not made yet, of the folder above. Raises OSError."""
    try:
        usage = shutil.disk_usage(folder)
    except FileNotFoundError:
        if folder == folder.parent:
            raise
        return room(folder.parent)
    return usage.free, usage.total


def rows(now: datetime) -> tuple[GaugeMetricFamily, GaugeMetricFamily]:
    """Of each kind of work how many rows wait and run, and how long ago the oldest that waits was asked for."""
    count = GaugeMetricFamily("survey_rows", "Rows of work by state", labels=["kind", "state"])
    age = GaugeMetricFamily(
        "survey_rows_oldest_seconds", "Since the oldest waiting row was made", labels=["kind"]
    )
    for name, by_state in kept("open-rows", _open_rows).items():
        for state in OPEN:
            count.add_metric([name, state.value], by_state.get(state, (0, 0))[0])
        waiting = by_state.get(LeasedRow.State.QUEUED)
        age.add_metric([name], now.timestamp() - waiting[1] if waiting else 0)
    return count, age


def _open_rows() -> dict[str, dict[str, tuple[int, float]]]:
    """By kind and state how many there are, and when the oldest was made, in seconds since the epoch."""
    found: dict[str, dict[str, tuple[int, float]]] = {}
    for kind in KINDS:
        made = "notification__created_at" if kind is Delivery else "created_at"
        rows = kind._default_manager.filter(state__in=OPEN).order_by().values("state")
        rows = rows.annotate(number=Count("pk"), oldest=Min(made))
        found[str(kind._meta.model_name)] = {
            row["state"]: (row["number"], row["oldest"].timestamp()) for row in rows
        }
    return found


def messages() -> GaugeMetricFamily:
    """Messages of the broker that no worker took yet."""
    found = GaugeMetricFamily("survey_queue_messages", "Messages that wait at the broker", labels=["queue"])
    with app.connection_for_read() as broker:
        for queue in QUEUES:
            channel: Any = broker.channel()
            found.add_metric([queue], channel._size(queue))
            channel.close()
    return found
