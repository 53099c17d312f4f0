"""Tasks of the queue `reports` that are asked for once, tell how far they are, and whose results the cache keeps.

The broker's message is only a bell, and the cache only a notice: whoever finds neither result nor progress asks again.
Imports no statistics.
"""

import logging
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypedDict

from django.core.cache import cache

from survey_site.celery import app

logger = logging.getLogger(__name__)

KEEP_SECONDS = 30 * 24 * 3600
PATIENCE_SECONDS = 10  # after so long without a word there is probably no worker for the queue


class TaskProgress(TypedDict):
    """How far a task is. fraction: 0..1. label: empty until a worker began. failed: a sentence, or empty.

    at: seconds since the epoch, of the last sign of life.
    """

    fraction: float
    label: str
    failed: str
    at: float


@dataclass(frozen=True, slots=True)
class TaskState:
    """What a page says of a task: nothing at all where `progress` is None."""

    progress: TaskProgress | None
    percent: int
    waiting: bool
    running: bool
    lost: bool


@dataclass(frozen=True, slots=True)
class CachedTask:
    """One kind of task. `name` is Celery's; `silence_s`: without a word for so long it counts as lost.

    asked_label: what its progress says until a worker begins. asks_again: whether a failed one is tried again when
    it is asked for; where pages ask by themselves it is not.
    """

    name: str
    silence_s: float = 60
    asked_label: str = ""
    asks_again: bool = True

    def ask(self, key: str, arguments: Sequence[Any]) -> str:
        """Sends the task unless it is under way; returns why it could not be sent, or the empty string."""
        told = progress_of(key)
        if told and (not self.asks_again if told["failed"] else not self._is_silent(told)):
            return ""
        set_progress(key, 0.0, self.asked_label)
        try:
            app.send_task(self.name, args=list(arguments), queue="reports")
        except Exception as error:
            forget_progress(key)
            return f"{type(error).__name__}: {error}"
        return ""

    def state(self, key: str) -> TaskState:
        """How the task stands, for a page."""
        told = progress_of(key)
        if told is None:
            return TaskState(None, 0, waiting=False, running=False, lost=False)
        silent, unheard = self._is_silent(told), time.time() - told["at"] > PATIENCE_SECONDS
        return TaskState(
            told,
            round(100 * told["fraction"]),
            waiting=not told["failed"] and not told["label"] and unheard,
            running=not told["failed"] and not silent,
            lost=silent,
        )

    def _is_silent(self, told: TaskProgress) -> bool:
        return time.time() - told["at"] > self.silence_s


def progress_of(key: str) -> TaskProgress | None:
    """Where the task of this key is; None when none is under way."""
    found: TaskProgress | None = cache.get(f"progress:{key}")
    return found


def set_progress(key: str, fraction: float, label: str, failed: str = "") -> None:
    """Notes a sign of life."""
    told = TaskProgress(fraction=fraction, label=label, failed=failed, at=time.time())
    cache.set(f"progress:{key}", told, KEEP_SECONDS)


def forget_progress(key: str) -> None:
    """For a task that has stored its result, or was never sent."""
    cache.delete(f"progress:{key}")


@contextmanager
def failing_in_words(key: str, what: str, too_large: str = "") -> Iterator[None]:
    """Whatever goes wrong inside is told where the researcher looks, and logged; the task itself ends well.

    too_large: what is said where memory does not suffice.
    """
    try:
        yield
    except Exception as error:
        told = f"{type(error).__name__}: {error}"
        set_progress(key, 0.0, "", failed=too_large if too_large and isinstance(error, MemoryError) else told)
        logger.exception("%s failed", what)
