"""Heavy reads from a streaming replica of the database, where there is one (DATABASE_REPLICA_URL), and only what it has.

A replica is behind, by milliseconds or, when its line is cut, by days. So whoever reads from it says what tells that it
is as far as the primary; where it is not, or does not answer, the primary is read as if there were none.
"""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from django.conf import settings
from django.db import DatabaseError

logger = logging.getLogger(__name__)
ALIAS = "replica"
_reading: ContextVar[bool] = ContextVar("reads from the replica", default=False)


def read(version: Callable[[], str], work: Callable[[], object]) -> None:
    """Does the work within `reading`; once more from the database itself where the replica fails in the middle of it.

    A replica cancels what its own clean-up meets (`max_standby_streaming_delay`; `hot_standby_feedback` spares it), and
    may go away. The work is done as if for the first time, so it must be one that can be done twice.
    """
    elsewhere = False
    try:
        with reading(version) as elsewhere:
            work()
            return
    except DatabaseError as error:
        if not elsewhere:
            raise
        logger.warning("the replica failed (%s); the database itself is read", error)
    work()


@contextmanager
def reading(version: Callable[[], str]) -> Iterator[bool]:
    """Queries of this block go to the replica if `version` is the same there; tells whether they do. Writes never."""
    elsewhere = ALIAS in settings.DATABASES and _is_as_far(version)
    token = _reading.set(elsewhere)
    try:
        yield elsewhere
    finally:
        _reading.reset(token)


def _is_as_far(version: Callable[[], str]) -> bool:
    here = version()
    token = _reading.set(True)
    try:
        same = version() == here
    except DatabaseError as error:
        logger.warning("the replica does not answer (%s); the database itself is read", error)
        return False
    finally:
        _reading.reset(token)
    if not same:
        logger.info("the replica is behind; the database itself is read")
    return same


class Router:
    """Django's question of which database: reads within `reading` from the replica, all else from the primary."""

    def db_for_read(self, model: Any, **hints: Any) -> str:
        return ALIAS if _reading.get() else "default"

    def db_for_write(self, model: Any, **hints: Any) -> str:
        return "default"

    def allow_relation(self, one: Any, other: Any, **hints: Any) -> bool:
        """Both are the same rows."""
        return True

    def allow_migrate(self, db: str, app_label: str, **hints: Any) -> bool:
        """The replica has what the primary has."""
        return db == "default"
