"""A server that takes connections and says nothing is known after a moment, not after minutes."""

import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from kombu.exceptions import OperationalError

from survey_site import environment_stores as stores
from survey_site.trials.views import health

PATIENCE_S = 60  # far below the minutes that a system waits


@pytest.fixture
def silent() -> Iterator[int]:
    """The port of somebody who listens and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def what_comes_of(work: Callable[[], object]) -> Exception | None:
    """The error within a moment; the test fails where it still waits."""
    found: list[Exception] = []

    def run() -> None:
        try:
            work()
        except Exception as error:
            found.append(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(PATIENCE_S)
    assert not thread.is_alive()
    return found[0] if found else None


def test_a_silent_broker(silent: int, tmp_path: Path, settings: Any) -> None:
    settings.CELERY_BROKER_URL, options = stores.broker(f"redis://127.0.0.1:{silent}/0", tmp_path)
    settings.CELERY_BROKER_TRANSPORT_OPTIONS = options | {"socket_timeout": options["socket_timeout"] / 10}
    assert isinstance(what_comes_of(health._broker), OperationalError)


def test_a_silent_database(silent: int, tmp_path: Path) -> None:
    found = stores.database(f"postgres://u:p@127.0.0.1:{silent}/d", tmp_path)["OPTIONS"]
    options = {name: value for name, value in found.items() if name != "pool"} | {"connect_timeout": "2"}

    def connect() -> None:
        psycopg.connect(host="127.0.0.1", port=silent, dbname="d", user="u", **options)

    assert isinstance(what_comes_of(connect), psycopg.OperationalError)
