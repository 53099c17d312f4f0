"""The queue as its clients and workers share it: broker settings, tasks sent by name, and what workers repeat.

No worker code is imported here.
"""

import logging
import logging.config
import os
import threading
from collections.abc import Callable

from celery import Celery
from celery.signals import setup_logging, worker_ready, worker_shutting_down
from django.conf import settings
from django.db import close_old_connections
from prometheus_client import start_http_server

from survey_site.telemetry import context, counters  # noqa: F401  (their signals)

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "survey_site.settings")

logger = logging.getLogger(__name__)
app = Celery("survey_site")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks(["survey_site.reports", "survey_site.notifications"], related_name="tasks")


@setup_logging.connect
def _as_the_site_logs(**_: object) -> None:
    """Instead of Celery's own set-up, which would take the handlers away."""
    logging.config.dictConfig(settings.LOGGING)


@worker_ready.connect
def _answer_prometheus(**_: object) -> None:
    if settings.METRICS_PORT:
        start_http_server(settings.METRICS_PORT, settings.METRICS_ADDRESS)


def while_working(name: str, seconds: float, work: Callable[[], object]) -> None:
    """In this process, should it become a worker: calls `work` every few seconds from a thread, until it stops.

    What `work` raises is logged under the name of the thread, and the next call tries again.
    """
    stopping = threading.Event()

    def repeat() -> None:
        while not stopping.wait(seconds):
            close_old_connections()
            try:
                work()
            except Exception:
                logger.exception("%s failed; it is tried again in %d s", name, seconds)
            finally:
                close_old_connections()

    def begin(**_: object) -> None:
        threading.Thread(target=repeat, name=name, daemon=True).start()

    def end(**_: object) -> None:
        stopping.set()

    # Not weakly: nothing else holds these.
    worker_ready.connect(begin, weak=False)
    worker_shutting_down.connect(end, weak=False)
