"""Web processes keep their connections to SQLite open, since opening and closing one took half of a page.

Who exchanges the file under a running site would then have answers written into one that is gone: a connection whose file
is no longer the one under its name is closed before the next request.
"""

import threading
from pathlib import Path
from typing import Any

from django.core.signals import request_started
from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.signals import connection_created

_opened = threading.local()
"""By alias, the file that this thread's connection has open."""


def keep_to_the_file() -> None:
    """To be called once in each web process."""
    connection_created.connect(_note, dispatch_uid="sqlite_file.note")
    request_started.connect(_close_where_exchanged, dispatch_uid="sqlite_file.close")


def _note(sender: type[BaseDatabaseWrapper], connection: BaseDatabaseWrapper, **_: Any) -> None:
    if connection.vendor == "sqlite":
        vars(_opened)[connection.alias] = _identity(connection)


def _close_where_exchanged(sender: object, **_: Any) -> None:
    for connection in connections.all(initialized_only=True):
        is_open = connection.vendor == "sqlite" and connection.connection is not None
        same = is_open and vars(_opened).get(connection.alias) == _identity(connection)
        if is_open and not same and not connection.in_atomic_block:
            connection.close()


def _identity(connection: BaseDatabaseWrapper) -> tuple[int, int] | None:
    """Which file lies under the connection's name; None where there is none."""
    try:
        found = Path(str(connection.settings_dict["NAME"])).stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino
