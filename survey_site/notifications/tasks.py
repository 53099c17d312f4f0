"""Celery: thin. Every worker, whatever its queue, also looks at the rows from a thread."""

import logging
import threading
from collections.abc import Sequence

from celery import shared_task
from celery.signals import worker_ready, worker_shutting_down
from django.db import close_old_connections

from survey_site.notifications import outbox
from survey_site.notifications.models import Delivery

logger = logging.getLogger(__name__)

SWEEP_SECONDS = 15
_stopping = threading.Event()


@shared_task(name=Delivery.LANE.task)
def deliver(ids: Sequence[int]) -> None:
    """Sends notifications to their addresses; the rows decide whether that is still wanted."""
    outbox.deliver(ids)


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
