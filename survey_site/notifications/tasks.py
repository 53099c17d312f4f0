"""Celery: thin. Every worker, whatever its queue, also looks at the rows from a thread."""

import logging
import threading

from celery import shared_task
from celery.signals import worker_ready, worker_shutting_down
from django.db import close_old_connections

from survey_site.notifications import outbox

logger = logging.getLogger(__name__)

SWEEP_SECONDS = 15
_stopping = threading.Event()


@shared_task(name=outbox.TASK)
def deliver(delivery_id: int) -> None:
    """Sends one notification to one address; the row decides whether that is still wanted."""
    outbox.deliver(delivery_id)


def _sweep_forever() -> None:
    while not _stopping.wait(SWEEP_SECONDS):
        close_old_connections()
        try:
            outbox.look()
            outbox.sweep()
        except Exception:
            logger.exception("looking for notifications failed; it is tried again in %d s", SWEEP_SECONDS)
        finally:
            close_old_connections()


@worker_ready.connect
def _start_sweeping(**_: object) -> None:
    threading.Thread(target=_sweep_forever, name="notifications", daemon=True).start()


@worker_shutting_down.connect
def _stop_sweeping(**_: object) -> None:
    _stopping.set()
